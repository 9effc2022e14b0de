"""A clock that tests move, and the databases that the store runs on."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.desk.store import Store, open_store
from bot.settings import Settings

SERVER = "discord:1"
START = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
"""A Monday."""


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **units: float) -> datetime:
        """Moves it by these days, hours, minutes or seconds; returns the new time."""
        self.now += timedelta(**units)
        return self.now


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/state/desk.sqlite3"


def opened(url: str, clock: MovableClock) -> AbstractAsyncContextManager[Store]:
    """The store at this URL."""
    return open_store(Settings(database_url=url), clock)  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where `store` keeps its database on SQLite."""
    return tmp_path / "state" / "desk.sqlite3"


def postgres_program(name: str) -> str | None:
    """The path of one of the server's programs; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of the socket of a real server, which runs until the session ends."""
    initdb, control = postgres_program("initdb"), postgres_program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("there is no PostgreSQL server on this machine (Debian: postgresql)")
    # Not below the session's folder, which the server's own user could not enter.
    folder = Path(tempfile.mkdtemp(prefix="desk-", dir="/tmp"))
    options: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    if os.geteuid() == 0:  # as whom the server refuses to run
        shutil.chown(folder, "postgres")
        options["user"] = "postgres"
    run = partial(subprocess.run, **options)
    data = ("-D", str(folder / "data"))
    try:
        run([initdb, *data, "--auth=trust", "--username=desk", "--no-sync"])
        settings = f"-k {folder} -c listen_addresses= -c fsync=off"
        run([control, *data, "-w", "-o", settings, "-l", str(folder / "log"), "start"])
        try:
            yield folder
        finally:
            run([control, *data, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """DATABASE_URL of an empty database, of each sort."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return await new_postgres_database(request.getfixturevalue("postgres"))


async def new_postgres_database(folder: Path) -> str:
    """Empties the server's database; returns its URL."""
    connection = await asyncpg.connect(host=str(folder), user="desk", database="postgres")
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
    return f"postgresql://desk@/postgres?host={folder}"


@pytest.fixture
async def store(url: str, clock: MovableClock) -> AsyncIterator[Store]:
    """An empty store."""
    async with opened(url, clock) as store:
        yield store
