"""`/labs/{owner}/{name}/proposals`: what forks offer to a lab, what is said of it, and the end."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.compare import ComparisonBody
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.match import IfMatch, matched
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST, Page
from machinelabs_hub.labs.models.proposal import Comment, Proposal, State
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.merging import Merged

router = APIRouter(prefix="/labs/{owner}/{name}/proposals", tags=["proposals"], route_class=Once)

StateName = Literal["open", "merged", "declined", "withdrawn"]
Number = Annotated[int, Path(ge=1, lt=2**31, description="A proposal's number.", examples=[1])]
Cursor = Annotated[str, Query(max_length=400, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST)]


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ProposalDraftBody(_Taken):
    """What a fork offers to the lab that it was forked from: its newest revision."""

    fork: Annotated[str, Field(max_length=400, examples=["bob/digits"])]
    title: Annotated[str, Field(max_length=1000)]
    text: Annotated[str, Field(max_length=50_000, description="Markdown.")] = ""


class CommentDraftBody(_Taken):
    """What somebody says of a proposal."""

    text: Annotated[str, Field(max_length=50_000, description="Markdown.")]
    path: Annotated[
        str | None, Field(max_length=1000, description="The file that it is about.")
    ] = None
    cell: Annotated[
        str | None, Field(max_length=200, description="The cell of it, as `compare` keys it.")
    ] = None


class MergeBody(_Taken):
    """Which offer is merged into what."""

    revision: Annotated[
        int, Field(ge=1, lt=2**31, description="The offered revision that you looked at.")
    ]
    base: Annotated[
        int | None,
        Field(ge=1, lt=2**31, description="The lab's newest that you know; null is never stale."),
    ] = None


class RightsBody(BaseModel):
    """What the asker may do with a proposal now."""

    decide: bool
    withdraw: bool
    comment: bool


class ProposalBody(BaseModel):
    """An offer to a lab."""

    number: int
    title: str
    text: str
    state: StateName
    author: str
    fork: Annotated[
        str, Field(description="`owner/name` when it offered, or now if you may read it.")
    ]
    revision: Annotated[int, Field(description="The fork's revision that is offered.")]
    base: Annotated[int, Field(description="Up to here the fork has all that the lab has.")]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    merged_revision: int | None
    may: RightsBody

    @classmethod
    def of(cls, ctx: Context, lab: Lab, found: Proposal) -> Self:
        """Return the JSON of a proposal, as the asker sees it."""
        rights = ctx.proposals.rights(lab, found)
        return cls.model_validate(
            {
                "number": found.number,
                "title": found.title,
                "text": found.text,
                "state": found.state.value,
                "author": found.author,
                "fork": found.fork,
                "revision": found.offer.revision,
                "base": found.offer.base,
                "created_at": found.created_at,
                "updated_at": found.updated_at,
                "closed_at": found.closed_at,
                "closed_by": found.closed_by,
                "merged_revision": found.merged_revision,
                "may": {
                    "decide": rights.decide,
                    "withdraw": rights.withdraw,
                    "comment": rights.comment,
                },
            }
        )


class ProposalsBody(BaseModel):
    """Some proposals, the newest first, and where the next ones begin."""

    items: list[ProposalBody]
    next: str | None

    @classmethod
    def of(cls, ctx: Context, lab: Lab, page: Page[Proposal]) -> Self:
        """Return the JSON of a page of proposals."""
        return cls(items=[ProposalBody.of(ctx, lab, one) for one in page.items], next=page.next)


class MergedFileBody(BaseModel):
    """What a merge would do to a file."""

    path: str
    change: str
    note: str
    conflicts: Annotated[int, Field(description="Places that a person must decide.")]


class MergePreviewBody(BaseModel):
    """What merging a proposal into the lab's newest revision would do."""

    revision: Annotated[int, Field(description="The offered revision.")]
    base: Annotated[int, Field(description="The lab's newest.")]
    conflicts: Annotated[int, Field(description="Not 0: it cannot be merged as it is.")]
    files: list[MergedFileBody]

    @classmethod
    def of(cls, lab: Lab, found: Proposal, merged: Merged) -> Self:
        """Return the JSON of a merge that was not done."""
        files = [
            MergedFileBody(
                path=change.path,
                change=change.change.value,
                note=change.note,
                conflicts=change.conflicts,
            )
            for change in merged.changes
        ]
        return cls(
            revision=found.offer.revision,
            base=lab.revision,
            conflicts=merged.conflicts,
            files=files,
        )


class CommentBody(BaseModel):
    """What somebody said of a proposal."""

    author: str
    text: str
    path: str | None
    cell: str | None
    created_at: datetime

    @classmethod
    def of(cls, comment: Comment) -> Self:
        """Return the JSON of a comment."""
        return cls(
            author=comment.author,
            text=comment.text,
            path=comment.path,
            cell=comment.cell,
            created_at=comment.created_at,
        )


