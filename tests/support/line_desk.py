"""A line over a real ledger and a real database, with cards and a clock that the test sets."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from tests.support.gpus import NOON

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.gpus import WaitRow
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Ask, Claim, Gpu, Holder, Want
from machinelabs_hub.gpu.queue import Line

WANTS = {"whole": Want(), "pair": Want(count=2), "quarter": Want(share=4)}
HOUR = timedelta(hours=1)


class Stock:
    """The devices of the site, as a test says."""

    def __init__(self, *devices: Gpu) -> None:
        self.all = devices

    def devices(self) -> tuple[Gpu, ...]:
        return self.all


class Desk:
    """A line over a real ledger and a real database, with a clock that the test sets."""

    def __init__(self, sessions: Sessions, *devices: Gpu) -> None:
        self.sessions = sessions
        self.stock = Stock(*devices)
        self.now = NOON
        self.begin()

    def begin(self) -> None:
        self.ledger = Ledger(self.sessions)
        self.line = Line(
            inventory=self.stock,
            ledger=self.ledger,
            sessions=self.sessions,
            wants=WANTS,
            clock=lambda: self.now,
        )

    def ask(
        self, user: str, flavour: str = "whole", *, groups: tuple[str, ...] = ()
    ) -> asyncio.Task[Claim]:
        ask = Ask(
            holder=Holder(user),
            flavour=flavour,
            want=WANTS[flavour],
            options={"flavour": flavour},
            groups=frozenset(groups),
        )
        return asyncio.ensure_future(self.line.take(ask))

    def end(self, claim: Claim) -> None:
        self.ledger.end(claim.id, "stopped", self.now)
        self.line.wake()

    def waits(self) -> list[str]:
        with self.sessions() as db:
            return sorted(db.scalars(select(WaitRow.user)))

    def add(self, *rows: Any) -> None:
        with self.sessions() as db:
            db.add_all(rows)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
