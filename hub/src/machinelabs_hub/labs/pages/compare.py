"""What differs between two revisions, with pickers for both."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from machinelabs_hub.labs.compare.files import Change
from machinelabs_hub.labs.compare.notebooks import NotebookChange
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.revision import FileEntry
from machinelabs_hub.labs.pages.addresses import content_address, lab_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.words import ICONS
from machinelabs_hub.labs.render import compare as shown
from machinelabs_hub.labs.render.compare import ShownCell
from machinelabs_hub.labs.render.files import Kind, kind_of
from machinelabs_hub.labs.render.links import Address, fill
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.compare import Changed, Comparison, Texts
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

_PICKED: Final = 100
"""Revisions that a picker offers."""


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A file that differs as the page shows it: cells of a notebook, or `html`, or only `why`."""

    path: str
    anchor: str
    icon: str
    change: str
    was: str
    before: FileEntry | None
    after: FileEntry | None
    cells: tuple[ShownCell, ...]
    html: str
    why: str


@router.get("/{owner}/{name}/compare", include_in_schema=False)
def compare(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Give the page."""
    lab = ctx.labs.get(owner, name)
    asked = request.query_params
    other = asked.get("with", "")
    since, to = asked.get("from", ""), asked.get("to", "")
    if "/" in since:
        # The picker of a fork offers revisions of two labs: `owner/name@r3` names both parts.
        other, _, since = since.rpartition("@")
    code_only = asked.get("code") == "1"
    found = ctx.compare.compare(
        lab, to=to, since=since, other=other, code_only=code_only, cursor=asked.get("cursor", "")
    )
    kept = {"from": f"r{found.before.number}", "to": f"r{found.after.number}"}
    if found.before.path != lab.path:
        kept["with"] = found.before.path
    here = f"{lab_url(lab)}/compare?"
    code = {"code": "1"} if code_only else {}
    return page(
        "compare.html",
        request,
        ctx,
        found=found,
        files=changes_of(
            ctx, found, content_address(lab, found.after.number), with_outputs=not code_only
        ),
        code_only=code_only,
        switched=here + urlencode(kept if code_only else kept | {"code": "1"}),
        more=here + urlencode(kept | code | {"cursor": found.files.next})
        if found.files.next
        else "",
        is_start=not asked.get("cursor"),
        chosen=_chosen(lab, found),
        olds=_olds(ctx, lab, found),
        news=_numbers(ctx, lab, found.after.number),
        before_url=f"{LABS_PREFIX}/{quote(found.before.path)}/@r{found.before.number}",
        after_url=f"{lab_url(lab)}/@r{found.after.number}",
        **frame(ctx, lab, "revisions"),
    )


def changes_of(
    ctx: Context, found: Comparison, address: Address, *, with_outputs: bool
) -> list[ShownChange]:
    """Return the files that differ as pages show them; links inside lead to `address`."""
    return [
        _change(ctx, found, changed, number, address, with_outputs=with_outputs)
        for number, changed in enumerate(found.files.items, 1)
    ]


def _change(
    ctx: Context,
    found: Comparison,
    changed: Changed,
    number: int,
    address: Address,
    *,
    with_outputs: bool,
) -> ShownChange:
    file, content = changed.file, changed.content
    kind = kind_of(file.path.rpartition("/")[2])
    cells: tuple[ShownCell, ...] = ()
    html = ""
    why = ""
    if isinstance(content, NotebookChange):
        folder = file.path.rpartition("/")[0]
        cells = tuple(
            ShownCell(_filled(cell.html, address), cell.key, cell.title)
            for cell in shown.show_cells(content, folder=folder, with_outputs=with_outputs)
        )
    elif isinstance(content, Texts):
        html = _filled(
            shown.show_lines(content.lines, more=content.more, wraps=kind is Kind.MARKDOWN), address
        )
    else:
        why = content.why
        if not why:
            sides = (
                ctx.compare.image(found.before, file.before, shown.IMAGE_BYTES),
                ctx.compare.image(found.after, file.after, shown.IMAGE_BYTES),
            )
            html = _filled(shown.show_image(file.path, *sides), address)
            why = "" if html else "It is an image of a kind or a size that is not shown here."
    was = file.before.path if file.kind is Change.MOVED and file.before else ""
    return ShownChange(
        path=file.path,
        anchor=f"file-{number}",
        icon=ICONS[kind],
        change=file.kind.value,
        was=was,
        before=file.before,
        after=file.after,
        cells=cells,
        html=html,
        why=why,
    )


def _filled(html: str, address: Address) -> str:
    # It was cleaned where it was rendered.
    return Markup(fill(html, address))  # noqa: S704


def _numbers(ctx: Context, lab: Lab, chosen: int) -> list[tuple[str, str]]:
    found = ctx.revisions.list(lab, limit=_PICKED).items
    numbers = sorted({revision.number for revision in found} | {chosen}, reverse=True)
    return [(f"r{number}", f"r{number}") for number in numbers]


def _olds(ctx: Context, lab: Lab, found: Comparison) -> list[tuple[str, str]]:
    before = found.before
    own = before.number if before.path == lab.path else lab.revision
    olds = _numbers(ctx, lab, own)
    if lab.parent is not None or before.path != lab.path:
        path, number = before.path, before.number
        if path == lab.path and lab.parent is not None:
            path, number = f"{lab.parent.owner}/{lab.parent.name}", lab.parent.revision
        olds.append((f"{path}@r{number}", f"{path} r{number}"))
    return olds


def _chosen(lab: Lab, found: Comparison) -> str:
    before = found.before
    return f"r{before.number}" if before.path == lab.path else f"{before.path}@r{before.number}"
