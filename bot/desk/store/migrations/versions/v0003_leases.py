"""Leases: what one process of several does alone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates their table."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
