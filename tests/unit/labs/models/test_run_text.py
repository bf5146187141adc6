"""A run's log as text: what it printed as it printed it, and what it showed."""

from typing import Any

import pytest

from machinelabs_hub.labs.models.run_text import text_of


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        ({"kind": "stdout", "text": "a\rb\x1b[31m\n"}, "a\rb\x1b[31m\n"),
        ({"kind": "stderr", "text": "no end"}, "no end"),
        ({"kind": "note", "text": "Full."}, "[Full.]\n"),
        ({"kind": "cell", "cell": 1, "state": "done"}, ""),
        ({"kind": "output", "output": {"output_type": "stream", "text": ["a", "b\n"]}}, "ab\n"),
        (
            {"kind": "output", "output": {"output_type": "error", "traceback": ["x", "y"]}},
            "x\ny\n",
        ),
        (
            {
                "kind": "output",
                "output": {
                    "output_type": "display_data",
                    "data": {"text/plain": "<Figure>", "image/png": "AAAA"},
                },
            },
            "<Figure>\n",
        ),
        ({"kind": "output", "output": "what?"}, ""),
        ({"kind": "output"}, ""),
        ({}, ""),
    ],
)
def test_an_event_adds_what_people_would_have_read(event: dict[str, Any], wanted: str) -> None:
    assert text_of(event) == wanted
