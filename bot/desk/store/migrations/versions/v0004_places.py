"""The kind and the channel of each request: a customer has one open card for both."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Builds the table anew: the kind is a part of its key.

    The channel of a request is that of its card, which is where the first of them was written.
    """
    op.create_table(
        "new_requests",
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("link", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("card", sa.String(length=32), nullable=False),
        sa.Column("customer", sa.String(200), nullable=True),
        sa.Column("channel", sa.String(200), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["card"], ["cards.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("server", "link", "kind"),
    )
    op.execute(
        "INSERT INTO new_requests (server, link, kind, card, customer, channel, created) "
        "SELECT r.server, r.link, c.kind, r.card, r.customer, c.channel, r.created "
        "FROM requests AS r JOIN cards AS c ON c.id = r.card"
    )
    op.drop_table("requests")  # with its indexes, whose names the new table needs
    op.rename_table("new_requests", "requests")
    op.create_index(op.f("ix_requests_card"), "requests", ["card"], unique=False)
    op.create_index(op.f("ix_requests_customer"), "requests", ["customer"], unique=False)
