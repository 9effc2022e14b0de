"""Servers: their settings, and what is removed of them and of persons."""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.desk.schedule import Clock
from bot.desk.store.cards import find_cards
from bot.desk.store.checks import check_reference
from bot.desk.store.counters import Counters
from bot.desk.store.database import Database, inserting
from bot.desk.store.part import completed
from bot.desk.store.records import Card, CardState, Forgotten
from bot.desk.store.server_settings import (
    ALERTS,
    DEFAULT_RETENTION_DAYS,
    DIGEST,
    Hours,
    ServerSettings,
    Shift,
)
from bot.desk.store.tables import (
    OF_A_SERVER,
    cards,
    departures,
    durations,
    notices,
    reply_counts,
    requests,
    servers,
    vote_sums,
)
from bot.desk.store.votes import delete_votes
from bot.errors import StoreError

GRACE = timedelta(days=7)
"""After which the rows of a server that was left are removed: it may have been by mistake."""
REMEMBERED = timedelta(seconds=30)
"""How long settings are taken from memory. Another bot on the same store may change them."""

_BY_TIME = ((reply_counts, "hour"), (durations, "hour"), (vote_sums, "hour"), (cards, "created"))
"""What retention ends, and the column that says how old a row is."""


class Servers(Counters):
    """The servers. Methods raise StoreError where the database cannot be used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self._remembered: dict[str, tuple[datetime, ServerSettings]] = {}

    @completed
    async def settings(self, server: str) -> ServerSettings:
        """The settings of a server; the defaults where it was not set up.

        From memory where they were read within the last half minute.
        """
        now = self._clock()
        remembered = self._remembered.get(server)
        if remembered is not None and abs(now - remembered[0]) < REMEMBERED:
            return remembered[1]
        check_reference(server=server)
        async with self._database.reading() as connection:
            settings = await _read_settings(connection, server)
        self._remembered[server] = (now, settings)
        return settings

    @completed
    async def all_settings(self) -> dict[str, ServerSettings]:
        """The settings of every server that was set up."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(servers))
            return {row.server: _settings(row) for row in rows}

    @completed
    async def set_settings(self, server: str, settings: ServerSettings) -> None:
        """Takes the place of the server's settings. `ServerSettings()` undoes the set-up.

        A notice that is turned on again begins anew.
        """
        check_reference(server=server)
        async with self._database.writing() as connection:
            await _replace_settings(connection, server, settings)
        self._remembered.pop(server, None)

    @completed
    async def change_settings(
        self, server: str, change: Callable[[ServerSettings], ServerSettings]
    ) -> ServerSettings:
        """Changes the settings of a server; returns the new ones.

        In one transaction: if two admins change them at once, neither undoes the other's change.
        """
        check_reference(server=server)
        async with self._database.writing() as connection:
            settings = change(await _read_settings(connection, server))
            await _replace_settings(connection, server, settings)
        self._remembered.pop(server, None)
        return settings

    @completed
    async def server_left(self, server: str) -> None:
        """Notes that the bot is no longer in a server: its rows are removed after GRACE."""
        check_reference(server=server)
        async with self._database.writing() as connection:
            statement = inserting(connection, departures)
            row = statement.values(server=server, left=self._clock())
            await connection.execute(row.on_conflict_do_nothing())

    @completed
    async def server_joined(self, server: str) -> None:
        """Notes that the bot is in a server, perhaps again: its rows are kept."""
        check_reference(server=server)
        async with self._database.writing() as connection:
            await connection.execute(delete(departures).where(departures.c.server == server))

    @completed
    async def forget_person(self, person: str) -> Forgotten:
        """Removes what there is of a person in all servers: their votes that are not sums yet,
        their requests, and that they have claimed cards, which are open again.

        Returns what was removed, and the cards as they were before, so that the front end can
        remove or redraw them.
        """
        check_reference(person=person)
        async with self._database.writing() as connection:
            deleted = await delete_votes(connection, person)
            asked = select(requests.c.card).where(requests.c.customer == person)
            theirs = await find_cards(connection, cards.c.id.in_(asked))
            claimed = await find_cards(connection, cards.c.claimed_by == person)
            for card in theirs:
                await _forget_requests(connection, card, person)
            released = {"state": CardState.OPEN, "claimed_by": None}
            where = (cards.c.claimed_by == person, cards.c.state == CardState.CLAIMED)
            await connection.execute(update(cards).where(*where).values(released))
        await self._database.scrub()
        affected = {card.id: card for card in (*theirs, *claimed)}
        return Forgotten(votes=deleted, cards=tuple(affected.values()))

    @completed
    async def forget_server(self, server: str) -> None:
        """Removes everything that there is of a server, its settings included."""
        check_reference(server=server)
        async with self._flushing:  # or what is being written would come after it
            self._drop_pending(server)
            async with self._database.writing() as connection:
                await _forget_servers(connection, [server])
        self._remembered.pop(server, None)
        await self._database.scrub()

    @completed
    async def expire(self, now: datetime) -> None:
        """Removes what is older than the retention of its server, and servers that were left."""
        self._remembered.clear()
        async with self._database.writing() as connection:
            left = select(departures.c.server).where(departures.c.left <= now - GRACE)
            await _forget_servers(connection, list(await connection.scalars(left)))
            set_up = select(servers.c.server)
            for table, column in _BY_TIME:
                default = table.c.server.not_in(set_up)
                await _expire(connection, table, column, now, DEFAULT_RETENTION_DAYS, default)
            days = select(servers.c.retention_days).distinct()
            for retention in list(await connection.scalars(days)):
                alike = set_up.where(servers.c.retention_days == retention)
                for table, column in _BY_TIME:
                    own = table.c.server.in_(alike)
                    await _expire(connection, table, column, now, retention, own)
        await self._database.scrub()


