"""Laying a revision: what a person changed is never overwritten."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs.checkout import Checkout, Laid, Move, Overlap, decide, place_for
from machinelabs.errors import FolderFault, SiteFault
from machinelabs.fingerprints import Fingerprints
from machinelabs.folder import Entry
from machinelabs.links import Link, State
from machinelabs.status import Status, status
from machinelabs.tar import TarStream

LAB = "alice/titanic"
Files = dict[str, str]


def packed(root: Path, files: Files) -> io.BytesIO:
    entries = []
    store = root / "packed"
    store.mkdir(exist_ok=True)
    for number, (path, text) in enumerate(files.items()):
        source = store / str(number)
        source.write_text(text)
        entries.append(Entry(path, source, len(text.encode())))
    return io.BytesIO(TarStream(entries).read())


def lay(root: Path, files: Files, revision: int, *, beside: bool = False) -> Laid:
    link = Link(root / "titanic")
    return Checkout(link=link, prints=Fingerprints()).lay(
        packed(root, files), lab=LAB, revision=revision, lay_beside=beside
    )


def here(root: Path) -> Files:
    folder = root / "titanic"
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".machinelabs" not in path.parts
    }


def standing(root: Path) -> Status:
    link = Link(root / "titanic")
    state = link.read()
    assert state
    return status(link, state, Fingerprints())


def test_a_first_laying_puts_all_files_and_remembers_them(tmp_path: Path) -> None:
    lay(tmp_path, {"main.ipynb": "{}", "data/a.csv": "1"}, 3)
    assert here(tmp_path) == {"main.ipynb": "{}", "data/a.csv": "1"}
    state = Link(tmp_path / "titanic").read()
    assert state
    assert (state.lab, state.revision) == (LAB, 3)
    assert standing(tmp_path) == Status()


def test_an_update_brings_news_and_removes_what_went(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1", "d/b": "1", "c": "1"}, 1)
    laid = lay(tmp_path, {"a": "2", "c": "1", "new": "2"}, 2)
    assert here(tmp_path) == {"a": "2", "c": "1", "new": "2"}
    assert laid == Laid(laid=("a", "new"), removed=("d/b",), kept=(), beside=())
    assert not (tmp_path / "titanic/d").exists()


def test_your_changes_stay_where_the_revision_brings_nothing(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1", "b": "1"}, 1)
    (tmp_path / "titanic/a").write_text("mine")
    (tmp_path / "titanic/own").write_text("mine too")
    lay(tmp_path, {"a": "1", "b": "2"}, 2)
    assert here(tmp_path) == {"a": "mine", "b": "2", "own": "mine too"}
    assert standing(tmp_path) == Status(changed=("a",), added=("own",))


def test_where_both_changed_a_file_nothing_at_all_is_done(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1", "b": "1"}, 1)
    (tmp_path / "titanic/a").write_text("mine")
    with pytest.raises(Overlap, match="r2, which also changed “a”") as caught:
        lay(tmp_path, {"a": "2", "b": "2"}, 2)
    assert caught.value.paths == ["a"]
    assert here(tmp_path) == {"a": "mine", "b": "1"}
    state = Link(tmp_path / "titanic").read()
    assert state
    assert state.revision == 1


def test_asked_for_the_others_file_is_laid_beside_yours(tmp_path: Path) -> None:
    lay(tmp_path, {"a.txt": "1"}, 1)
    (tmp_path / "titanic/a.txt").write_text("mine")
    (tmp_path / "titanic/a (r2).txt").write_text("in the way")
    laid = lay(tmp_path, {"a.txt": "2"}, 2, beside=True)
    assert laid.beside == ("a (r2)-2.txt",)
    assert here(tmp_path) == {"a.txt": "mine", "a (r2).txt": "in the way", "a (r2)-2.txt": "2"}


def test_a_deleted_file_stays_deleted_until_it_changes(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1", "b": "1"}, 1)
    (tmp_path / "titanic/a").unlink()
    lay(tmp_path, {"a": "1", "b": "2"}, 2)
    assert here(tmp_path) == {"b": "2"}
    assert standing(tmp_path) == Status(deleted=("a",))
    lay(tmp_path, {"a": "3", "b": "2"}, 3)
    assert here(tmp_path) == {"a": "3", "b": "2"}


def test_outputs_that_were_stripped_are_kept_aside_when_replaced(tmp_path: Path) -> None:
    lay(tmp_path, {"a.ipynb": "stripped"}, 1)
    link = Link(tmp_path / "titanic")
    state = link.read()
    assert state
    (link.root / "a.ipynb").write_text("with outputs")
    local = Fingerprints().of(link.root / "a.ipynb")
    assert local
    link.write(State(LAB, 1, {"a.ipynb": local}, {"a.ipynb": state.files["a.ipynb"]}, strip=True))
    lay(tmp_path, {"a.ipynb": "stripped", "new": "x"}, 2)
    assert here(tmp_path)["a.ipynb"] == "with outputs"
    lay(tmp_path, {"a.ipynb": "newer"}, 3)
    assert here(tmp_path)["a.ipynb"] == "newer"
    [kept] = (link.root / ".machinelabs/replaced").rglob("a.ipynb")
    assert kept.read_text() == "with outputs"


def test_a_laying_that_breaks_off_changes_nothing(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1"}, 1)
    link = Link(tmp_path / "titanic")
    half = io.BytesIO(packed(tmp_path, {"a": "2", "b": "2" * 4000}).getvalue()[:3000])
    with pytest.raises(SiteFault):
        Checkout(link=link, prints=Fingerprints()).lay(half, lab=LAB, revision=2)
    assert here(tmp_path) == {"a": "1"}
    left = {path.name for path in (link.root / ".machinelabs").iterdir()}
    assert left == {"lab.json", "lab.lock"}


def test_a_folder_of_another_lab_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1"}, 1)
    with pytest.raises(FolderFault, match="belongs to alice/titanic"):
        Checkout(link=Link(tmp_path / "titanic"), prints=Fingerprints()).lay(
            packed(tmp_path, {}), lab="bob/titanic", revision=1
        )


def test_nothing_is_laid_through_a_link_out_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    lay(tmp_path, {"a": "1"}, 1)
    (tmp_path / "titanic/data").symlink_to(outside)
    with pytest.raises(FolderFault, match="outside this folder"):
        lay(tmp_path, {"a": "1", "data/x": "2"}, 2)
    assert list(outside.iterdir()) == []


def test_a_file_where_the_lab_has_a_folder_is_said(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1"}, 1)
    (tmp_path / "titanic/data").write_text("mine")
    with pytest.raises(FolderFault, match="Rename “data”"):
        lay(tmp_path, {"a": "1", "data/x": "2"}, 2)
    assert here(tmp_path) == {"a": "1", "data": "mine"}


def test_a_laying_that_was_killed_between_two_files_is_finished_by_the_next(tmp_path: Path) -> None:
    lay(tmp_path, {"a": "1", "b": "1"}, 1)
    (tmp_path / "titanic/a").write_text("2")
    lay(tmp_path, {"a": "2", "b": "2"}, 2)
    assert here(tmp_path) == {"a": "2", "b": "2"}
    assert standing(tmp_path) == Status()


contents = st.none() | st.sampled_from("123")


@given(here=contents, base=contents, published=contents, incoming=contents)
def test_a_change_of_yours_is_never_laid_over(
    here: str | None, base: str | None, published: str | None, incoming: str | None
) -> None:
    move = decide(here=here, base=base, base_published=published, incoming=incoming)
    if here not in {None, base, incoming}:
        assert move in {Move.KEEP, Move.CONFLICT}
    if move is Move.LAY:
        assert incoming is not None
    if move is Move.REMOVE:
        assert incoming is None
        assert here == base
    if here == base == published:
        expected = incoming
        after = {Move.LAY: incoming, Move.REMOVE: None}.get(move, here)
        assert after == expected


names = st.sampled_from(["a", "b", "d/c"])
trees = st.dictionaries(names, st.sampled_from(["1", "2", "3"]), max_size=3)


@given(first=trees, mine=trees, second=trees)
def test_no_content_of_a_person_is_lost_by_an_update(
    tmp_path_factory: pytest.TempPathFactory, first: Files, mine: Files, second: Files
) -> None:
    root = tmp_path_factory.mktemp("lay")
    lay(root, first, 1)
    for path, text in mine.items():
        (root / "titanic" / path).parent.mkdir(exist_ok=True)
        (root / "titanic" / path).write_text(text)
    before = here(root)
    lay(root, second, 2, beside=True)
    after = here(root)
    for path, text in before.items():
        if first.get(path) != text:
            assert after[path] == text
    for path, text in second.items():
        if path in before and text not in {first.get(path), before[path]}:
            assert text in after.values()
    differing = {*standing(root).changed, *standing(root).added, *standing(root).deleted}
    assert differing == {path for path in {*after, *second} if after.get(path) != second.get(path)}


def test_a_lab_has_the_folder_of_its_name_if_that_is_free(tmp_path: Path) -> None:
    assert place_for("bob/x", labs=tmp_path) == tmp_path / "x"
    (tmp_path / "x").mkdir()
    (tmp_path / "x/own.txt").touch()
    assert place_for("bob/x", labs=tmp_path) == tmp_path / "bob--x"
    (tmp_path / "bob--x").touch()
    assert place_for("bob/x", labs=tmp_path) == tmp_path / "bob--x-2"
    lab = tmp_path / "bob--x-2"
    lab.mkdir()
    Link(lab).write(State("bob/x", 1, {}))
    assert place_for("bob/x", labs=tmp_path) == lab
