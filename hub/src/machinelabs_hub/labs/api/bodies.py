"""The JSON that the API takes and gives; the models inside stay free of it."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft, Parent, Visibility
from machinelabs_hub.labs.models.page import Page
from machinelabs_hub.labs.models.revision import FileEntry, Revision

Tags = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50, fail_fast=True)]
VisibilityName = Literal["public", "unlisted", "signed-in", "private"]


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True)


class LabDraftBody(_Taken):
    """What a person says of a lab to be."""

    title: Annotated[str, Field(max_length=1000, examples=["Handwritten digits"])]
    name: Annotated[
        str | None,
        Field(max_length=200, description="Empty: made from the title.", examples=["digits"]),
    ] = None
    description: Annotated[str, Field(max_length=20_000)] = ""
    tags: Annotated[Tags, Field(examples=[["vision", "scikit-learn"]])] = []
    visibility: VisibilityName = "private"
    licence: Annotated[str, Field(max_length=100, description="An SPDX identifier.")] = "MIT"
    image: Annotated[
        str | None, Field(max_length=100, description="Empty: what `ml.yaml` says, or none.")
    ] = None
    flavour: Annotated[str | None, Field(max_length=100)] = None
    owner: Annotated[
        str | None,
        Field(max_length=255, description="`@group`, one of yours. Empty: you."),
    ] = None
    message: Annotated[str, Field(max_length=5000, description="About the first revision.")] = ""

    def draft(self) -> LabDraft:
        """Return it as the services take it."""
        return LabDraft(
            title=self.title,
            name=self.name or "",
            owner=self.owner or "",
            description=self.description,
            tags=tuple(self.tags),
            visibility=Visibility(self.visibility),
            licence=self.licence,
            image=self.image,
            flavour=self.flavour,
            message=self.message,
        )


class LabChangeBody(_Taken):
    """New details of a lab; what is left out stays, null clears an image or a flavour."""

    title: Annotated[str, Field(max_length=1000)] = ""
    description: Annotated[str, Field(max_length=20_000)] = ""
    tags: Tags = []
    visibility: VisibilityName = "private"
    whole_history: Annotated[
        bool,
        Field(description="Show others also the revisions from before the lab was first opened."),
    ] = False
    licence: Annotated[str, Field(max_length=100)] = ""
    image: Annotated[str | None, Field(max_length=100)] = None
    flavour: Annotated[str | None, Field(max_length=100)] = None

    def change(self) -> LabChange:
        """Return it as the services take it."""
        said = self.model_fields_set
        values: dict[str, Any] = {key: getattr(self, key) for key in said}
        if "tags" in said:
            values["tags"] = tuple(self.tags)
        if "visibility" in said:
            values["visibility"] = Visibility(self.visibility)
        for key in said & {"image", "flavour"}:
            values[key] = values[key] or ""
        return LabChange(**values)


class RevisionDraftBody(_Taken):
    """What a person says of a revision to be."""

    base: Annotated[
        int | None,
        Field(ge=1, lt=2**31, description="The revision that you changed; null is never stale."),
    ] = None
    message: Annotated[str, Field(max_length=5000)] = ""
    synced: Annotated[
        int | None,
        Field(ge=1, lt=2**31, description="The original's revision merged in; null: as before."),
    ] = None


class RestoreBody(_Taken):
    """How an earlier revision is published again."""

    base: Annotated[
        int | None,
        Field(ge=1, lt=2**31, description="The newest that you know; null is never stale."),
    ] = None
    message: Annotated[
        str, Field(max_length=5000, description="Empty: `Restore r` and the number.")
    ] = ""


class ForkBody(_Taken):
    """How a fork is called; null takes the lab's own name, or finds the fork you have."""

    name: Annotated[str | None, Field(max_length=200)] = None
    owner: Annotated[
        str | None, Field(max_length=255, description="`@group`, one of yours. Empty: you.")
    ] = None


class ParentBody(_Given):
    """The revision that a lab was forked from."""

    owner: str
    name: str
    revision: int
    exists: Annotated[bool, Field(description="False: that lab was deleted.")]
    synced: Annotated[
        int, Field(description="The newest revision of it that is merged into this lab.")
    ]

    @classmethod
    def of(cls, parent: Parent) -> Self:
        """Return the JSON of a parent."""
        return cls(
            owner=parent.owner,
            name=parent.name,
            revision=parent.revision,
            exists=parent.exists,
            synced=parent.synced or parent.revision,
        )


class MayBody(_Given):
    """What the asker may do with a lab.

    `share` is to change its visibility, its members, its name and its owner.
    """

    fork: bool
    edit: bool
    share: bool
    delete: bool


