"""The JSON of datasets that people and their programs take and give."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.bodies import Tags, VisibilityName
from machinelabs_hub.labs.api.strangers import OneStranger
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.dataset import (
    Dataset,
    DatasetChange,
    DatasetDraft,
    DatasetFile,
    OpenUpload,
    Upload,
    Version,
)
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.page import Page

DatasetOwner = Annotated[
    str,
    Path(max_length=255, description="Whose it is: a person, or `@group`.", examples=["ada"]),
]
DatasetName = Annotated[
    str, Path(max_length=64, description="The dataset's name.", examples=["digits"])
]
VersionName = Annotated[
    str,
    Path(
        pattern="^([1-9][0-9]{0,8}|latest)$",
        description="A version's number, or `latest`.",
        examples=["latest"],
    ),
]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of its content, in hex.")]
_LARGEST = 2**53


class _Taken(OneStranger, BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DatasetDraftBody(_Taken):
    """What a person says of a dataset to be."""

    name: Annotated[str, Field(max_length=200, examples=["digits"])]
    title: Annotated[str, Field(max_length=1000, description="Empty: the name.")] = ""
    owner: Annotated[
        str | None, Field(max_length=255, description="`@group`, one of yours. Empty: you.")
    ] = None
    description: Annotated[str, Field(max_length=20_000)] = ""
    tags: Tags = []
    visibility: VisibilityName = "private"
    licence: Annotated[str, Field(max_length=100, description="An SPDX identifier.")] = "CC-BY-4.0"

    def draft(self) -> DatasetDraft:
        """Return it as the services take it."""
        return DatasetDraft(
            name=self.name,
            title=self.title,
            owner=self.owner or "",
            description=self.description,
            tags=tuple(self.tags),
            visibility=Visibility(self.visibility),
            licence=self.licence,
        )


class DatasetChangeBody(_Taken):
    """New details of a dataset; null leaves one as it is."""

    title: Annotated[str | None, Field(max_length=1000)] = None
    description: Annotated[str | None, Field(max_length=20_000)] = None
    tags: Tags | None = None
    visibility: VisibilityName | None = None
    licence: Annotated[str | None, Field(max_length=100)] = None
    whole_history: Annotated[
        bool,
        Field(description="Show others also the versions from before it was first opened."),
    ] = False

    def change(self) -> DatasetChange:
        """Return it as the services take it."""
        return DatasetChange(
            title=self.title,
            description=self.description,
            tags=None if self.tags is None else tuple(self.tags),
            visibility=Visibility(self.visibility) if self.visibility else None,
            licence=self.licence,
            whole_history=self.whole_history,
        )


class DatasetBody(BaseModel):
    """A dataset in its newest state."""

    owner: str
    name: str
    title: str
    description: str
    tags: list[str]
    visibility: VisibilityName
    licence: str
    version: Annotated[int, Field(description="Number of the newest; 0: there is none yet.")]
    files_count: int
    size_bytes: int
    created_at: datetime
    updated_at: datetime
    may_edit: Annotated[bool, Field(description="Whether you may upload a version.")]

    @classmethod
    def of(cls, ctx: Context, dataset: Dataset) -> Self:
        """Return the JSON of a dataset as `ctx.person` sees it."""
        return cls(
            owner=dataset.owner,
            name=dataset.name,
            title=dataset.title,
            description=dataset.description,
            tags=list(dataset.tags),
            visibility=dataset.visibility.value,
            licence=dataset.licence,
            version=dataset.version,
            files_count=dataset.files_count,
            size_bytes=dataset.size_bytes,
            created_at=dataset.created_at,
            updated_at=dataset.updated_at,
            may_edit=ctx.datasets.may(Action.EDIT, dataset),
        )


class DatasetsBody(BaseModel):
    """Some datasets, and where the next ones begin (null: these were the last)."""

    items: list[DatasetBody]
    next: str | None

    @classmethod
    def of(cls, ctx: Context, page: Page[Dataset]) -> Self:
        """Return the JSON of a page."""
        return cls(items=[DatasetBody.of(ctx, one) for one in page.items], next=page.next)


class TrashedDatasetBody(BaseModel):
    """A deleted dataset that can be restored."""

    owner: str
    name: str
    title: str
    trashed_at: datetime


class TrashedDatasetsBody(BaseModel):
    """Deleted datasets; `next` is null, as all are here."""

    items: list[TrashedDatasetBody]
    next: None = None

    @classmethod
    def of(cls, found: tuple[Dataset, ...]) -> Self:
        """Return the JSON of the trash."""
        return cls(
            items=[
                TrashedDatasetBody(
                    owner=one.owner,
                    name=one.name,
                    title=one.title,
                    trashed_at=one.trashed_at or one.updated_at,
                )
                for one in found
            ]
        )


class VersionBody(BaseModel):
    """One state of a dataset; it never changes."""

    number: int
    author: str
    message: str
    source: Annotated[
        str,
        Field(description="The run that put it out, where you may read its lab; else empty."),
    ]
    created_at: datetime
    files_count: int
    size_bytes: int

    @classmethod
    def of(cls, ctx: Context, version: Version) -> Self:
        """Return the JSON of a version."""
        return cls(
            number=version.number,
            author=version.author,
            message=version.message,
            source=ctx.datasets.source(version),
            created_at=version.created_at,
            files_count=version.files_count,
            size_bytes=version.size_bytes,
        )


class VersionsBody(BaseModel):
    """Some versions, and where the next ones begin (null: these were the last)."""

    items: list[VersionBody]
    next: str | None


class DatasetFileBody(BaseModel):
    """A file of a version."""

    path: str
    size: int
    sha256: str


class DatasetFilesBody(BaseModel):
    """Some files, and where the next ones begin (null: these were the last)."""

    items: list[DatasetFileBody]
    next: str | None

    @classmethod
    def of(cls, page: Page[DatasetFile]) -> Self:
        """Return the JSON of a page."""
        return cls(
            items=[
                DatasetFileBody(path=one.path, size=one.size, sha256=one.sha256)
                for one in page.items
            ],
            next=page.next,
        )


class AnnouncedFileBody(_Taken):
    """A file that a version is to hold."""

    path: Annotated[str, Field(max_length=2000, examples=["data/train.csv"])]
    size: Annotated[int, Field(ge=0, lt=_LARGEST)]
    sha256: Sha256


class UploadDraftBody(_Taken):
    """What a version is to hold."""

    message: Annotated[str, Field(max_length=5000, description="About the version.")] = ""
    files: Annotated[list[AnnouncedFileBody], Field(fail_fast=True)]

    def announced(self) -> tuple[DatasetFile, ...]:
        """Return the files as the services take them."""
        return tuple(DatasetFile(one.path, one.size, one.sha256) for one in self.files)


class UploadBody(BaseModel):
    """An upload, and what of it has to be sent still."""

    id: str
    message: str
    created_at: datetime
    files_count: int
    missing: Annotated[
        list[str], Field(description="SHA-256 of the contents that are not here whole, each once.")
    ]

    @classmethod
    def of(cls, upload: Upload, files: tuple[DatasetFile, ...]) -> Self:
        """Return the JSON of an upload."""
        return cls(
            id=upload.id,
            message=upload.message,
            created_at=upload.created_at,
            files_count=len(files),
            missing=list(dict.fromkeys(one.sha256 for one in files if not one.is_here)),
        )


class OpenUploadBody(BaseModel):
    """An upload that is not finished, and how far it is."""

    id: str
    message: str
    created_at: datetime
    files_count: int
    lacking: Annotated[int, Field(description="How many of its files are not here whole.")]

    @classmethod
    def of(cls, one: OpenUpload) -> Self:
        """Return the JSON of an upload."""
        return cls(
            id=one.upload.id,
            message=one.upload.message,
            created_at=one.upload.created_at,
            files_count=one.files_count,
            lacking=one.lacking,
        )


class OpenUploadsBody(BaseModel):
    """All uploads of yours to a dataset that are not finished."""

    items: list[OpenUploadBody]


class ReceivedBody(BaseModel):
    """How much of a content is here."""

    received: int
    size: int


class FromRunBody(_Taken):
    """Which run's outputs a version is to hold."""

    lab: Annotated[str, Field(max_length=400, pattern="^[^/]+/[^/]+$", examples=["ada/digits"])]
    run: Annotated[int, Field(ge=1, lt=2**31, examples=[12])]
    folder: Annotated[
        str, Field(max_length=1000, description="Only this folder of `outputs/`. Empty: all.")
    ] = ""
    message: Annotated[str, Field(max_length=5000)] = ""
