"""A push before it is accepted: a repository of its own, thrown away with the request.

It may borrow from the export that the pusher fetches from, and from nothing else, so a pushed tree
can only name what the lab has or what came with it.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import pygit2
from pygit2.enums import FileMode, ObjectType, SortMode

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.storage import gitprocess
from machinelabs_hub.labs.storage.exports import make_bare
from machinelabs_hub.names import shown

_FILES: Final = {FileMode.BLOB: False, FileMode.BLOB_EXECUTABLE: True}
_REFUSED: Final = {
    FileMode.LINK: "a symbolic link",
    FileMode.COMMIT: "a repository inside of this one (a submodule)",
}
_SECONDS: Final = 900
_SAID: Final = 200


class BadPush(BadInput):
    """What was pushed is broken, incomplete, or holds what no lab may hold."""

    code = "bad_push"


@dataclass(frozen=True, slots=True)
class PushedFile:
    """A file of a pushed commit."""

    path: str
    blob: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Mass:
    """How much is new in a push, its whole history counted."""

    objects: int
    size: int
    largest: int
    largest_path: str


class Incoming:
    """The objects of one push, on top of those of the lab."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def take(self, body: BinaryIO, *, most: int) -> None:
        """Unpack what follows in `body`, strictly.

        Raises:
            BadPush: it is broken, or holds paths that lead out or into git's own files.
        """
        os.lseek(body.fileno(), body.tell(), os.SEEK_SET)
        words = ("index-pack", "--stdin", "--fix-thin", "--strict", f"--max-input-size={most}")
        line = gitprocess.command(self.path, *words, settings=("core.fsync=none",))
        pipe = subprocess.PIPE
        with gitprocess.start(line, stdin=body, stderr=pipe) as git:
            try:
                _, said = git.communicate(timeout=_SECONDS)
            except subprocess.TimeoutExpired as error:
                git.kill()
                raise BadPush("Unpacking what you pushed took too long. Push less at once.") from (
                    error
                )
        if git.returncode:
            raise BadPush(_sentence(said.decode("utf-8", "replace")))

    def weigh(self, new: str, old: str) -> Mass:
        """Check that all of `new` is there, and return how much of it `old` does not have.

        Raises:
            BadPush: something is missing, or a folder holds what is no file.
        """
        try:
            listed = gitprocess.ask(
                self.path, "rev-list", "--objects", "--stdin", said=f"{new}\n^{old}\n"
            )
        except subprocess.CalledProcessError as error:
            raise BadPush(
                "The push names objects that did not come with it and that this lab does not have. "
                "Clone the lab anew and make your change there."
            ) from error
        repo = pygit2.Repository(str(self.path))
        count = total = largest = 0
        name = ""
        for entry in listed.splitlines():
            oid, _, path = entry.partition(b" ")
            kind, size = repo.odb.read_header(oid.decode())
            count, total = count + 1, total + size
            if kind is ObjectType.TREE:
                self._check_tree(repo, oid.decode(), path.decode("utf-8", "replace"))
            elif kind is ObjectType.BLOB and size > largest:
                largest, name = size, path.decode("utf-8", "replace")
        return Mass(count, total, largest, name)

    def steps(self, new: str, old: str) -> tuple[str, ...] | None:
        """Return the commits from `old` to `new`, that one last; None: they do not follow it.

        Where `old` was merged into a line of work of the pusher's, the last one alone is told:
        the others are without what `old` has.
        """
        repo = pygit2.Repository(str(self.path))
        if not isinstance(repo.get(new), pygit2.Commit):
            raise BadPush("What you pushed as main is not a commit. Push a branch.")
        if not repo.descendant_of(new, old):
            return None
        walk = repo.walk(new, SortMode.TOPOLOGICAL)
        walk.simplify_first_parent()
        found: list[str] = []
        for commit in walk:
            if str(commit.id) == old:
                return tuple(reversed(found))
            found.append(str(commit.id))
        return (new,)

    def message(self, commit: str) -> str:
        """Return what a pusher said about a commit."""
        return cast("pygit2.Commit", pygit2.Repository(str(self.path))[commit]).message

    def files(self, commit: str) -> Iterator[PushedFile]:
        """Return all files of a commit.

        Raises:
            BadPush: a name is not UTF-8.
        """
        repo = pygit2.Repository(str(self.path))
        yield from _files(repo, cast("pygit2.Commit", repo[commit]).tree, "")

    def read(self, blob: str, most: int | None = None) -> bytes:
        """Return a blob whole or its beginning; look at its size first."""
        if most is None:
            return cast("pygit2.Blob", pygit2.Repository(str(self.path))[blob]).data
        found = bytearray()
        for piece in self.pieces(blob):
            found += piece
            if len(found) >= most:
                break
        return bytes(found[:most])

    def pieces(self, blob: str) -> Iterator[bytes]:
        """Return a blob piece by piece."""
        return gitprocess.blob_pieces(self.path, blob)

    def _check_tree(self, repo: pygit2.Repository, oid: str, path: str) -> None:
        for entry in cast("pygit2.Tree", repo[oid]):
            mode = FileMode(entry.filemode)
            if mode in _FILES or mode is FileMode.TREE:
                continue
            kind = _REFUSED.get(mode, "of a kind that git writes no more")
            where = f"{path}/{entry.name}" if path else entry.name
            raise BadPush(
                f"“{shown(str(where), 120)}” is {kind}. A lab can hold only files and folders, in "
                "its history too: put a copy of the file there, or leave it out."
            )


@contextmanager
def incoming(folder: Path, export: Path) -> Iterator[Incoming]:
    """Make a repository for one push to the lab of `export`; it is gone after the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="push-", dir=folder) as made:
        path = Path(made) / "incoming.git"
        make_bare(path)
        borrowed = path / "objects" / "info" / "alternates"
        borrowed.write_text(f"{export / 'objects'}\n", encoding="utf-8")
        shutil.copy(export / "packed-refs", path / "packed-refs")
        yield Incoming(path)


def _files(repo: pygit2.Repository, tree: pygit2.Tree, below: str) -> Iterator[PushedFile]:
    for entry in tree:
        try:
            name = cast("bytes", entry.raw_name).decode()
        except UnicodeDecodeError as error:
            said = repr(entry.raw_name)[2:-1]
            raise BadPush(
                f"The name “{shown(below + said, 120)}” is not UTF-8. Rename the file."
            ) from error
        if entry.filemode == FileMode.TREE:
            yield from _files(repo, cast("pygit2.Tree", repo[entry.id]), f"{below}{name}/")
            continue
        _, size = repo.odb.read_header(entry.id)
        executable = _FILES.get(FileMode(entry.filemode), False)
        yield PushedFile(f"{below}{name}", str(entry.id), size, executable)


def _sentence(said: str) -> str:
    if "hasDotdot" in said or "hasDot:" in said or "fullPathname" in said:
        return "A path in your push leads out of the lab's folder. Take it out of the history."
    if "hasDotgit" in said:
        return "A path in your push is called .git, which git keeps for itself. Rename it."
    if "maximum allowed size" in said:
        return "The push is larger than a lab may be here."
    words = " ".join(said.split()).removeprefix("fatal: ")
    return f"Your push is broken: {shown(words, _SAID) or 'git refused it'}."
