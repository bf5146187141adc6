"""A run's log as plain text: what it printed, as it printed it, and what it showed. Pure."""

from typing import Any


def text_of(event: dict[str, Any]) -> str:
    """Return what an event adds to the text; colours and all are left in it."""
    match event.get("kind"):
        case "stdout" | "stderr":
            return _joined(event.get("text"))
        case "output":
            output = event.get("output")
            return _shown(output) if isinstance(output, dict) else ""
        case "input" if event.get("state") == "done":
            return f"[inputs/{_joined(event.get('name'))}: {event.get('received')} bytes]\n"
        case "note":
            return f"[{_joined(event.get('text'))}]\n"
    return ""


def _shown(output: dict[str, Any]) -> str:
    if output.get("output_type") == "error":
        traceback = output.get("traceback")
        lines = traceback if isinstance(traceback, list) else []
        return "".join(f"{line}\n" for line in lines)
    if output.get("output_type") == "stream":
        return _joined(output.get("text"))
    data = output.get("data")
    text = _joined(data.get("text/plain")) if isinstance(data, dict) else ""
    return f"{text}\n" if text else ""


def _joined(text: object) -> str:
    """Return a text that notebooks keep whole or as a list of lines."""
    if isinstance(text, list):
        return "".join(str(part) for part in text)
    return text if isinstance(text, str) else ""
