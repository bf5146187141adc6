"""Make the next revision of a lab of files that are in its store; whoever calls holds the lock."""

from collections.abc import Iterable
from dataclasses import dataclass

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.models import config
from machinelabs_hub.labs.models.config import BadConfig, LabConfig, read_config
from machinelabs_hub.labs.models.entrypoint import entrypoint_of
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.models.texts import Texts
from machinelabs_hub.labs.services import details, intake
from machinelabs_hub.labs.services.labs import revision_from
from machinelabs_hub.labs.services.texts import texts_of
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab
from machinelabs_hub.labs.storage.commits import Stamp
from machinelabs_hub.labs.storage.rows import Contents
from machinelabs_hub.labs.storage.tar import Member


@dataclass(frozen=True, slots=True)
class Face:
    """What files say of their lab: its `ml.yaml`, what opens first, what it is found by."""

    config: LabConfig
    entrypoint: str | None
    texts: Texts


@dataclass(frozen=True, slots=True)
class Synced:
    """That a revision has merged in what its lab's parent has.

    Attributes:
        revision: the parent's revision.
        before: what was merged in until then; None: the revision takes an update back.
    """

    revision: int
    before: int | None


def face_of(tools: Tools, store: str, entries: tuple[FileEntry, ...]) -> Face:
    """Return what files of a store say of their lab.

    They were checked when they came in; what the catalogue does not know any more is passed over.
    """
    asked = _config(tools, store, entries)
    entrypoint = _entrypoint(entries, asked)
    return Face(asked, entrypoint, texts_of(tools.repos, store, entries, entrypoint))


def checked(tools: Tools, store: str, entries: tuple[FileEntry, ...]) -> Face:
    """Check files of a store as those of a publish are checked, and return what they say.

    Raises:
        BadInput: says which file is the matter.
        TooLarge: says which limit.
    """
    blobs = {entry.path: entry.blob for entry in entries}

    def read(member: Member, most: int | None) -> bytes:
        content = tools.repos.read(store, blobs[member.path])
        return content if most is None else content[:most]

    members = (Member(entry.path, entry.size, 0, entry.executable) for entry in entries)
    parcel = intake.check(members, read, tools.settings.limits, tools.catalog())
    return Face(parcel.config, parcel.entrypoint, parcel.texts)


def add(
    tools: Tools,
    lab: Lab,
    newest: Revision,
    entries: Iterable[FileEntry],
    *,
    author: str,
    message: str,
    face: Face | None = None,
    pushed: str | None = None,
    synced: Synced | None = None,
) -> Revision:
    """Write the revision after `newest`, which must be the lab's newest, and index it.

    Args:
        tools: the parts.
        lab: its lock is held.
        newest: the revision that this one follows.
        entries: all files of the lab; their content is in the store.
        author: whose work it is.
        message: checked before.
        face: what the files say of the lab; None: they are asked.
        pushed: the commit as which a git client made it, in the store already.
        synced: what of the parent is merged in; None: as before.
    """
    files = tuple(sorted(entries, key=lambda entry: entry.path))
    face = face or face_of(tools, lab.store, files)
    stamp = Stamp(
        uid=lab.uid,
        number=newest.number + 1,
        author=author,
        at=tools.clock(),
        message=message,
        files_count=len(files),
        size_bytes=sum(entry.size for entry in files),
        lab=lab.path,
    )
    said = details.with_config(details.of(lab), face.config)
    tools.repos.begin(lab.store, lab.uid)
    commit = tools.repos.commit(lab.store, stamp, files, parent=newest.commit, pushed=pushed)
    if said != details.of(lab):
        details.keep(tools, lab.store, lab.uid, details.changes_to(said))
    if synced:
        update = None if synced.before is None else stamp.number
        details.keep_synced(tools, lab, synced.revision, update=update, before=synced.before)
    contents = Contents(
        entrypoint=face.entrypoint,
        image=said.image,
        flavour=said.flavour,
        texts=face.texts,
    )
    revision = revision_from(stamp, commit)
    merged_in = synced.revision if synced else None
    if not tools.revisions.add(lab, revision, contents, synced=merged_in):
        tools.repos.move(lab.store, lab.uid, newest.commit)
        tools.repos.end(lab.store, lab.uid)
        raise NoLab(f"{lab.path} was deleted or changed at this moment. Look at it again.")
    tools.repos.end(lab.store, lab.uid)
    return revision


def _config(tools: Tools, store: str, entries: tuple[FileEntry, ...]) -> LabConfig:
    for entry in entries:
        if entry.path == config.NAME:
            try:
                return read_config(tools.repos.read(store, entry.blob), tools.catalog())
            except MachineLabsError:
                # The catalogue changed since it was published; the file stays as it is.
                break
    return LabConfig()


def _entrypoint(entries: tuple[FileEntry, ...], asked: LabConfig) -> str | None:
    try:
        return entrypoint_of((entry.path for entry in entries), asked.entrypoint)
    except BadConfig:
        return entrypoint_of((entry.path for entry in entries), None)
