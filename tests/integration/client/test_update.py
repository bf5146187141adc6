"""A folder catches up with the original of its lab, and goes back, byte for byte."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.triples import a_triple, words_of

from machinelabs import Hub
from machinelabs.checkout import Checkout
from machinelabs.errors import FolderFault, StaleRevision
from machinelabs.fingerprints import Fingerprints
from machinelabs.links import Link
from machinelabs.publish import Publisher
from machinelabs.tar import FileChanged
from machinelabs.update import Source, look, undo, undoable, update
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person

FIRST, SECOND = cell("code", "x = 1\ny = 2\nz = 3", "one"), cell("markdown", "# Old", "two")
FILES = {
    "main.ipynb": notebook([FIRST, SECOND]),
    "model.py": b"a = 1\nb = 2\nc = 3\n",
    "data/table.csv": b"1,2\n",
    "notes.txt": b"one\n",
}
BOOK = json.loads(FILES["main.ipynb"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs")) as running:
        running.seen_as(Person("ada", "Ada"), Person("bob", "Bob"))
        yield running


@pytest.fixture
def hub(server: LabsServer) -> Iterator[Hub]:
    with Hub(server.url) as made:
        made._transport._http.headers["X-As"] = "bob"
        yield made


class Folder:
    """Bob's working copy of his fork of a lab of Ada's."""

    def __init__(self, server: LabsServer, hub: Hub, root: Path, files: dict[str, bytes]) -> None:
        self.server, self.hub, self.root = server, hub, root
        self.original = server.publish("ada", files, title=root.parent.name[:40])
        self.fork = server.fork("bob", self.original)
        self.link, self.prints = Link(root), Fingerprints()
        root.mkdir()
        self.pull()

    def pull(self) -> None:
        with self.hub.labs.archive(self.fork.path) as archive:
            lab = self.hub.labs.get(self.fork.path)
            checkout = Checkout(link=self.link, prints=self.prints)
            checkout.lay(archive, lab=self.fork.path, revision=lab.revision)

    def update(self, source: Source = Source.ORIGINAL) -> dict[str, str]:
        done = update(self.hub.labs, self.link, self.prints, source=source)
        return {file.path: file.change for file in done.files}

    def content(self) -> dict[str, tuple[bytes, int]]:
        """Return all files with their modes, without what the folder remembers of its updates."""
        return {
            str(path.relative_to(self.root)): (path.read_bytes(), path.stat().st_mode)
            for path in self.root.rglob("*")
            if path.is_file() and "before" not in path.relative_to(self.root).parts
        }


@pytest.fixture
def folder(server: LabsServer, hub: Hub, tmp_path: Path) -> Folder:
    return Folder(server, hub, tmp_path / "digits", FILES)


def revise(folder: Folder, lab: Lab, **changed: bytes | None) -> None:
    renamed = {name.replace("_", "."): content for name, content in changed.items()}
    files = {path: content for path, content in (FILES | renamed).items() if content is not None}
    folder.server.revise(lab, files)


def test_unpublished_edits_are_merged_with_the_original(folder: Folder) -> None:
    theirs = notebook([FIRST | {"source": "x = 1\ny = 2\nz = 30"}, SECOND])
    revise(folder, folder.original, main_ipynb=theirs, notes_txt=None, new_txt=b"new\n")
    mine = notebook([FIRST | {"source": "x = 10\ny = 2\nz = 3"}, SECOND])
    (folder.root / "main.ipynb").write_bytes(mine)
    (folder.root / "own.py").write_bytes(b"mine = 1\n")

    before = folder.content()
    seen = look(folder.hub.labs, folder.link)
    assert (seen.theirs, seen.base, seen.to) == (folder.original.path, 1, 2)
    assert folder.content() == before
    expected = {"main.ipynb": "merged", "new.txt": "added", "notes.txt": "removed"}
    assert {file.path: file.change for file in seen.files} == expected
    assert folder.update() == expected
    cells = json.loads((folder.root / "main.ipynb").read_bytes())["cells"]
    assert "".join(cells[0]["source"]) == "x = 10\ny = 2\nz = 30"
    assert (folder.root / "own.py").read_bytes() == b"mine = 1\n"
    assert not (folder.root / "notes.txt").exists()

    # Publishing tells the site what is merged in, so that the page offers it no more.
    Publisher(hub=folder.hub).revise(folder.link, message="", strip=None)
    assert look(folder.hub.labs, folder.link).is_empty
    assert folder.update() == {}
    assert undoable(folder.link) is None


def test_undo_puts_back_bytes_modes_and_memory(folder: Folder) -> None:
    revise(folder, folder.original, model_py=b"theirs\n", notes_txt=None, a_b=b"new")
    (folder.root / "own.sh").write_bytes(b"#!/bin/sh\n")
    (folder.root / "own.sh").chmod(0o755)
    (folder.root / "model.py").chmod(0o600)
    before = folder.content()
    folder.update()
    assert folder.content() != before
    assert (folder.root / "model.py").stat().st_mode & 0o777 == 0o600
    found = undoable(folder.link)
    assert found is not None
    assert found.to == 2
    undone = undo(folder.link)
    assert undone.set_aside == ()
    assert folder.content() == before
    assert undoable(folder.link) is None
    with pytest.raises(FolderFault, match="no update to undo"):
        undo(folder.link)
    assert folder.update() == {"model.py": "changed", "notes.txt": "removed", "a.b": "added"}


def test_what_was_edited_after_an_update_is_set_aside_when_it_is_undone(folder: Folder) -> None:
    revise(folder, folder.original, model_py=b"theirs\n", a_b=b"new")
    before = folder.content()
    folder.update()
    (folder.root / "model.py").write_bytes(b"edited since\n")
    (folder.root / "a.b").write_bytes(b"edited too\n")
    undone = undo(folder.link)
    assert sorted((folder.root / path).read_bytes() for path in undone.set_aside) == [
        b"edited since\n", b"edited too\n",
    ]  # fmt: skip
    kept = {path: held for path, held in folder.content().items() if "replaced" not in path}
    assert kept == before


def test_a_lab_that_was_renamed_since_does_not_end_the_undoing(folder: Folder) -> None:
    revise(folder, folder.original, model_py=b"theirs\n")
    folder.update()
    state = folder.link.read()
    assert state
    folder.link.write(replace(state, lab="bob/renamed"))
    assert undoable(folder.link) is not None
    folder.link.write(replace(state, revision=state.revision + 1))
    assert undoable(folder.link) is None


def test_two_updates_are_undone_one_after_the_other(folder: Folder) -> None:
    states = [folder.content()]
    for number in range(2):
        revise(folder, folder.original, model_py=f"step {number}\n".encode())
        folder.update()
        states.append(folder.content())
    for state in reversed(states[:-1]):
        undo(folder.link)
        assert folder.content() == state


def test_the_labs_own_newest_comes_before_the_original(folder: Folder) -> None:
    revise(folder, folder.original, model_py=b"theirs\n")
    revise(folder, folder.fork, notes_txt=b"elsewhere\n")
    (folder.root / "own.py").write_bytes(b"mine\n")
    before = folder.content()
    with pytest.raises(StaleRevision, match="first"):
        folder.update()
    assert folder.content() == before
    assert folder.update(Source.NEWEST) == {"notes.txt": "changed"}
    assert folder.update() == {"model.py": "changed"}
    made, is_new = Publisher(hub=folder.hub).revise(folder.link, message="", strip=None)
    assert (made.number, is_new) == (3, True)


def test_a_file_that_is_no_part_of_the_lab_is_never_laid_over(folder: Folder) -> None:
    revise(folder, folder.original, secret_env=b"theirs\n")
    (folder.root / ".mlignore").write_text("secret.env\n")
    (folder.root / "secret.env").write_bytes(b"mine\n")
    done = update(folder.hub.labs, folder.link, folder.prints)
    assert done.beside == (("secret.env", "secret (r2).env"),)
    assert (folder.root / "secret.env").read_bytes() == b"mine\n"
    assert (folder.root / "secret (r2).env").read_bytes() == b"theirs\n"
    undo(folder.link)
    assert not (folder.root / "secret (r2).env").exists()


def test_an_edit_while_the_update_is_made_stops_it(folder: Folder) -> None:
    revise(folder, folder.original, model_py=b"theirs\n")

    def edit(_: int) -> None:
        (folder.root / "model.py").write_bytes(b"saved just now\n")

    with pytest.raises(FileChanged):
        update(folder.hub.labs, folder.link, folder.prints, on_bytes=edit)
    assert (folder.root / "model.py").read_bytes() == b"saved just now\n"
    assert undoable(folder.link) is None


def test_an_update_that_breaks_off_can_be_undone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    revise(folder, folder.original, model_py=b"theirs\n", main_ipynb=notebook([SECOND]))
    before = folder.content()
    move, calls = Path.replace, []

    def full(self: Path, target: Path) -> Path:
        if "incoming-" in str(self):
            calls.append(self)
            if len(calls) == 2:
                raise OSError(28, os.strerror(28))
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FolderFault, match="No space left"):
        folder.update()
    monkeypatch.undo()
    assert folder.content() != before
    undo(folder.link)
    assert folder.content() == before


def test_nothing_is_lost_in_folders_of_generated_notebooks(
    server: LabsServer, hub: Hub, tmp_path: Path
) -> None:
    for seed in range(12):
        triple = a_triple(seed)
        base, mine, theirs = (
            json.dumps(book).encode() for book in (triple.base, triple.mine, triple.theirs)
        )
        if theirs == base:
            continue
        one = Folder(server, hub, tmp_path / f"lab{seed}", {"main.ipynb": base})
        server.revise(one.original, {"main.ipynb": theirs})
        (one.root / "main.ipynb").write_bytes(mine)
        before = one.content()
        one.update()
        merged = json.loads((one.root / "main.ipynb").read_bytes())
        assert words_of(triple.mine) | words_of(triple.theirs) <= words_of(merged), seed
        undo(one.link)
        assert one.content() == before, seed
