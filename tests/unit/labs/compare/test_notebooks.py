"""What became of the cells of a notebook."""

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.compare.files import Change
from machinelabs_hub.labs.compare.notebooks import (
    CellChange,
    changed_cells,
    changed_metadata,
)

TEXTS = {
    "load": "import pandas as pd\nframe = pd.read_csv('moons.csv')\nframe.head()",
    "train": "for epoch in range(400):\n    loss = step(x, y)\n    print(loss)",
    "plot": "plt.plot(losses)\nplt.xlabel('epoch')\nplt.show()",
}


def code(source: str, name: str = "", outputs: Any = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": outputs or [],
    } | more
    return made | ({"id": name} if name else {})


def prints(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def told(changes: tuple[CellChange, ...]) -> list[tuple[str, int | None, int | None]]:
    return [
        (
            change.change,
            change.before.number if change.before else None,
            change.after.number if change.after else None,
        )
        for change in changes
    ]


def test_ids_pair_cells_whatever_their_text() -> None:
    found = changed_cells([code("a", "1"), code("b", "2")], [code("zzz", "1"), code("b", "2")])
    assert told(found) == [(Change.CHANGED, 1, 1), (Change.SAME, 2, 2)]
    assert [line.sign + line.text for line in found[0].lines] == ["-a", "+zzz"]


def test_cells_come_and_go_where_they_stood() -> None:
    found = changed_cells(
        [code("a", "1"), code("b", "2"), code("c", "3")],
        [code("a", "1"), code("new", "9"), code("c", "3")],
    )
    assert told(found) == [
        (Change.SAME, 1, 1), (Change.ADDED, None, 2), (Change.REMOVED, 2, None), (Change.SAME, 3, 3),
    ]  # fmt: skip


def test_a_cell_that_only_moved_is_moved_and_the_others_stay() -> None:
    cells = [code(text, str(number)) for number, text in enumerate("abcde")]
    found = changed_cells(cells, [cells[4], *cells[:4]])
    assert told(found)[0] == (Change.MOVED, 5, 1)
    assert {change.change for change in found[1:]} == {Change.SAME}


def test_text_outputs_and_metadata_are_told_apart() -> None:
    before = [code("a", "1", [prints("1")], execution_count=1), code("b", "2"), code("c", "3")]
    after = [
        code("a", "1", [prints("2")], execution_count=7),
        code("b", "2", metadata={"tags": ["x"]}),
        code("c", "3", execution_count=9),
    ]
    outputs, metadata, same = changed_cells(before, after)
    assert (outputs.change, outputs.outputs, outputs.lines) == (Change.CHANGED, True, ())
    assert [line.text for line in metadata.metadata if line.sign == "+"] == [
        ' "metadata": {', '  "tags": [', '   "x"', "  ]", " }",
    ]  # fmt: skip
    assert same.change is Change.SAME
    only = changed_cells(before, after, code_only=True)
    assert {change.change for change in only} == {Change.SAME}


def test_texts_as_lists_of_lines_are_the_same_texts() -> None:
    before = [code("a\nb", "1", [prints("x\ny")])]
    after = [code("a\nb", "1", [prints("x\ny")]) | {"source": ["a\n", "b"]}]
    after[0]["outputs"][0]["text"] = ["x\n", "y"]
    assert told(changed_cells(before, after)) == [(Change.SAME, 1, 1)]


def test_cells_without_ids_are_paired_by_their_text_then_by_how_near_it_is() -> None:
    before = [code(text) for text in TEXTS.values()]
    after = [
        code("# a title of its own, and quite another text altogether"),
        before[0],
        code(TEXTS["train"].replace("400", "800")),
        before[2],
    ]
    assert told(changed_cells(before, after)) == [
        (Change.ADDED, None, 1), (Change.SAME, 1, 2), (Change.CHANGED, 2, 3), (Change.SAME, 3, 4),
    ]  # fmt: skip


def test_new_ids_on_the_same_texts_change_nothing() -> None:
    before = [code(text, f"a{name}") for name, text in TEXTS.items()]
    after = [code(text, f"b{name}") for name, text in TEXTS.items()]
    assert {change.change for change in changed_cells(before, after)} == {Change.SAME}


def test_a_thousand_unlike_cells_without_ids_take_no_time() -> None:
    before = [code(f"value_{n} = {n} * 7\nprint(value_{n})") for n in range(1000)]
    after = [code(f"other_{n} = {n} + 3\nshow(other_{n}, {n})") for n in range(1000)]
    began = time.monotonic()
    found = changed_cells(before, after)
    assert time.monotonic() - began < 3
    assert len(found) == 2000


def test_ten_thousand_cells_with_ids_take_seconds_at_most() -> None:
    before = [code(f"x = {n}", f"c{n}") for n in range(10_000)]
    after = [code(f"x = {n + n % 2}", f"c{n}") for n in range(10_000)]
    began = time.monotonic()
    found = changed_cells(before, after[5_000:] + after[:5_000])
    assert time.monotonic() - began < 6
    assert sum(change.moved for change in found) == 5_000


def test_odd_cells_do_not_stop_a_comparison() -> None:
    before: list[Any] = [{}, {"id": 3, "source": {"x": 1}, "outputs": "no", "metadata": []}]
    after: list[Any] = [
        {"cell_type": ["x"], "outputs": [None, 3]},
        {"attachments": {"a": {"image/png": "A"}}},
    ]
    assert len(changed_cells(before, after)) >= 2


def test_metadata_of_a_notebook_is_compared_as_json() -> None:
    assert changed_metadata({"a": 1}, {"a": 1}) == ()
    assert [line.text for line in changed_metadata({"a": 1}, {"a": 2}) if line.sign != " "] == [
        ' "a": 1', ' "a": 2',
    ]  # fmt: skip


CELLS = st.lists(
    st.builds(
        code,
        st.sampled_from(["", "x", "y\nz", *TEXTS.values()]),
        st.sampled_from(["", "", "p", "q", "r", "s"]),
    ),
    max_size=8,
)


@given(CELLS, CELLS)
def test_every_cell_of_both_sides_is_told_once_and_the_new_ones_in_order(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    found = changed_cells(before, after)
    old = [change.before.number for change in found if change.before]
    new = [change.after.number for change in found if change.after]
    assert sorted(old) == list(range(1, len(before) + 1))
    assert new == list(range(1, len(after) + 1))
