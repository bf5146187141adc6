"""HTML that a run put out, as a page of no origin in a frame: it runs, and reaches nothing."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run, RunOutput
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.run_parts import run_url
from machinelabs_hub.labs.security import Ctx

router = APIRouter()

_ENDINGS: Final = (".html", ".htm")
_MOST: Final = 25 << 20
_HEADERS: Final = {
    # Without `allow-same-origin` it has an origin of its own, whoever opens it: neither this
    # site's cookies nor its pages are in its reach. It sends nothing anywhere, and the page that
    # frames it lets it go nowhere (`frame-src`).
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; "
        "script-src 'unsafe-inline' 'unsafe-eval' blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:; media-src data: blob:; font-src data:; worker-src blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def html_frame(lab: Lab, run: Run, file: RunOutput) -> str:
    """Return what a frame shows a file from; empty: it is no HTML, or too large for it."""
    if not file.name.lower().endswith(_ENDINGS) or file.size > _MOST:
        return ""
    return f"{run_url(lab, run.number)}/html/{quote(file.path)}"


@router.get("/{owner}/{name}/runs/{number}/html/{path:path}", include_in_schema=False)
def html(request: Request, ctx: Ctx, owner: str, name: str, number: str, path: str) -> Response:
    """Give the file to a frame of this site; whoever comes otherwise is led to its page."""
    lab, run, file = _found(ctx, owner, name, number, path)
    if not html_frame(lab, run, file):
        raise NoPage
    if request.headers.get("sec-fetch-dest") != "iframe":
        page = f"{run_url(lab, run.number)}/outputs/{quote(file.path)}"
        return RedirectResponse(page, HTTPStatus.SEE_OTHER)
    pieces = ctx.runs.content(file)
    return StreamingResponse(pieces, headers=_HEADERS, media_type="text/html; charset=utf-8")


def _found(
    ctx: Context, owner: str, name: str, number: str, path: str
) -> tuple[Lab, Run, RunOutput]:
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 - no list is longer
        raise NoPage
    lab = ctx.labs.get(owner, name)
    run = ctx.runs.get(lab, int(number))
    return lab, run, ctx.runs.output(run, path)
