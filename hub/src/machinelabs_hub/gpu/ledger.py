"""The site's claims: kept in SQL, copied in memory. The Hub alone writes them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from uuid import uuid4

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import ClaimDeviceRow, ClaimRow
from machinelabs_hub.errors import Conflict
from machinelabs_hub.gpu.model import Claim, Holder, Observed
from machinelabs_hub.gpu.reconcile import Decision, decide


class DeviceHeld(Conflict):
    """More of a device would be granted than is left of it."""

    code = "device_held"

    def __init__(self, uuid: str) -> None:
        super().__init__(f"The GPU {uuid} is held already. Wait for another, or try again.")


class Ledger:
    """Grants, follows and ends claims. Every change is in SQL before it counts."""

    def __init__(self, sessions: SessionMaker) -> None:
        self._sessions = sessions
        with sessions() as db:
            rows = db.scalars(select(ClaimRow).where(ClaimRow.ended_at.is_(None)))
            self._live = {row.id: _claim(row) for row in rows}
        self._absent: Mapping[str, datetime] = {}

    def live(self) -> tuple[Claim, ...]:
        """Return the claims that hold devices now."""
        return tuple(self._live.values())

    def claim_of(self, holder: Holder) -> Claim | None:
        """Return the newest claim of a server, None if it has none."""
        mine = [claim for claim in self._live.values() if claim.holder == holder]
        return max(mine, key=lambda claim: claim.granted_at, default=None)

    def grant(
        self,
        holder: Holder,
        flavour: str,
        uuids: tuple[str, ...],
        share: int,
        now: datetime,
        *,
        since: datetime | None = None,
        reservation: int = 0,
    ) -> Claim:
        """Grant devices to a server, as a slot of a reservation if one is given.

        Args:
            holder: the server.
            flavour: what it asked for.
            uuids: the devices.
            share: 1, or n for 1/n of each.
            now: the time.
            since: when it came into the line; None: now.
            reservation: the reservation's id; 0: none.

        Raises:
            DeviceHeld: others hold so much of a device that this is not left.
        """
        self._check_room(uuids, Fraction(1, share))
        claim = Claim(
            id=uuid4().hex,
            holder=holder,
            flavour=flavour,
            uuids=uuids,
            share=share,
            granted_at=now,
            reservation=reservation,
        )
        self._add(claim, waited=max(0.0, (now - (since or now)).total_seconds()))
        return claim

    def bind(self, key: str, container: str) -> None:
        """Note which container has the claim."""
        self._change(key, container=container)

    def ready(self, key: str, now: datetime) -> None:
        """Note when the claim's server answered for the first time."""
        self._change(key, ready_at=now)

    def opened(self, key: str, now: datetime) -> None:
        """Note when somebody first used the claim's server."""
        self._change(key, opened_at=now)

    def end(self, key: str, why: str, now: datetime) -> None:
        """End the claim: its container is gone for certain. Ended already is as good."""
        if key not in self._live:
            return
        with self._sessions() as db:
            row = db.get(ClaimRow, key)
            if row is not None:
                row.ended_at, row.why = now, why
        del self._live[key]

    def reconcile(
        self,
        observed: Iterable[Observed],
        *,
        before: tuple[Claim, ...],
        starting: frozenset[str],
        whys: Mapping[str, str],
        now: datetime,
    ) -> Decision:
        """Follow a good look at the engine; return what was decided.

        Args:
            observed: all containers that hold devices.
            before: the claims that lived before the look began.
            starting: those of them whose containers this process was about to make.
            whys: what ends a claim, by its id, where somebody ordered it.
            now: the time.
        """
        # As they were before the look: what was made since, it could not see.
        still = tuple(claim for claim in before if claim.id in self._live)
        decision = decide(
            claims=still,
            observed=self._judged(observed, before),
            starting=starting,
            absent=self._absent,
            now=now,
        )
        self._absent = decision.absent
        for key, container in decision.bind.items():
            self.bind(key, container)
        for key in decision.end:
            otherwise = "gone" if self._live[key].container else "not_started"
            self.end(key, whys.get(key, otherwise), now)
        for one in decision.adopt:
            self._adopt(one, now)
        return decision

    def _judged(
        self, observed: Iterable[Observed], before: tuple[Claim, ...]
    ) -> tuple[Observed, ...]:
        """Leave out containers whose claim began or ended while the engine was looked at."""
        ended = [claim for claim in before if claim.id not in self._live]
        changed = {claim.id for claim in ended} | (set(self._live) - {one.id for one in before})
        removed = {claim.container for claim in ended if claim.container}
        return tuple(
            one for one in observed if one.claim not in changed and one.container not in removed
        )

    def _check_room(self, uuids: Iterable[str], part: Fraction) -> None:
        for uuid in uuids:
            held = (Fraction(1, one.share) for one in self._live.values() if uuid in one.uuids)
            if sum(held, part) > 1:
                raise DeviceHeld(uuid)

    def _adopt(self, one: Observed, now: datetime) -> None:
        self._add(
            Claim(
                # A second container with the label of a claim that lives is no part of that.
                id=one.claim if one.claim and one.claim not in self._live else uuid4().hex,
                holder=one.holder,
                flavour=one.flavour,
                uuids=one.uuids,
                share=one.share,
                granted_at=now,
                container=one.container,
                # What runs may be somebody's work.
                ready_at=now if one.is_running else None,
            )
        )

    def _add(self, claim: Claim, *, waited: float | None = None) -> None:
        with self._sessions() as db:
            _set_aside(db, claim.id)
            db.add(
                ClaimRow(
                    id=claim.id,
                    user=claim.holder.user,
                    server=claim.holder.server,
                    flavour=claim.flavour,
                    share=claim.share,
                    granted_at=claim.granted_at,
                    waited_seconds=waited,
                    container=claim.container,
                    ready_at=claim.ready_at,
                    reservation=claim.reservation,
                    devices=[ClaimDeviceRow(uuid=uuid) for uuid in claim.uuids],
                )
            )
        self._live[claim.id] = claim

    def _change(self, key: str, **values: str | datetime) -> None:
        if key not in self._live:
            return
        with self._sessions() as db:
            row = db.get(ClaimRow, key)
            if row is not None:
                for name, value in values.items():
                    setattr(row, name, value)
        self._live[key] = replace(self._live[key], **values)  # type: ignore[arg-type]


def _set_aside(db: Session, key: str) -> None:
    """Let a claim that ended and is adopted keep its record under a name of its own.

    What was counted of it stays counted: counters that are read from the table only grow.
    """
    row = db.get(ClaimRow, key)
    if row is None:
        return
    values = {column.key: getattr(row, column.key) for column in inspect(ClaimRow).column_attrs}
    devices = [ClaimDeviceRow(uuid=device.uuid) for device in row.devices]
    db.delete(row)
    db.add(ClaimRow(**values | {"id": uuid4().hex}, devices=devices))
    db.flush()


def _claim(row: ClaimRow) -> Claim:
    return Claim(
        id=row.id,
        holder=Holder(row.user, row.server),
        flavour=row.flavour,
        # By name: SQL keeps no order, and a program's device 0 is the first.
        uuids=tuple(sorted(device.uuid for device in row.devices)),
        share=row.share,
        granted_at=row.granted_at,
        container=row.container,
        ready_at=row.ready_at,
        opened_at=row.opened_at,
        reservation=row.reservation,
    )
