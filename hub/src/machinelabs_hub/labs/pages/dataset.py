"""A dataset: what it is, its files with previews, its versions, who uses it."""

from contextlib import suppress
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.dataset import Dataset, DatasetFile, Version
from machinelabs_hub.labs.models.licences import BY_ID
from machinelabs_hub.labs.pages.addresses import API
from machinelabs_hub.labs.pages.datasets import dataset_url
from machinelabs_hub.labs.pages.frame import ShownFile, numbered
from machinelabs_hub.labs.pages.look import page_around
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.shelf import shelf_of
from machinelabs_hub.labs.pages.words import ICONS
from machinelabs_hub.labs.render.files import kind_of
from machinelabs_hub.labs.render.links import Address
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.datasets import NoDatasetFile

router = APIRouter()

_FILES = 200
_READMES = ("README.md", "readme.md")


@router.get("/datasets/{owner}/{name}", include_in_schema=False)
def newest(request: Request, ctx: Ctx, owner: str, name: str, cursor: str = "") -> Response:
    """Give the newest version, or what to do where there is none."""
    found = ctx.datasets.get(owner, name)
    version = ctx.datasets.version(found) if found.version else None
    return _page(request, ctx, found, version, cursor)


@router.get("/datasets/{owner}/{name}/{number}", include_in_schema=False)
def older(
    request: Request, ctx: Ctx, owner: str, name: str, number: str, cursor: str = ""
) -> Response:
    """Give one version: `@v3`."""
    found = ctx.datasets.get(owner, name)
    return _page(request, ctx, found, ctx.datasets.version(found, _number(number)), cursor)


@router.get("/datasets/{owner}/{name}/{number}/files/{path:path}", include_in_schema=False)
def file(request: Request, ctx: Ctx, owner: str, name: str, number: str, path: str) -> Response:
    """Give a file of a version as a page."""
    found = ctx.datasets.get(owner, name)
    version = ctx.datasets.version(found, _number(number))
    one = ctx.datasets.file(found, version, path)
    address = _address(found, version)
    preview = shelf_of(ctx).of_dataset(ctx, one, address)
    return page_around(
        preview.pieces or (),
        "dataset_file.html",
        request,
        ctx,
        preview=preview,
        entry=_shown(one, address),
        here=version_url(found, version),
        **_frame(ctx, found, version),
    )


def version_url(dataset: Dataset, version: Version) -> str:
    """Return the address of a version's page, which shows the same for ever."""
    return f"{dataset_url(dataset)}/@v{version.number}"


def _page(
    request: Request, ctx: Context, found: Dataset, version: Version | None, cursor: str
) -> Response:
    if version is None:
        return page_around((), "dataset.html", request, ctx, **_frame(ctx, found, None))
    address = _address(found, version)
    files = ctx.datasets.files(version, cursor=cursor, limit=_FILES)
    readme = None if cursor else _readme(ctx, found, version)
    preview = shelf_of(ctx).of_dataset(ctx, readme, address) if readme else None
    here = version_url(found, version)
    return page_around(
        (preview and preview.pieces) or (),
        "dataset.html",
        request,
        ctx,
        files=[(_shown(one, address), f"{address.files}{quote(one.path)}") for one in files.items],
        more=f"{here}?{urlencode({'cursor': files.next})}" if files.next else "",
        readme=readme.path if preview and preview.pieces and readme else "",
        **_frame(ctx, found, version),
    )


def _frame(ctx: Context, found: Dataset, version: Version | None) -> dict[str, object]:
    versions = ctx.datasets.versions(found, limit=20).items
    return {
        "current": "datasets",
        "dataset": found,
        "url": dataset_url(found),
        "version": version,
        "source": ctx.datasets.source(version) if version else "",
        "versions": [(one, version_url(found, one)) for one in versions],
        "users": ctx.datasets.users(found) if version else (),
        "licence": BY_ID[found.licence].title if found.licence in BY_ID else found.licence,
        "most": ctx.settings.datasets,
        "may_edit": ctx.datasets.may(Action.EDIT, found),
    }


def _readme(ctx: Context, found: Dataset, version: Version) -> DatasetFile | None:
    for path in _READMES:
        # Capitals are before small letters, and digits before both: it may be far down the list.
        with suppress(NoDatasetFile):
            return ctx.datasets.file(found, version, path)
    return None


def _number(text: str) -> int:
    if not text.startswith("@v"):
        raise NoPage
    return numbered(f"@r{text.removeprefix('@v')}")


def _address(found: Dataset, version: Version) -> Address:
    owner, name = quote(found.owner, safe="@"), quote(found.name, safe="")
    raw = f"{API}/datasets/{owner}/{name}/versions/{version.number}/files/"
    return Address(files=f"{version_url(found, version)}/files/", raw=raw)


def _shown(one: DatasetFile, address: Address) -> ShownFile:
    raw = address.raw + quote(one.path)
    return ShownFile(one.path, one.name, one.size, ICONS[kind_of(one.name)], raw)
