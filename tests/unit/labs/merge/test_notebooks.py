"""Notebooks merge by cell; a clash is marked with both sides and the result is a notebook."""

from typing import Any

import nbformat
import pytest
from tests.support.content import cell, prints, shows

from machinelabs_hub.labs.merge.notebooks import (
    MergedNotebook,
    NotANotebook,
    merge_notebooks,
    read,
    write,
)
from machinelabs_hub.labs.merge.report import Change, Names

NAMES = Names(mine="bob/moons", theirs="ada/moons r2", mark="r2")
Cells = list[dict[str, Any]]
A, B, C = (cell("code", f"{name} = 1\nprint({name})", name) for name in "abc")


def book(cells: Cells, minor: int = 5, **metadata: Any) -> dict[str, Any]:
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def merged(base: Cells, mine: Cells, theirs: Cells, minor: int = 5) -> MergedNotebook:
    done = merge_notebooks(book(base, minor), book(mine, minor), book(theirs, minor), NAMES)
    nbformat.validate(nbformat.from_dict(done.tree))
    return done


def texts(done: MergedNotebook) -> list[str]:
    return ["".join(one["source"]) for one in done.tree["cells"]]


def changes(done: MergedNotebook) -> list[Change]:
    return [one.change for one in done.cells]


def without_ids(*cells: dict[str, Any]) -> Cells:
    return [{key: value for key, value in one.items() if key != "id"} for one in cells]


def test_what_they_changed_added_moved_and_removed_is_taken() -> None:
    new = cell("markdown", "new", "n")
    done = merged([A, B, C], [A, B, C], [C, A | {"source": "a = 2"}, new])
    assert texts(done) == ["c = 1\nprint(c)", "a = 2", "new"]
    assert done.conflicts == 0
    assert sorted(changes(done)) == ["added", "changed", "moved", "removed"]


def test_cells_that_both_insert_at_one_place_stand_mine_first() -> None:
    mine, theirs = cell("code", "mine", "m"), cell("code", "theirs", "t")
    done = merged([A, B], [A, mine, B], [A, theirs, B])
    assert texts(done) == [A["source"], "mine", "theirs", B["source"]]
    assert (done.conflicts, changes(done)) == (0, [Change.ADDED])


def test_the_same_cell_that_both_insert_stands_once() -> None:
    done = merged([A], [A, cell("code", "x = 1", "m")], [A, cell("code", "x = 1", "t")])
    assert texts(done) == [A["source"], "x = 1"]


def test_a_line_that_both_changed_gives_both_cells_below_a_line_that_says_so() -> None:
    done = merged([A], [A | {"source": "a = 2\nprint(a)"}], [A | {"source": "a = 3\nprint(a)"}])
    note, mine, theirs = done.tree["cells"]
    assert "`bob/moons`" in note["source"]
    assert "`ada/moons r2`" in note["source"]
    assert (mine["source"], theirs["source"]) == ("a = 2\nprint(a)", "a = 3\nprint(a)")
    sides = [one["metadata"]["machinelabs"]["conflict"]["side"] for one in done.tree["cells"]]
    assert sides == ["note", "mine", "theirs"]
    assert mine["id"] == "a"
    assert (done.conflicts, changes(done)) == (1, [Change.CONFLICT])


@pytest.mark.parametrize("mine_deleted", [True, False])
def test_an_edit_wins_over_a_deletion_and_is_marked(mine_deleted: bool) -> None:  # noqa: FBT001
    edited = [A, B | {"source": "b = 2"}]
    done = merged([A, B], *(([A], edited) if mine_deleted else (edited, [A])))
    assert texts(done)[-1] == "b = 2"
    assert "has no such cell any more" in texts(done)[1]
    assert (done.conflicts, changes(done)) == (1, [Change.KEPT])


def test_running_again_is_no_reason_to_keep_what_the_other_deleted() -> None:
    ran = B | {"execution_count": 7, "metadata": {"execution": {"iopub.status.busy": "now"}}}
    assert texts(merged([A, B], [A, ran], [A])) == [A["source"]]


def test_outputs_are_those_of_the_side_that_ran_it() -> None:
    mine, theirs = A | {"outputs": [prints("m")]}, A | {"outputs": [prints("t")]}
    assert merged([A], [mine], [A]).tree["cells"][0]["outputs"] == [prints("m")]
    assert merged([A], [A], [theirs]).tree["cells"][0]["outputs"] == [prints("t")]


def test_outputs_of_both_sides_are_kept_those_of_the_merged_text_shown() -> None:
    mine, theirs = A | {"outputs": [prints("m")]}, A | {"outputs": [prints("t")]}
    done = merged([A], [mine], [theirs])
    shown = done.tree["cells"][0]
    assert shown["outputs"] == [prints("m")]
    assert shown["metadata"]["machinelabs"]["conflict"]["outputs"] == {
        "theirs": {"of": "ada/moons r2", "outputs": [prints("t")]}
    }
    assert (done.conflicts, done.asides) == (0, 1)
    done = merged([A], [mine], [theirs | {"source": "a = 5\nprint(a)"}])
    shown = done.tree["cells"][0]
    assert shown["outputs"] == [prints("t")]
    assert shown["metadata"]["machinelabs"]["conflict"]["outputs"] == {
        "mine": {"of": "bob/moons", "outputs": [prints("m")]}
    }


