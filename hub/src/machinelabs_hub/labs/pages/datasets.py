"""The catalogue of datasets, and the form for a new one."""

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput, MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import publishes_as
from machinelabs_hub.labs.models.dataset import Dataset, DatasetDraft, DatasetQuery
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.licences import LICENCES
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.words import LONGEST_TAG
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.words import VISIBILITIES
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.datasets import NoDataset
from machinelabs_hub.labs.services.viewer import writer
from machinelabs_hub.names import check_dataset_name
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

PAGE: Final = f"{LABS_PREFIX}/datasets"
Text = Annotated[str, Form()]


def dataset_url(dataset: Dataset) -> str:
    """Return the address of a dataset's page."""
    return f"{PAGE}/{quote(dataset.owner, safe='@')}/{quote(dataset.name, safe='')}"


@router.get("/datasets", include_in_schema=False)
def datasets(
    request: Request, ctx: Ctx, q: str = "", owner: str = "", tag: str = "", cursor: str = ""
) -> Response:
    """Give the catalogue, the last changed first."""
    q, owner, tag = q[:200], owner[:255], tag[:LONGEST_TAG]
    found = ctx.datasets.list(DatasetQuery(q=q, owner=owner, tag=tag, cursor=cursor))
    asked = {"q": q, "owner": owner, "tag": tag}
    kept = {name: value for name, value in asked.items() if value}
    more = urlencode(kept | {"cursor": found.next}) if found.next else ""
    return page(
        "datasets.html",
        request,
        ctx,
        current="datasets",
        rows=[(one, dataset_url(one)) for one in found.items],
        more=f"{PAGE}?{more}" if more else "",
        page_url=PAGE,
        is_narrowed=bool(kept),
        q=q,
        owner=owner,
        tag=tag,
    )


@router.get("/datasets/new", include_in_schema=False)
def new(request: Request, ctx: Ctx, run: str = "") -> Response:
    """Give the form; with `run` for what that run put out."""
    return _form(request, ctx, DatasetDraft(name=""), _run(ctx, run))


@router.post("/datasets/new", include_in_schema=False)
def make(
    request: Request,
    ctx: Ctx,
    called: Text = "",
    title: Text = "",
    owner: Text = "",
    description: Text = "",
    licence: Text = "",
    visibility: Text = "",
    run: Text = "",
) -> Response:
    """Make it, or the next version of the one that is there if a run is given; and go there."""
    draft = DatasetDraft(
        name=called.strip(),
        title=title.strip(),
        owner=owner,
        description=description,
        licence=licence or DatasetDraft("").licence,
        visibility=_visibility(visibility),
    )
    source = _run(ctx, run)
    try:
        made = _made(ctx, draft, source)
    except MachineLabsError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return _form(request, ctx, draft, source, trouble=str(error))
    return RedirectResponse(dataset_url(made), HTTPStatus.SEE_OTHER)


def _made(ctx: Context, draft: DatasetDraft, source: Run | None) -> Dataset:
    if source is None:
        return ctx.datasets.make(draft)
    owner = draft.owner or writer(ctx.person).name
    try:
        dataset = ctx.datasets.get(owner, check_dataset_name(draft.name))
    except NoDataset:
        # Refused before it is made: an empty dataset would be left else.
        ctx.run_datasets.check_new(source)
        dataset = ctx.datasets.make(draft)
    if dataset.visibility is not draft.visibility:
        there, chosen = dataset.visibility.value, draft.visibility.value
        raise BadInput(
            f"There is a dataset {dataset.path} already, and it is {there}; {chosen} was chosen. "
            f"Choose {there} to make this its next version, or another name."
        )
    ctx.run_datasets.make(dataset.owner, dataset.name, source)
    return ctx.datasets.get(dataset.owner, dataset.name)


def _run(ctx: Context, called: str) -> Run | None:
    """Return the run `OWNER/LAB#12`, if the reader may see it; None: none is asked for."""
    path, _, number = called.partition("#")
    owner, _, name = path.partition("/")
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 - no list is longer
        return None
    return ctx.runs.get(ctx.labs.get(owner, name), int(number))


def _visibility(text: str) -> Visibility:
    if text not in set(Visibility):
        return Visibility.PRIVATE
    return Visibility(text)


def _form(
    request: Request, ctx: Context, draft: DatasetDraft, run: Run | None, *, trouble: str = ""
) -> Response:
    person = writer(ctx.person)
    if run is not None and not draft.name and not trouble:
        # A guess, which people change.
        draft = DatasetDraft(name=f"{run.lab.partition('/')[2]}-data"[:64])
    return page(
        "dataset_new.html",
        request,
        ctx,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if trouble else HTTPStatus.OK,
        current="datasets",
        draft=draft,
        run=run,
        owners=publishes_as(person),
        licences=LICENCES,
        visibilities=VISIBILITIES,
        page_url=PAGE,
        trouble=trouble,
    )
