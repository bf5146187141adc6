"""`ml push`: publish this folder, as a new lab or as the next revision of the lab that it is."""

import argparse
from pathlib import Path
from typing import Final

from machinelabs.cli.orders import Orders, add_order, add_target
from machinelabs.cli.output import size, table
from machinelabs.cli.session import Session, read_target
from machinelabs.errors import BadInput, FolderFault, NotFound, StaleRevision
from machinelabs.folder import Scan
from machinelabs.links import Link
from machinelabs.models import LabDraft
from machinelabs.publish import (
    Progress,
    Publisher,
    check_editable,
    followed,
    state_of,
    suggested_title,
)

ABOUT_NEW: Final = ("to", "name", "title", "description", "tag", "licence")
"""What can be said of a new lab only."""


def add(orders: Orders) -> None:
    """Add the order."""
    order = add_order(
        orders, "push", push, "publish this folder: a new lab, or the next revision of its lab"
    )
    order.add_argument("-m", "--message", default="", help="what changed")
    order.add_argument("--public", action="store_true", help="let everybody read and find the lab")
    order.add_argument("--dry-run", action="store_true", help="only list what would be sent")
    order.add_argument(
        "--strip",
        action=argparse.BooleanOptionalAction,
        help="send notebooks without their outputs (default: as the last time)",
    )
    order.add_argument("--new", action="store_true", help="make a new lab, whatever this was")
    add_target(order, "a new lab")
    order.add_argument("--name", default="", help="a new lab's name (default: made from the title)")
    order.add_argument("--title", help="a new lab's title (default: the folder's name)")
    order.add_argument("--description", help="a new lab's description, in a sentence or two")
    order.add_argument("--tag", action="append", default=[], help="a tag of a new lab; repeatable")
    order.add_argument("--licence", help="a new lab's licence, an SPDX identifier (default: MIT)")


def push(options: argparse.Namespace, session: Session) -> None:
    """Publish, or say what would be published."""
    link = session.link()
    if link is None or options.new:
        link = Link(_publishable())
        _list(options, session, link) if options.dry_run else _new(options, session, link)
        return
    about = [key for key in ABOUT_NEW if getattr(options, key)]
    if about:
        lab = state_of(link).lab
        raise BadInput(
            f"This folder is {lab} already: --{about[0]} is for a new lab. Change it on the "
            "lab's page, under Settings, or make a new lab with --new."
        )
    _list(options, session, link) if options.dry_run else _next(options, session, link)


def _publishable() -> Path:
    here = Path.cwd()
    if here in {Path.home(), Path(here.anchor)}:
        raise FolderFault("Your whole home cannot be a lab. Go to a folder in it.")
    return here


def _new(options: argparse.Namespace, session: Session, link: Link) -> None:
    owner, name = read_target(options.to, options.name)
    publisher = Publisher(hub=session.hub)
    strip = bool(options.strip)
    title = options.title or suggested_title(link, publisher.preview(link, strip=False))
    draft = LabDraft(
        title=title,
        name=name,
        owner=owner,
        description=options.description or "",
        tags=tuple(options.tag),
        visibility="public" if options.public else "private",
        licence=options.licence or "MIT",
        image=session.started_with("MACHINELABS_IMAGE"),
        flavour=session.started_with("MACHINELABS_FLAVOUR"),
        message=options.message,
    )
    bar = session.out.progress("Sending")
    try:
        lab = publisher.publish(
            link, draft, strip=strip, progress=Progress(bar.on_total, bar.on_bytes)
        )
    finally:
        bar.clear()
    line = f"Published {lab.full_name} r{lab.revision}, {lab.visibility}: {lab.url}"
    body = {"lab": lab.full_name, "revision": lab.revision, "visibility": lab.visibility}
    session.out.result(body | {"url": lab.url, "new": True}, line)


def _next(options: argparse.Namespace, session: Session, link: Link) -> None:
    try:
        state, lab = followed(session.hub.labs, link)
    except NotFound as error:
        raise NotFound(
            f"This folder is {state_of(link).lab}, which is not there any more, or not for you to "
            "see. Publish the folder as a new lab with ml push --new.",
            code=error.code,
        ) from error
    check_editable(lab)
    bar = session.out.progress("Sending")
    try:
        revision, is_new = Publisher(hub=session.hub).revise(
            link,
            message=options.message,
            strip=options.strip,
            progress=Progress(bar.on_total, bar.on_bytes),
        )
    except StaleRevision as error:
        raise StaleRevision(f"{error} Merge it in with: ml update", code=error.code) from error
    finally:
        bar.clear()
    if options.public and lab.visibility != "public":
        lab = session.hub.labs.change(state.lab, visibility="public")
    what = "Published" if is_new else "Nothing changed since"
    body = {"lab": lab.full_name, "revision": revision.number, "visibility": lab.visibility}
    session.out.result(
        body | {"url": lab.url, "new": is_new},
        f"{what} {lab.full_name} r{revision.number}, {lab.visibility}: {lab.url}",
    )


def _list(options: argparse.Namespace, session: Session, link: Link) -> None:
    state = link.read()
    strip = options.strip if options.strip is not None else bool(state and state.strip)
    found = Publisher(hub=session.hub).preview(link, strip=strip)
    if found.faults:
        raise FolderFault(" ".join(found.faults))
    lab = state.lab if state and not options.new else None
    owner, _ = read_target(options.to, options.name)
    new = f"as a new lab of {owner}" if owner else "as a new lab"
    session.out.result(
        {
            "lab": lab,
            "files": [{"path": file.path, "size": file.size} for file in found.files],
            "size": found.size,
            "left_out": [{"path": left.path, "reason": left.reason} for left in found.left_out],
        },
        *_lines(found),
        f"{len(found.files)} files, {size(found.size)}, would be sent "
        f"{f'as the next revision of {lab}' if lab else new}. Nothing was.",
    )


def _lines(found: Scan) -> list[str]:
    rows = [(size(file.size).rjust(9), file.path) for file in found.files]
    rows += [(left.reason.rjust(9), f"{left.path}  stays here") for left in found.left_out]
    return table(rows)
