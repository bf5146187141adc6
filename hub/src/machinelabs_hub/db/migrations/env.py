"""Run migrations on the connection that `db.migrate` opened."""

from typing import Any, Literal

from alembic import context

from machinelabs_hub.db.base import Base, Utc
from machinelabs_hub.db.migrate import CONNECTION
from machinelabs_hub.db.tables import accounts, labs, members, proposals, requests, stars

TABLES = (accounts, labs, members, proposals, requests, stars)
"""Imported so that the metadata holds their tables."""


def _spelled(kind: str, value: Any, _context: object) -> str | Literal[False]:
    return "Utc()" if kind == "type" and isinstance(value, Utc) else False


context.configure(
    connection=context.config.attributes[CONNECTION],
    target_metadata=Base.metadata,
    # SQLite changes tables by making them anew.
    render_as_batch=True,
    render_item=_spelled,
)
with context.begin_transaction():
    context.run_migrations()
