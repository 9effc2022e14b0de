"""Notices that staff have had, the role that a card mentions, and a language that may be unset."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing could choose the language before, so it is unset for all servers."""
    op.create_table(
        "notices",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("server", "name", "subject"),
    )
    # Not in a batch: that drops the old table, and with it, by their foreign key, all requests.
    op.add_column(
        "cards",
        sa.Column("mentions_role", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    with op.batch_alter_table("servers") as servers:
        servers.add_column(sa.Column("mention_role", sa.String(200), nullable=True))
        servers.alter_column("locale", existing_type=sa.String(length=80), nullable=True)
    op.execute("UPDATE servers SET locale = NULL")
