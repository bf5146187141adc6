"""Recording: what kernels publish becomes outputs, and outputs find their cells."""

from typing import Any

import nbformat
import pytest
from nbformat import v4

from jupyterlab_machinelabs import recording
from jupyterlab_machinelabs.recording import Recording, merge


def message(kind: str, parent: str = "m1", **content: Any) -> dict[str, Any]:
    return {
        "header": {"msg_type": kind},
        "parent_header": {"msg_id": parent},
        "content": content,
        "metadata": {},
    }


def stream(text: str, name: str = "stdout", parent: str = "m1") -> dict[str, Any]:
    return message("stream", parent, name=name, text=text)


def shown(text: str, display_id: str = "", kind: str = "display_data") -> dict[str, Any]:
    more: dict[str, Any] = {"execution_count": 1} if kind == "execute_result" else {}
    transient = {"display_id": display_id} if display_id else {}
    data = {"text/plain": text}
    return message(kind, data=data, metadata={}, transient=transient, **more)


def idle(parent: str = "m1") -> dict[str, Any]:
    return message("status", parent, execution_state="idle")


def a_recording(*messages: dict[str, Any]) -> Recording:
    found = Recording()
    found.asked("m1", cell_id="c1", code="print(1)", viewer="v")
    for one in messages:
        found.heard(one)
    return found


def a_notebook(*cells: str) -> dict[str, Any]:
    book: dict[str, Any] = v4.new_notebook(cells=[v4.new_code_cell("x", id=cell) for cell in cells])
    return book


def texts(found: Recording) -> list[str]:
    return [
        output.get("text") or output["data"]["text/plain"]
        for run in found.runs
        for output in run.outputs()
    ]


def test_text_that_goes_on_is_one_output_and_streams_stay_apart() -> None:
    found = a_recording(stream("a"), stream("b"), stream("!", "stderr"), stream("c"))
    assert texts(found) == ["ab", "!", "c"]


def test_what_others_asked_for_is_not_taken() -> None:
    assert texts(a_recording(stream("mine"), stream("theirs", parent="m9"))) == ["mine"]


def test_clearing_takes_effect_at_once_or_with_what_comes_next() -> None:
    assert texts(a_recording(stream("a"), message("clear_output", wait=False))) == []
    waits = a_recording(stream("a"), message("clear_output", wait=True))
    assert texts(waits) == ["a"]
    waits.heard(stream("b"))
    assert texts(waits) == ["b"]


def test_what_is_shown_anew_changes_where_it_stands() -> None:
    found = a_recording(shown("10 %", "bar"), shown("plot", kind="execute_result"))
    anew = message(
        "update_display_data",
        "m7",
        data={"text/plain": "90 %"},
        metadata={},
        transient={"display_id": "bar"},
    )
    found.heard(anew)
    assert texts(found) == ["90 %", "plot"]


def test_a_cell_that_is_run_again_begins_anew() -> None:
    found = a_recording(stream("old"))
    found.asked("m2", cell_id="c1", code="print(2)", viewer="v")
    found.heard(stream("late", parent="m1"))
    found.heard(stream("new", parent="m2"))
    assert texts(found) == ["new"]


def test_outputs_are_written_to_their_cell_and_the_notebook_stays_valid() -> None:
    book = a_notebook("c0", "c1")
    error = message("error", ename="E", evalue="v", traceback=["t"])
    found = a_recording(
        message("execute_input", execution_count=7, code="x"),
        stream("a"),
        shown("p"),
        error,
        idle(),
    )
    assert merge(book, found.runs)
    assert book["cells"][0]["outputs"] == []
    assert [one["output_type"] for one in book["cells"][1]["outputs"]] == [
        "stream", "display_data", "error",
    ]  # fmt: skip
    assert book["cells"][1]["execution_count"] == 7
    nbformat.validate(book)
    assert not merge(book, found.runs), "a second time changes nothing"


def test_a_cell_that_was_never_saved_comes_with_its_code() -> None:
    book = a_notebook("c0")
    assert merge(book, a_recording(stream("a")).runs)
    assert (book["cells"][1]["id"], book["cells"][1]["source"]) == ("c1", "print(1)")


def test_a_cell_that_was_asked_for_and_never_begun_keeps_its_outputs() -> None:
    book = a_notebook("c1")
    book["cells"][0]["outputs"] = [v4.new_output("stream", text="before")]
    assert not merge(book, a_recording().runs)
    assert book["cells"][0]["outputs"][0]["text"] == "before"


def test_a_browser_that_heard_all_settles_it_by_saving() -> None:
    found = a_recording(stream("a"))
    found.saved(a_notebook("c1"))
    assert found.runs, "it goes on"
    found.heard(idle())
    # Its person cleared the output: it does not come back.
    found.saved(a_notebook("c1"))
    assert not found.runs


def test_a_browser_that_was_away_settles_only_what_its_file_has() -> None:
    found = a_recording(stream("a"))
    found.left("v")
    found.heard(stream("b"))
    found.heard(idle())
    book = a_notebook("c1")
    found.saved(book)
    assert texts(found) == ["ab"]
    merge(book, found.runs)
    found.saved(book)
    assert not found.runs


def test_the_browser_of_another_does_not_break_what_one_hears() -> None:
    found = a_recording(stream("a"))
    found.left("another")
    found.heard(idle())
    found.saved(a_notebook("c1"))
    assert not found.runs


def test_endless_output_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_BYTES", 10)
    found = a_recording(stream("12345678"), stream("more than fits"))
    assert texts(found) == ["12345678", "\n14 bytes of output more were not recorded.\n"]
