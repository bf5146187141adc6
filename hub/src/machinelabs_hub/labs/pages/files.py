"""The files of a revision: folders, previews, the README."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.pages.addresses import (
    archive_url,
    clone_url,
    content_address,
    file_url,
    raw_base,
    revision_url,
)
from machinelabs_hub.labs.pages.frame import frame, numbered, shown_file
from machinelabs_hub.labs.pages.look import page_around
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.shelf import shelf_of
from machinelabs_hub.labs.pages.words import ICONS
from machinelabs_hub.labs.render.files import kind_of
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list: a file, or a folder with how many files are in it."""

    name: str
    url: str
    icon: str
    size: int
    raw: str = ""
    count: int = 0


@router.get("/{owner}/{name}/files", include_in_schema=False)
@router.get("/{owner}/{name}/files/{path:path}", include_in_schema=False)
def newest(request: Request, ctx: Ctx, owner: str, name: str, path: str = "") -> Response:
    """Give a folder or a file of the newest revision."""
    lab = ctx.labs.get(owner, name)
    return _files(request, ctx, lab, ctx.revisions.find(lab), path)


@router.get("/{owner}/{name}/@{number}/files", include_in_schema=False)
@router.get("/{owner}/{name}/@{number}/files/{path:path}", include_in_schema=False)
def revision(
    request: Request, ctx: Ctx, owner: str, name: str, number: str, path: str = ""
) -> Response:
    """Give a folder or a file of one revision."""
    lab = ctx.labs.get(owner, name)
    found = ctx.revisions.find(lab, numbered(f"@{number}"))
    return _files(request, ctx, lab, found, path)


def _files(request: Request, ctx: Context, lab: Lab, at: Revision, path: str) -> Response:
    entries = ctx.revisions.files(lab, at.number)
    path = path.strip("/")
    file = next((entry for entry in entries if entry.path == path), None)
    if file is not None:
        return _file(request, ctx, lab, at, file)
    prefix = f"{path}/" if path else ""
    inside = [entry for entry in entries if entry.path.startswith(prefix)]
    if path and not inside:
        raise NoPage
    return _folder(request, ctx, lab, at, prefix, inside)


def _file(request: Request, ctx: Context, lab: Lab, at: Revision, entry: FileEntry) -> Response:
    address = content_address(lab, at.number)
    preview = shelf_of(ctx).preview(ctx, lab, at.number, entry, address)
    values = frame(ctx, lab, "files", revision=at)
    return page_around(
        preview.pieces or (),
        "file.html",
        request,
        ctx,
        entry=shown_file(lab, at.number, entry),
        crumbs=_crumbs(lab, at.number, entry.path),
        preview=preview,
        **values,
    )


def _folder(
    request: Request,
    ctx: Context,
    lab: Lab,
    at: Revision,
    prefix: str,
    inside: list[FileEntry],
) -> Response:
    readme = _readme(inside, prefix)
    preview = None
    if readme is not None:
        address = content_address(lab, at.number)
        preview = shelf_of(ctx).preview(ctx, lab, at.number, readme, address)
    folder = prefix.rstrip("/")
    return page_around(
        preview.pieces if preview and preview.pieces else (),
        "files.html",
        request,
        ctx,
        rows=_rows(lab, at.number, prefix, inside),
        folder=folder,
        crumbs=_crumbs(lab, at.number, folder),
        files_count=len(inside),
        total=sum(entry.size for entry in inside),
        archive=archive_url(lab, at.number),
        clone=clone_url(ctx.addresses, lab),
        readme=readme.name if readme and preview and preview.pieces else "",
        **frame(ctx, lab, "files", revision=at),
    )


def _rows(lab: Lab, number: int, prefix: str, inside: Iterable[FileEntry]) -> list[Row]:
    folders: dict[str, tuple[int, int]] = {}
    found = []
    for entry in inside:
        name, slash, _ = entry.path[len(prefix) :].partition("/")
        if slash:
            count, size = folders.get(name, (0, 0))
            folders[name] = (count + 1, size + entry.size)
            continue
        url = file_url(lab, number, entry.path)
        raw = raw_base(lab, number) + quote(entry.path)
        found.append(Row(name, url, ICONS[kind_of(name)], entry.size, raw))
    held = [
        Row(name, file_url(lab, number, prefix + name), "folder", size, count=count)
        for name, (count, size) in folders.items()
    ]
    return sorted(held, key=lambda row: row.name) + sorted(found, key=lambda row: row.name)


def _readme(inside: Iterable[FileEntry], prefix: str) -> FileEntry | None:
    wanted = (
        f"{prefix}readme.md".lower(),
        f"{prefix}readme.txt".lower(),
        f"{prefix}readme".lower(),
    )
    found = {entry.path.lower(): entry for entry in inside}
    return next((found[path] for path in wanted if path in found), None)


def _crumbs(lab: Lab, number: int, path: str) -> list[tuple[str, str]]:
    parts = path.split("/") if path else []
    base = f"{revision_url(lab, number)}/files/"
    return [(part, base + quote("/".join(parts[: index + 1]))) for index, part in enumerate(parts)]
