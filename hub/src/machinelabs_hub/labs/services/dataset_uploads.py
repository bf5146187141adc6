"""Versions of datasets on their way: said first, sent in parts, then made at one go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from uuid import uuid4

from machinelabs_hub.errors import Conflict, NotFound, TooLarge
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.dataset import Dataset, DatasetFile, OpenUpload, Upload, Version
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.dataset_files import DatasetTooLarge, check_files
from machinelabs_hub.labs.services.dataset_versions import check_next
from machinelabs_hub.labs.services.datasets import dataset_to
from machinelabs_hub.labs.services.room import check_room
from machinelabs_hub.labs.services.run_upkeep import drop_unknown
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import writer
from machinelabs_hub.labs.storage.blobs import BadDigest, PlaceAway, PlaceOfAnother
from machinelabs_hub.labs.storage.dataset_versions import NewVersion
from machinelabs_hub.labs.storage.partials import PartGap, PartGone, Partial
from machinelabs_hub.names import shown


class NoUpload(NotFound):
    """There is no such upload (any more), or it is somebody else's."""

    code = "no_upload"


class UploadUnfinished(Conflict):
    """Something of the upload is not here."""

    code = "upload_unfinished"


class TooManyUploads(TooLarge):
    """The person has as many uploads as may be open."""

    code = "too_many_uploads"


class DatasetUploadService:
    """Versions, as `viewer` may make them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def begin(self, owner: str, name: str, message: str, files: Sequence[DatasetFile]) -> Upload:
        """Say what a version is to hold; contents that the dataset has are not sent again.

        A digest alone opens nothing: what only other datasets or runs hold has to be sent.

        Raises:
            BadPath: no file is called so.
            ClashingPaths: two files are one on some machines.
            EmptyDataset: there is no file.
            DatasetTooLarge: more than a version may hold.
            StorageFull: more than the person's plan gives.
            TooManyUploads: the person has as many as may be open.
            TooManyVersions: the dataset has as many as it may have.
            TooMany: the person published too often.
        """
        tools = self._tools
        dataset, person = self._own(owner, name), writer(self._viewer)
        message = words.check_message(message)
        check_files(tools, files)
        check_next(tools, person, dataset)
        most = tools.settings.datasets.uploads
        # The rows count: to look for each in its place takes minutes where that is a bucket.
        had = tools.dataset_versions.contents(dataset)
        with tools.locks.hold(f"room of {person.name}"):
            if tools.dataset_uploads.count_of(person.name) >= most:
                raise TooManyUploads(
                    f"{most} uploads of yours are open, the most that may be. Finish them, or give "
                    f"some up on the page “New version” of {self._where(person)}."
                )
            found = [replace(one, is_here=had.get(one.sha256) == one.size) for one in files]
            new = {one.sha256: one.size for one in found if not one.is_here}
            check_room(tools, person, sum(new.values()))
            upload = Upload(uuid4().hex, dataset.id, person.name, message, tools.clock())
            tools.people.seen(person, tools.clock())
            tools.dataset_uploads.add(upload, found)
        return upload

    def get(self, owner: str, name: str, upload: str) -> Upload:
        """Return an upload of the viewer's.

        Raises:
            NoUpload: there is none, or it is somebody else's.
        """
        dataset, person = self._own(owner, name), writer(self._viewer)
        found = self._tools.dataset_uploads.find(dataset, upload)
        if found is None or found.person != person.name:
            raise NoUpload("There is no such upload of yours, or not any more. Begin it again.")
        return found

    def open(self, owner: str, name: str) -> tuple[OpenUpload, ...]:
        """Return the viewer's uploads to a dataset, the last begun first."""
        dataset, person = self._own(owner, name), writer(self._viewer)
        return self._tools.dataset_uploads.open_of(dataset, person.name)

    def files(self, upload: Upload) -> tuple[DatasetFile, ...]:
        """Return what an upload will hold, and what of it is here whole."""
        return self._tools.dataset_uploads.files(upload)

    def received(self, upload: Upload, sha256: str) -> tuple[int, int]:
        """Return how many bytes of a content are here, and how many it has.

        Raises:
            PartBusy: all of them are, and another request looks at them.
        """
        file = self._content(upload, sha256)
        if file.is_here:
            return file.size, file.size
        received = self._tools.partials.received(upload.id, sha256)
        if received < file.size or not file.size:
            return received, file.size
        with self._tools.partials.held(upload.id, sha256) as partial:
            # Its last byte came, and its end did not: what is asked for now has no byte to send.
            if not self._content(upload, sha256).is_here:
                try:
                    Sending(partial, file, self._tools, upload).end()
                except BadDigest:
                    return 0, file.size
        return file.size, file.size

    @contextmanager
    def sending(self, upload: Upload, sha256: str, at: int) -> Iterator["Sending"]:
        """Let a content grow in the block from its byte `at` on.

        Raises:
            PartGap: it ends elsewhere; says where.
            PartBusy: another request sends it.
            BadDigest: all of it came before, and is not what was said; it has to be sent anew.
        """
        file = self._content(upload, sha256)
        with self._tools.partials.held(upload.id, sha256) as partial:
            # It may have come whole while we waited.
            if self._content(upload, sha256).is_here:
                raise PartGap(file.size)
            sending = Sending(partial, file, self._tools, upload)
            if partial.size != at:
                if not sending.left:
                    # Its last byte came, and its end did not.
                    sending.end()
                    raise PartGap(file.size)
                raise PartGap(partial.size)
            yield sending

    def finish(self, owner: str, name: str, upload: Upload) -> Version:
        """Make the version, now that all is here.

        Raises:
            UploadUnfinished: it is not.
        """
        tools, files = self._tools, self.files(upload)
        held = tools.blobs.kept(*(one.sha256 for one in files))
        with tools.locks.hold(f"dataset {owner}/{name}"), held:
            dataset = self._own(owner, name)
            if tools.dataset_uploads.find(dataset, upload.id) is None:
                raise NoUpload("This upload is finished, or was given up.")
            lacking = [one for one in files if not one.is_here]
            if lacking:
                raise UploadUnfinished(
                    f"{len(lacking)} of {len(files)} files are not here whole, such as "
                    f"“{shown(lacking[0].path, 120)}”. Send them first."
                )
            new = NewVersion(upload.person, upload.message, files, tools.clock(), upload=upload.id)
            made = tools.dataset_versions.add(dataset, new)
        tools.partials.drop(upload.id)
        return made

    def give_up(self, upload: Upload) -> None:
        """Forget an upload, and all that came of it, unless something else has it."""
        came = [one.sha256 for one in self.files(upload) if one.is_here]
        self._tools.dataset_uploads.drop(upload)
        self._tools.partials.drop(upload.id)
        # Where it cannot be removed now, upkeep does it, and tells operators why it does not.
        with suppress(PlaceOfAnother, PlaceAway):
            drop_unknown(self._tools, came)

    def _own(self, owner: str, name: str) -> Dataset:
        return dataset_to(Action.EDIT, self._tools, self._viewer, owner, name)

    def _where(self, person: Person) -> str:
        return ", ".join(self._tools.dataset_uploads.datasets_of(person.name))

    def _content(self, upload: Upload, sha256: str) -> DatasetFile:
        found = self._tools.dataset_uploads.content(upload, sha256)
        if found is None:
            raise NoUpload(f"No file of this upload has the content {shown(sha256)}.")
        return found


