"""Datasets: make, find, read, change, share, delete and restore."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.errors import Conflict, NotAllowed, NotFound, TooLarge
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import (
    Action,
    first_open,
    is_insider,
    may,
    may_restore,
    role_of,
)
from machinelabs_hub.labs.models.dataset import (
    Address,
    Dataset,
    DatasetChange,
    DatasetDraft,
    DatasetFile,
    DatasetQuery,
    FileAddress,
    Version,
)
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Membership
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_path, read_place, write_place
from machinelabs_hub.labs.services.details import opened
from machinelabs_hub.labs.services.directory import Directory
from machinelabs_hub.labs.services.labs import owner_for, publisher
from machinelabs_hub.labs.services.members import MOST as MOST_MEMBERS
from machinelabs_hub.labs.services.members import IsOwner, NoMember, TooManyMembers, owner_as
from machinelabs_hub.labs.services.room import room_for
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at, writer
from machinelabs_hub.names import check_dataset_name, shown

MOST: Final = 1000
"""Datasets of one owner."""
_VERSIONS: Final = "versions"
_FILES: Final = "files"
_USERS: Final = 20


class NoDataset(NotFound):
    """There is no such dataset, or none that this person may know of."""

    code = "no_dataset"


class NoVersion(NotFound):
    """The dataset has no version of this number, or none that this person may read."""

    code = "no_version"


class NoDatasetFile(NotFound):
    """The version has no file of this path."""

    code = "no_dataset_file"


class DatasetNameTaken(Conflict):
    """The owner has another dataset of this name."""

    code = "dataset_name_taken"


class TooManyDatasets(TooLarge):
    """The owner has as many datasets as anybody may have."""

    code = "too_many_datasets"


class DatasetService:
    """Datasets, as `viewer` may see and change them."""

    def __init__(self, *, tools: Tools, viewer: Person | None, directory: Directory) -> None:
        self._tools = tools
        self._viewer = viewer
        self._directory = directory

    def get(self, owner: str, name: str) -> Dataset:
        """Return a dataset that the viewer may read.

        Raises:
            NoDataset: also for one that only others may read.
        """
        return dataset_at(self._tools, self._viewer, owner, name)

    def list(self, query: DatasetQuery) -> Page[Dataset]:
        """Return the datasets that `query` asks for, among those that the viewer may see."""
        return self._tools.datasets.page(query, self._viewer)

    def may(self, action: Action, dataset: Dataset) -> bool:
        """Tell whether the viewer may do `action` with a dataset."""
        return may(self._viewer, action, dataset)

    def make(self, draft: DatasetDraft) -> Dataset:
        """Make a dataset that has no version yet.

        Raises:
            DatasetNameTaken: the owner has one of this name.
            TooManyDatasets: or as many as anybody may have.
        """
        person = publisher(self._tools, self._viewer)
        owner, name = owner_for(person, draft.owner), check_dataset_name(draft.name)
        draft = _checked(replace(draft, owner=owner, title=draft.title or name))
        if self._tools.datasets.count_of(owner) >= MOST:
            raise TooManyDatasets(
                f"{owner} has {MOST} datasets, the most that may be. Delete some."
            )
        is_open = draft.visibility is not Visibility.PRIVATE
        try:
            return self._tools.datasets.add(draft, int(is_open), self._tools.clock())
        except RowClash as error:
            raise DatasetNameTaken(
                f"There is a dataset {owner}/{name} already. Choose another name, or upload its "
                "next version."
            ) from error

    def change(self, owner: str, name: str, change: DatasetChange) -> Dataset:
        """Give a dataset new details; only its owners change who may read it."""
        with self._tools.locks.hold(f"dataset {owner}/{name}"):
            was = self._to(Action.EDIT, owner, name)
            if change.whole_history or change.visibility not in {None, was.visibility}:
                was = self._to(Action.SHARE, owner, name)
            draft = DatasetDraft(
                name=was.name,
                owner=was.owner,
                title=was.title if change.title is None else change.title,
                description=was.description if change.description is None else change.description,
                tags=was.tags if change.tags is None else change.tags,
                visibility=change.visibility or was.visibility,
                licence=was.licence if change.licence is None else change.licence,
            )
            draft = _checked(draft)
            open_from = opened(
                draft.visibility,
                max(was.version, 1),
                was.open_from,
                whole_history=change.whole_history,
            )
            self._tools.datasets.change(was, draft, open_from, self._tools.clock())
        return self.get(owner, name)

    def delete(self, owner: str, name: str) -> None:
        """Move a dataset to the trash, from where its owner can restore it for some days."""
        dataset = self._to(Action.DELETE, owner, name)
        self._tools.datasets.set_trashed(dataset, self._tools.clock())

    def trashed(self) -> tuple[Dataset, ...]:
        """Return the datasets in the trash that the viewer may restore, the last deleted first."""
        return self._tools.datasets.trashed_for(writer(self._viewer))

    def restore(self, owner: str, name: str) -> Dataset:
        """Take back the dataset of this name that was deleted last.

        Raises:
            NoDataset: there is none in the trash, or it is somebody else's.
            DatasetNameTaken: the owner has another dataset of this name by now.
            StorageFull: what comes back is more than the viewer's plan gives.
        """
        person = writer(self._viewer)
        for one in self._tools.datasets.trashed_for(person):
            if (one.owner, one.name) == (owner, name) and may_restore(self._viewer, one):
                back = self._tools.dataset_versions.brought_by(person.name, one)
                try:
                    with room_for(self._tools, person, back):
                        self._tools.datasets.set_trashed(one, None)
                except RowClash as error:
                    raise DatasetNameTaken(
                        f"There is another dataset {one.path} by now. Delete it, then restore."
                    ) from error
                return self.get(owner, name)
        raise NoDataset(f"There is no dataset {shown(owner)}/{shown(name)} in your trash.")

    def versions(
        self, dataset: Dataset, *, cursor: str = "", limit: int = DEFAULT_LIMIT
    ) -> Page[Version]:
        """Return the versions that the viewer may read, the newest first."""
        found = self._tools.dataset_versions.page(
            dataset,
            first=first_open(self._viewer, dataset),
            before=read_place(cursor, _VERSIONS) if cursor else None,
            limit=limit + 1,
        )
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_VERSIONS, items[-1].number) if more else None)

    def version(self, dataset: Dataset, number: int | None = None) -> Version:
        """Return a version; None: the newest.

        Raises:
            NoVersion: there is none, or none that the viewer may read.
        """
        return version_of(self._tools, self._viewer, dataset, number)

    def files(
        self, version: Version, *, cursor: str = "", limit: int = DEFAULT_LIMIT
    ) -> Page[DatasetFile]:
        """Return files of a version by path, a page of them."""
        after = read_path(cursor, _FILES) if cursor else ""
        found = self._tools.dataset_versions.files(version.id, after=after, limit=limit + 1)
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_FILES, items[-1].path) if more else None)

    def file(self, dataset: Dataset, version: Version, path: str) -> DatasetFile:
        """Return one file of a version.

        Raises:
            NoDatasetFile: it has none of this path.
        """
        return file_of(self._tools, dataset, version, path)

    def content(
        self, file: DatasetFile, *, start: int = 0, size: int | None = None
    ) -> Iterator[bytes]:
        """Return a file's bytes piece by piece, from `start` on; None is all of them."""
        size = file.size - start if size is None else size
        return self._tools.blobs.read(file.sha256, start=start, size=size)

    def source(self, version: Version) -> str:
        """Return the run that put a version out, where the viewer may read its lab; else empty."""
        lab, _, _ = version.source.partition("#")
        owner, _, name = lab.partition("/")
        if not name:
            return ""
        try:
            lab_at(self._tools, self._viewer, owner, name)
        except NotFound:
            return ""
        return version.source

    def users(self, dataset: Dataset) -> tuple[str, ...]:
        """Return labs whose runs use a dataset, as far as the viewer may see them."""
        first = first_open(self._viewer, dataset)
        return self._tools.dataset_versions.users(dataset, self._viewer, first=first, limit=_USERS)

    def members(self, owner: str, name: str) -> tuple[Membership, ...]:
        """Return whom a dataset is shared with, to those who are among them."""
        dataset = self.get(owner, name)
        if not is_insider(self._viewer, dataset):
            raise NotAllowed(f"Only those whom {dataset.path} is shared with see who they are.")
        return self._tools.datasets.members(dataset)

    def put_member(self, owner: str, name: str, member: Member) -> Membership:
        """Share a dataset with a person or a group, or give them another role.

        Raises:
            IsOwner: it is theirs already.
            UnknownMember: there is nobody of this name.
            TooManyMembers: it is shared with as many as may be.
        """
        dataset = self._to(Action.SHARE, owner, name)
        if member.name == owner_as(dataset, member.kind):
            raise IsOwner(f"{dataset.path} belongs to {member.name}; an owner needs no other role.")
        known = {(one.kind, one.name) for one in dataset.members}
        if (member.kind, member.name) not in known:
            self._directory.check(member.kind, member.name)
            if len(known) >= MOST_MEMBERS:
                raise TooManyMembers(
                    f"{dataset.path} is shared with {MOST_MEMBERS} people and groups, the most "
                    "that may be. Put people into a group and share it with that."
                )
        by, at = writer(self._viewer).name, self._tools.clock()
        return self._tools.datasets.put_member(dataset, member, by=by, at=at)

    def remove_member(self, owner: str, name: str, kind: MemberKind, member: str) -> None:
        """Share a dataset no more with somebody; everybody may leave by themself.

        Raises:
            NoMember: it is not shared with them.
        """
        dataset = self.get(owner, name)
        if kind is not MemberKind.PERSON or writer(self._viewer).name != member:
            dataset = self._to(Action.SHARE, owner, name)
        if not self._tools.datasets.remove_member(dataset, kind, member):
            raise NoMember(f"{dataset.path} is not shared with {shown(member)}.")

    def _to(self, action: Action, owner: str, name: str) -> Dataset:
        return dataset_to(action, self._tools, self._viewer, owner, name)


