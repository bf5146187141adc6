"""Cards, holders and a line as the Hub writes them, for those who only look at them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import CardRow, ClaimDeviceRow, ClaimRow, WaitRow
from machinelabs_hub.db.tables.orders import DrainRow, ReturnRow

CARD, BROKEN, SPLIT, SLICE = "GPU-a", "GPU-b", "GPU-split", "MIG-c"
FAULT = "It fell off the bus (Xid 79)."
WAITS_FOR = "All 2 GPUs are in use."


def put_cards(sessions: SessionMaker, now: datetime) -> None:
    """Write a held card, a failed one and an instance, and three who wait; all else goes.

    Of the card a quarter is held by `holder-1`; `holder-2` held one until now.
    """
    remove_cards(sessions)
    with sessions() as db:
        kinds: tuple[tuple[str, dict[str, Any]], ...] = (
            (CARD, {}),
            (BROKEN, {"health": "failed", "why": FAULT}),
            (SLICE, {"parent": SPLIT, "profile": "1g.10gb"}),
        )
        for uuid, more in kinds:
            db.add(
                CardRow(
                    uuid=uuid, model="H100", memory_mib=81559, changed_at=now, seen_at=now, **more
                )
            )
        for number, ended in ((1, None), (2, now)):
            db.add(
                ClaimRow(
                    id=f"claim-{number}",
                    user=f"holder-{number}",
                    flavour="gpu-quarter",
                    share=4,
                    granted_at=now - timedelta(minutes=9),
                    opened_at=now - timedelta(minutes=8),
                    ended_at=ended,
                    devices=[ClaimDeviceRow(uuid=CARD)],
                )
            )
        for name, position in (("late", 0), ("second", 2), ("first", 1)):
            db.add(
                WaitRow(
                    user=name,
                    flavour="gpu-small",
                    options={},
                    groups=[],
                    weight=1.0,
                    since=now,
                    position=position,
                    expected_at=now + timedelta(minutes=7) if position else None,
                    why=WAITS_FOR,
                )
            )


def remove_cards(sessions: SessionMaker) -> None:
    """Leave the site no card, nobody in the line, and no order."""
    with sessions() as db:
        for table in (DrainRow, ReturnRow, WaitRow, ClaimRow, CardRow):
            db.execute(delete(table))
