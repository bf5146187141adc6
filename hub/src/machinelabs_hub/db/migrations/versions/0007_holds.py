"""Runs that are held for a while after they failed"""

import sqlalchemy as sa
from alembic import op

from machinelabs_hub.db.base import Utc

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("is_to_hold", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("runs", sa.Column("held_until", Utc(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "held_until")
    op.drop_column("runs", "is_to_hold")