async def _expire(
    connection: AsyncConnection,
    table: Table,
    column: str,
    now: datetime,
    days: int,
    where: ColumnElement[bool],
) -> None:
    old = table.c[column] < now - timedelta(days=days)
    await connection.execute(delete(table).where(where, old))


async def _forget_servers(connection: AsyncConnection, names: Iterable[str]) -> None:
    for name in names:
        for table in OF_A_SERVER:
            await connection.execute(delete(table).where(table.c.server == name))


async def _forget_requests(connection: AsyncConnection, card: Card, person: str) -> None:
    """Removes a person's requests from a card, and the card where none is left."""
    theirs = (requests.c.card == card.id, requests.c.customer == person)
    removed = (await connection.execute(delete(requests).where(*theirs))).rowcount
    if removed >= card.count:
        await connection.execute(delete(cards).where(cards.c.id == card.id))
        return
    values: dict[str, Any] = {"number": card.count - removed}
    if card.customer == person:
        values["thread"] = None
    await connection.execute(update(cards).where(cards.c.id == card.id).values(values))


async def _read_settings(connection: AsyncConnection, server: str) -> ServerSettings:
    found = await connection.execute(select(servers).where(servers.c.server == server))
    row = found.first()
    return ServerSettings() if row is None else _settings(row)


async def _replace_settings(
    connection: AsyncConnection, server: str, settings: ServerSettings
) -> None:
    row = _row(settings)
    statement = inserting(connection, servers).values(row | {"server": server})
    replacing = statement.on_conflict_do_update(index_elements=["server"], set_=row)
    await connection.execute(replacing)
    off = [name for name in (ALERTS, DIGEST) if not getattr(settings, name)]
    where = (notices.c.server == server, notices.c.name.in_(off))
    await connection.execute(delete(notices).where(*where))


def _row(settings: ServerSettings) -> dict[str, Any]:
    return {
        "staff_channel": settings.staff_channel,
        "staff_roles": list(settings.staff_roles),
        "mention_role": settings.mention_role,
        "working_hours": [
            [shift.weekday, *_words(shift.hours)] for shift in settings.working_hours
        ],
        "time_zone": settings.time_zone,
        "locale": settings.locale,
        "reminder_minutes": settings.reminder_minutes,
        "private_threads": settings.private_threads,
        "alerts": settings.alerts,
        "digest": settings.digest,
        "quiet_hours": _words(settings.quiet_hours) if settings.quiet_hours else [],
        "retention_days": settings.retention_days,
    }


def _settings(row: Row[Any]) -> ServerSettings:
    values = row._asdict()
    try:
        return ServerSettings(
            **{name: values[name] for name in values if name not in _LISTS},
            staff_roles=tuple(row.staff_roles),
            working_hours=tuple(Shift(day, _hours(words)) for day, *words in row.working_hours),
            quiet_hours=_hours(row.quiet_hours) if row.quiet_hours else None,
        )
    except (TypeError, ValueError):
        raise StoreError(
            "The settings of a server in the desk's database cannot be read: set it up again"
        ) from None


_LISTS = ("server", "staff_roles", "working_hours", "quiet_hours")


def _words(hours: Hours) -> list[str]:
    return [hours.start.isoformat("minutes"), hours.end.isoformat("minutes")]


def _hours(words: list[str]) -> Hours:
    start, end = map(time.fromisoformat, words)
    return Hours(start, end)
