"""Catch a fork up with its original: see what would change, do it, take it back."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from machinelabs_hub.errors import Conflict, MachineLabsError, NotAllowed
from machinelabs_hub.labs.compare.notebooks import NotebookChange
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.merge.report import CellChange, Change, FileChange
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.pages.addresses import content_address, lab_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.words import ICONS
from machinelabs_hub.labs.render import compare as shown
from machinelabs_hub.labs.render.compare import ShownCell
from machinelabs_hub.labs.render.files import Kind, kind_of
from machinelabs_hub.labs.render.links import Address, fill
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.compare import Texts
from machinelabs_hub.labs.services.updates import NoOriginal, Preview, UpToDate

router = APIRouter()

MOST_FILES: Final = 30
"""Files whose content is shown; the others are named."""

_LONGEST: Final = 20_000
_WORDS: Final = {
    Change.ADDED: "New",
    Change.CHANGED: "Changed",
    Change.REMOVED: "Removed",
    Change.MERGED: "Merged",
    Change.CONFLICT: "Yours to decide",
    Change.KEPT: "Yours to decide",
    Change.MOVED: "Moved",
}
_KINDS: Final = {"code": "Code cell", "markdown": "Text cell"}


@dataclass(frozen=True, slots=True)
class Clash:
    """A place in a notebook that a person has to decide: both sides as text."""

    title: str
    note: str
    mine: str | None
    theirs: str | None


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file that an update changes."""

    path: str
    anchor: str
    icon: str
    change: str
    words: str
    note: str
    beside: str
    merged: str
    clashes: tuple[Clash, ...]
    cells: tuple[ShownCell, ...]
    html: str
    why: str


@router.get("/{owner}/{name}/update", include_in_schema=False)
def look(request: Request, ctx: Ctx, owner: str, name: str, done: str = "") -> Response:
    """Give the page; `done` says what was done just before."""
    return _page(request, ctx, _editable(ctx, owner, name), done=done)


@router.post("/{owner}/{name}/update", include_in_schema=False)
def update(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    to: Annotated[int | None, Form()] = None,
    seen: Annotated[str, Form()] = "",
) -> Response:
    """Update, or show the page again with what is in the way."""
    lab = _editable(ctx, owner, name)
    try:
        ctx.updates.apply(owner, name, to=to, expected=seen)
    except (NotAllowed, NoOriginal, UpToDate):
        raise
    except MachineLabsError as error:
        return _page(request, ctx, lab, trouble=error)
    return RedirectResponse(f"{lab_url(lab)}/update?done=updated", HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/update/undo", include_in_schema=False)
def undo(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Take the last update back, or show the page again with what is in the way."""
    lab = _editable(ctx, owner, name)
    try:
        ctx.updates.undo(owner, name)
    except Conflict as error:
        return _page(request, ctx, lab, trouble=error)
    return RedirectResponse(f"{lab_url(lab)}/update?done=undone", HTTPStatus.SEE_OTHER)


def _editable(ctx: Context, owner: str, name: str) -> Lab:
    lab = ctx.labs.get(owner, name)
    if not ctx.labs.may(Action.EDIT, lab):
        raise NotAllowed(f"Only those who may change {lab.path} can update it.")
    return lab


def _page(
    request: Request,
    ctx: Context,
    lab: Lab,
    *,
    done: str = "",
    trouble: MachineLabsError | None = None,
) -> Response:
    found, why = None, ""
    try:
        found = ctx.updates.preview(lab.owner, lab.name)
    except (NoOriginal, UpToDate) as error:
        why = str(error)
    changes = found.merged.changes if found else ()
    return page(
        "update.html",
        request,
        ctx,
        status=trouble.status if trouble else HTTPStatus.OK,
        found=found,
        why=why,
        last=ctx.updates.last(lab),
        done=done,
        files=[_file(ctx, found, change, at) for at, change in enumerate(changes[:MOST_FILES], 1)]
        if found
        else [],
        others=[change.path for change in changes[MOST_FILES:]],
        conflicts=sum(change.conflicts for change in changes),
        count=len(changes),
        trouble=str(trouble or ""),
        **frame(ctx, lab, "update"),
    )


def _file(ctx: Context, found: Preview, change: FileChange, at: int) -> ShownFile:
    content = ctx.updates.contents(found, change.path)
    kind = kind_of(change.path.rpartition("/")[2])
    address = content_address(found.lab, found.mine.number)
    cells: tuple[ShownCell, ...] = ()
    html, why = "", ""
    if isinstance(content, NotebookChange):
        folder = change.path.rpartition("/")[0]
        cells = tuple(
            ShownCell(_filled(cell.html, address), cell.key, cell.title)
            for cell in shown.show_cells(content, folder=folder)
        )
    elif isinstance(content, Texts):
        html = _filled(shown.show_lines(content.lines, wraps=kind is Kind.MARKDOWN), address)
    else:
        why = content.why
    return ShownFile(
        path=change.path,
        anchor=f"file-{at}",
        icon=ICONS[kind],
        change=change.change.value,
        words=_WORDS[change.change],
        note=change.note,
        beside=change.beside or "",
        merged=_merged(change),
        clashes=tuple(_clash(cell) for cell in change.cells if _is_open(cell)),
        cells=cells,
        html=html,
        why=why,
    )


def _is_open(cell: CellChange) -> bool:
    return cell.change in {Change.CONFLICT, Change.KEPT}


def _clash(cell: CellChange) -> Clash:
    title = f"{_KINDS.get(cell.kind, 'Cell')} {cell.number}"
    return Clash(title, cell.note, _cut(cell.mine), _cut(cell.theirs))


def _merged(change: FileChange) -> str:
    """Return in words what happens to the cells of a notebook."""
    counts = [
        (sum(cell.change is what for cell in change.cells), words)
        for what, words in (
            (Change.CHANGED, "changed as theirs"), (Change.MERGED, "merged of both"),
            (Change.ADDED, "new"), (Change.REMOVED, "removed"), (Change.MOVED, "moved"),
        )
    ]  # fmt: skip
    said = [f"{count} {words}" for count, words in counts if count]
    return f"Cells: {', '.join(said)}." if said else ""


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _filled(html: str, address: Address) -> str:
    # It was cleaned where it was rendered.
    return Markup(fill(html, address))  # noqa: S704
