"""`/labs/{owner}/{name}/verifications`: verify revisions, and read what came of it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.runs import RunNumber
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.models.verification import Verification
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.verify import Badge

router = APIRouter(
    prefix="/labs/{owner}/{name}/verifications", tags=["verifications"], route_class=Once
)


class VerificationDraftBody(BaseModel):
    """What is to be verified."""

    model_config = ConfigDict(extra="forbid", strict=True)

    revision: Annotated[int | None, Field(ge=1, lt=2**31, description="Left out: the newest.")] = (
        None
    )


class CellResultBody(BaseModel):
    """What came of one code cell."""

    number: Annotated[int, Field(description="Its place in the revision's notebook, from 1.")]
    title: Annotated[str, Field(description="The first line of its source.")]
    same: Annotated[
        Literal["same", "near", "differs", "failed", "nothing"],
        Field(description="`near`: within the tolerance. `nothing`: nothing is saved to compare."),
    ]
    why: str


class VerificationBody(BaseModel):
    """One run that says whether a revision runs clean."""

    number: Annotated[int, Field(description="Of the run in its lab.")]
    lab: Annotated[str, Field(description="`owner/name`.")]
    revision: int
    url: Annotated[str, Field(description="Its page.")]
    verdict: Annotated[
        Literal["pending", "clean", "differs", "failed", "void"],
        Field(description="`void`: the run ended for reasons that are not the lab's."),
    ]
    sentence: str
    holds: Annotated[
        bool | None,
        Field(
            description="It is the last one of the newest revision, and nothing that it rests on "
            "changed; null: it is not that one."
        ),
    ]
    changes: Annotated[list[str], Field(description="What changed since, if it is that one.")]
    person: Annotated[str, Field(description="Who asked for it.")]
    asked_at: datetime
    ended_at: datetime | None
    path: str
    flavour: str
    image: str
    image_id: Annotated[str, Field(description="The site's build of it; empty: not known.")]
    gpu: Annotated[str, Field(description="The class of GPU that it had; empty: none.")]
    inputs: Annotated[dict[str, str], Field(description="SHA-256 of what it fetched, by address.")]
    cells: list[CellResultBody]

    @classmethod
    def of(cls, ctx: Context, lab: Lab, one: Verification, badge: Badge | None) -> Self:
        """Return the JSON of a verification."""
        held = badge if badge is not None and badge.last.id == one.id else None
        return cls.model_validate(
            {
                "number": one.number,
                "lab": lab.path,
                "revision": one.revision,
                "url": f"{ctx.addresses.labs}/{lab.path}/verify/{one.number}",
                "verdict": one.verdict.value,
                "sentence": one.sentence,
                "holds": None if held is None else not held.changes,
                "changes": [] if held is None else list(held.changes),
                "person": one.person,
                "asked_at": one.asked_at,
                "ended_at": one.ended_at,
                "path": one.path,
                "flavour": one.flavour,
                "image": one.conditions.image,
                "image_id": one.conditions.image_id,
                "gpu": one.conditions.gpu,
                "inputs": dict(one.conditions.inputs),
                "cells": [
                    {
                        "number": cell.number,
                        "title": cell.title,
                        "same": cell.same.value,
                        "why": cell.why,
                    }
                    for cell in one.cells
                ],
            }
        )


class VerificationsBody(BaseModel):
    """Some verifications, the newest first, and where the next ones begin."""

    items: list[VerificationBody]
    next: str | None


@router.get("", responses=refusals(404))
def list_verifications(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> VerificationsBody:
    """List what came of verifying a lab, the newest first."""
    lab = ctx.labs.get(owner, name)
    found, badge = ctx.verify.list(lab, cursor=cursor, limit=limit), ctx.verify.badge(lab)
    items = [VerificationBody.of(ctx, lab, one, badge) for one in found.items]
    return VerificationsBody(items=items, next=found.next)


@router.post("", status_code=201, responses=refusals(403, 404, 409, 413))
def order_verification(
    ctx: Ctx, owner: Owner, name: Name, body: VerificationDraftBody | None = None
) -> VerificationBody:
    """Order a run that says whether a revision runs clean, in the image that the lab names."""
    said = body or VerificationDraftBody()
    lab = ctx.labs.get(owner, name)
    _, made = ctx.verify.order(lab, said.revision)
    return VerificationBody.of(ctx, lab, made, None)


@router.get("/{number}", responses=refusals(404))
def get_verification(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> VerificationBody:
    """Read what came of a run that verifies, cell by cell."""
    lab = ctx.labs.get(owner, name)
    return VerificationBody.of(ctx, lab, ctx.verify.get(lab, number), ctx.verify.badge(lab))
