"""The tables. A change here needs a migration (`migrations/versions`); a test compares the two."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    false,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A time as seconds since 1970: SQLite has no type for times, and drops time zones."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> float | None:
        """Called by SQLAlchemy on the way in."""
        del dialect
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: Dialect) -> datetime | None:
        """Called by SQLAlchemy on the way out."""
        del dialect
        return None if value is None else datetime.fromtimestamp(value, UTC)


REFERENCE = String(200)
"""An id of a platform, or a link."""
TOKEN = String(80)
"""A short name: a kind, a strength, a checkpoint."""

servers = Table(
    "servers",
    metadata,
    Column("server", REFERENCE, primary_key=True),
    Column("staff_channel", REFERENCE),
    Column("staff_roles", JSON, nullable=False),
    Column("mention_role", REFERENCE),
    Column("working_hours", JSON, nullable=False),
    Column("time_zone", TOKEN, nullable=False),
    Column("locale", TOKEN),
    Column("reminder_minutes", Integer, nullable=False),
    Column("private_threads", Boolean, nullable=False),
    Column("alerts", Boolean, nullable=False),
    Column("digest", Boolean, nullable=False),
    Column("quiet_hours", JSON, nullable=False),
    Column("retention_days", Integer, nullable=False),
)
"""The settings of servers that were set up."""

departures = Table(
    "departures",
    metadata,
    Column("server", REFERENCE, primary_key=True),
    Column("left", Moment, nullable=False),
)
"""Servers that the bot has left, until their rows are removed."""

cards = Table(
    "cards",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("server", REFERENCE, nullable=False),
    Column("kind", TOKEN, nullable=False),
    Column("strength", TOKEN, nullable=False),
    Column("channel", REFERENCE),
    Column("state", String(16), nullable=False),
    Column("created", Moment, nullable=False),
    Column("joined", Moment, nullable=False),
    Column("claimed", Moment),
    Column("claimed_by", REFERENCE),
    Column("message", REFERENCE),
    Column("thread", REFERENCE),
    Column("reminded", Boolean, nullable=False),
    Column("mentions_role", Boolean, nullable=False, server_default=false()),
    Column("number", Integer, nullable=False),
    Index("cards_by_state", "state", "server"),
    Index("cards_by_time", "server", "created"),
)
"""`joined`: when the last request joined. `claimed`: the first claim, also after a release."""

requests = Table(
    "requests",
    metadata,
    Column("server", REFERENCE, primary_key=True),
    Column("link", REFERENCE, primary_key=True),
    Column("kind", TOKEN, primary_key=True),
    Column("card", ForeignKey("cards.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("customer", REFERENCE, index=True),
    Column("channel", REFERENCE),
    Column("created", Moment, nullable=False),
)
"""What open cards are about, oldest first. The rows of a closed card are deleted."""

salts = Table(
    "salts",
    metadata,
    Column("day", Moment, primary_key=True),
    Column("salt", String(64), nullable=False),
)
"""For the hashes of votes on replies of that day; deleted when the day's votes are sums."""

votes = Table(
    "votes",
    metadata,
    Column("message", REFERENCE, primary_key=True),
    Column("voter", String(64), primary_key=True),
    Column("server", REFERENCE, nullable=False, index=True),
    Column("replied", Moment, nullable=False, index=True),
    Column("kind", TOKEN, nullable=False),
    Column("strength", TOKEN, nullable=False),
    Column("checkpoint", TOKEN, nullable=False),
    Column("up", Boolean, nullable=False),
)
"""`voter`: the hash of the person and the message. Kept for a day after the reply."""


def _hourly(*names: str) -> list[Column[Any]]:
    """The key of a table of sums: a server, an hour and the columns `names`."""
    keys: list[Column[Any]] = [
        Column("server", REFERENCE, primary_key=True),
        Column("hour", Moment, primary_key=True),
    ]
    keys += [Column(name, TOKEN, primary_key=True) for name in names]
    return keys


vote_sums = Table(
    "vote_sums",
    metadata,
    *_hourly("kind", "strength", "checkpoint"),
    Column("up", Integer, nullable=False),
    Column("down", Integer, nullable=False),
)

reply_counts = Table(
    "reply_counts",
    metadata,
    *_hourly("kind", "strength", "checkpoint"),
    Column("number", Integer, nullable=False),
)

durations = Table(
    "durations",
    metadata,
    *_hourly("measure"),
    Column("bucket", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""Histograms; `measure` is LATENCY or TIME_TO_CLAIM."""

notices = Table(
    "notices",
    metadata,
    Column("server", REFERENCE, primary_key=True),
    Column("name", TOKEN, primary_key=True),
    Column("subject", TOKEN, primary_key=True),
    Column("at", Moment, nullable=False),
)
"""The notices that a server's staff have had, so that a restart does not repeat them.

`subject`: a checkpoint, or empty.
"""

leases = Table(
    "leases",
    metadata,
    Column("name", TOKEN, primary_key=True),
    Column("holder", TOKEN, nullable=False),
    Column("until", Moment, nullable=False),
    Column("numbers", JSON),
)
"""What one process of several does alone, until a time that it moves on while it lives.

`numbers`: what the holder leaves for the next one.
"""

LATENCY, TIME_TO_CLAIM = "latency", "time_to_claim"

OF_A_SERVER = (
    *(servers, departures, notices, requests, cards),
    *(votes, vote_sums, reply_counts, durations),
)
"""All with a column `server`, in an order in which their rows can be deleted."""
