"""Fork and open: from a link to a running notebook, with one click or none."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.catalog.model import UnknownFlavour, UnknownImage
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import works_on
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.opening import Place, place_for
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.needs import size_for
from machinelabs_hub.labs.services.viewer import signed_in

router = APIRouter()

_OURS = frozenset({"same-origin", "same-site", "none"})


@router.get("/{owner}/{name}/open", include_in_schema=False)
async def preview(request: Request, ctx: Ctx, owner: str, name: str, path: str = "") -> Response:
    """Say what opening will do; go on by itself unless another site sent the reader here."""
    person = signed_in(ctx.person)
    lab = await run_in_threadpool(ctx.labs.get, owner, name)
    trouble = ""
    try:
        place = await _place(ctx, person, lab)
    except MachineLabsError as error:
        place, trouble = Place("", starts=False), str(error)
    at_once = not trouble and request.headers.get("sec-fetch-site", "none") in _OURS
    return await run_in_threadpool(
        _preview, request, ctx, lab, place, path=path, at_once=at_once, trouble=trouble
    )


@router.post("/{owner}/{name}/open", include_in_schema=False)
async def open_lab(
    request: Request, ctx: Ctx, owner: str, name: str, path: Annotated[str, Form()] = ""
) -> Response:
    """Fork the lab if it is somebody else's, start a server if none fits, and go there."""
    person = signed_in(ctx.person)
    lab = await run_in_threadpool(ctx.labs.get, owner, name)
    place = Place("", starts=False)
    try:
        own = lab
        if not works_on(person, lab):
            own, _ = await run_in_threadpool(ctx.forks.fork, owner, name)
        place = await _place(ctx, person, own)
        if place.starts:
            image, flavour = _wishes(ctx, own)
            if flavour is None:
                # What the lab itself needed: a fork that was made this moment never ran.
                flavour = await run_in_threadpool(size_for, ctx.tools, person, lab) or None
            await ctx.hub.start(person.name, place.server, image=image, flavour=flavour)
    except MachineLabsError as error:
        return await run_in_threadpool(
            _preview, request, ctx, lab, place, path=path, at_once=False, trouble=str(error)
        )
    return RedirectResponse(_waiting(ctx, person, own, place, path), HTTPStatus.SEE_OTHER)


async def _place(ctx: Context, person: Person, lab: Lab) -> Place:
    image, _ = _wishes(ctx, lab)
    servers = await ctx.hub.servers(person.name)
    usual = ctx.settings.servers.default_image
    return place_for(lab.name, image, servers, usual_image=usual)


def _wishes(ctx: Context, lab: Lab) -> tuple[str | None, str | None]:
    """Return the lab's image and flavour, without what this site does not offer any more."""
    image, flavour = lab.image, lab.flavour
    try:
        image = image and ctx.catalog.image(image).name
    except UnknownImage:
        image = None
    try:
        flavour = flavour and ctx.catalog.flavour(flavour).name
    except UnknownFlavour:
        flavour = None
    return image, flavour


def _waiting(ctx: Context, person: Person, lab: Lab, place: Place, path: str) -> str:
    server = f"/{quote(place.server, safe='')}" if place.server else ""
    asked = {"lab": lab.path} | ({"path": path} if path else {})
    user = quote(person.name, safe="")
    target = f"/user/{user}{server}/machinelabs/open?{urlencode(asked)}"
    waiting = f"{ctx.addresses.hub}/hub/spawn-pending/{user}{server}"
    return f"{waiting}?{urlencode({'next': target})}"


def _preview(
    request: Request,
    ctx: Context,
    lab: Lab,
    place: Place,
    *,
    path: str,
    at_once: bool,
    trouble: str,
) -> Response:
    mine = works_on(signed_in(ctx.person), lab)
    return page(
        "open.html",
        request,
        ctx,
        status=HTTPStatus.CONFLICT if trouble else HTTPStatus.OK,
        lab=lab,
        url=lab_url(lab),
        mine=mine,
        path=path,
        at_once=at_once,
        trouble=trouble,
        steps=list(_steps(ctx, lab, place, mine=mine)),
    )


def _steps(ctx: Context, lab: Lab, place: Place, *, mine: bool) -> list[str]:
    steps = []
    fork = None if mine else ctx.forks.of_viewer(lab)
    if fork:
        steps.append(f"You have a fork of it already: {fork.path}. That one opens.")
    elif not mine:
        steps.append(f"{lab.path} is copied to you, with its lineage. The original stays as it is.")
    image, _ = _wishes(ctx, lab)
    if lab.image and not image:
        steps.append(f"It asks for the image {lab.image}, which is not offered here any more.")
    wanted = f" with the image {image}" if image else ""
    if place.avoids:
        steps.append(f"Your server runs {place.avoids} and is left alone.")
        wanted = f" of its own, called {place.server},{wanted}"
    steps.append(f"A server{wanted} starts." if place.starts else "Your running server is used.")
    name = (fork or lab).name
    steps.append(f"The files are laid under labs/{name}; files that you changed stay as they are.")
    return steps