def test_outputs_that_differ_only_in_how_often_they_were_made_are_the_same() -> None:
    def ran(count: int) -> dict[str, Any]:
        output = shows(text__plain="5") | {"output_type": "execute_result"}
        return A | {"execution_count": count, "outputs": [output | {"execution_count": count}]}

    done = merged([ran(1)], [ran(2)], [ran(3)])
    assert done.asides == 0


def test_one_sides_new_type_goes_with_the_others_text() -> None:
    prose = cell("markdown", "a = 1\nprint(a)", "a")
    done = merged([A], [prose], [A | {"source": "a = 1\nprint(a, a)"}])
    assert done.tree["cells"][0]["cell_type"] == "markdown"
    assert texts(done) == ["a = 1\nprint(a, a)"]


def test_outputs_have_no_place_in_prose_so_both_are_kept() -> None:
    prose = cell("markdown", "a = 1\nprint(a)", "a")
    done = merged([A], [prose], [A | {"outputs": [prints("t")]}])
    assert [one["cell_type"] for one in done.tree["cells"]] == ["markdown", "markdown", "code"]
    assert done.tree["cells"][2]["outputs"] == [prints("t")]


def test_attachments_merge_by_name_and_clash_by_picture() -> None:
    base = cell("markdown", "![](a.png)", "p") | {"attachments": {"a.png": {"image/png": "AA"}}}
    mine = base | {"attachments": base["attachments"] | {"b.png": {"image/png": "BB"}}}
    theirs = base | {"attachments": {"a.png": {"image/png": "CC"}}}
    done = merged([base], [mine], [theirs])
    assert done.tree["cells"][0]["attachments"] == {
        "a.png": {"image/png": "CC"}, "b.png": {"image/png": "BB"},
    }  # fmt: skip
    other = base | {"attachments": {"a.png": {"image/png": "DD"}}}
    assert merged([base], [other], [theirs]).conflicts == 1


def test_notebooks_without_ids_stay_so_and_are_paired_by_their_text() -> None:
    base = without_ids(A, B, C)
    mine = without_ids(A, B | {"source": "b = 1\nprint(b)\n# mine"}, C)
    theirs = without_ids(A, B | {"source": "# theirs\nb = 1\nprint(b)"})
    done = merged(base, mine, theirs, minor=4)
    assert texts(done) == [A["source"], "# theirs\nb = 1\nprint(b)\n# mine"]
    assert "id" not in done.tree["cells"][0]
    assert done.tree["nbformat_minor"] == 4


def test_programs_that_gave_all_cells_new_ids_changed_nothing() -> None:
    mine = [one | {"id": f"m-{one['id']}"} for one in (A, B, C)]
    theirs = [one | {"id": f"t-{one['id']}"} for one in (A, B | {"source": "b = 2\nprint(b)"}, C)]
    done = merged([A, B, C], mine, theirs)
    assert texts(done) == [A["source"], "b = 2\nprint(b)", C["source"]]
    assert [one["id"] for one in done.tree["cells"]] == ["m-a", "m-b", "m-c"]


def test_two_cells_of_one_id_become_two_ids() -> None:
    twice = [A, A | {"source": "copied"}]
    done = merged([A], twice, [A | {"source": "a = 1\nprint(a)\n# theirs"}])
    assert texts(done) == ["a = 1\nprint(a)\n# theirs", "copied"]
    ids = [one["id"] for one in done.tree["cells"]]
    assert len(set(ids)) == 2


def test_what_notebooks_say_of_themselves_merges_by_key() -> None:
    done = merge_notebooks(
        book([A], title="Old"), book([A], title="Mine", a=1), book([A], title="Theirs", b=2), NAMES
    )
    metadata = done.tree["metadata"]
    assert (metadata["title"], metadata["a"], metadata["b"]) == ("Mine", 1, 2)
    kept = metadata["machinelabs"]["conflict"]
    assert kept == {"metadata": {"/metadata/title": "Theirs"}}


def test_an_update_after_a_conflict_keeps_what_was_marked() -> None:
    mine = [A | {"source": "a = 2\nprint(a)"}]
    second = [A | {"source": "a = 3\nprint(a)"}]
    once = merged([A], mine, second)
    third = [A | {"source": "a = 3\nprint(a)"}, cell("code", "more", "x")]
    again = merge_notebooks(book(second), once.tree, book(third), NAMES)
    assert texts(again)[1:] == ["a = 2\nprint(a)", "a = 3\nprint(a)", "more"]
    assert again.conflicts == 0


def test_what_is_no_notebook_of_format_4_is_refused() -> None:
    for content in (b"{", b"[]", b'{"nbformat": 3, "worksheets": []}', b"\xff", b"[" * 100_000):
        with pytest.raises(NotANotebook):
            read(content)


def test_a_lone_half_of_a_character_is_written_as_it_came() -> None:
    tree = read(b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {"a": "\\ud800"}, "cells": []}')
    assert read(write(tree)) == tree
