"""`ml update` and `ml propose`: catch up with the original, and offer it what you changed."""

import argparse
from dataclasses import asdict

from machinelabs.before import Update
from machinelabs.cli.exits import Exit
from machinelabs.cli.orders import Orders, add_order
from machinelabs.cli.output import table
from machinelabs.cli.session import Session
from machinelabs.errors import BadInput
from machinelabs.links import Link
from machinelabs.models import Lab
from machinelabs.publish import followed
from machinelabs.status import status
from machinelabs.update import Source, look, undo, update


def add(orders: Orders) -> None:
    """Add both orders."""
    order = add_order(
        orders, "update", catch_up, "merge what is newer on the site into this folder"
    )
    ways = order.add_mutually_exclusive_group()
    ways.add_argument("--dry-run", action="store_true", help="only say what would change")
    ways.add_argument("--undo", action="store_true", help="put all back as before the last update")
    order = add_order(orders, "propose", propose, "offer the changes of this fork to its original")
    order.add_argument("--title", help="what it is about (default: the lab's title)")
    order.add_argument("-m", "--message", default="", help="why, in Markdown")


def catch_up(options: argparse.Namespace, session: Session) -> Exit | None:
    """Merge the lab's own newest revision; where that is here, the original's."""
    link = session.need_link()
    if options.undo:
        _undo(session, link)
        return None
    state, lab = followed(session.hub.labs, link)
    is_behind = lab.revision != state.revision or lab.parent is None
    source = Source.NEWEST if is_behind else Source.ORIGINAL
    bar = session.out.progress("Merging")
    try:
        if options.dry_run:
            done = look(session.hub.labs, link, source=source, on_bytes=bar.on_bytes)
        else:
            done = update(
                session.hub.labs, link, session.prints, source=source, on_bytes=bar.on_bytes
            )
    finally:
        bar.clear()
    session.out.result(
        {
            "lab": done.lab,
            "from": done.theirs,
            "base": done.base,
            "revision": done.to,
            "files": [asdict(file) for file in done.files],
            "conflicts": done.conflicts,
            "beside": [{"path": path, "laid": laid} for path, laid in done.beside],
            "done": not options.dry_run,
        },
        *_lines(done, is_done=not options.dry_run),
    )
    return Exit.CONFLICT if done.conflicts and not options.dry_run else None


def propose(options: argparse.Namespace, session: Session) -> None:
    """Offer the newest revision of the fork."""
    link = session.need_link()
    state, lab = followed(session.hub.labs, link)
    to = _original(lab)
    if status(link, state, session.prints).count:
        session.out.note("What you changed since your last ml push is not in it.")
    title = options.title or lab.title
    number = session.hub.labs.propose(to, fork=state.lab, title=title, text=options.message)
    url = f"{session.hub.labs.get(to).url}/proposals/{number}"
    body = {"lab": to, "fork": state.lab, "number": number, "revision": lab.revision, "url": url}
    session.out.result(body, f"Offered {state.lab} r{lab.revision} to {to} as #{number}: {url}")


def _original(lab: Lab) -> str:
    if lab.parent is None:
        raise BadInput(f"{lab.full_name} is no fork: there is nobody to offer its changes to.")
    if not lab.parent.exists:
        raise BadInput(f"The original of {lab.full_name} is not there any more.")
    return f"{lab.parent.owner}/{lab.parent.name}"


def _undo(session: Session, link: Link) -> None:
    undone = undo(link)
    lines = [f"Undone: the update to {undone.update.theirs} r{undone.update.to}."]
    lines += [f"You edited it since; that is kept in {path}" for path in undone.set_aside]
    session.out.result(
        {
            "lab": undone.update.lab,
            "from": undone.update.theirs,
            "revision": undone.update.to,
            "restored": list(undone.restored),
            "set_aside": list(undone.set_aside),
        },
        *lines,
    )


def _lines(done: Update, *, is_done: bool) -> list[str]:
    if done.is_empty:
        return [f"There is nothing newer in {done.theirs}."]
    rows = [(file.change.rjust(9), file.path, file.note) for file in done.files]
    lines = table(rows)
    lines += [f"Yours stands at {path}; theirs is laid at {laid}." for path, laid in done.beside]
    what = f"{done.theirs} r{done.base} to r{done.to}"
    if not is_done:
        return [*lines, f"That is what {what} would change. Nothing was."]
    lines.append(f"Merged {what}. Undo it with ml update --undo; publish it with ml push.")
    if done.conflicts:
        places = "place is" if done.conflicts == 1 else "places are"
        lines.append(f"{done.conflicts} {places} marked for you to decide before you publish.")
    return lines
