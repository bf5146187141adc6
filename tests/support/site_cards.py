"""GPUs that servers of a site without any hold: rows as its Hub would write them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from tests.support.site import Site

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.sites import database_url


@contextmanager
def holding(
    site: Site, person: str, server: str, *, share: int = 1, container: str = "c" * 64
) -> Iterator[str]:
    """Let a server hold a card of 40 GiB, or a part of it, until the block ends; yield its uuid."""
    uuid, now = f"GPU-{uuid4()}", datetime.now(UTC)
    engine = open_engine(database_url(site.settings))
    sessions = session_maker(engine)
    with sessions() as db:
        db.add(
            CardRow(uuid=uuid, model="NVIDIA A100", memory_mib=40960, changed_at=now, seen_at=now)
        )
    ledger = Ledger(sessions)
    claim = ledger.grant(Holder(person, server), "gpu-part", (uuid,), share, now)
    ledger.bind(claim.id, container)
    try:
        yield uuid
    finally:
        ledger.end(claim.id, "stopped", datetime.now(UTC))
        with sessions() as db:
            db.delete(db.get_one(CardRow, uuid))
        engine.dispose()
