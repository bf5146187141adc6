"""Runs of a lab side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from machinelabs_hub.labs.compare.notebooks import NotebookChange
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.run_compare import BadComparison, OutputRow
from machinelabs_hub.labs.models.sizes import size
from machinelabs_hub.labs.pages.addresses import content_address, lab_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.run_parts import run_api, run_url, took
from machinelabs_hub.labs.render import compare as shown
from machinelabs_hub.labs.render.files import Kind, kind_of
from machinelabs_hub.labs.render.links import Address, fill
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.compare import Texts
from machinelabs_hub.labs.services.run_compare import OutputChange, RunComparison

router = APIRouter()

_MOST_IMAGES: Final = 12


@dataclass(frozen=True, slots=True)
class ShownOutput:
    """A file of the same path: for each run its size, its page and its bytes, or nothing.

    `changes` is where its differences are shown; empty: they cannot be.
    """

    path: str
    differs: bool
    files: tuple[tuple[str, str, str] | None, ...]
    changes: str


@dataclass(frozen=True, slots=True)
class ShownChange:
    """How a file differs between two runs; `why` there is nothing to show."""

    title: str
    cells: tuple[Markup, ...]
    lines: Markup
    why: str


@router.get("/{owner}/{name}/runs/compare", include_in_schema=False)
def compare(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    run: Annotated[tuple[Annotated[int, Query(ge=1, lt=2**31)], ...], Query(max_length=100)] = (),
    file: Annotated[str | None, Query(max_length=1024)] = None,
) -> Response:
    """Give the table; with `file` (empty: the executed notebook) how that file differs too."""
    lab = ctx.labs.get(owner, name)
    try:
        found = ctx.run_compare.compare(lab, run)
    except BadComparison:
        return RedirectResponse(f"{lab_url(lab)}/runs?few=1", HTTPStatus.SEE_OTHER)
    here = compare_url(lab, found.runs)
    outputs = [_output(lab, found, row, here) for row in found.outputs]
    pictures = [one for one in outputs if kind_of(one.path) is Kind.IMAGE][:_MOST_IMAGES]
    changes = () if file is None else ctx.run_compare.changes(found.runs, file)
    books = sum(bool(one.notebook) for one in found.runs)
    return page(
        "run_compare.html",
        request,
        ctx,
        found=found,
        columns=[(one, run_url(lab, one.number), took(one)) for one in found.runs],
        outputs=outputs,
        pictures=pictures,
        file=file,
        changes=[_change(lab, one) for one in changes],
        books=f"{here}&file=#changes" if books > 1 else "",
        revisions=_revisions(lab, found),
        **frame(ctx, lab, "runs"),
    )


def compare_url(lab: Lab, runs: Iterable[Run]) -> str:
    """Return where runs are compared."""
    numbers = urlencode({"run": [one.number for one in runs]}, doseq=True)
    return f"{lab_url(lab)}/runs/compare?{numbers}"


def _output(lab: Lab, found: RunComparison, row: OutputRow, here: str) -> ShownOutput:
    files = tuple(
        None if file is None else (
            size(file.size),
            f"{run_url(lab, run.number)}/outputs/{quote(file.path)}",
            f"{run_api(lab, run.number)}/outputs/{quote(file.path)}",
        )
        for run, file in zip(found.runs, row.files, strict=True)
    )  # fmt: skip
    is_text = kind_of(row.path) not in {Kind.IMAGE, Kind.BINARY}
    several = sum(file is not None for file in row.files) > 1
    link = f"{here}&{urlencode({'file': row.path})}#changes"
    return ShownOutput(row.path, row.differs, files, link if is_text and several else "")


def _change(lab: Lab, one: OutputChange) -> ShownChange:
    title = f"#{one.before.number} → #{one.after.number}"
    address = content_address(lab, one.after.revision)
    content = one.content
    if isinstance(content, NotebookChange):
        cells = shown.show_cells(content, folder="", with_outputs=True)
        return ShownChange(
            title, tuple(_filled(cell.html, address) for cell in cells), Markup(), ""
        )
    if isinstance(content, Texts):
        lines = shown.show_lines(content.lines, more=content.more)
        why = "" if content.lines else "Only the ends of its lines differ."
        return ShownChange(title, (), _filled(lines, address), why)
    return ShownChange(title, (), Markup(), content.why)


def _filled(html: str, address: Address) -> Markup:
    # It was cleaned where it was rendered.
    return Markup(fill(html, address))  # noqa: S704


def _revisions(lab: Lab, found: RunComparison) -> str:
    """Return where the code of the runs is compared; empty: it is the same."""
    numbers = [one.revision for one in found.runs]
    if len(set(numbers)) == 1:
        return ""
    return f"{lab_url(lab)}/compare?from=r{min(numbers)}&to=r{max(numbers)}"