class Sending:
    """A content that grows."""

    def __init__(self, partial: Partial, file: DatasetFile, tools: Tools, upload: Upload) -> None:
        self._partial = partial
        self._file = file
        self._tools = tools
        self._upload = upload

    @property
    def left(self) -> int:
        """How many bytes are to come."""
        return self._file.size - self._partial.size

    def write(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            DatasetTooLarge: more comes than was said.
        """
        if len(piece) > self.left:
            raise DatasetTooLarge(
                f"More comes of “{shown(self._file.path, 120)}” than the {self._file.size} bytes "
                "that were said."
            )
        self._partial.write(piece)

    def end(self) -> bool:
        """Keep the content if it is whole now; tell whether it is.

        Raises:
            BadDigest: it has its size, and is not what was said; it has to be sent anew.
            PartGone: the upload was given up meanwhile; the content is gone as well.
        """
        if self.left:
            return False
        self._partial.write(b"")
        if self._partial.sha256() != self._file.sha256:
            self._partial.drop()
            raise BadDigest
        with self._tools.blobs.kept(self._file.sha256):
            self._take()
            is_wanted = self._tools.dataset_uploads.set_here(self._upload, self._file.sha256)
        self._partial.drop()
        if not is_wanted:
            with suppress(PlaceOfAnother, PlaceAway):
                drop_unknown(self._tools, [self._file.sha256])
            raise PartGone
        return True

    def _take(self) -> None:
        try:
            self._tools.blobs.take(self._partial.path, self._file.sha256)
        except FileNotFoundError as error:
            raise PartGone from error
