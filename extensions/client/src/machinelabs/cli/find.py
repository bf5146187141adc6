"""`ml search` and `ml open`: find labs, and see one in the browser."""

import argparse
import webbrowser

from machinelabs.cli.orders import Orders, add_lab, add_order
from machinelabs.cli.output import table
from machinelabs.cli.session import Session, lab_json, read_lab
from machinelabs.models import Lab
from machinelabs.publish import state_of


def add(orders: Orders) -> None:
    """Add both orders."""
    order = add_order(orders, "search", search, "find labs by words, tag or owner")
    order.add_argument("words", nargs="*", metavar="WORD", help="words that all stand in the lab")
    order.add_argument("--tag", default="", help="labs with this tag only")
    order.add_argument("--owner", default="", help="labs of this person or @group only")
    order.add_argument("--sort", default="", help="newest, updated, forks, …")
    order.add_argument("--limit", type=int, default=20, help="how many at most (default: 20)")
    order.add_argument("--cursor", default="", help="go on where a search before ended")
    order = add_order(orders, "open", show, "show a lab's page in the browser")
    add_lab(order, optional=True)
    order.add_argument("--no-browser", action="store_true", help="only print the page's address")


def search(options: argparse.Namespace, session: Session) -> None:
    """List the labs that fit."""
    page = session.hub.labs.list(
        query=" ".join(options.words),
        tag=options.tag,
        owner=options.owner,
        sort=options.sort,
        cursor=options.cursor,
        limit=options.limit,
    )
    lines = table([_row(lab) for lab in page.labs]) if page.labs else ["No lab fits."]
    if page.next:
        lines.append(f"More: --cursor {page.next}")
    session.out.result({"items": [lab_json(lab) for lab in page.labs], "next": page.next}, *lines)


def show(options: argparse.Namespace, session: Session) -> None:
    """Open the page and print its address."""
    if options.lab is None:
        name, number = state_of(session.need_link()).lab, None
    else:
        name, number = read_lab(options.lab)
    lab = session.hub.labs.get(name)
    url = f"{lab.url}/@r{number}" if number else lab.url
    if not options.no_browser:
        webbrowser.open(url)
    session.out.result({"lab": lab.full_name, "url": url}, url)


def _row(lab: Lab) -> tuple[str, ...]:
    return (lab.full_name, f"r{lab.revision}", lab.visibility, lab.title)
