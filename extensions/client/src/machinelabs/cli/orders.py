"""How an order of `ml` is added to its command line."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

from machinelabs.cli.exits import Exit
from machinelabs.cli.session import Session

Orders: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
"""What argparse has no public name for."""

Run = Callable[[argparse.Namespace, Session], Exit | None]


def add_order(orders: Orders, name: str, run: Run, what: str) -> argparse.ArgumentParser:
    """Add an order with the options that all have."""
    order = orders.add_parser(name, help=what, description=f"{what[:1].upper()}{what[1:]}.")
    order.add_argument("--json", action="store_true", help="write one JSON object and no sentences")
    order.add_argument("--site", metavar="URL", help="the site, if not the one signed in to last")
    order.set_defaults(run=run)
    return order


def add_lab(order: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the argument that names a lab."""
    text = "a lab, OWNER/LAB or its page's address; @r3 after it is its third revision"
    if optional:
        text += "; without it the lab that this folder is"
    order.add_argument("lab", nargs="?" if optional else None, metavar="OWNER/LAB[@rN]", help=text)


def add_target(order: argparse.ArgumentParser, what: str) -> None:
    """Add the options that say whose a new lab is, and how it is called."""
    order.add_argument(
        "--to",
        default="",
        metavar="OWNER[/NAME]",
        help=f"whose {what} is: you, or @GROUP for a group that you are in (default: you)",
    )
