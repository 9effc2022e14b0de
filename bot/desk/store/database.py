"""Connections and transactions, on SQLite or PostgreSQL, and what goes wrong with them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.desk.schedule import Clock
from bot.desk.store import sqlite_file
from bot.desk.store.versions import upgrade
from bot.errors import SettingsError, StoreError
from bot.logs import whereabouts
from trainer.extras import missing

LOCKED_SECONDS = 5.0
"""How long a transaction waits for another one."""
OPEN_SECONDS = 10.0
"""How long a start waits for another process that checks, migrates or restores the file."""

_POLL_SECONDS = 0.05
_WRITERS = 0x52434453
"""Of PostgreSQL's advisory lock that writers take."""

# FULL: what a customer was promised ("a person will look") survives a power failure.
# secure_delete: what is deleted is overwritten, not only unlinked.
_PRAGMAS = (
    "busy_timeout = {busy}",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "trusted_schema = OFF",
)
_ADVICE: dict[int | None, str] = {
    sqlite3.SQLITE_FULL: ", its disk is full. Free space there",
    sqlite3.SQLITE_IOERR: ", its disk refuses. Check whether there is space left on it",
    sqlite3.SQLITE_READONLY: ", it is read-only. Let the user who runs the bot write the file and "
    "its folder",
    sqlite3.SQLITE_CANTOPEN: ", it cannot be opened. Let the user who runs the bot write its "
    "folder, and check whether there is space left",
    sqlite3.SQLITE_BUSY: ", another program has locked it. Close that program",
}
"""What to do, by SQLite's primary code."""
_OPTION = "desk_transaction"
_WRITE, _NONE = "write", "none"


Result = TypeVar("Result")
Insert = sqlite.Insert | postgresql.Insert


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is."""

    url: URL
    file: Path | None
    """SQLite's; None for PostgreSQL."""


def locate(url: str) -> Place:
    """Reads DATABASE_URL.

    Raises SettingsError, which never shows the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL is not a URL; give for instance sqlite:///state/desk.sqlite3 or "
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from None
    if parsed.drivername in ("postgresql", "postgresql+asyncpg"):
        if sentence := missing("PostgreSQL", "asyncpg", extra="postgres"):
            raise SettingsError(sentence)
        return Place(parsed.set(drivername="postgresql+asyncpg"), None)
    if parsed.drivername not in ("sqlite", "sqlite+aiosqlite"):
        raise SettingsError("DATABASE_URL must begin with sqlite:/// or postgresql://")
    is_file = parsed.database and parsed.database != ":memory:" and not parsed.host
    if not is_file or parsed.query or "file:" in str(parsed.database):
        raise SettingsError(
            "DATABASE_URL must name a file, without options: sqlite:///relative/path or "
            "sqlite:////absolute/path"
        )
    try:
        file = Path(str(parsed.database)).expanduser()
    except RuntimeError:
        raise SettingsError("DATABASE_URL has a ~ that leads to no home folder") from None
    return Place(URL.create("sqlite+aiosqlite", database=str(file)), file)


class Database:
    """Transactions on an open database. Every error leaves it as StoreError."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = asyncio.Lock()
        self._calls: set[asyncio.Task[Any]] = set()
        self._is_sqlite = engine.dialect.name == "sqlite"

    async def complete(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Awaits `call`, which goes on where the caller is cancelled; `close` waits for it."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Waits for the calls that go on, and closes the connections."""
        if self._calls:
            await asyncio.wait(self._calls)
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that reads."""
        with translated():
            async with self._engine.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: one at a time, in this process and in all others, so that
        what it has read still holds when it writes."""
        with translated():
            async with self._writer, self._engine.connect() as connection:
                await connection.execution_options(**{_OPTION: _WRITE})
                async with connection.begin():
                    if not self._is_sqlite:
                        lock = text("SELECT pg_advisory_xact_lock(:key)")
                        await connection.execute(lock, {"key": _WRITERS})
                    yield connection

    async def scrub(self) -> None:
        """Writes SQLite's log into the database and empties it: it may hold rows that were
        deleted. Where others use the database just now, the log stays for the time being."""
        if self._is_sqlite:
            with suppress(StoreError), translated():
                async with self._writer, self._engine.connect() as connection:
                    await connection.execution_options(**{_OPTION: _NONE})
                    await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def inserting(connection: Connection | AsyncConnection, table: Table) -> Insert:
    """An INSERT that can have ON CONFLICT."""
    is_sqlite = connection.dialect.name == "sqlite"
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)


