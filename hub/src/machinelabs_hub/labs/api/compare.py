"""`/labs/{owner}/{name}/compare`: what differs between two revisions."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.bodies import FileBody
from machinelabs_hub.labs.compare.lines import Line
from machinelabs_hub.labs.compare.notebooks import CellChange, NotebookChange
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.compare import Changed, Comparison, Place, Texts, Unshown

router = APIRouter(prefix="/labs/{owner}/{name}/compare", tags=["compare"])

ChangeName = Literal["added", "removed", "changed", "moved"]


class PlaceBody(BaseModel):
    """One side: a revision of a lab."""

    lab: Annotated[str, Field(description="`owner/name`.", examples=["ada/digits"])]
    revision: int

    @classmethod
    def of(cls, place: Place) -> Self:
        """Return the JSON of a side."""
        return cls(lab=place.path, revision=place.number)


class LineBody(BaseModel):
    """A line that was added (`+`), removed (`-`) or stands beside one; or how many are skipped."""

    sign: Literal["+", "-", " "]
    text: str
    before: Annotated[int | None, Field(description="Its number on the old side.")]
    after: Annotated[int | None, Field(description="Its number on the new side.")]
    skipped: Annotated[int, Field(description="So many lines here are the same on both sides.")]

    @classmethod
    def all(cls, lines: tuple[Line, ...]) -> list[Self]:
        """Return the JSON of lines."""
        return [
            cls.model_validate(
                {
                    "sign": line.sign,
                    "text": line.text.encode("utf-8", "replace").decode(),
                    "before": line.before,
                    "after": line.after,
                    "skipped": line.skipped,
                }
            )
            for line in lines
        ]


class CellBody(BaseModel):
    """A cell that differs."""

    change: ChangeName
    moved: Annotated[bool, Field(description="It stands elsewhere among the cells of both sides.")]
    type: str
    key: Annotated[str, Field(description="Its id, or `#` and its number; comments name it so.")]
    before: Annotated[int | None, Field(description="Its number on the old side.")]
    after: Annotated[int | None, Field(description="Its number on the new side.")]
    lines: list[LineBody]
    outputs: Annotated[bool, Field(description="Whether its outputs differ.")]
    metadata: list[LineBody]

    @classmethod
    def of(cls, cell: CellChange) -> Self:
        """Return the JSON of a cell."""
        side = cell.after or cell.before
        return cls.model_validate(
            {
                "change": cell.change.value,
                "moved": cell.moved,
                "type": _text(side.kind if side else ""),
                "key": _text(cell.key),
                "before": cell.before.number if cell.before else None,
                "after": cell.after.number if cell.after else None,
                "lines": LineBody.all(cell.lines),
                "outputs": cell.outputs,
                "metadata": LineBody.all(cell.metadata),
            }
        )


class NotebookBody(BaseModel):
    """The cells of a notebook that differ, and its metadata."""

    cells: list[CellBody]
    metadata: list[LineBody]

    @classmethod
    def of(cls, change: NotebookChange) -> Self:
        """Return the JSON of a notebook's changes."""
        cells = [CellBody.of(cell) for cell in change.cells if cell.change != "same"]
        return cls(cells=cells, metadata=LineBody.all(change.metadata))


class ChangedBody(BaseModel):
    """A file that differs; one of `notebook`, `lines` and `why` says how."""

    path: str
    change: ChangeName
    before: FileBody | None
    after: FileBody | None
    notebook: NotebookBody | None
    lines: list[LineBody] | None
    more: Annotated[bool, Field(description="There are more lines than these.")]
    why: Annotated[str | None, Field(description="Why no lines are given.")]

    @classmethod
    def of(cls, changed: Changed) -> Self:
        """Return the JSON of a file's changes."""
        file, content = changed.file, changed.content
        return cls.model_validate(
            {
                "path": file.path,
                "change": file.kind.value,
                "before": FileBody.of(file.before) if file.before else None,
                "after": FileBody.of(file.after) if file.after else None,
                "notebook": NotebookBody.of(content)
                if isinstance(content, NotebookChange)
                else None,
                "lines": LineBody.all(content.lines) if isinstance(content, Texts) else None,
                "more": isinstance(content, Texts) and content.more,
                "why": (content.why or "It is an image.") if isinstance(content, Unshown) else None,
            }
        )


class ComparisonBody(BaseModel):
    """What differs between two revisions: some of the files, and where the next ones begin."""

    before: PlaceBody
    after: PlaceBody
    count: Annotated[int, Field(description="How many files differ.")]
    items: list[ChangedBody]
    next: str | None

    @classmethod
    def of(cls, found: Comparison) -> Self:
        """Return the JSON of a comparison."""
        return cls(
            before=PlaceBody.of(found.before),
            after=PlaceBody.of(found.after),
            count=found.count,
            items=[ChangedBody.of(changed) for changed in found.files.items],
            next=found.files.next,
        )


@router.get("", responses=refusals(404))
def compare_revisions(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    since: Annotated[
        str,
        Query(alias="from", max_length=20, description="Empty: the one before, or the forked one."),
    ] = "",
    to: Annotated[str, Query(max_length=20, description="Empty: the newest.")] = "",
    other: Annotated[
        str,
        Query(alias="with", max_length=400, description="The lab of `from`; empty: the same lab."),
    ] = "",
    code_only: Annotated[  # noqa: FBT002 - a query has no positions
        bool, Query(description="Leave outputs and metadata of notebooks out.")
    ] = False,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
) -> ComparisonBody:
    """Compare two revisions of a lab, or one of another lab with one of this."""
    lab = ctx.labs.get(owner, name)
    return ComparisonBody.of(
        ctx.compare.compare(
            lab, to=to, since=since, other=other, code_only=code_only, cursor=cursor
        )
    )


def _text(text: str) -> str:
    # JSON inside a notebook can hold halves of a character; UTF-8 cannot.
    return text.encode("utf-8", "replace").decode()
