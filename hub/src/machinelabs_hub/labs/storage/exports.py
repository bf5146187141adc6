"""Repositories for git clients: one lab's own history, and nothing of the store that it is in.

Whatever a client asks for or claims to have, there is nothing of anybody else's to be found. An
export is made when first asked for and brought up to date at each fetch; it can be thrown away at
any time, because the same revisions always give the same commits.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import ObjectType

from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.storage import gitprocess
from machinelabs_hub.labs.storage.repos import RepoStore, StoreFault

MAIN: Final = "refs/heads/main"
TAG: Final = "refs/tags/r"
_USED: Final = "used"
_PACKED: Final = "# pack-refs with: peeled fully-peeled sorted \n"
_CONFIG: Final = """\
[core]
\trepositoryformatversion = 0
\tbare = true
[uploadpack]
\tallowTipSHA1InWant = false
\tallowReachableSHA1InWant = false
\tallowAnySHA1InWant = false
\tallowFilter = false
"""


class ExportStore:
    """All exports of a site, below one folder. Whoever updates one holds its lock."""

    def __init__(self, *, folder: Path, repos: RepoStore) -> None:
        self._folder = folder
        self._repos = repos

    def update(self, store: str, uid: str, revisions: Sequence[Revision], first: int) -> Path:
        """Bring the export of a lab up to date, or make it, and return where it is.

        Args:
            store: where the lab's content is.
            uid: the lab.
            revisions: all of them, r1 first.
            first: the first that it may hold; of earlier ones it has the newest one's id alone.
        """
        path = self.path(uid, first)
        try:
            known = refs_of(path)
            have = _newest(known)
            if have < revisions[-1].number:
                self._extend(path, store, revisions, first, known)
            (path / _USED).touch()
        except (OSError, subprocess.SubprocessError) as error:
            raise StoreFault from error
        return path

    def adopt(
        self, store: str, revisions: Sequence[Revision], source: Path, new: str, old: str
    ) -> None:
        """Copy what was pushed on top of `old` into a lab's store.

        Args:
            store: where the lab's content is.
            revisions: all of them, r1 first.
            source: the repository that holds what was pushed.
            new: the last commit of it.
            old: the commit of the newest revision.
        """
        try:
            with self._repos.writing(store), self._repos.reading(store) as (repo, path):
                # They are in the store only if somebody pushed on top of them before.
                history(repo, revisions, None)
                gitprocess.copy_objects(
                    source, path, f"{new}\n^{old}\n", durable=self._repos.durable
                )
        except subprocess.SubprocessError as error:
            raise StoreFault from error

    def path(self, uid: str, first: int) -> Path:
        """Return where the export of a lab from r`first` on is."""
        return self._folder / uid / f"from-{first}.git"

    def drop(self, uid: str) -> None:
        """Remove the exports of a lab."""
        shutil.rmtree(self._folder / uid, ignore_errors=True)

    def drop_one(self, path: Path) -> None:
        """Remove one export; whoever still reads from it has its files open."""
        shutil.rmtree(path, ignore_errors=True)

    def all(self) -> Iterator[Path]:
        """Return where the exports are."""
        yield from sorted(self._folder.glob("*/from-*.git"))

    def unused(self, seconds: float) -> Iterator[tuple[str, Path]]:
        """Return lab and place of the exports that nobody fetched from for so long."""
        for path in self.all():
            try:
                used = (path / _USED).stat().st_mtime
            except FileNotFoundError:
                used = path.stat().st_mtime
            if used < time.time() - seconds:
                yield path.parent.name, path

    def _extend(
        self,
        path: Path,
        store: str,
        revisions: Sequence[Revision],
        first: int,
        known: dict[str, str],
    ) -> None:
        have = _newest(known)
        tip = known.get(f"{TAG}{have}")
        with self._repos.reading(store) as (repo, source):
            made = history(repo, revisions if tip is None else revisions[have:], tip)
            wanted = [made[revisions[-1].number]]
            _make(path)
            if tip is not None:
                wanted.append(f"^{tip}")
            elif first > 1:
                wanted.insert(0, f"--shallow {made[first]}")
                (path / "shallow").write_text(f"{made[first]}\n", encoding="ascii")
            gitprocess.copy_objects(source, path, "\n".join(wanted) + "\n")
        tags = {f"{TAG}{number}": oid for number, oid in made.items() if number >= first}
        _write_refs(path, known | tags | {MAIN: made[revisions[-1].number]})


def history(
    repo: pygit2.Repository, revisions: Sequence[Revision], tip: str | None
) -> dict[int, str]:
    """Return the commits that git clients see for `revisions`, made in `repo` on top of `tip`.

    A pushed revision is the commit that was pushed, so that the pusher has what we have. Of each
    other one a commit is made: the same at any time, and of an id that nobody can guess from what
    it says, because ids of commits from before a lab was opened are seen.
    """
    made: dict[int, str] = {}
    for revision in revisions:
        kept = repo[revision.commit]
        if not isinstance(kept, pygit2.Commit):
            raise StoreFault
        pushed = pushed_commit(kept, revision.number)
        tip = pushed or _commit(repo, revision, str(kept.tree["files"].id), tip)
        made[revision.number] = tip
    return made


def pushed_commit(kept: pygit2.Commit, number: int) -> str | None:
    """Return the commit that somebody pushed as this revision, or None: it came another way."""
    parents = kept.parent_ids
    return str(parents[1]) if number > 1 and len(parents) > 1 else None


def refs_of(path: Path) -> dict[str, str]:
    """Return the refs of an export; there are none in one that is not there."""
    try:
        lines = (path / "packed-refs").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split(" ", 1) for line in lines if not line.startswith("#"))
    return {name: oid for oid, name in pairs}


def make_bare(path: Path) -> None:
    """Make an empty repository without hooks, templates or anybody's settings."""
    for folder in ("objects/pack", "objects/info", "refs"):
        (path / folder).mkdir(parents=True)
    (path / "config").write_text(_CONFIG, encoding="ascii")
    (path / "HEAD").write_text(f"ref: {MAIN}\n", encoding="ascii")


def _make(path: Path) -> None:
    if path.exists():
        return
    aside = path.with_name(f".new-{os.getpid()}-{path.name}")
    shutil.rmtree(aside, ignore_errors=True)
    make_bare(aside)
    aside.rename(path)


def _newest(refs: dict[str, str]) -> int:
    return max((int(name[len(TAG) :]) for name in refs if name.startswith(TAG)), default=0)


def _write_refs(path: Path, refs: dict[str, str]) -> None:
    # In one step: who fetches meanwhile sees all of the former refs or all of the new ones.
    aside = path / "packed-refs.new"
    lines = "".join(f"{oid} {name}\n" for name, oid in sorted(refs.items()))
    aside.write_text(_PACKED + lines, encoding="ascii")
    aside.replace(path / "packed-refs")


def _commit(repo: pygit2.Repository, revision: Revision, tree: str, parent: str | None) -> str:
    at = int(revision.created_at.timestamp())
    name = "".join(char for char in revision.author if char.isprintable() and char not in "<>")
    who = f"{name} <{name}@labs> {at} +0000"
    key = hashlib.sha256(f"shown {revision.commit}".encode()).hexdigest()[:32]
    lines = [
        f"tree {tree}",
        *([f"parent {parent}"] if parent else []),
        f"author {who}",
        f"committer {who}",
        f"lab-revision r{revision.number} {key}",
        "",
        revision.message.strip() or f"r{revision.number}",
        "",
    ]
    return str(repo.write(ObjectType.COMMIT, "\n".join(lines).encode()))