def adding(connection: Connection | AsyncConnection, table: Table, *numbers: str) -> Insert:
    """An INSERT that adds the columns `numbers` to those of a row with the same key."""
    statement = inserting(connection, table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: table.c[name] + statement.excluded[name] for name in numbers},
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raises what a database or a disk raises as StoreError, without what was to be written."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreError(f"The desk's database cannot be used: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if sqlite_file.is_damage(cause):
        return "it is damaged. Start the bot again, which sets it aside and begins a new one"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    # SQLite's own names (SQLITE_FULL, SQLITE_BUSY) say what is wrong, and hold no values.
    if name := getattr(cause, "sqlite_errorname", None):
        advice = _ADVICE.get(sqlite_file.primary_code(cause), "")
        return f"{name}{advice}"
    if isinstance(error, DBAPIError) and cause is not None:
        return type(cause.__cause__ or cause).__name__  # asyncpg's name is in the cause
    return whereabouts(error)


@asynccontextmanager
async def open_database(place: Place, clock: Clock) -> AsyncIterator[Database]:
    """Opens a database of this program's version, and closes it at the end.

    Raises StoreError where that cannot be done.
    """
    if place.file is None:
        async with _opened(_postgres(place.url), alone=True) as database:
            yield database
        return
    with translated():
        await asyncio.to_thread(sqlite_file.make_folder, place.file)
        lock = sqlite_file.Lock(place.file)
    try:
        with translated():
            alone = await _take(lock, place.file)
            if alone:
                await asyncio.to_thread(sqlite_file.prepare, place.file, clock())
        async with _opened(_sqlite(place.url), alone=alone) as database:
            if not lock.take(alone=False):
                raise _in_use(place.file)
            yield database
    finally:
        lock.close()


async def _take(lock: sqlite_file.Lock, file: Path) -> bool:
    """Takes the lock, alone if no bot runs on the file; returns whether it is held alone."""
    for _ in range(round(OPEN_SECONDS / _POLL_SECONDS)):
        for alone in (True, False):
            if lock.take(alone=alone):
                return alone
        await asyncio.sleep(_POLL_SECONDS)
    raise _in_use(file)


def _in_use(file: Path) -> StoreError:
    return StoreError(f"{file} is being checked or restored by another process. Try again later")


@asynccontextmanager
async def _opened(engine: AsyncEngine, *, alone: bool) -> AsyncIterator[Database]:
    database = Database(engine)
    try:
        try:
            async with database.writing() as connection:
                await connection.run_sync(partial(upgrade, alone=alone))
        except StoreError:
            raise
        except Exception as error:  # such as asyncpg's own, on the way to a connection
            raise StoreError(f"The desk's database cannot be used: {_reason(error)}") from None
        yield database
    finally:
        await database.close()


def _postgres(url: URL) -> AsyncEngine:
    limits = {"timeout": OPEN_SECONDS, "command_timeout": OPEN_SECONDS}
    return create_async_engine(url, connect_args=limits, pool_pre_ping=True, hide_parameters=True)


def _sqlite(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, hide_parameters=True)

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # or sqlite3 begins transactions of its own
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma.format(busy=round(1000 * LOCKED_SECONDS))}")
        cursor.close()

    def begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get(_OPTION)
        if kind != _NONE:
            # IMMEDIATE: waits for other writers now, where a read that turns into a write could
            # only fail.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if kind == _WRITE else "BEGIN")

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begin)
    return engine
