"""Sharing, former addresses, stars, proposals, requests that are answered once"""

import sqlalchemy as sa
from alembic import op

from machinelabs_hub.db.base import Utc
from machinelabs_hub.db.words import folded

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = "heading, tags, about, readme, notebook"
NEW = ", ".join(f"new.{name}" for name in COLUMNS.split(", "))
OLD = ", ".join(f"old.{name}" for name in COLUMNS.split(", "))
FORGET = (
    f"INSERT INTO lab_words (lab_words, rowid, {COLUMNS}) VALUES ('delete', old.lab_id, {OLD});"
)
LEARN = f"INSERT INTO lab_words (rowid, {COLUMNS}) VALUES (new.lab_id, {NEW});"
WORDS = {
    "sqlite": (
        # The words are folded already, so every character that is no space is part of one.
        f"CREATE VIRTUAL TABLE lab_words USING fts5({COLUMNS}, content='lab_texts', "
        "content_rowid='lab_id', prefix='2 3', "
        "tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* M* Co'\")",
        f"CREATE TRIGGER lab_texts_added AFTER INSERT ON lab_texts BEGIN {LEARN} END",
        f"CREATE TRIGGER lab_texts_gone AFTER DELETE ON lab_texts BEGIN {FORGET} END",
        f"CREATE TRIGGER lab_texts_changed AFTER UPDATE ON lab_texts BEGIN {FORGET} {LEARN} END",
    ),
    "postgresql": (
        "ALTER TABLE lab_texts ADD COLUMN document tsvector GENERATED ALWAYS AS ("
        "setweight(to_tsvector('simple', heading), 'A') || setweight(to_tsvector('simple', tags), 'B')"
        " || setweight(to_tsvector('simple', about), 'C')"
        " || setweight(to_tsvector('simple', readme || ' ' || notebook), 'D')) STORED",
        "CREATE INDEX ix_lab_texts_document ON lab_texts USING gin (document)",
    ),
}
NO_WORDS = {"sqlite": ("DROP TABLE lab_words",), "postgresql": ()}