class LabBody(_Given):
    """A lab in its newest state."""

    owner: str
    name: str
    title: str
    description: str
    tags: list[str]
    visibility: VisibilityName
    licence: str
    image: str | None
    flavour: str | None
    entrypoint: Annotated[str | None, Field(description="The file that opens first.")]
    revision: Annotated[int, Field(description="Number of the newest revision.")]
    open_from: Annotated[
        int,
        Field(description="The first revision that others than its members may read; 0: none."),
    ]
    parent: ParentBody | None
    forks: Annotated[int, Field(description="How many public forks it has.")]
    stars: Annotated[int, Field(description="How many people starred it.")]
    language: Annotated[str | None, Field(description="What it is written in, in lower case.")]
    has_outputs: Annotated[bool, Field(description="Its notebooks hold results.")]
    runs_clean: Annotated[
        bool | None,
        Field(
            description="A run of its newest revision showed what is saved, and that holds today; "
            "false: it failed, or showed something else; null: unknown."
        ),
    ]
    is_featured: Annotated[bool, Field(description="An admin put it on the first page.")]
    created_at: datetime
    updated_at: datetime
    url: Annotated[str, Field(description="Its page.")]
    files_count: int
    size_bytes: int
    may: MayBody

    @classmethod
    def of(cls, ctx: Context, lab: Lab) -> Self:
        """Return the JSON of a lab, as the asker sees it."""
        return cls(
            owner=lab.owner,
            name=lab.name,
            title=lab.title,
            description=lab.description,
            tags=list(lab.tags),
            visibility=lab.visibility.value,
            licence=lab.licence,
            image=lab.image,
            flavour=lab.flavour,
            entrypoint=lab.entrypoint,
            revision=lab.revision,
            open_from=lab.open_from,
            parent=ParentBody.of(lab.parent) if lab.parent else None,
            forks=lab.forks,
            stars=lab.stars,
            language=lab.language,
            has_outputs=lab.has_outputs,
            runs_clean=lab.runs_clean,
            is_featured=lab.featured_at is not None,
            created_at=lab.created_at,
            updated_at=lab.updated_at,
            url=f"{ctx.addresses.labs}/{lab.path}",
            files_count=lab.files_count,
            size_bytes=lab.size_bytes,
            may=MayBody(
                fork=ctx.labs.may(Action.FORK, lab),
                edit=ctx.labs.may(Action.EDIT, lab),
                share=ctx.labs.may(Action.SHARE, lab),
                delete=ctx.labs.may(Action.DELETE, lab),
            ),
        )


class LabsBody(_Given):
    """Some labs, and where the next ones begin (null: these were the last)."""

    items: list[LabBody]
    next: str | None

    @classmethod
    def of(cls, ctx: Context, page: Page[Lab]) -> Self:
        """Return the JSON of a page of labs."""
        return cls(items=[LabBody.of(ctx, lab) for lab in page.items], next=page.next)


class RevisionBody(_Given):
    """One numbered, immutable state of a lab."""

    number: int
    message: str
    author: str
    created_at: datetime
    size_bytes: int
    files_count: int

    @classmethod
    def of(cls, revision: Revision) -> Self:
        """Return the JSON of a revision."""
        return cls(
            number=revision.number,
            message=revision.message,
            author=revision.author,
            created_at=revision.created_at,
            size_bytes=revision.size_bytes,
            files_count=revision.files_count,
        )


class RevisionsBody(_Given):
    """Some revisions, the newest first, and where the next ones begin."""

    items: list[RevisionBody]
    next: str | None

    @classmethod
    def of(cls, page: Page[Revision]) -> Self:
        """Return the JSON of a page of revisions."""
        return cls(items=[RevisionBody.of(revision) for revision in page.items], next=page.next)


class FileBody(_Given):
    """A file of a revision."""

    path: str
    size: int
    sha256: str

    @classmethod
    def of(cls, entry: FileEntry) -> Self:
        """Return the JSON of a file."""
        return cls(path=entry.path, size=entry.size, sha256=entry.sha256)


class FilesBody(_Given):
    """The files of a revision, ordered by path."""

    revision: int
    files: list[FileBody]


class ErrorBody(_Given):
    """Every error: a code for programs, a sentence for people."""

    code: Annotated[str, Field(examples=["name_taken"])]
    message: Annotated[
        str, Field(examples=["There is a lab ada/digits already. Choose another name."])
    ]
    field: Annotated[str | None, Field(description="What of the request it is about.")] = None
