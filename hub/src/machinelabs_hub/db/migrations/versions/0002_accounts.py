"""The tables of accounts, which the Hub writes"""

import sqlalchemy as sa
from alembic import op

from machinelabs_hub.db.base import Utc

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('accounts',
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('password', sa.String(length=255), nullable=False),
    sa.Column('display_name', sa.String(length=80), nullable=False),
    sa.Column('created_at', Utc(), nullable=False),
    sa.Column('password_at', Utc(), nullable=False),
    sa.Column('signed_in_at', Utc(), nullable=True),
    sa.Column('disabled_at', Utc(), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_accounts'))
    )
    op.create_table('former_names',
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('deleted_at', Utc(), nullable=False),
    sa.Column('home_kept', sa.Boolean(), nullable=False),
    sa.Column('labs_kept', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_former_names'))
    )
    op.create_table('identities',
    sa.Column('provider', sa.String(length=255), nullable=False),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('login', sa.String(length=255), nullable=False),
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('created_at', Utc(), nullable=False),
    sa.PrimaryKeyConstraint('provider', 'subject', name=op.f('pk_identities')),
    sa.UniqueConstraint('name', name=op.f('uq_identities_name'))
    )
    op.create_table('invitations',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=32), nullable=True),
    sa.Column('group_name', sa.String(length=255), nullable=True),
    sa.Column('uses_left', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.String(length=32), nullable=False),
    sa.Column('created_at', Utc(), nullable=False),
    sa.Column('expires_at', Utc(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitations')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_invitations_token_hash'))
    )
    op.create_table('reset_links',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('created_by', sa.String(length=32), nullable=False),
    sa.Column('expires_at', Utc(), nullable=False),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_reset_links'))
    )
    with op.batch_alter_table('reset_links', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reset_links_name'), ['name'], unique=False)

    op.create_table('sign_in_failures',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name_hash', sa.String(length=64), nullable=False),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('at', Utc(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_failures'))
    )
    with op.batch_alter_table('sign_in_failures', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_in_failures_address_at'), ['address', 'at'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('sign_in_failures', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sign_in_failures_address_at'))

    op.drop_table('sign_in_failures')
    with op.batch_alter_table('reset_links', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reset_links_name'))

    op.drop_table('reset_links')
    op.drop_table('invitations')
    op.drop_table('identities')
    op.drop_table('former_names')
    op.drop_table('accounts')
