"""The tables of the labs service"""

import sqlalchemy as sa
from alembic import op

from machinelabs_hub.db.base import Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "labs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("image", sa.String(length=64), nullable=True),
        sa.Column("flavour", sa.String(length=64), nullable=True),
        sa.Column("entrypoint", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("files_count", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("readme", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("forks", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("parent_owner", sa.String(length=255), nullable=True),
        sa.Column("parent_name", sa.String(length=64), nullable=True),
        sa.Column("parent_revision", sa.Integer(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.Column("trashed_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["labs.id"], name=op.f("fk_labs_parent_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labs")),
        sa.UniqueConstraint("uid", name=op.f("uq_labs_uid")),
    )
    with op.batch_alter_table("labs", schema=None) as batch_op:
        batch_op.create_index("ix_labs_forks", ["visibility", "forks", "id"], unique=False)
        batch_op.create_index("ix_labs_newest", ["visibility", "created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_labs_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_labs_store"), ["store"], unique=False)
        batch_op.create_index(batch_op.f("ix_labs_trashed_at"), ["trashed_at"], unique=False)
        batch_op.create_index("ix_labs_updated", ["visibility", "updated_at", "id"], unique=False)
        batch_op.create_index(
            "uq_labs_owner_name",
            ["owner", "name"],
            unique=True,
            sqlite_where=sa.text("trashed_at IS NULL"),
            postgresql_where=sa.text("trashed_at IS NULL"),
        )

    op.create_table(
        "people",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("joined_at", Utc(), nullable=False),
        sa.Column("left_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_people")),
    )
    op.create_table(
        "lab_tags",
        sa.Column("lab_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lab_id"], ["labs.id"], name=op.f("fk_lab_tags_lab_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lab_id", "tag", name=op.f("pk_lab_tags")),
    )
    with op.batch_alter_table("lab_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lab_tags_tag"), ["tag"], unique=False)

    op.create_table(
        "revisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lab_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=255), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("files_count", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lab_id"], ["labs.id"], name=op.f("fk_revisions_lab_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("lab_id", "number", name=op.f("uq_revisions_lab_id_number")),
    )


def downgrade() -> None:
    op.drop_table("revisions")
    with op.batch_alter_table("lab_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lab_tags_tag"))

    op.drop_table("lab_tags")
    op.drop_table("people")
    with op.batch_alter_table("labs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_labs_owner_name",
            sqlite_where=sa.text("trashed_at IS NULL"),
            postgresql_where=sa.text("trashed_at IS NULL"),
        )
        batch_op.drop_index("ix_labs_updated")
        batch_op.drop_index(batch_op.f("ix_labs_trashed_at"))
        batch_op.drop_index(batch_op.f("ix_labs_store"))
        batch_op.drop_index(batch_op.f("ix_labs_parent_id"))
        batch_op.drop_index("ix_labs_newest")
        batch_op.drop_index("ix_labs_forks")

    op.drop_table("labs")