class CommentsBody(BaseModel):
    """Some comments, the first first, and where the next ones begin."""

    items: list[CommentBody]
    next: str | None


@router.get("", responses=refusals(404))
def list_proposals(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    state: Annotated[StateName | None, Query(description="Left out: all of them.")] = None,
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> ProposalsBody:
    """List the proposals to a lab that you may see, the newest first."""
    lab = ctx.labs.get(owner, name)
    wanted = State(state) if state else None
    found = ctx.proposals.list(lab, state=wanted, cursor=cursor, limit=limit)
    return ProposalsBody.of(ctx, lab, found)


@router.post("", status_code=201, responses=refusals(403, 404, 409))
def propose(ctx: Ctx, owner: Owner, name: Name, body: ProposalDraftBody) -> ProposalBody:
    """Offer the newest revision of a fork to the lab it was forked from."""
    lab = ctx.labs.get(owner, name)
    made = ctx.proposals.propose(lab, body.fork, title=body.title, text=body.text)
    return ProposalBody.of(ctx, lab, made)


@router.get("/{number}", responses=refusals(404))
def get_proposal(ctx: Ctx, owner: Owner, name: Name, number: Number) -> ProposalBody:
    """Read a proposal."""
    lab = ctx.labs.get(owner, name)
    return ProposalBody.of(ctx, lab, ctx.proposals.get(lab, number))


@router.get("/{number}/compare", responses=refusals(404))
def compare_proposal(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: Number,
    code_only: Annotated[  # noqa: FBT002 - a query has no positions
        bool, Query(description="Leave outputs and metadata of notebooks out.")
    ] = False,
    cursor: Cursor = "",
) -> ComparisonBody:
    """Compare what is offered with the state that the lab and the fork both come from."""
    lab = ctx.labs.get(owner, name)
    before, after = ctx.proposals.sides(lab, ctx.proposals.get(lab, number))
    found = ctx.compare.between(before, after, code_only=code_only, cursor=cursor)
    return ComparisonBody.of(found)


@router.get("/{number}/merge", responses=refusals(404))
def preview_merge(ctx: Ctx, owner: Owner, name: Name, number: Number) -> MergePreviewBody:
    """Say what merging would do, and where both changed the same places; nothing is changed."""
    lab = ctx.labs.get(owner, name)
    found = ctx.proposals.get(lab, number)
    return MergePreviewBody.of(lab, found, ctx.proposals.merged(lab, found))


@router.post("/{number}/merge", responses=refusals(403, 404, 409, 412, 413, 507))
def merge_proposal(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: Number,
    body: MergeBody,
    if_match: IfMatch = "",
) -> ProposalBody:
    """Merge a proposal into the lab's newest revision; its author is that of the new revision."""
    with matched(ctx, owner, name, if_match):
        lab = ctx.labs.get(owner, name)
        done = ctx.proposals.merge(lab, number, revision=body.revision, base=body.base)
    return ProposalBody.of(ctx, lab, done)


@router.post("/{number}/decline", responses=refusals(403, 404, 409))
def decline_proposal(ctx: Ctx, owner: Owner, name: Name, number: Number) -> ProposalBody:
    """Close a proposal without merging it."""
    lab = ctx.labs.get(owner, name)
    return ProposalBody.of(ctx, lab, ctx.proposals.decline(lab, number))


@router.post("/{number}/withdraw", responses=refusals(403, 404, 409))
def withdraw_proposal(ctx: Ctx, owner: Owner, name: Name, number: Number) -> ProposalBody:
    """Close a proposal of yours."""
    lab = ctx.labs.get(owner, name)
    return ProposalBody.of(ctx, lab, ctx.proposals.withdraw(lab, number))


@router.post("/{number}/offer", responses=refusals(403, 404, 409))
def offer_newest(ctx: Ctx, owner: Owner, name: Name, number: Number) -> ProposalBody:
    """Offer the newest revision of the fork instead of the one that was offered."""
    lab = ctx.labs.get(owner, name)
    return ProposalBody.of(ctx, lab, ctx.proposals.offer(lab, number))


@router.get("/{number}/comments", responses=refusals(404))
def list_comments(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: Number,
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> CommentsBody:
    """List what was said of a proposal, the first first."""
    lab = ctx.labs.get(owner, name)
    found = ctx.proposals.comments(lab, number, cursor=cursor, limit=limit)
    return CommentsBody(items=[CommentBody.of(one) for one in found.items], next=found.next)


@router.post("/{number}/comments", status_code=201, responses=refusals(403, 404))
def comment(
    ctx: Ctx, owner: Owner, name: Name, number: Number, body: CommentDraftBody
) -> CommentBody:
    """Say something of a proposal, of a file in it, or of a cell."""
    lab = ctx.labs.get(owner, name)
    said = ctx.proposals.comment(lab, number, body.text, path=body.path, cell=body.cell)
    return CommentBody.of(said)
