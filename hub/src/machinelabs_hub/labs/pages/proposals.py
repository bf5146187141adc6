"""What forks offer to a lab: the list, one proposal with its changes and comments, a new one."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.proposal import Comment, State
from machinelabs_hub.labs.pages.addresses import content_address, lab_url
from machinelabs_hub.labs.pages.compare import ShownChange, changes_of
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.render import markdown
from machinelabs_hub.labs.render.links import fill
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.proposals import LONGEST_CELL, conflict_sentence
from machinelabs_hub.labs.services.viewer import signed_in

router = APIRouter()

Text = Annotated[str, Form()]
STATES: Final = {
    "open": "Open",
    "merged": "Merged",
    "declined": "Declined",
    "withdrawn": "Withdrawn",
    "all": "All",
}
_COMMENTS: Final = 100


@dataclass(frozen=True, slots=True)
class ShownComment:
    """A comment with its text as HTML; `about` names what it is about if that is not shown."""

    comment: Comment
    html: str
    about: str = ""


@router.get("/{owner}/{name}/proposals", include_in_schema=False)
def proposals(
    request: Request, ctx: Ctx, owner: str, name: str, state: str = "open", cursor: str = ""
) -> Response:
    """Give the list."""
    lab = ctx.labs.get(owner, name)
    if state not in STATES:
        raise NoPage
    wanted = None if state == "all" else State(state)
    found = ctx.proposals.list(lab, state=wanted, cursor=cursor)
    here = f"{lab_url(lab)}/proposals?"
    return page(
        "proposals.html",
        request,
        ctx,
        proposals=found.items,
        state=state,
        states=STATES,
        more=here + urlencode({"state": state, "cursor": found.next}) if found.next else "",
        **frame(ctx, lab, "proposals"),
    )


@router.get("/{owner}/{name}/proposals/new", include_in_schema=False)
def new(request: Request, ctx: Ctx, owner: str, name: str, fork: str = "") -> Response:
    """Give the form that offers a fork's newest revision, with what that changes."""
    signed_in(ctx.person)
    return _new(request, ctx, ctx.labs.get(owner, name), fork)


@router.post("/{owner}/{name}/proposals", include_in_schema=False)
def propose(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    fork: Text = "",
    title: Text = "",
    text: Text = "",
) -> Response:
    """Offer the fork's newest revision, or show the form again with what is wrong."""
    lab = ctx.labs.get(owner, name)
    try:
        made = ctx.proposals.propose(lab, fork, title=title, text=text)
    except MachineLabsError as error:
        return _new(request, ctx, lab, fork, title=title, text=text, error=error)
    return _to(lab, made.number)


