"""The first version.

Written out: a migration stays what it was, whatever becomes of the tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables of cards, votes, figures and settings."""
    op.create_table(
        "cards",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("strength", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(200), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("joined", sa.Double(), nullable=False),
        sa.Column("claimed", sa.Double(), nullable=True),
        sa.Column("claimed_by", sa.String(200), nullable=True),
        sa.Column("message", sa.String(200), nullable=True),
        sa.Column("thread", sa.String(200), nullable=True),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("cards_by_state", "cards", ["state", "server"], unique=False)
    op.create_index("cards_by_time", "cards", ["server", "created"], unique=False)
    op.create_table(
        "departures",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("left", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("server"),
    )
    op.create_table(
        "durations",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("hour", sa.Double(), nullable=False),
        sa.Column("measure", sa.String(length=80), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("server", "hour", "measure", "bucket"),
    )
    op.create_table(
        "reply_counts",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("hour", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("strength", sa.String(length=80), nullable=False),
        sa.Column("checkpoint", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("server", "hour", "kind", "strength", "checkpoint"),
    )
    op.create_table(
        "salts",
        sa.Column("day", sa.Double(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "servers",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("staff_channel", sa.String(200), nullable=True),
        sa.Column("staff_roles", sa.JSON(), nullable=False),
        sa.Column("working_hours", sa.JSON(), nullable=False),
        sa.Column("time_zone", sa.String(length=80), nullable=False),
        sa.Column("locale", sa.String(length=80), nullable=False),
        sa.Column("reminder_minutes", sa.Integer(), nullable=False),
        sa.Column("private_threads", sa.Boolean(), nullable=False),
        sa.Column("alerts", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("quiet_hours", sa.JSON(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("server"),
    )
    op.create_table(
        "vote_sums",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("hour", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("strength", sa.String(length=80), nullable=False),
        sa.Column("checkpoint", sa.String(length=80), nullable=False),
        sa.Column("up", sa.Integer(), nullable=False),
        sa.Column("down", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("server", "hour", "kind", "strength", "checkpoint"),
    )
    op.create_table(
        "votes",
        sa.Column("message", sa.String(200), nullable=False),
        sa.Column("voter", sa.String(length=64), nullable=False),
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("replied", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("strength", sa.String(length=80), nullable=False),
        sa.Column("checkpoint", sa.String(length=80), nullable=False),
        sa.Column("up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("message", "voter"),
    )
    op.create_index(op.f("ix_votes_replied"), "votes", ["replied"], unique=False)
    op.create_index(op.f("ix_votes_server"), "votes", ["server"], unique=False)
    op.create_table(
        "requests",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("link", sa.String(200), nullable=False),
        sa.Column("card", sa.String(length=32), nullable=False),
        sa.Column("customer", sa.String(200), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["card"], ["cards.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("server", "link"),
    )
    op.create_index(op.f("ix_requests_card"), "requests", ["card"], unique=False)
    op.create_index(op.f("ix_requests_customer"), "requests", ["customer"], unique=False)
