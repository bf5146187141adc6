"""Versions of datasets on their way: said first, sent in parts, then made at one go."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final
from uuid import uuid4

from machinelabs_hub.errors import BadInput, Conflict, NotFound, TooLarge
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.dataset import Dataset, DatasetFile, Upload, Version
from machinelabs_hub.labs.models.paths import BadPath, check_together, fault_of
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.services.dataset_versions import check_next
from machinelabs_hub.labs.services.datasets import dataset_to
from machinelabs_hub.labs.services.room import check_room
from machinelabs_hub.labs.services.run_upkeep import drop_unknown
from machinelabs_hub.labs.services.runs import NoRun, RunGoesOn
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import writer
from machinelabs_hub.labs.storage.blobs import BadDigest, PlaceAway, PlaceOfAnother
from machinelabs_hub.labs.storage.dataset_versions import NewVersion
from machinelabs_hub.labs.storage.partials import PartGap, PartGone, Partial
from machinelabs_hub.names import shown

_GIB: Final = 2**30
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class NoUpload(NotFound):
    """There is no such upload (any more), or it is somebody else's."""

    code = "no_upload"


class UploadUnfinished(Conflict):
    """Something of the upload is not here."""

    code = "upload_unfinished"


class TooManyUploads(TooLarge):
    """The person has as many uploads as may be open."""

    code = "too_many_uploads"


class DatasetTooLarge(TooLarge):
    """A version would hold more than one may."""

    code = "dataset_too_large"


class EmptyDataset(BadInput):
    """A version without a file."""

    code = "empty_dataset"


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
        self._check(files)
        check_next(tools, person, dataset)
        most = tools.settings.datasets.uploads
        # The rows count: to look for each in its place takes minutes where that is a bucket.
        had = tools.dataset_versions.contents(dataset)
        with tools.locks.hold(f"room of {person.name}"):
            if tools.dataset_uploads.count_of(person.name) >= most:
                raise TooManyUploads(
                    f"{most} uploads of yours are open, the most that may be. Finish them or give "
                    "them up."
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

    def files(self, upload: Upload) -> tuple[DatasetFile, ...]:
        """Return what an upload will hold, and what of it is here whole."""
        return self._tools.dataset_uploads.files(upload)

    def received(self, upload: Upload, sha256: str) -> tuple[int, int]:
        """Return how many bytes of a content are here, and how many it has."""
        file = self._content(upload, sha256)
        if file.is_here:
            return file.size, file.size
        return self._tools.partials.received(upload.id, sha256), file.size

    @contextmanager
    def sending(self, upload: Upload, sha256: str, at: int) -> Iterator["Sending"]:
        """Let a content grow in the block from its byte `at` on.

        Raises:
            PartGap: it ends elsewhere; says where.
            PartBusy: another request sends it.
        """
        file = self._content(upload, sha256)
        with self._tools.partials.held(upload.id, sha256) as partial:
            # It may have come whole while we waited.
            if self._content(upload, sha256).is_here:
                raise PartGap(file.size)
            if partial.size != at:
                raise PartGap(partial.size)
            yield Sending(partial, file, self._tools, upload)

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

    def from_run(
        self, owner: str, name: str, run: Run, *, folder: str = "", message: str = ""
    ) -> Version:
        """Make a version of what a run put out; not a byte is copied.

        Args:
            owner: of the dataset.
            name: of the dataset.
            run: one that the viewer may read.
            folder: only what lies in this folder of its outputs; empty: all of it.
            message: about the version.

        Raises:
            RunGoesOn: it is not over.
            EmptyDataset: it put out nothing there.
            TooManyVersions: the dataset has as many as it may have.
            TooMany: the person published too often.
        """
        tools, person = self._tools, writer(self._viewer)
        message = words.check_message(message)
        if not run.state.is_final:
            raise RunGoesOn(f"{run.called} goes on. Wait for its end.")
        begin = f"{folder.strip('/')}/" if folder.strip("/") else ""
        files = [
            DatasetFile(one.path.removeprefix(begin), one.size, one.sha256)
            for one in tools.run_outputs.page(
                run, after="", limit=tools.settings.datasets.files + 1
            )
            if one.path.startswith(begin)
        ]
        if not files:
            raise EmptyDataset(f"{run.called} put out no file{' there' if begin else ''}.")
        self._check(files)
        held = tools.blobs.kept(*(one.sha256 for one in files))
        with tools.locks.hold(f"dataset {owner}/{name}"), held:
            if tools.runs.get(run.id) is None:
                raise NoRun(f"{run.called} was deleted meanwhile.")
            dataset = self._own(owner, name)
            check_next(tools, person, dataset)
            had = tools.dataset_versions.contents(dataset)
            new = {one.sha256: one.size for one in files if one.sha256 not in had}
            check_room(tools, person, sum(new.values()))
            version = NewVersion(person.name, message, files, tools.clock(), source=run.called)
            return tools.dataset_versions.add(dataset, version)

    def _own(self, owner: str, name: str) -> Dataset:
        return dataset_to(Action.EDIT, self._tools, self._viewer, owner, name)

    def _content(self, upload: Upload, sha256: str) -> DatasetFile:
        found = self._tools.dataset_uploads.content(upload, sha256)
        if found is None:
            raise NoUpload(f"No file of this upload has the content {shown(sha256)}.")
        return found

    def _check(self, files: Sequence[DatasetFile]) -> None:
        limits = self._tools.settings.datasets
        if not files:
            raise EmptyDataset("A version of a dataset needs a file.")
        if len(files) > limits.files:
            raise DatasetTooLarge(
                f"A version may have {limits.files} files. Pack many small ones into one."
            )
        sizes: dict[str, int] = {}
        for file in files:
            if fault := fault_of(file.path):
                raise BadPath(f"The file “{shown(file.path, 120)}” cannot be kept: {fault}")
            if not _SHA256.fullmatch(file.sha256) or file.size < 0:
                raise BadInput(f"“{shown(file.path, 120)}” needs its size and its SHA-256.")
            if sizes.setdefault(file.sha256, file.size) != file.size:
                raise BadInput(f"“{shown(file.path, 120)}”: two sizes are said of one SHA-256.")
        check_together(file.path for file in files)
        total = sum(file.size for file in files)
        if total > limits.gib * _GIB:
            raise DatasetTooLarge(
                f"These files have {total / _GIB:.1f} GiB. A version may hold {limits.gib} GiB."
            )


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
