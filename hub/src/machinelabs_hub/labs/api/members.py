"""`/labs/{owner}/{name}/members`: whom a lab is shared with."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.models.member import Member, MemberKind, Membership, Role
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/members", tags=["members"])

KindName = Literal["person", "group"]
RoleName = Literal["viewer", "runner", "editor", "owner"]
MemberName = Annotated[
    str, Path(max_length=255, description="A person's or a group's name.", examples=["bob"])
]


class RoleBody(BaseModel):
    """What a member may do; each role may all that the ones before it may."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: Annotated[
        RoleName,
        Field(
            description="`viewer` reads, `runner` also forks and runs, `editor` also publishes "
            "revisions and edits details, `owner` also shares, renames, transfers and deletes."
        ),
    ]


class MemberBody(BaseModel):
    """A person or a group that a lab is shared with."""

    kind: KindName
    name: str
    role: RoleName
    added_by: str
    added_at: datetime

    @classmethod
    def of(cls, found: Membership) -> Self:
        """Return the JSON of a membership."""
        return cls(
            kind=found.member.kind.value,
            name=found.member.name,
            role=found.member.role.value,
            added_by=found.added_by,
            added_at=found.added_at,
        )


class MembersBody(BaseModel):
    """All members of a lab: there are never so many that they need pages, so `next` is null."""

    items: list[MemberBody]
    next: None = None


@router.get("", responses=refusals(403, 404))
def list_members(ctx: Ctx, owner: Owner, name: Name) -> MembersBody:
    """List whom a lab is shared with, people first; only they and its owner may."""
    return MembersBody(items=[MemberBody.of(found) for found in ctx.members.list(owner, name)])


@router.put("/{kind}/{member}", responses=refusals(403, 404, 413))
def put_member(
    ctx: Ctx, owner: Owner, name: Name, kind: KindName, member: MemberName, body: RoleBody
) -> MemberBody:
    """Share a lab with a person or a group, or give them another role."""
    wanted = Member(MemberKind(kind), member, Role(body.role))
    return MemberBody.of(ctx.members.put(owner, name, wanted))


@router.delete("/{kind}/{member}", status_code=204, responses=refusals(403, 404))
def remove_member(ctx: Ctx, owner: Owner, name: Name, kind: KindName, member: MemberName) -> None:
    """Share a lab no more with a person or a group; everybody may take themself away."""
    ctx.members.remove(owner, name, MemberKind(kind), member)