def upgrade() -> None:
    op.create_table(
        "handshakes",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_handshakes")),
        sa.UniqueConstraint("code", name=op.f("uq_handshakes_code")),
    )
    with op.batch_alter_table("handshakes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handshakes_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("person", "key", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "former_addresses",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("lab_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("left_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lab_id"], ["labs.id"], name=op.f("fk_former_addresses_lab_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_former_addresses")),
    )
    with op.batch_alter_table("former_addresses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_former_addresses_lab_id"), ["lab_id"], unique=False)

    op.create_table(
        "lab_members",
        sa.Column("lab_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("added_by", sa.String(length=255), nullable=False),
        sa.Column("added_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lab_id"], ["labs.id"], name=op.f("fk_lab_members_lab_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lab_id", "kind", "name", name=op.f("pk_lab_members")),
    )
    with op.batch_alter_table("lab_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lab_members_name"), ["name"], unique=False)

    op.create_table(
        "proposals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lab_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fork_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("fork_owner", sa.String(length=255), nullable=False),
        sa.Column("fork_name", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.String(length=64), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("base_commit", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("closed_by", sa.String(length=255), nullable=True),
        sa.Column("merged_revision", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["fork_id"], ["labs.id"], name=op.f("fk_proposals_fork_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["lab_id"], ["labs.id"], name=op.f("fk_proposals_lab_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("lab_id", "number", name=op.f("uq_proposals_lab_id_number")),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proposals_author"), ["author"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposals_fork_id"), ["fork_id"], unique=False)
        batch_op.create_index("ix_proposals_state", ["lab_id", "state", "number"], unique=False)

    op.create_table(
        "stars",
        sa.Column("lab_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lab_id"], ["labs.id"], name=op.f("fk_stars_lab_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lab_id", "person", name=op.f("pk_stars")),
    )
    with op.batch_alter_table("stars", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stars_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_stars_person"), ["person"], unique=False)

    op.create_table(
        "proposal_comments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "proposal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("author", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("cell", sa.String(length=64), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
            name=op.f("fk_proposal_comments_proposal_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_comments")),
    )
    with op.batch_alter_table("proposal_comments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_proposal_comments_proposal_id"), ["proposal_id"], unique=False
        )

    with op.batch_alter_table("labs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stars", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("language", sa.String(length=32), nullable=True))
        batch_op.add_column(
            sa.Column("has_outputs", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("runs_clean", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("featured_at", Utc(), nullable=True))
        batch_op.add_column(
            sa.Column("open_from", sa.Integer(), server_default="1", nullable=False)
        )
        batch_op.add_column(sa.Column("parent_synced", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_labs_featured_at"), ["featured_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_labs_language"), ["language"], unique=False)
        batch_op.add_column(sa.Column("trend", sa.Float(), server_default="0", nullable=False))
        batch_op.create_index("ix_labs_stars", ["visibility", "stars", "id"], unique=False)
        batch_op.create_index("ix_labs_trend", ["visibility", "trend", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_labs_image"), ["image"], unique=False)
        batch_op.create_index(batch_op.f("ix_labs_flavour"), ["flavour"], unique=False)
        batch_op.create_index(batch_op.f("ix_labs_licence"), ["licence"], unique=False)

    # What is private now was never open, as far as anybody knows.
    op.execute("UPDATE labs SET open_from = 0 WHERE visibility = 'private'")

    op.create_table(
        "lab_texts",
        sa.Column("lab_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("readme", sa.Text(), nullable=False),
        sa.Column("notebook", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lab_id"], ["labs.id"], name=op.f("fk_lab_texts_lab_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lab_id", name=op.f("pk_lab_texts")),
    )
    for statement in WORDS[op.get_bind().dialect.name]:
        op.execute(statement)
    _fill_texts()
    with op.batch_alter_table("labs", schema=None) as batch_op:
        batch_op.drop_column("search_text")
        batch_op.drop_column("readme")


def _fill_texts() -> None:
    """Fold what labs say; notebooks' words come with their next revision, or with a reindex."""
    bind = op.get_bind()
    tags: dict[int, list[str]] = {}
    for lab_id, tag in bind.execute(sa.text("SELECT lab_id, tag FROM lab_tags ORDER BY position")):
        tags.setdefault(lab_id, []).append(tag)
    rows = bind.execute(
        sa.text("SELECT id, owner, name, title, description, readme FROM labs ORDER BY id")
    ).all()
    add = sa.text(
        "INSERT INTO lab_texts (lab_id, heading, tags, about, readme, notebook) "
        "VALUES (:lab_id, :heading, :tags, :about, :readme, '')"
    )
    for lab_id, owner, name, title, description, readme in rows:
        bind.execute(
            add,
            {
                "lab_id": lab_id,
                "heading": folded(f"{owner} {name} {title}"),
                "tags": folded(" ".join(tags.get(lab_id, ()))),
                "about": folded(description),
                "readme": folded(readme),
            },
        )


def downgrade() -> None:
    with op.batch_alter_table("labs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("readme", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("search_text", sa.Text(), server_default="", nullable=False))
    for statement in NO_WORDS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.drop_table("lab_texts")
    with op.batch_alter_table("labs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_labs_licence"))
        batch_op.drop_index(batch_op.f("ix_labs_flavour"))
        batch_op.drop_index(batch_op.f("ix_labs_image"))
        batch_op.drop_index("ix_labs_trend")
        batch_op.drop_index("ix_labs_stars")
        batch_op.drop_index(batch_op.f("ix_labs_language"))
        batch_op.drop_index(batch_op.f("ix_labs_featured_at"))
        batch_op.drop_column("trend")
        batch_op.drop_column("parent_synced")
        batch_op.drop_column("open_from")
        batch_op.drop_column("featured_at")
        batch_op.drop_column("runs_clean")
        batch_op.drop_column("has_outputs")
        batch_op.drop_column("language")
        batch_op.drop_column("stars")

    with op.batch_alter_table("proposal_comments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proposal_comments_proposal_id"))

    op.drop_table("proposal_comments")
    with op.batch_alter_table("stars", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stars_person"))
        batch_op.drop_index(batch_op.f("ix_stars_at"))

    op.drop_table("stars")
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.drop_index("ix_proposals_state")
        batch_op.drop_index(batch_op.f("ix_proposals_fork_id"))
        batch_op.drop_index(batch_op.f("ix_proposals_author"))

    op.drop_table("proposals")
    with op.batch_alter_table("lab_members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lab_members_name"))

    op.drop_table("lab_members")
    with op.batch_alter_table("former_addresses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_former_addresses_lab_id"))

    op.drop_table("former_addresses")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
    with op.batch_alter_table("handshakes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handshakes_expires_at"))

    op.drop_table("handshakes")
