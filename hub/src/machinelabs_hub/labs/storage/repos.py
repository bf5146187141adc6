"""Content of labs in git: one bare store for each lineage, one ref for each lab.

A store holds a root lab and all its forks, so a fork is one commit and one ref, whatever its
size. A revision is a commit whose tree has two entries: `files`, the lab as it is, and
`manifest`, the list of its files with sizes and SHA-256. Trailers of the commit's message say
which lab and which number it is, and `refs/details/UID` keeps what SQL says of the lab, so the
index can be made anew from the stores. Nothing from outside ever names an object by its id.
"""

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import pygit2
from pygit2.enums import FileMode, Option, RepositoryInitFlag

from machinelabs_hub.db.engine import DiskFull
from machinelabs_hub.errors import Unavailable
from machinelabs_hub.labs.models.revision import FileEntry
from machinelabs_hub.labs.storage import gitprocess
from machinelabs_hub.labs.storage.commits import Stamp, from_message, to_message

IN_MEMORY: Final = 4 << 20
"""Bytes up to which a blob is handled whole; larger ones are streamed."""

_RESERVE: Final = 2 << 20
"""Free bytes below which a disk counts as full: the trees and rows of a publish need some."""

_UID: Final = 32
_HEADS: Final = "refs/labs/"
_DETAILS: Final = "refs/details/"
_OFFERS: Final = "refs/offers/"


class StoreFault(Unavailable):
    """A store cannot be read or written."""

    code = "store_fault"

    def __init__(self) -> None:
        super().__init__(
            "The files of this lab cannot be reached now. Try again in a moment; if it goes on, "
            "tell an admin."
        )


