"""Prove that the index of labs says what the stores hold, and make it agree where it does not.

Git holds the content and what was said of it; rows that are lost come back from there. What a
killed process left half done was never answered: `settle` takes it back when the service starts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.models.address import FormerAddress
from machinelabs_hub.labs.models.lab import Lab, Parent, Visibility
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.services import details
from machinelabs_hub.labs.services.details import opened
from machinelabs_hub.labs.services.labs import revision_from
from machinelabs_hub.labs.services.next_revision import face_of
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.rows import Contents, Details, NewLab


@dataclass(slots=True)
class Report:
    """What was found. `faults` are sentences; no fault means that index and stores agree.

    Attributes:
        labs: how many labs the stores hold.
        revisions: how many revisions of them.
        restored: labs whose rows were made anew.
        mended: sentences that say what else was repaired.
        faults: what differs, or what could not be repaired.
    """

    labs: int = 0
    revisions: int = 0
    restored: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stored:
    store: str
    uid: str
    kept: dict[str, Any]
    revisions: tuple[Revision, ...]


def compare(tools: Tools) -> Report:
    """Hold every lab of the stores and every row against each other; change nothing."""
    return _Look(tools, repair=False).all()


def reindex(tools: Tools) -> Report:
    """Make index and stores agree. Nothing else may write meanwhile."""
    return _Look(tools, repair=True).all()


def settle(tools: Tools) -> int:
    """Finish or take back what a killed process was doing, and return how many acts that were.

    Call it at start, before anybody is answered. What has a row was answered, or may have been,
    and stays; a lab or a revision without one never was.
    """
    begun = tools.repos.begun()
    tools.repos.clear_leftovers()
    for store, uid in begun:
        if not tools.repos.has(store):
            continue
        lab = tools.labs.get(uid)
        if lab is None:
            tools.repos.drop_lab(store, uid)
            if not tools.repos.labs_in(store) and not tools.labs.in_store(store):
                tools.repos.drop_store(store)
        else:
            _mend_head(tools, lab)
            _keep_row(tools, lab)
    return len(begun)


class _Look:
    """One walk over all stores, then over all rows."""

    def __init__(self, tools: Tools, *, repair: bool) -> None:
        self._tools = tools
        self._repair = repair
        self._busy = {uid for _, uid in tools.repos.begun()}
        self._report = Report()

    def all(self) -> Report:
        """Look at everything."""
        seen = set()
        for stored in sorted(self._stored(), key=lambda it: it.revisions[0].created_at):
            seen.add(stored.uid)
            self._report.labs += 1
            self._report.revisions += len(stored.revisions)
            if stored.uid not in self._busy:
                self._hold(stored)
        for uid, path in self._tools.labs.places():
            if uid not in seen and uid not in self._busy and self._tools.labs.get(uid):
                self._fault(f"{path} is in the index, but in no store. Restore its store.")
        return self._report

    def _stored(self) -> Iterator[_Stored]:
        tools = self._tools
        for store in tools.repos.stores():
            try:
                uids = tools.repos.labs_in(store)
                if not uids and self._repair and not tools.labs.in_store(store):
                    tools.repos.drop_store(store)
                for uid in uids:
                    kept = tools.repos.read_details(store, uid)
                    history = tools.repos.history(store, uid)
                    if uid in self._busy:
                        continue
                    if kept is None or not history:
                        self._half(store, uid)
                        continue
                    revisions = tuple(revision_from(stamp, commit) for commit, stamp in history)
                    yield _Stored(store, uid, kept, revisions)
            except MachineLabsError:
                self._fault(f"The store {store} cannot be read. Restore it from the backup.")

    def _half(self, store: str, uid: str) -> None:
        if self._tools.labs.get(uid) is None:
            self._mend(f"The store {store} holds the beginning of a lab that never came to be.")
            if self._repair:
                self._tools.repos.drop_lab(store, uid)
        else:
            self._fault(f"The store {store} has lost the refs of a lab. Restore it.")

    def _hold(self, stored: _Stored) -> None:
        tools = self._tools
        lab = tools.labs.get(stored.uid)
        if lab is None:
            where = f"{stored.kept['owner']}/{stored.kept['name']}"
            if not self._repair:
                self._fault(f"{where} is in its store, but not in the index.")
            else:
                _restore(tools, stored, self._report)
            return
        rows = {row.number: row for row in tools.revisions.all_of(lab)}
        in_git = {revision.number: revision for revision in stored.revisions}
        lost = [number for number in rows if in_git.get(number) != rows[number]]
        if lost and self._repair and _mend_head(tools, lab):
            self._mend(f"The ref of {lab.path} pointed to another revision than its newest.")
            lost = []
        for number in lost:
            self._fault(f"r{number} of {lab.path} is not in its store as indexed.")
        for number in sorted(in_git.keys() - rows.keys()):
            self._mend(f"r{number} of {lab.path} is in its store, but not in the index.")
            if self._repair:
                _add_row(tools, lab, in_git[number])
        self._hold_details(lab, stored.kept)

    def _hold_details(self, lab: Lab, kept: dict[str, Any]) -> None:
        said = _of_row(lab)
        wrong = sorted(key for key in said if kept.get(key, said[key]) != said[key])
        if wrong:
            self._mend(f"What is kept of {lab.path} beside its files is another {wrong[0]}.")
            if self._repair:
                _keep_row(self._tools, lab)

    def _mend(self, sentence: str) -> None:
        (self._report.mended if self._repair else self._report.faults).append(sentence)

    def _fault(self, sentence: str) -> None:
        self._report.faults.append(sentence)


def _of_row(lab: Lab) -> dict[str, Any]:
    """Return what a lab's row says of what is kept beside its files."""
    said = details.changes_to(details.of(lab))
    said |= {"tags": list(lab.tags), "owner": lab.owner, "name": lab.name}
    return said | {"trashed_at": lab.trashed_at and lab.trashed_at.isoformat()}


