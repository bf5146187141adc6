"""`ml pull` and `ml fork`: get a lab's files, or make a copy of it yours."""

import argparse
from pathlib import Path

from machinelabs.checkout import Checkout, Laid, place_for
from machinelabs.cli.orders import Orders, add_lab, add_order, add_target
from machinelabs.cli.session import Session, read_lab, read_target
from machinelabs.errors import FolderFault, NotFound
from machinelabs.links import Link
from machinelabs.models import Lab
from machinelabs.paths import STATE_FOLDER, shown
from machinelabs.publish import Publisher, followed


def add(orders: Orders) -> None:
    """Add both orders."""
    order = add_order(orders, "pull", pull, "lay the files of a lab into a folder")
    add_lab(order, optional=True)
    order.add_argument("folder", nargs="?", metavar="DIR", type=Path, help="where (default: ./LAB)")
    order.add_argument(
        "--beside",
        action="store_true",
        help="where both you and the lab changed a file, lay the lab's beside yours",
    )
    order = add_order(
        orders, "fork", fork, "copy a lab to your labs and lay it into a folder, or make this "
        "folder of another's lab your fork",
    )  # fmt: skip
    add_lab(order, optional=True)
    order.add_argument("folder", nargs="?", metavar="DIR", type=Path, help="where (default: ./LAB)")
    add_target(order, "the fork")
    order.add_argument("--name", default="", help="the fork's name (default: the lab's)")


def pull(options: argparse.Namespace, session: Session) -> None:
    """Lay a revision; what was changed here is never overwritten."""
    if options.lab is None:
        link, number = session.need_link(), None
        _, lab = followed(session.hub.labs, link)
    else:
        name, number = read_lab(options.lab)
        lab = session.hub.labs.get(name)
        link = Link(_place(lab, options.folder))
    _lay(session, lab, number or lab.revision, link, beside=options.beside)


def fork(options: argparse.Namespace, session: Session) -> None:
    """Make a copy that is yours or a group's, here and on the site."""
    owner, as_ = read_target(options.to, options.name)
    if options.lab is None:
        link = session.need_link()
        lab = Publisher(hub=session.hub).adopt(link, name=as_, owner=owner)
        body = {"lab": lab.full_name, "revision": lab.revision, "url": lab.url}
        body["folder"] = str(link.root)
        session.out.result(body, f"This folder is {lab.full_name} r{lab.revision} now: {lab.url}")
        return
    name, _ = read_lab(options.lab)
    lab = session.hub.labs.fork(name, name=as_, owner=owner)
    _lay(session, lab, lab.revision, Link(_place(lab, options.folder)), beside=False)


def _place(lab: Lab, folder: Path | None) -> Path:
    if folder is None:
        here = Link(Path.cwd())
        state = here.read()
        return here.root if state and state.lab == lab.full_name else place_for(
            lab.full_name, labs=Path.cwd()
        )  # fmt: skip
    place = folder.expanduser().absolute()
    state = Link(place).read() if place.is_dir() else None
    if state is None and place.exists():
        if not place.is_dir():
            raise FolderFault(f"“{shown(place.name)}” is a file. Name a folder.")
        if {entry.name for entry in place.iterdir()} - {STATE_FOLDER}:
            raise FolderFault(
                f"“{shown(place.name)}” holds other files. Name a folder that is new or empty."
            )
    return place


def _lay(session: Session, lab: Lab, number: int, link: Link, *, beside: bool) -> None:
    bar = session.out.progress("Getting")
    bar.on_total(lab.size_bytes if number == lab.revision else 0)
    try:
        with session.hub.labs.archive(lab.full_name, number) as archive:
            laid = Checkout(link=link, prints=session.prints).lay(
                bar.reading(archive), lab=lab.full_name, revision=number, lay_beside=beside
            )
    except NotFound as error:
        raise NotFound(
            f"{lab.full_name} has no r{number}; its newest is r{lab.revision}.", code=error.code
        ) from error
    finally:
        bar.clear()
    session.out.result(
        {
            "lab": lab.full_name,
            "revision": number,
            "url": lab.url,
            "folder": str(link.root),
            "laid": list(laid.laid),
            "removed": list(laid.removed),
            "kept": list(laid.kept),
            "beside": list(laid.beside),
        },
        f"{lab.full_name} r{number} is in {_shown(link.root)}{_counts(laid)}.",
        *(f"Both you and r{number} changed it; theirs is beside yours: {p}" for p in laid.beside),
    )


def _counts(laid: Laid) -> str:
    parts = [(laid.laid, "laid"), (laid.removed, "removed"), (laid.kept, "of yours kept")]
    said = ", ".join(f"{len(paths)} {what}" for paths, what in parts if paths)
    return f" ({said})" if said else " already"


def _shown(folder: Path) -> str:
    here = Path.cwd()
    return f"./{folder.relative_to(here)}" if folder.is_relative_to(here) else str(folder)
