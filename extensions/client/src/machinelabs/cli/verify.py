"""`ml verify`: have the site prove that a lab runs clean."""

import argparse
import time
from collections.abc import Mapping
from typing import Final

from machinelabs.cli.exits import Exit
from machinelabs.cli.orders import Orders, add_lab, add_order
from machinelabs.cli.session import Session, read_lab
from machinelabs.errors import Offline
from machinelabs.verifications import Verification

EVERY_SECONDS: Final = 1.0
_ENDS: Final[Mapping[str, Exit]] = {
    "clean": Exit.DONE,
    "differs": Exit.NOT_CLEAN,
    "failed": Exit.RUN_FAILED,
    "void": Exit.RUN_STOPPED,
}
_VERDICTS: Final[Mapping[str, str]] = {
    "clean": "runs clean",
    "differs": "shows something else than it did",
    "failed": "fails",
    "void": "was not verified",
}


def add(orders: Orders) -> None:
    """Add the order."""
    order = add_order(orders, "verify", verify, "run a lab and compare what it shows")
    add_lab(order)
    order.add_argument(
        "-f", "--follow", action="store_true", help="wait for the verdict, and end as it is"
    )


def verify(options: argparse.Namespace, session: Session) -> Exit | None:
    """Order the run, and wait for the verdict if asked to."""
    lab, revision = read_lab(options.lab)
    made = session.hub.verifications.order(lab, revision=revision)
    if not options.follow:
        session.out.result(_json(made), f"Verifying r{made.revision}: {made.url}")
        return None
    session.out.note(f"Verifying r{made.revision}: {made.url}")
    found = _awaited(session, made)
    said = f"{lab} r{found.revision} {_VERDICTS.get(found.verdict, found.verdict)}."
    wrong = (cell for cell in found.cells if not cell.is_fine)
    lines = (f"  cell {cell.number} ({cell.title}): {cell.why}" for cell in wrong)
    session.out.result(_json(found), f"{said} {found.sentence}".strip(), *lines)
    return _ENDS.get(found.verdict, Exit.FAULT)


def _awaited(session: Session, made: Verification) -> Verification:
    is_away = False
    while not made.is_over:
        time.sleep(EVERY_SECONDS)
        try:
            made = session.hub.verifications.get(made.lab, made.number)
            is_away = False
        except Offline as error:
            if not is_away:
                session.out.note(f"{error} The run does not need it.")
            is_away = True
    return made


def _json(one: Verification) -> dict[str, object]:
    return {
        "run": f"{one.lab}#{one.number}",
        "lab": one.lab,
        "revision": one.revision,
        "verdict": one.verdict,
        "sentence": one.sentence,
        "image": one.image,
        "url": one.url,
        "cells": [
            {"number": cell.number, "title": cell.title, "same": cell.same, "why": cell.why}
            for cell in one.cells
        ],
    }