class RepoStore:
    """All stores of a site, below one folder. Methods block; each may run on any thread."""

    def __init__(self, *, folder: Path, durable: bool = True) -> None:
        self._stores = folder / "stores"
        self._busy = folder / "busy"
        for made in (self._stores, self._busy):
            made.mkdir(parents=True, exist_ok=True)
        self.durable = durable
        pygit2.option(Option.ENABLE_FSYNC_GITDIR, durable)
        self._manifest = lru_cache(maxsize=256)(self._read_manifest)

    def ping(self) -> None:
        """Look at the folder of the stores; it raises if that cannot be written to."""
        with _ours():
            mark = self._busy / f"ping-{secrets.token_hex(4)}"
            mark.touch()
            mark.unlink()

    def new_store(self) -> str:
        """Make an empty store and return its name."""
        store = secrets.token_hex(16)
        with self._written():
            # Made out of sight and put there in one step: a kill leaves no half of a store.
            aside, path = self._busy / f"new-{store}", self._path(store)
            pygit2.init_repository(
                str(aside),
                flags=RepositoryInitFlag.BARE | RepositoryInitFlag.MKDIR,
            )
            path.parent.mkdir(exist_ok=True)
            aside.rename(path)
        return store

    def drop_store(self, store: str) -> None:
        """Remove a store with all that it holds."""
        path = self._path(store)
        gone = self._busy / f"gone-{store}"
        with _ours():
            # First out of sight in one step, so that a crash leaves no half of a store.
            path.rename(gone)
            shutil.rmtree(gone)

    def add_blob(self, store: str, content: BinaryIO, size: int) -> str:
        """Write `size` bytes of `content` as a blob and return its id; large ones are streamed."""
        if shutil.disk_usage(self._stores).free < size + _RESERVE:
            raise DiskFull
        with self._written():
            repo = self._open(store)
            if size <= IN_MEMORY:
                return str(repo.create_blob(content.read(size)))
            return str(repo.create_blob_fromiobase(cast("Any", content)))

    def files_id(self, store: str, commit: str) -> str:
        """Return the id of the tree of a revision's files: equal ids are equal files."""
        with _ours():
            return str(_tree(self._open(store), commit)["files"].id)

    def same_files(self, store: str, commit: str, files: tuple[FileEntry, ...]) -> bool:
        """Tell whether a revision holds exactly `files`."""
        return self.manifest(store, commit) == files

    def commit(
        self,
        store: str,
        stamp: Stamp,
        files: tuple[FileEntry, ...],
        *,
        parent: str | None,
        pushed: str | None = None,
    ) -> str:
        """Write a revision on top of the commit `parent` and move the lab's ref to it.

        `pushed` is the commit as which a git client made it; it stays, with its history.
        """
        with self._written(), self._marked(store):
            repo = self._open(store)
            index = pygit2.Index()
            for entry in files:
                mode = FileMode.BLOB_EXECUTABLE if entry.executable else FileMode.BLOB
                index.add(pygit2.IndexEntry(entry.path, pygit2.Oid(hex=entry.blob), mode))
            tree = repo.TreeBuilder()
            tree.insert("files", index.write_tree(repo), FileMode.TREE)
            tree.insert("manifest", repo.create_blob(_manifest_bytes(files)), FileMode.BLOB)
            return self._put(repo, stamp, tree.write(), parent, pushed)

    def fork(self, store: str, stamp: Stamp, *, source: str) -> str:
        """Begin a fork: one commit on top of the commit `source`, with the same files."""
        with self._written(), self._marked(store):
            repo = self._open(store)
            return self._put(repo, stamp, _tree(repo, source).id, source, None)

    def head(self, store: str, uid: str) -> str | None:
        """Return the newest commit of a lab as its ref has it, or None: there is no such ref."""
        with _ours():
            ref = self._open(store).references.get(_HEADS + uid)
            return None if ref is None else str(ref.target)

    def has(self, store: str) -> bool:
        """Tell whether there is such a store."""
        return self._path(store).exists()

    def move(self, store: str, uid: str, commit: str) -> None:
        """Point a lab's ref at `commit`, an earlier revision of it."""
        with self._written(), self._marked(store):
            _point(self._open(store), _HEADS + uid, pygit2.Oid(hex=commit))

    def manifest(self, store: str, commit: str) -> tuple[FileEntry, ...]:
        """Return the files of a revision, ordered by path."""
        return self._manifest(store, commit)

    def read(self, store: str, blob: str) -> bytes:
        """Return a blob whole; look at its size first."""
        with _ours():
            return cast("pygit2.Blob", self._open(store)[blob]).data

    def stream(self, store: str, blob: str, size: int) -> Iterator[bytes]:
        """Return a blob piece by piece; a large one is never whole in memory."""
        if size <= IN_MEMORY:
            yield self.read(store, blob)
            return
        # libgit2 holds a blob three times to give it out once; git itself streams it.
        yield from gitprocess.blob_pieces(self._path(store), blob)

    @contextmanager
    def reading(self, store: str) -> Iterator[tuple[pygit2.Repository, Path]]:
        """Open a store for what else of this folder needs it, as it is and where it is."""
        with _ours():
            yield self._open(store), self._path(store)

    def write_details(self, store: str, uid: str, details: dict[str, Any]) -> None:
        """Keep what SQL says of a lab beside its content."""
        text = json.dumps(details, ensure_ascii=False, sort_keys=True)
        with self._written(), self._marked(store):
            repo = self._open(store)
            _point(repo, _DETAILS + uid, repo.create_blob(text.encode()))

    def read_details(self, store: str, uid: str) -> dict[str, Any] | None:
        """Return what `write_details` kept last, or None."""
        with _ours():
            ref = self._open(store).references.get(_DETAILS + uid)
            if ref is None:
                return None
            text = self.read(store, str(ref.target))
        return cast("dict[str, Any]", json.loads(text))

    def keep_offer(self, store: str, uid: str, number: int, commit: str) -> None:
        """Keep what was offered to a lab as its proposal `number`, also when the fork goes."""
        with self._written(), self._marked(store):
            _point(self._open(store), f"{_OFFERS}{uid}/{number}", pygit2.Oid(hex=commit))

    def drop_lab(self, store: str, uid: str) -> None:
        """Forget the refs of a lab; what no other lab of the store has is unreachable then."""
        with self._written(), self._marked(store):
            references = self._open(store).references
            offers = [name for name in references if name.startswith(f"{_OFFERS}{uid}/")]
            for name in (_HEADS + uid, _DETAILS + uid, *offers):
                if name in references:
                    references.delete(name)

    def stores(self) -> Iterator[str]:
        """Return the names of all stores."""
        for path in sorted(self._stores.glob("??/*.git")):
            yield path.stem

    def labs_in(self, store: str) -> tuple[str, ...]:
        """Return the refs of the labs in a store."""
        with _ours():
            names = self._open(store).references
            return tuple(n.removeprefix(_HEADS) for n in sorted(names) if n.startswith(_HEADS))

    def history(self, store: str, uid: str) -> tuple[tuple[str, Stamp], ...]:
        """Return commit and stamp of a lab's revisions, r1 first."""
        with _ours():
            repo = self._open(store)
            found: list[tuple[str, Stamp]] = []
            walk = repo.walk(repo.references[_HEADS + uid].target)
            walk.simplify_first_parent()
            for commit in walk:
                stamp = from_message(commit.message)
                if stamp is None or stamp.uid != uid:
                    break
                found.append((str(commit.id), stamp))
            return tuple(reversed(found))

    def clear_leftovers(self) -> int:
        """Remove what a killed process left behind, and return how many files; call it at start.

        A stale lock would block its ref for ever.
        """
        count = 0
        for mark in self._busy.iterdir():
            if mark.is_dir():
                shutil.rmtree(mark)
                continue
            path = self._path(mark.name.partition("-")[0])
            for pattern in ("**/*.lock", "objects/**/tmp_object_git2_*", "objects/tmp_*"):
                for left in path.glob(pattern):
                    left.unlink(missing_ok=True)
                    count += 1
            mark.unlink()
        return count

    def begin(self, store: str, uid: str) -> None:
        """Mark that a lab is about to get a revision, until `end` says that its row is there."""
        with self._written():
            (self._busy / f"{store}-{uid}").touch()

    def end(self, store: str, uid: str) -> None:
        """Take the mark of `begin` away: store and row agree."""
        (self._busy / f"{store}-{uid}").unlink(missing_ok=True)

    def begun(self) -> tuple[tuple[str, str], ...]:
        """Return store and lab of every `begin` without its `end`."""
        pairs = (mark.name.split("-", 1) for mark in self._busy.iterdir() if mark.is_file())
        return tuple((store, uid) for store, uid in pairs if len(uid) == _UID)

    @contextmanager
    def writing(self, store: str) -> Iterator[None]:
        """Mark a store as being written to, so that what a crash leaves is found."""
        with self._marked(store):
            yield

    def _put(
        self,
        repo: pygit2.Repository,
        stamp: Stamp,
        tree: pygit2.Oid,
        parent: str | None,
        pushed: str | None,
    ) -> str:
        who = pygit2.Signature(stamp.author, f"{stamp.author}@labs", int(stamp.at.timestamp()), 0)
        parents = [pygit2.Oid(hex=one) for one in (parent, pushed) if one is not None]
        commit = repo.create_commit(None, who, who, to_message(stamp), tree, parents)
        _point(repo, _HEADS + stamp.uid, commit)
        return str(commit)

    def _read_manifest(self, store: str, commit: str) -> tuple[FileEntry, ...]:
        with _ours():
            repo = self._open(store)
            blob = cast("pygit2.Blob", repo[_tree(repo, commit)["manifest"].id])
            rows = json.loads(blob.data)["files"]
        return tuple(FileEntry(*row) for row in rows)

    def _open(self, store: str) -> pygit2.Repository:
        return pygit2.Repository(str(self._path(store)))

    def _path(self, store: str) -> Path:
        return self._stores / store[:2] / f"{store}.git"

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            with _ours():
                yield
        except StoreFault as fault:
            # libgit2 says of a full disk "no error", or names another file: look for ourselves.
            if shutil.disk_usage(self._stores).free < _RESERVE:
                raise DiskFull from fault
            raise

    @contextmanager
    def _marked(self, store: str) -> Iterator[None]:
        mark = self._busy / f"{store}-{secrets.token_hex(4)}"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except (pygit2.GitError, OSError, KeyError) as error:
        raise StoreFault from error


def _tree(repo: pygit2.Repository, commit: str) -> pygit2.Tree:
    return cast("pygit2.Commit", repo[commit]).tree


def _point(repo: pygit2.Repository, name: str, target: pygit2.Oid) -> None:
    ref = repo.references.get(name)
    if ref is None:
        # Fails if another made it since: creating and moving a ref are compare-and-swap.
        repo.references.create(name, target)
    else:
        ref.set_target(target)


def _manifest_bytes(files: tuple[FileEntry, ...]) -> bytes:
    # A manifest without executable files is as it always was.
    rows = [[f.path, f.size, f.sha256, f.blob, *([True] * f.executable)] for f in files]
    return json.dumps({"version": 1, "files": rows}, ensure_ascii=False).encode()