def dataset_at(tools: Tools, viewer: Person | None, owner: str, name: str) -> Dataset:
    """Return a dataset that the viewer may read.

    Raises:
        NoDataset: also for one that only others may read.
    """
    found = tools.datasets.find(owner, name)
    if found is None or not may(viewer, Action.READ, found):
        raise NoDataset(
            f"There is no dataset {shown(owner)}/{shown(name)} here, or none that you may see."
        )
    return found


def dataset_to(
    action: Action, tools: Tools, viewer: Person | None, owner: str, name: str
) -> Dataset:
    """Return a dataset that the viewer may do `action` with, or refuse it."""
    dataset = dataset_at(tools, viewer, owner, name)
    writer(viewer)
    if not may(viewer, action, dataset):
        role = role_of(viewer, dataset)
        who = f"You are {role.noun} of" if role else f"{dataset.owner} owns"
        needed = "an editor" if action is Action.EDIT else "an owner"
        raise NotAllowed(f"{who} {dataset.path}; only {needed} may do this. Ask {dataset.owner}.")
    return dataset


def version_of(
    tools: Tools, viewer: Person | None, dataset: Dataset, number: int | None
) -> Version:
    """Return a version of a dataset that the viewer may read; None: the newest.

    Raises:
        NoVersion: there is none, or none that the viewer may read.
    """
    wanted = dataset.version if number is None else number
    is_open = first_open(viewer, dataset) <= wanted < 1 << 31
    found = tools.dataset_versions.find(dataset, wanted) if is_open else None
    if found is None:
        which = "no version yet" if number is None else f"no version v{number} that you may see"
        raise NoVersion(f"{dataset.path} has {which}.")
    return found


