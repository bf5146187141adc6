"""Printed text in an executed notebook."""

from nbformat import NotebookNode

from machinelabs.runner.streams import HEAD, TAIL, Streams, overwritten


def test_pieces_of_one_stream_are_one_output() -> None:
    streams = Streams()
    outputs: list[NotebookNode] = []
    for stream, text in (("stdout", "a"), ("stdout", "b\n"), ("stderr", "c"), ("stdout", "d")):
        streams.add(outputs, stream, text)
    streams.join()
    assert [(one.name, one.text) for one in outputs] == [
        ("stdout", "ab\n"), ("stderr", "c"), ("stdout", "d")
    ]  # fmt: skip


def test_very_much_text_keeps_its_beginning_and_its_end() -> None:
    streams = Streams()
    outputs: list[NotebookNode] = []
    for _ in range(12):
        streams.add(outputs, "stdout", "x" * (1 << 20))
    streams.add(outputs, "stdout", "the end")
    streams.join()
    text = outputs[0].text
    assert text.endswith("the end")
    assert HEAD < len(text) < HEAD + 2 * TAIL + 100
    assert "characters are left out here" in text


def test_what_a_line_goes_back_over_is_gone() -> None:
    assert overwritten("a\n10%\r50%\r100%\nb") == "a\n100%\nb"
    assert overwritten("a\r\nb\r\n") == "a\nb\n"
    assert overwritten("10%\r") == "10%"
    assert overwritten("plain") == "plain"


def test_outputs_that_go_are_not_kept() -> None:
    streams = Streams()
    outputs: list[NotebookNode] = []
    streams.add(outputs, "stdout", "gone")
    streams.forget(outputs)
    outputs.clear()
    streams.add(outputs, "stdout", "here")
    streams.join()
    assert [one.text for one in outputs] == ["here"]
    assert len(streams._texts) == 1
