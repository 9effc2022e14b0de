"""Counts of replies: gathered in memory, written in batches; and the figures made of them."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.desk.schedule import Clock
from bot.desk.store.checks import check_reference, check_time, check_token
from bot.desk.store.database import Database, adding
from bot.desk.store.figures import (
    CardCount,
    Figures,
    Histogram,
    ReplyCount,
    VoteCount,
    VoteTotal,
    bucket,
    hour_of,
    next_hour,
)
from bot.desk.store.part import Part, completed
from bot.desk.store.records import CardState
from bot.desk.store.tables import (
    LATENCY,
    TIME_TO_CLAIM,
    cards,
    durations,
    reply_counts,
    vote_sums,
    votes,
)
from bot.errors import StoreError
from bot.logs import SeldomLog

log = logging.getLogger(__name__)

MAX_PENDING = 20_000
"""Different counters that wait in memory, where they cannot be written; more are lost."""

Replies = Counter[tuple[str, datetime, str, str, str]]
"""By server, hour, kind, strength and checkpoint."""
Durations = Counter[tuple[str, datetime, str, int]]
"""By server, hour, measure and bucket."""


@dataclass(slots=True)
class _Pending:
    """What was counted and is not written yet."""

    replies: Replies = field(default_factory=Counter)
    durations: Durations = field(default_factory=Counter)


class Counters(Part):
    """The counters of all servers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self._pending = _Pending()
        self._flushing = asyncio.Lock()
        self._seldom = SeldomLog(log)

    def count(
        self, server: str, kind: str, seconds: float, *, strength: str = "", checkpoint: str = ""
    ) -> None:
        """Counts a reply, `seconds` after its message. Never raises, and never waits.

        It is in memory until `flush`, which runs every few seconds.
        """
        hour = hour_of(self._clock())
        reply = (server, hour, kind, strength, checkpoint)
        if reply in self._pending.replies or self._may_begin(reply):
            self._pending.replies[reply] += 1
            self._pending.durations[server, hour, LATENCY, bucket(seconds)] += 1

    @completed
    async def flush(self) -> None:
        """Writes what was counted. Never raises: what cannot be written waits for the next time."""
        async with self._flushing:
            pending, self._pending = self._pending, _Pending()
            try:
                await self._write(pending)
            except StoreError as error:
                message = f"Counts of replies wait in memory. {error}"
                self._seldom.log(logging.WARNING, message)
                self._pending.replies.update(pending.replies)
                self._pending.durations.update(pending.durations)

    async def close(self) -> None:
        """Writes what was counted for the last time, and logs what could not be written."""
        await self.flush()
        if lost := self._pending.replies.total():
            log.warning("%d counted replies were lost, since they could not be written", lost)

    def _drop_pending(self, server: str) -> None:
        """Forgets what was counted for a server and is not written yet."""
        for counter in (self._pending.replies, self._pending.durations):
            for key in [key for key in counter if key[0] == server]:
                del counter[key]

    @completed
    async def figures(self, server: str, since: datetime, until: datetime) -> Figures:
        """What happened in a server, by whole hours: from the one in which `since` lies, until
        before the first that does not begin before `until`.

        Raises StoreError where the database cannot be used.
        """
        check_reference(server=server)
        check_time(since=since, until=until)
        await self.flush()
        since, until = hour_of(since), next_hour(until)
        async with self._database.reading() as connection:
            return Figures(
                since=since,
                until=until,
                replies=await _replies(connection, server, since, until),
                votes=await _votes(connection, server, since, until),
                cards=await _cards(connection, server, since, until),
                latency=await _histogram(connection, server, LATENCY, since, until),
                time_to_claim=await _histogram(connection, server, TIME_TO_CLAIM, since, until),
            )

    @completed
    async def vote_totals(
        self, server: str | None = None, *, settled: bool = False
    ) -> tuple[VoteTotal, ...]:
        """The votes by checkpoint and kind; of all servers by default.

        `settled`: only those that cannot change any more. Raises StoreError.
        """
        check_reference(server=server)
        up: Counter[tuple[str, str]] = Counter()
        down: Counter[tuple[str, str]] = Counter()
        key = (vote_sums.c.checkpoint, vote_sums.c.kind)
        numbers = (func.sum(vote_sums.c.up).label("up"), func.sum(vote_sums.c.down).label("down"))
        sums = select(*key, *numbers).group_by(*key)
        live = select(votes.c.checkpoint, votes.c.kind, votes.c.up)
        if server is not None:
            sums = sums.where(vote_sums.c.server == server)
            live = live.where(votes.c.server == server)
        async with self._database.reading() as connection:
            for row in await connection.execute(sums):
                up[row.checkpoint, row.kind] += int(row.up)
                down[row.checkpoint, row.kind] += int(row.down)
            for vote in [] if settled else await connection.execute(live):
                (up if vote.up else down)[vote.checkpoint, vote.kind] += 1
        found = sorted(up.keys() | down.keys())
        return tuple(VoteTotal(*each, up[each], down[each]) for each in found)

    def _may_begin(self, reply: tuple[str, datetime, str, str, str]) -> bool:
        """Whether a new counter may begin; logs why not."""
        server, _, kind, strength, checkpoint = reply
        try:
            check_reference(server=server)
            check_token(kind=kind, strength=strength, checkpoint=checkpoint)
        except (TypeError, ValueError):
            self._seldom.log(logging.ERROR, "A reply was not counted: its kind is not a name")
            return False
        if len(self._pending.replies) >= MAX_PENDING:
            self._seldom.log(logging.WARNING, "Replies are not counted any more: too many wait")
            return False
        return True

    async def _write(self, pending: _Pending) -> None:
        if not pending.replies:
            return
        replies = [
            {"server": s, "hour": h, "kind": k, "strength": t, "checkpoint": c, "number": number}
            for (s, h, k, t, c), number in pending.replies.items()
        ]
        seconds = [
            {"server": s, "hour": h, "measure": m, "bucket": b, "number": number}
            for (s, h, m, b), number in pending.durations.items()
        ]
        async with self._database.writing() as connection:
            await connection.execute(adding(connection, reply_counts, "number"), replies)
            await connection.execute(adding(connection, durations, "number"), seconds)


