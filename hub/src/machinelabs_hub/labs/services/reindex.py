"""Make the index of labs anew from the stores, and tell where the two differ.

Git holds the content and what was said of it; rows that are lost come back from there. A revision
in a store that no row knows is of a publish that was never answered: it stays out of sight.
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
from machinelabs_hub.labs.services.details import opened
from machinelabs_hub.labs.services.labs import revision_from
from machinelabs_hub.labs.services.next_revision import face_of
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.rows import Details, NewLab


@dataclass(slots=True)
class Report:
    """What was found. `faults` are sentences; no fault means that index and stores agree."""

    labs: int = 0
    revisions: int = 0
    restored: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stored:
    store: str
    uid: str
    kept: dict[str, Any]
    revisions: tuple[Revision, ...]


def reindex(tools: Tools) -> Report:
    """Give every lab of the stores its rows back, and check those that have them."""
    report = Report()
    for stored in sorted(_stored(tools, report), key=lambda it: it.revisions[0].created_at):
        report.labs += 1
        report.revisions += len(stored.revisions)
        lab = tools.labs.get(stored.uid)
        if lab is None:
            _restore(tools, stored, report)
        else:
            _compare(tools, lab, stored, report)
    return report


def _stored(tools: Tools, report: Report) -> Iterator[_Stored]:
    for store in tools.repos.stores():
        try:
            for uid in tools.repos.labs_in(store):
                kept = tools.repos.read_details(store, uid)
                history = tools.repos.history(store, uid)
                if kept is None or not history:
                    # A publish that broke off before it was whole.
                    continue
                revisions = tuple(revision_from(stamp, commit) for commit, stamp in history)
                yield _Stored(store, uid, kept, revisions)
        except MachineLabsError:
            report.faults.append(f"The store {store} cannot be read.")


def _compare(tools: Tools, lab: Lab, stored: _Stored, report: Report) -> None:
    in_git = {revision.number: revision for revision in stored.revisions}
    for row in tools.revisions.all_of(lab):
        if in_git.get(row.number) != row:
            report.faults.append(f"r{row.number} of {lab.path} is not in its store as indexed.")


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
    return Parent(said["owner"], said["name"], said["revision"]), here.id if here else None
