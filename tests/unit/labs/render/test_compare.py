"""What differs, as HTML."""

from typing import Any

from machinelabs_hub.labs.compare.lines import changed_lines
from machinelabs_hub.labs.compare.notebooks import NotebookChange, changed_cells, changed_metadata
from machinelabs_hub.labs.render.compare import (
    LONGEST_LINE,
    MOST_LINES,
    ShownCell,
    show_cells,
    show_image,
    show_lines,
)


def code(source: str, name: str, *outputs: str, **more: Any) -> dict[str, Any]:
    held = [{"output_type": "stream", "name": "stdout", "text": text} for text in outputs]
    return {
        "cell_type": "code",
        "id": name,
        "source": source,
        "metadata": {},
        "outputs": held,
    } | more


def cells(before: list[Any], after: list[Any], *, with_outputs: bool = True) -> list[ShownCell]:
    change = NotebookChange(changed_cells(before, after))
    return list(show_cells(change, with_outputs=with_outputs))


def test_a_changed_cell_has_its_lines_and_both_outputs() -> None:
    same, changed = cells(
        [code("x", "s"), code("a = 1\nb = 2", "c", "one")],
        [code("x", "s"), code("a = 1\nb = 3", "c", "two")],
    )
    assert "1 cell is the same" in same.html
    assert (same.key, changed.key, changed.title) == ("", "c", "Code cell 2")
    assert "Changed: text, outputs" in changed.html
    assert "<del>" in changed.html
    assert changed.html.index(">one<") < changed.html.index(">two<")


def test_outputs_can_be_left_out() -> None:
    (added,) = cells([], [code("a", "c", "one")], with_outputs=False)
    assert ">one<" not in added.html


def test_what_people_wrote_is_text_and_never_markup() -> None:
    hostile = "<script>trap()</script>"
    found = cells(
        [code(hostile, "a", hostile)],
        [
            code(f"{hostile} 2", "a", f"{hostile} 2", metadata={hostile: hostile}),
            code(hostile, hostile),
        ],
    )
    assert all("<script" not in cell.html for cell in found)
    assert "<script" not in show_lines(changed_lines("a", hostile))
    assert "<script" not in show_image(f'{hostile}".png', b"x", b"y")


def test_a_moved_cell_says_from_where() -> None:
    before = [code(text, text) for text in "abcd"]
    first, *_ = cells(before, [before[3], *before[:3]])
    assert "Moved from 4" in first.html


def test_metadata_of_cells_and_of_the_notebook_are_folded() -> None:
    change = NotebookChange(
        changed_cells([code("a", "a")], [code("a", "a", metadata={"tags": ["x"]})]),
        changed_metadata({"kernelspec": 1}, {"kernelspec": 2}),
    )
    cell, about = show_cells(change)
    assert "<details" in cell.html
    assert "Notebook metadata" in about.html


def test_long_texts_and_lines_are_cut() -> None:
    (long,) = cells([], [code("x\n" * (MOST_LINES + 5), "a")])
    assert f"The first {MOST_LINES} lines are shown" in long.html
    assert "The first 1 lines are shown" in show_lines(changed_lines("", "x"), more=True)
    assert len(show_lines(changed_lines("a", "b" * 10 * LONGEST_LINE))) < 2 * LONGEST_LINE


def test_images_stand_side_by_side_and_others_are_not_shown() -> None:
    html = show_image("a.png", b"1", b"2")
    assert html.count("data:image/png;base64,") == 2
    assert show_image("a.svg", None, b"<svg/>").count("data:image/svg+xml;base64,") == 1
    assert show_image("a.ico", b"1", b"2") == ""
    assert show_image("a.png", None, None) == ""


def test_only_line_ends_are_said_in_words() -> None:
    assert "Only the ends of its lines differ" in show_lines(changed_lines("a", "a\n"))