def _keep_row(tools: Tools, lab: Lab) -> None:
    kept = tools.repos.read_details(lab.store, lab.uid) or {}
    said = _of_row(lab)
    if any(kept.get(key) != value for key, value in said.items()):
        details.keep(tools, lab.store, lab.uid, said)


def _mend_head(tools: Tools, lab: Lab) -> bool:
    """Point a lab's ref at the commit of its newest row, if the store has it."""
    newest = tools.revisions.find(lab, lab.revision)
    if newest is None:
        return False
    if tools.repos.head(lab.store, lab.uid) == newest.commit:
        return False
    tools.repos.manifest(lab.store, newest.commit)
    tools.repos.move(lab.store, lab.uid, newest.commit)
    return True


def _add_row(tools: Tools, lab: Lab, revision: Revision) -> None:
    entries = tools.repos.manifest(lab.store, revision.commit)
    face = face_of(tools, lab.store, entries)
    said = details.with_config(details.of(lab), face.config)
    contents = Contents(
        entrypoint=face.entrypoint, image=said.image, flavour=said.flavour, texts=face.texts
    )
    tools.revisions.add(lab, revision, contents)


def _restore(tools: Tools, stored: _Stored, report: Report) -> None:
    kept, newest = stored.kept, stored.revisions[-1]
    entries = tools.repos.manifest(stored.store, newest.commit)
    face = face_of(tools, stored.store, entries)
    parent, parent_id = _parent(tools, kept)
    new = NewLab(
        uid=stored.uid,
        store=stored.store,
        owner=kept["owner"],
        name=kept["name"],
        details=_details(kept),
        entrypoint=face.entrypoint,
        texts=face.texts,
        first=stored.revisions[0],
        parent=parent,
        parent_id=parent_id,
    )
    trashed_at = kept["trashed_at"] and datetime.fromisoformat(kept["trashed_at"])
    try:
        lab = tools.labs.put_back(new, stored.revisions, trashed_at)
    except RowClash:
        report.faults.append(f"There are two labs {new.owner}/{new.name}; one is not indexed.")
    else:
        tools.addresses.put_back(lab, map(FormerAddress.of, kept.get("former", ())))
        report.restored.append(lab.path)


def _details(kept: dict[str, Any]) -> Details:
    visibility = Visibility(kept["visibility"])
    return Details(
        title=kept["title"],
        description=kept["description"],
        tags=tuple(kept["tags"]),
        visibility=visibility,
        licence=kept["licence"],
        image=kept["image"],
        flavour=kept["flavour"],
        open_from=kept.get("open_from", opened(visibility)),
    )


def _parent(tools: Tools, kept: dict[str, Any]) -> tuple[Parent | None, int | None]:
    said = kept["parent"]
    if not said:
        return None, None
    here = tools.labs.get(said["uid"])
    parent = Parent(said["owner"], said["name"], said["revision"], synced=said.get("synced"))
    return parent, here.id if here else None