def _within(
    table: Table, server: str, since: datetime, until: datetime, column: str = "hour"
) -> tuple[ColumnElement[bool], ...]:
    return table.c.server == server, table.c[column] >= since, table.c[column] < until


async def _replies(
    connection: AsyncConnection, server: str, since: datetime, until: datetime
) -> tuple[ReplyCount, ...]:
    where = _within(reply_counts, server, since, until)
    rows = await connection.execute(select(reply_counts).where(*where))
    return tuple(
        sorted(ReplyCount(r.hour, r.kind, r.strength, r.checkpoint, r.number) for r in rows)
    )


async def _votes(
    connection: AsyncConnection, server: str, since: datetime, until: datetime
) -> tuple[VoteCount, ...]:
    """The sums, and the votes of the last day that are not sums yet."""
    up: Counter[tuple[datetime, str, str, str]] = Counter()
    down: Counter[tuple[datetime, str, str, str]] = Counter()
    sums = select(vote_sums).where(*_within(vote_sums, server, since, until))
    for row in await connection.execute(sums):
        key = (row.hour, row.kind, row.strength, row.checkpoint)
        up[key] += row.up
        down[key] += row.down
    live = select(votes).where(*_within(votes, server, since, until, "replied"))
    for row in await connection.execute(live):
        key = (hour_of(row.replied), row.kind, row.strength, row.checkpoint)
        (up if row.up else down)[key] += 1
    return tuple(VoteCount(*key, up[key], down[key]) for key in sorted(up.keys() | down.keys()))


async def _cards(
    connection: AsyncConnection, server: str, since: datetime, until: datetime
) -> tuple[CardCount, ...]:
    alike = (cards.c.kind, cards.c.state)
    numbers = (func.count().label("cards"), func.sum(cards.c.number).label("requests"))
    where = _within(cards, server, since, until, "created")
    rows = await connection.execute(select(*alike, *numbers).where(*where).group_by(*alike))
    return tuple(
        sorted(CardCount(r.kind, CardState(r.state), r.cards, int(r.requests)) for r in rows)
    )


async def _histogram(
    connection: AsyncConnection, server: str, measure: str, since: datetime, until: datetime
) -> Histogram:
    total = func.sum(durations.c.number).label("total")
    where = (*_within(durations, server, since, until), durations.c.measure == measure)
    by_bucket = select(durations.c.bucket, total).where(*where).group_by(durations.c.bucket)
    rows = await connection.execute(by_bucket)
    return Histogram({row.bucket: int(row.total) for row in rows})
