"""The page of one run: how it is, what it prints, what it put out; and what can be done with it."""

from functools import partial
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run, RunOutput
from machinelabs_hub.labs.pages.addresses import content_address, lab_url
from machinelabs_hub.labs.pages.frame import ShownFile, frame
from machinelabs_hub.labs.pages.look import page, page_around
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.run_html import html_frame
from machinelabs_hub.labs.pages.run_parts import mark_of, parts_of, run_api, run_url
from machinelabs_hub.labs.pages.run_screens import log_around, log_of_cell, screen_of
from machinelabs_hub.labs.pages.shelf import shelf_of
from machinelabs_hub.labs.pages.words import ICONS
from machinelabs_hub.labs.render.files import kind_of
from machinelabs_hub.labs.render.links import Address
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@router.get("/{owner}/{name}/runs/{number}", include_in_schema=False)
def run(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    number: str,
    line: int = 0,
    cell: int = 0,
) -> Response:
    """Give the page; with `line` or `cell`, each from 1 on, the log around it."""
    lab, found = _found(ctx, owner, name, number)
    return _page(request, ctx, lab, found, line=line, cell=cell)


@router.get("/{owner}/{name}/runs/{number}/notebook", include_in_schema=False)
def notebook(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Give the executed notebook as a page."""
    lab, found = _found(ctx, owner, name, number)
    book = ctx.runs.notebook(found)
    raw = f"{run_api(lab, found.number)}/notebook"
    address = content_address(lab, found.revision)
    return _file(request, ctx, lab, found, book, raw, address, is_notebook=True)


@router.get("/{owner}/{name}/runs/{number}/outputs/{path:path}", include_in_schema=False)
def output(request: Request, ctx: Ctx, owner: str, name: str, number: str, path: str) -> Response:
    """Give a file that it put out as a page."""
    lab, found = _found(ctx, owner, name, number)
    file = ctx.runs.output(found, path)
    base = f"{run_api(lab, found.number)}/outputs/"
    address = Address(files=f"{run_url(lab, found.number)}/outputs/", raw=base)
    return _file(request, ctx, lab, found, file, base + quote(file.path), address)


def _file(
    request: Request,
    ctx: Context,
    lab: Lab,
    found: Run,
    file: RunOutput,
    raw: str,
    address: Address,
    *,
    is_notebook: bool = False,
) -> Response:
    preview = shelf_of(ctx).of_run(ctx, file, address)
    return page_around(
        preview.pieces or (),
        "run_file.html",
        request,
        ctx,
        run=found,
        run_url=run_url(lab, found.number),
        is_notebook=is_notebook,
        entry=ShownFile(file.path, file.name, file.size, ICONS[kind_of(file.name)], raw),
        preview=preview,
        html_frame="" if is_notebook else html_frame(lab, found, file),
        **frame(ctx, lab, "runs"),
    )


@router.post("/{owner}/{name}/runs/{number}/stop", include_in_schema=False)
def stop(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Order it to stop."""
    lab, found = _found(ctx, owner, name, number)
    try:
        ctx.runs.stop(lab, found.number)
    except MachineLabsError as error:
        return _page(request, ctx, lab, found, error=error)
    return RedirectResponse(run_url(lab, found.number), HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/runs/{number}/look", include_in_schema=False)
async def look(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Go to its kernel in JupyterLab."""
    lab, found = await run_in_threadpool(_found, ctx, owner, name, number)
    try:
        where = await ctx.run_doors.way_in(lab, found, ctx.hub.servers)
    except MachineLabsError as error:
        return await run_in_threadpool(partial(_page, request, ctx, lab, found, error=error))
    return RedirectResponse(
        where, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )


@router.post("/{owner}/{name}/runs/{number}/edit", include_in_schema=False)
def edit(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    number: str,
    called: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Give it a name and a note."""
    lab, found = _found(ctx, owner, name, number)
    try:
        ctx.runs.change(lab, found.number, name=called, note=note)
    except MachineLabsError as error:
        return _page(request, ctx, lab, found, error=error)
    return RedirectResponse(run_url(lab, found.number), HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/runs/{number}/publish", include_in_schema=False)
def publish(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Make the executed notebook the lab's next revision, and go there."""
    lab, found = _found(ctx, owner, name, number)
    try:
        ctx.run_publish.publish(lab, found.number)
    except MachineLabsError as error:
        return _page(request, ctx, lab, found, error=error)
    return RedirectResponse(lab_url(lab), HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/runs/{number}/delete", include_in_schema=False)
def delete(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Delete it; the list offers to take that back."""
    lab, found = _found(ctx, owner, name, number)
    try:
        ctx.runs.hide(lab, found.number)
    except MachineLabsError as error:
        return _page(request, ctx, lab, found, error=error)
    return RedirectResponse(f"{lab_url(lab)}/runs?deleted={found.number}", HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/runs/{number}/restore", include_in_schema=False)
def restore(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Take a deletion back."""
    lab, found = _found(ctx, owner, name, number)
    try:
        ctx.runs.restore(lab, found.number)
    except MachineLabsError as error:
        return _page(request, ctx, lab, found, error=error)
    return RedirectResponse(run_url(lab, found.number), HTTPStatus.SEE_OTHER)


def _found(ctx: Context, owner: str, name: str, number: str) -> tuple[Lab, Run]:
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 - no list is longer
        raise NoPage
    lab = ctx.labs.get(owner, name)
    return lab, ctx.runs.get(lab, int(number))


def _page(
    request: Request,
    ctx: Context,
    lab: Lab,
    found: Run,
    *,
    line: int = 0,
    cell: int = 0,
    error: MachineLabsError | None = None,
) -> Response:
    address, screen = content_address(lab, found.revision), screen_of(ctx, found)
    around = f"line {line}" if line > 0 else f"cell {cell}" if cell > 0 else ""
    if line > 0:
        log = log_around(ctx, found, line, address)
    elif cell > 0:
        log = log_of_cell(ctx, found, cell - 1, address)
    else:
        log = screen.log(address)
    parts = parts_of(request, ctx, lab, found, screen.news(log.at, address))
    here = run_url(lab, found.number)
    follows = not found.state.is_final and not around
    return page(
        "run.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        run=found,
        run_url=here,
        rights=ctx.runs.rights(lab, found),
        # `fill` escaped what people wrote.
        parts={name: Markup(html) for name, html in parts.items()},  # noqa: S704
        log=log,
        # Rows are made of our templates, and of what the renderer cleaned.
        head=Markup("".join(log.head)),  # noqa: S704
        tail=Markup("".join(log.tail)),  # noqa: S704
        around=around,
        live=f"{here}/live?mark={mark_of(parts)}" if follows else "",
        whole=f"{run_api(lab, found.number)}/log",
        **frame(ctx, lab, "runs"),
    )
