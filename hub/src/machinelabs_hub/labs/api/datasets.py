"""`/datasets`: find, make, read, change, share, delete and restore datasets."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.dataset_bodies import (
    DatasetBody,
    DatasetChangeBody,
    DatasetDraftBody,
    DatasetName,
    DatasetOwner,
    DatasetsBody,
    TrashedDatasetsBody,
)
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.match import IfMatch, etag_of_dataset, matched_dataset
from machinelabs_hub.labs.api.members import (
    KindName,
    MemberBody,
    MemberName,
    MembersBody,
    RoleBody,
)
from machinelabs_hub.labs.models.dataset import DatasetQuery
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.security import Ctx

router = APIRouter(tags=["datasets"], route_class=Once)


@router.get("/datasets", responses=refusals())
def list_datasets(
    ctx: Ctx,
    q: Annotated[str, Query(max_length=200, description="Words that all stand in it.")] = "",
    owner: Annotated[str, Query(max_length=255, description="A person or `@group`.")] = "",
    tag: Annotated[str, Query(max_length=32)] = "",
    licence: Annotated[str, Query(max_length=64, description="An SPDX identifier.")] = "",
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> DatasetsBody:
    """List public datasets and your own, the last changed first."""
    query = DatasetQuery(q=q, owner=owner, tag=tag, licence=licence, cursor=cursor, limit=limit)
    return DatasetsBody.of(ctx, ctx.datasets.list(query))


@router.post("/datasets", status_code=201, responses=refusals(403, 409, 413))
def make_dataset(ctx: Ctx, body: DatasetDraftBody) -> DatasetBody:
    """Make a dataset; it has no version until an upload to it is finished."""
    return DatasetBody.of(ctx, ctx.datasets.make(body.draft()))


@router.get("/trash/datasets", responses=refusals(403))
def list_trashed_datasets(ctx: Ctx) -> TrashedDatasetsBody:
    """List the deleted datasets that you may restore, the last deleted first."""
    return TrashedDatasetsBody.of(ctx.datasets.trashed())


@router.post("/trash/datasets/{owner}/{name}/restore", responses=refusals(403, 404, 409, 413))
def restore_dataset(ctx: Ctx, owner: DatasetOwner, name: DatasetName) -> DatasetBody:
    """Take back the dataset of this address that was deleted last, whole."""
    return DatasetBody.of(ctx, ctx.datasets.restore(owner, name))


@router.get("/datasets/{owner}/{name}", responses=refusals(404))
def get_dataset(
    response: Response, ctx: Ctx, owner: DatasetOwner, name: DatasetName
) -> DatasetBody:
    """Read a dataset; its `ETag` changes with its details and its versions."""
    found = ctx.datasets.get(owner, name)
    response.headers["ETag"] = etag_of_dataset(found)
    return DatasetBody.of(ctx, found)


@router.patch("/datasets/{owner}/{name}", responses=refusals(403, 404, 412))
def change_dataset(
    response: Response,
    ctx: Ctx,
    owner: DatasetOwner,
    name: DatasetName,
    body: DatasetChangeBody,
    if_match: IfMatch = "",
) -> DatasetBody:
    """Change what a dataset is called, who may read it.

    When a private one is opened for the first time, its earlier versions stay with its members,
    unless `whole_history` is true.
    """
    with matched_dataset(ctx, owner, name, if_match):
        changed = ctx.datasets.change(owner, name, body.change())
    response.headers["ETag"] = etag_of_dataset(changed)
    return DatasetBody.of(ctx, changed)


@router.delete("/datasets/{owner}/{name}", status_code=204, responses=refusals(403, 404, 412))
def delete_dataset(
    ctx: Ctx, owner: DatasetOwner, name: DatasetName, if_match: IfMatch = ""
) -> None:
    """Move a dataset to the trash, from where its owner can restore it for some days."""
    with matched_dataset(ctx, owner, name, if_match):
        ctx.datasets.delete(owner, name)


@router.get("/datasets/{owner}/{name}/members", responses=refusals(403, 404))
def list_dataset_members(ctx: Ctx, owner: DatasetOwner, name: DatasetName) -> MembersBody:
    """List whom a dataset is shared with, people first; only they and its owner may."""
    found = ctx.datasets.members(owner, name)
    return MembersBody(items=[MemberBody.of(one) for one in found])


@router.put("/datasets/{owner}/{name}/members/{kind}/{member}", responses=refusals(403, 404, 413))
def put_dataset_member(
    ctx: Ctx,
    owner: DatasetOwner,
    name: DatasetName,
    kind: KindName,
    member: MemberName,
    body: RoleBody,
) -> MemberBody:
    """Share a dataset with a person or a group, or give them another role."""
    wanted = Member(MemberKind(kind), member, Role(body.role))
    return MemberBody.of(ctx.datasets.put_member(owner, name, wanted))


@router.delete(
    "/datasets/{owner}/{name}/members/{kind}/{member}",
    status_code=204,
    responses=refusals(403, 404),
)
def remove_dataset_member(
    ctx: Ctx, owner: DatasetOwner, name: DatasetName, kind: KindName, member: MemberName
) -> None:
    """Share a dataset no more with somebody; everybody may take themself away."""
    ctx.datasets.remove_member(owner, name, MemberKind(kind), member)
