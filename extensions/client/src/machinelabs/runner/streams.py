r"""What cells print, as the executed notebook keeps it: joined, overwritten by `\r`, bounded."""

from typing import Final

from nbformat import NotebookNode

MOST_BYTES: Final = 100 << 20
"""Of outputs other than text, a notebook holds no more."""

HEAD: Final = 4 << 20
"""Of what a cell prints in one go, a notebook holds so many characters from its beginning…"""

TAIL: Final = 1 << 20
"""…and so many from its end; the run's log has more."""


class _Text:
    """Growing text of one output: its head, and the newest of what does not fit."""

    def __init__(self, output: NotebookNode) -> None:
        self.output = output
        self._head: list[str] = []
        self._size = 0
        self._tail = ""
        self._lost = 0

    def add(self, text: str) -> None:
        fits = max(HEAD - self._size, 0)
        self._head.append(text[:fits])
        self._size += len(text[:fits])
        if rest := text[fits:]:
            self._tail += rest
            if len(self._tail) > 2 * TAIL:
                self._lost += len(self._tail) - TAIL
                self._tail = self._tail[-TAIL:]

    def join(self) -> None:
        text = "".join(self._head)
        if self._lost:
            text += f"\n[… {self._lost} characters are left out here …]\n"
        self.output["text"] = overwritten(text + self._tail)


class Streams:
    """The stream outputs of a notebook that is executed."""

    def __init__(self) -> None:
        self._texts: dict[int, _Text] = {}

    def add(self, outputs: list[NotebookNode], stream: str, text: str) -> None:
        """Put printed text to the end of a cell's outputs."""
        last = outputs[-1] if outputs else None
        if last is None or last.output_type != "stream" or last.name != stream:
            last = NotebookNode({"output_type": "stream", "name": stream, "text": ""})  # type: ignore[no-untyped-call]
            outputs.append(last)
            self._texts[id(last)] = _Text(last)
        self._texts[id(last)].add(text)

    def forget(self, outputs: list[NotebookNode]) -> None:
        """Keep nothing of outputs that go."""
        for output in outputs:
            self._texts.pop(id(output), None)

    def join(self) -> None:
        """Make text of what was put since."""
        for text in self._texts.values():
            text.join()


def overwritten(text: str) -> str:
    r"""Return text as a terminal shows it: what a line's `\r` goes back over is gone."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(_last(line) for line in lines)


def _last(line: str) -> str:
    parts = [part for part in line.split("\r") if part]
    return parts[-1] if parts else ""
