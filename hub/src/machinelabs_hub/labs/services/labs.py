"""Labs: get, list, publish, change, delete."""

from dataclasses import replace
from typing import BinaryIO
from uuid import uuid4

from machinelabs_hub.db.engine import DatabaseAway, RowClash
from machinelabs_hub.errors import BadInput, Conflict, NotAllowed, TooLarge
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import GROUP_SIGN, Action, may, owners_of, seen_by
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft
from machinelabs_hub.labs.models.page import LabQuery, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.services import details, intake
from machinelabs_hub.labs.services.room import check_room
from machinelabs_hub.labs.services.search import SearchService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at, lab_to, writer
from machinelabs_hub.labs.storage.commits import Stamp
from machinelabs_hub.labs.storage.rows import NewLab
from machinelabs_hub.names import RESERVED, can_own, check_lab_name, lab_name_from_title, shown


class NameTaken(Conflict):
    """The person has another lab of this name."""

    code = "name_taken"


class TooManyLabs(TooLarge):
    """The person has as many labs as a person may have."""

    code = "too_many_labs"


class LabService:
    """Labs, as `viewer` may see and change them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def get(self, owner: str, name: str) -> Lab:
        """Return a lab that the viewer may read.

        Raises:
            NoLab: there is none, or none that the viewer may know of.
        """
        return lab_at(self._tools, self._viewer, owner, name)

    def list(self, query: LabQuery) -> Page[Lab]:
        """Return the labs that `query` asks for, among those that the viewer may see."""
        return SearchService(tools=self._tools, viewer=self._viewer).find(query)

    def may(self, action: Action, lab: Lab) -> bool:
        """Tell whether the viewer may do `action` with a lab."""
        return may(self._viewer, action, lab)

    def check_may_publish(self) -> None:
        """Refuse who may not publish, before anything is sent."""
        writer(self._viewer)

    def publish(self, draft: LabDraft, files: BinaryIO) -> Lab:
        """Make a new lab of the files of a tar; its first revision is r1.

        Raises:
            NameTaken: the viewer has a lab of this name.
            BadInput: something in the draft or the files cannot be used.
            TooLarge: a limit of the site.
        """
        author = publisher(self._tools, self._viewer)
        owner = owner_for(author, draft.owner)
        tools, catalog = self._tools, self._tools.catalog()
        draft = replace(draft, message=words.check_message(draft.message))
        name = self._free_name(owner, draft)
        parcel = intake.inspect(files, tools.settings.limits, catalog)
        said = details.from_draft(draft, parcel.config, catalog)
        store, uid, now = tools.repos.new_store(), uuid4().hex, tools.clock()
        try:
            tools.repos.begin(store, uid)
            entries = intake.write(files, parcel, tools.repos, store)
            stamp = Stamp(
                uid=uid,
                number=1,
                author=author.name,
                at=now,
                message=draft.message,
                files_count=len(entries),
                size_bytes=parcel.size_bytes,
                lab=f"{owner}/{name}",
            )
            commit = tools.repos.commit(store, stamp, entries, parent=None)
            kept = details.to_json(owner=owner, name=name, details=said, created_at=now)
            tools.repos.write_details(store, uid, kept)
            new = NewLab(
                uid=uid,
                store=store,
                owner=owner,
                name=name,
                details=said,
                entrypoint=parcel.entrypoint,
                texts=parcel.texts,
                first=revision_from(stamp, commit),
            )
            made = tools.labs.add(new)
        except DatabaseAway:
            # Nobody can say whether the row is there; the next start looks.
            raise
        except BaseException as error:
            tools.repos.drop_store(store)
            tools.repos.end(store, uid)
            if isinstance(error, RowClash):
                raise name_taken(owner, name) from error
            raise
        tools.repos.end(store, uid)
        return made

    def change(self, owner: str, name: str, change: LabChange) -> Lab:
        """Give a lab new details; only its owners change who may read it."""
        lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
        with self._tools.locks.hold(lab.uid):
            # Read again: what was changed meanwhile, who may read it above all, stays so.
            lab = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
            if change.whole_history or change.visibility not in {None, lab.visibility}:
                lab = lab_to(Action.SHARE, self._tools, self._viewer, owner, name)
            said = details.changed(lab, change, self._tools.catalog())
            details.keep(self._tools, lab.store, lab.uid, details.changes_to(said))
            done = self._tools.labs.change(lab, said, self._tools.clock())
        if done is None:
            return self.get(owner, name)
        return seen_by(self._viewer, done)

    def delete(self, owner: str, name: str) -> None:
        """Move a lab to the trash, from where its owner can restore it for some days."""
        lab = lab_to(Action.DELETE, self._tools, self._viewer, owner, name)
        to_trash(self._tools, lab)

    def _free_name(self, owner: str, draft: LabDraft) -> str:
        taken = self._tools.labs.names_of(owner)
        check_count(self._tools, len(taken))
        if not draft.name:
            return free_name(lab_name_from_title(words.check_title(draft.title)), taken)
        if check_lab_name(draft.name) in taken:
            raise name_taken(owner, draft.name)
        return draft.name


def to_trash(tools: Tools, lab: Lab) -> bool:
    """Move a lab to the trash; False: it was gone already."""
    now = tools.clock()
    with tools.locks.hold(lab.uid):
        details.keep_trashed(tools, lab, now)
        return tools.labs.trash(lab, now)


def publisher(tools: Tools, viewer: Person | None) -> Person:
    """Return who publishes or forks, counted against their rate."""
    person = writer(viewer)
    if person.name in RESERVED or "/" in person.name:
        raise NotAllowed(
            f"“{shown(person.name)}” is the name of a page of this site, so it cannot own labs. "
            "Ask an admin for another user name."
        )
    most = tools.settings.limits.publishes_per_hour
    tools.publishes.take(person.name, f"You published {most} times within an hour.")
    tools.people.seen(person, tools.clock())
    check_room(tools, person)
    return person


def owner_for(person: Person, owner: str) -> str:
    """Return as whom `person` publishes or forks: themself, or `@group` of theirs.

    Raises:
        NotAllowed: it is neither.
    """
    if not owner or owner == person.name:
        return person.name
    if owner not in owners_of(person):
        raise NotAllowed(
            f"You cannot publish as “{shown(owner)}”: only as yourself, or as @group where you are "
            "in that group."
        )
    group = owner.removeprefix(GROUP_SIGN)
    if not can_own(group):
        raise BadInput(cannot_own(group))
    return owner


def cannot_own(group: str) -> str:
    """Return the sentence for a group whose name is no address."""
    return (
        f"The group “{shown(group)}” cannot own labs: only groups called by letters, digits, dots, "
        "hyphens and underscores can, at most 61 of them. Share the lab with the group instead."
    )


def check_count(tools: Tools, count: int) -> None:
    """Refuse one lab more than a person may have."""
    most = tools.settings.limits.labs_per_person
    if count >= most:
        raise TooManyLabs(f"You have {most} labs, the most that a person may have. Delete some.")


def free_name(wanted: str, taken: frozenset[str]) -> str:
    """Return `wanted`, or the first of `wanted-2`, `wanted-3`, … that is free."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted[:58].rstrip('-')}-{number}"
    return name


def name_taken(owner: str, name: str) -> NameTaken:
    """Return the refusal of a name that the owner uses already."""
    return NameTaken(f"There is a lab {owner}/{name} already. Choose another name.")


def revision_from(stamp: Stamp, commit: str) -> Revision:
    """Return the revision that a commit is."""
    return Revision(
        number=stamp.number,
        message=stamp.message,
        author=stamp.author,
        created_at=stamp.at,
        size_bytes=stamp.size_bytes,
        files_count=stamp.files_count,
        commit=commit,
    )
