"""Run migrations on the connection that `db.migrate` opened."""

from typing import Any, Literal

from alembic import context

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.migrate import CONNECTION
from machinelabs_hub.db.tables import (
    accounts,
    datasets,
    gpus,
    inputs,
    labs,
    members,
    notices,
    orders,
    proposals,
    requests,
    runs,
    schedules,
    search,
    stars,
    sweeps,
    tracking,
    usage,
    verifications,
)

TABLES = (
    accounts, datasets, gpus, inputs, labs, members, notices, orders, proposals, requests,
    runs, schedules, search, stars, sweeps, tracking, usage, verifications,
)  # fmt: skip
"""Imported so that the metadata holds their tables."""


def _spelled(kind: str, value: Any, _context: object) -> str | Literal[False]:
    return "Utc()" if kind == "type" and isinstance(value, Utc) else False


def _is_ours(_thing: object, name: str | None, *_about: object) -> bool:
    return not (name or "").startswith(search.MADE_BY_THE_DATABASE)


context.configure(
    connection=context.config.attributes[CONNECTION],
    target_metadata=Base.metadata,
    # SQLite changes tables by making them anew.
    render_as_batch=True,
    render_item=_spelled,
    include_object=_is_ours,
)
with context.begin_transaction():
    context.run_migrations()