def file_of(tools: Tools, dataset: Dataset, version: Version, path: str) -> DatasetFile:
    """Return one file of a version.

    Raises:
        NoDatasetFile: it has none of this path.
    """
    found = tools.dataset_versions.file(version.id, path)
    if found is None:
        raise NoDatasetFile(f"{dataset.path}@v{version.number} has no file “{shown(path, 120)}”.")
    return found


def version_at(tools: Tools, viewer: Person | None, address: Address) -> Version:
    """Return the version that an address names, if the viewer may read it."""
    dataset = dataset_at(tools, viewer, address.owner, address.name)
    return version_of(tools, viewer, dataset, address.version)


def file_at(tools: Tools, viewer: Person | None, address: FileAddress) -> DatasetFile:
    """Return the file that an address names, if the viewer may read it."""
    dataset = dataset_at(tools, viewer, address.of.owner, address.of.name)
    version = version_of(tools, viewer, dataset, address.of.version)
    return file_of(tools, dataset, version, address.path)


def _checked(draft: DatasetDraft) -> DatasetDraft:
    return replace(
        draft,
        title=words.check_title(draft.title, "dataset"),
        description=words.check_description(draft.description),
        tags=words.check_tags(draft.tags),
        licence=words.check_licence(draft.licence, "dataset"),
    )
