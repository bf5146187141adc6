"""Forks: copy a lab to one's own, and list who did."""

from dataclasses import replace
from uuid import uuid4

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.labs.models.access import Action, seen_by
from machinelabs_hub.labs.models.lab import Lab, Parent
from machinelabs_hub.labs.models.page import LabQuery, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.services import details
from machinelabs_hub.labs.services.labs import (
    check_count,
    free_name,
    name_taken,
    owner_for,
    publisher,
    revision_from,
)
from machinelabs_hub.labs.services.search import asked
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, lab_to, writer
from machinelabs_hub.labs.storage.commits import Stamp
from machinelabs_hub.labs.storage.rows import NewLab
from machinelabs_hub.names import check_lab_name


class ForkService:
    """Copies of labs with their lineage, as `viewer` may make and see them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def fork(self, owner: str, name: str, *, to: str = "", as_: str = "") -> tuple[Lab, bool]:
        """Copy the newest revision of a lab to the viewer, or find the fork they have.

        Args:
            owner: whose lab it is.
            name: which lab of theirs.
            to: the fork's name; empty takes the lab's own, or one like it that is free, and
                finds a fork that is there already.
            as_: whose the fork is: `@group` of the viewer's; empty is the viewer.

        Returns:
            The fork, and whether it is new.
        """
        source = lab_to(Action.FORK, self._tools, self._viewer, owner, name)
        person = writer(self._viewer)
        taker = owner_for(person, as_)
        here = None if to else self._tools.labs.fork_of(source, taker)
        if here is not None:
            return seen_by(self._viewer, here), False
        publisher(self._tools, self._viewer)
        taken = self._tools.labs.names_of(taker)
        check_count(self._tools, len(taken))
        if to and check_lab_name(to) in taken:
            raise name_taken(taker, to)
        return self._copy(source, person, taker, to or free_name(source.name, taken)), True

    def of_viewer(self, lab: Lab) -> Lab | None:
        """Return the viewer's own newest fork of `lab`, or None."""
        if self._viewer is None:
            return None
        found = self._tools.labs.fork_of(lab, self._viewer.name)
        return found and seen_by(self._viewer, found)

    def list(self, lab: Lab, query: LabQuery | None = None) -> Page[Lab]:
        """Return the forks of a lab that the viewer may see."""
        page = self._tools.labs.forks(lab, self._viewer, asked(query or LabQuery()))
        return Page(tuple(seen_by(self._viewer, fork) for fork in page.items), page.next)

    def _copy(self, source: Lab, person: Person, owner: str, name: str) -> Lab:
        tools, uid = self._tools, uuid4().hex
        newest = self._newest(source)
        stamp = Stamp(
            uid=uid,
            number=1,
            author=person.name,
            at=tools.clock(),
            # Names no parent: who reads the fork later may not know of it.
            message="Fork",
            files_count=newest.files_count,
            size_bytes=newest.size_bytes,
            lab=f"{owner}/{name}",
        )
        said = replace(details.of(source), open_from=details.opened(source.visibility))
        kept = details.to_json(
            owner=owner, name=name, details=said, created_at=stamp.at, parent=source
        )
        tools.repos.begin(source.store, uid)
        commit = tools.repos.fork(source.store, stamp, source=newest.commit)
        tools.repos.write_details(source.store, uid, kept)
        new = NewLab(
            uid=uid,
            store=source.store,
            owner=owner,
            name=name,
            details=said,
            entrypoint=source.entrypoint,
            texts=tools.labs.texts_of(source),
            first=revision_from(stamp, commit),
            parent=Parent(source.owner, source.name, newest.number),
            parent_id=source.id,
        )
        try:
            made = tools.labs.add(new)
        except RowClash as error:
            tools.repos.drop_lab(source.store, uid)
            tools.repos.end(source.store, uid)
            raise name_taken(owner, name) from error
        tools.repos.end(source.store, uid)
        return seen_by(self._viewer, made)

    def _newest(self, source: Lab) -> Revision:
        found = self._tools.revisions.find(source, source.revision)
        if found is None:
            raise NoLab(f"{source.path} was deleted at this moment.")
        return found
