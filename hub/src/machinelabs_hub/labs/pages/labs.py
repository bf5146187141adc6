"""A lab's page: its notebook rendered, in the newest or an older revision."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.config import BadConfig
from machinelabs_hub.labs.models.entrypoint import entrypoint_of
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.pages.addresses import content_address
from machinelabs_hub.labs.pages.frame import frame, numbered, shown_file
from machinelabs_hub.labs.pages.look import (
    KeptPages,
    page,
    page_around,
    state_of,
    tag_of,
    unchanged,
)
from machinelabs_hub.labs.pages.shelf import shelf_of
from machinelabs_hub.labs.security import Ctx

router = APIRouter()
_kept = KeptPages()


@router.get("/{owner}/{name}", include_in_schema=False)
def newest(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Give a lab's page in its newest revision."""
    place = (ctx.settings.data, str(request.url), state) if (state := state_of(ctx)) else None
    if place and (known := _kept.find_at(place, request)):
        return known
    return _notebook(request, ctx, ctx.labs.get(owner, name), None, place)


@router.get("/{owner}/{name}/@{number}", include_in_schema=False)
def revision(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Give a lab's page in one of its revisions."""
    lab = ctx.labs.get(owner, name)
    found = ctx.revisions.find(lab, numbered(f"@{number}"))
    return _notebook(request, ctx, lab, found)


def _notebook(
    request: Request, ctx: Context, lab: Lab, at: Revision | None, place: object = None
) -> Response:
    values = frame(ctx, lab, "notebook", revision=at)
    tag = tag_of(
        ctx.settings.data,
        request.url,
        lab,
        at,
        values["parent"],
        values["starred"],
        values["tabs"],
        values["propose"],
        values["badge"],
        values["needs"],
        ctx.person,
        ctx.csrf_token,
    )
    if place:
        _kept.note(place, tag)
    if known := unchanged(request, tag) or _kept.find(tag, request):
        return known
    number = at.number if at else lab.revision
    entry = _entrypoint(ctx, lab, number)
    if entry is None:
        answer = page("notebook.html", request, ctx, entry=None, **values)
    else:
        preview = shelf_of(ctx).preview(ctx, lab, number, entry, content_address(lab, number))
        answer = page_around(
            preview.pieces or (),
            "notebook.html",
            request,
            ctx,
            entry=shown_file(lab, number, entry),
            preview=preview,
            **values,
        )
    return _kept.keep(tag, answer)


def _entrypoint(ctx: Context, lab: Lab, number: int) -> FileEntry | None:
    entries = ctx.revisions.files(lab, number)
    path = lab.entrypoint
    if number != lab.revision:
        try:
            path = entrypoint_of((entry.path for entry in entries), lab.entrypoint)
        except BadConfig:
            path = entrypoint_of((entry.path for entry in entries), None)
    return next((entry for entry in entries if entry.path == path), None)