@router.get("/{owner}/{name}/proposals/{number}", include_in_schema=False)
def proposal(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Give one proposal."""
    lab = ctx.labs.get(owner, name)
    return _proposal(request, ctx, lab, _number(number))


@router.post("/{owner}/{name}/proposals/{number}/comments", include_in_schema=False)
def comment(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    number: str,
    text: Text = "",
    path: Text = "",
    cell: Text = "",
) -> Response:
    """Say something."""

    def say(lab: Lab, of: int) -> object:
        return ctx.proposals.comment(lab, of, text, path=path, cell=cell)

    return _done(request, ctx, owner, name, number, say, "#talk")


@router.post("/{owner}/{name}/proposals/{number}/merge", include_in_schema=False)
def merge(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    number: str,
    revision: Text = "",
    base: Text = "",
) -> Response:
    """Merge it into the lab."""
    if not revision.isdecimal() or not base.isdecimal():
        raise NoPage

    def do(lab: Lab, of: int) -> object:
        return ctx.proposals.merge(lab, of, revision=int(revision[:9]), base=int(base[:9]))

    return _done(request, ctx, owner, name, number, do)


@router.post("/{owner}/{name}/proposals/{number}/decline", include_in_schema=False)
def decline(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Close it without merging."""
    return _done(request, ctx, owner, name, number, ctx.proposals.decline)


@router.post("/{owner}/{name}/proposals/{number}/withdraw", include_in_schema=False)
def withdraw(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Close one's own."""
    return _done(request, ctx, owner, name, number, ctx.proposals.withdraw)


@router.post("/{owner}/{name}/proposals/{number}/offer", include_in_schema=False)
def offer(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Offer the fork's newest revision instead."""
    return _done(request, ctx, owner, name, number, ctx.proposals.offer)


def _done(
    request: Request,
    ctx: Context,
    owner: str,
    name: str,
    number: str,
    do: Callable[[Lab, int], object],
    place: str = "",
) -> Response:
    """Do what a form asks for and go back to the proposal, or show there what is wrong."""
    lab, wanted = ctx.labs.get(owner, name), _number(number)
    try:
        do(lab, wanted)
    except MachineLabsError as error:
        return _proposal(request, ctx, ctx.labs.get(owner, name), wanted, error=error)
    return _to(lab, wanted, place)


def _new(
    request: Request,
    ctx: Context,
    lab: Lab,
    fork: str,
    *,
    title: str = "",
    text: str = "",
    error: MachineLabsError | None = None,
) -> Response:
    source, before, after = ctx.proposals.prepare(lab, fork)
    there = ctx.proposals.open_of(lab, source)
    if there is not None and error is None:
        return _to(lab, there.number)
    found = ctx.compare.between(before, after)
    address = content_address(source, after.number)
    return page(
        "proposal_new.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        fork=source.path,
        found=found,
        files=changes_of(ctx, found, address, with_outputs=True),
        form_title=title,
        form_text=text,
        **frame(ctx, lab, "proposals"),
    )


def _proposal(
    request: Request,
    ctx: Context,
    lab: Lab,
    number: int,
    *,
    error: MachineLabsError | None = None,
) -> Response:
    asked = request.query_params
    found = ctx.proposals.get(lab, number)
    code_only = asked.get("code") == "1"
    before, after = ctx.proposals.sides(lab, found)
    cursor = asked.get("cursor", "") if request.method == "GET" else ""
    compared = ctx.compare.between(before, after, code_only=code_only, cursor=cursor)
    address = content_address(lab, lab.revision)
    files = changes_of(ctx, compared, address, with_outputs=not code_only)
    here = f"{lab_url(lab)}/proposals/{number}"
    code = {"code": "1"} if code_only else {}
    said = ctx.proposals.comments(lab, number, limit=_COMMENTS, cursor=asked.get("said", ""))
    rest, by_cell = _sorted(lab, said.items, files)
    rights = ctx.proposals.rights(lab, found)
    # Merging takes its time, so only those who act on it wait for what it would do.
    concerned = rights.decide or rights.withdraw
    result = ctx.proposals.merged(lab, found) if concerned else None
    clashes = result is not None and result.conflicts > 0
    return page(
        "proposal.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        proposal=found,
        text=_html(lab, found.text),
        found=compared,
        files=files,
        code_only=code_only,
        proposal_url=here,
        switched=here if code_only else f"{here}?code=1",
        more=f"{here}?{urlencode(code | {'cursor': compared.files.next})}"
        if compared.files.next
        else "",
        comments=rest,
        by_cell=by_cell,
        more_comments=f"{here}?{urlencode({'said': said.next})}#talk" if said.next else "",
        rights=rights,
        conflicts=conflict_sentence(lab, found, result) if result and clashes else "",
        fits=result is not None and not clashes,
        merged=result.changes if result else (),
        newer=ctx.proposals.newer(found) if found.state is State.OPEN else None,
        reads_fork=ctx.proposals.reads_fork(found),
        longest_cell=LONGEST_CELL,
        **frame(ctx, lab, "proposals"),
    )


def _sorted(
    lab: Lab, comments: tuple[Comment, ...], files: list[ShownChange]
) -> tuple[list[ShownComment], dict[tuple[str, str], list[ShownComment]]]:
    """Return comments on the whole, and those on cells that are shown, by path and cell."""
    shown = {(file.path, cell.key) for file in files for cell in file.cells if cell.key}
    rest: list[ShownComment] = []
    by_cell: dict[tuple[str, str], list[ShownComment]] = {}
    for one in comments:
        key = (one.path or "", one.cell or "")
        html = _html(lab, one.text)
        if key in shown:
            by_cell.setdefault(key, []).append(ShownComment(one, html))
        else:
            rest.append(ShownComment(one, html, one.path or ""))
    return rest, by_cell


def _html(lab: Lab, text: str) -> str:
    # `markdown.render` lets nothing through that could act.
    return Markup(fill(markdown.render(text), content_address(lab, lab.revision)))  # noqa: S704


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - no list is longer
        raise NoPage
    return int(text)


def _to(lab: Lab, number: int, place: str = "") -> Response:
    return RedirectResponse(f"{lab_url(lab)}/proposals/{number}{place}", HTTPStatus.SEE_OTHER)
