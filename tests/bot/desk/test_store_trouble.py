"""What befalls a database: damage, full disks, locks, kill -9, newer versions, other programs."""

# ruff: noqa: ASYNC240 (a test may wait for the disk)

import asyncio
import os
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from bot.desk.store import Request, ServerSettings, Storm, database, open_store
from bot.desk.store.database import locate
from bot.desk.store.sqlite_file import APPLICATION_ID
from bot.desk.store.tables import metadata
from bot.desk.store.versions import _config
from bot.errors import SettingsError, StoreError
from bot.settings import Settings
from tests.bot.desk.conftest import (
    SERVER,
    START,
    MovableClock,
    new_postgres_database,
    opened,
    sqlite_url,
)

PAGE = 4096
NEWER = "UPDATE alembic_version SET version_num = '9999'"


def _request(number: int = 1) -> Request:
    return Request(SERVER, f"link:{number}", "service")


def _run_sql(file: Path, *statements: str) -> list[tuple[object, ...]]:
    """Runs SQL; returns the rows of the last statement."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


async def _fill(url: str, clock: MovableClock) -> None:
    async with opened(url, clock) as store:
        for number in range(40):
            await store.open_card(_request(number))


async def _cards(url: str, clock: MovableClock) -> int:
    async with opened(url, clock) as store:
        return len(await store.open_cards())


# Files


async def test_the_files_are_for_this_user_alone(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    async with opened(sqlite_url(tmp_path), clock) as store:
        await store.open_card(_request())
        files = sorted(file.parent.iterdir())
        assert [path.name.removeprefix(file.name) for path in files] == [
            *("", "-shm", "-wal", ".lock")
        ]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.chmod(0o644)
    async with opened(sqlite_url(tmp_path), clock):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _run_sql(file, "PRAGMA journal_mode") == [("wal",)]


async def test_the_default_is_in_the_state_folder(
    tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    async with open_store(Settings(), clock):
        assert Path("state/desk.sqlite3").is_file()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
async def test_only_a_regular_file_is_opened(
    tmp_path: Path, file: Path, clock: MovableClock, kind: str
) -> None:
    file.parent.mkdir()
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
    with pytest.raises(StoreError, match=f"{file} cannot be the desk's database: .*DATABASE_URL"):
        async with opened(sqlite_url(tmp_path), clock):
            pass


async def test_a_folder_that_cannot_be_made(tmp_path: Path, clock: MovableClock) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(StoreError, match=r"cannot be used: (Not a directory|File exists)"):
        async with opened(sqlite_url(tmp_path), clock):
            pass


# Damage


def _cut(file: Path) -> None:
    os.truncate(file, 3 * PAGE)


def _overwrite_header(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.write(b"\0" * 100)


def _overwrite_pages(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(PAGE)
        stream.write(b"\xff" * (file.stat().st_size - PAGE))


@pytest.mark.parametrize("damage", [_cut, _overwrite_header, _overwrite_pages])
async def test_a_damaged_file_is_set_aside_and_replaced(
    tmp_path: Path,
    file: Path,
    clock: MovableClock,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = sqlite_url(tmp_path)
    await _fill(url, clock)
    damage(file)
    content = file.read_bytes()
    assert await _cards(url, clock) == 0
    aside = file.with_name("desk.sqlite3.damaged-20260302-123000")
    assert aside.read_bytes() == content
    assert re.search(rf"{file} is damaged \(.*\)\. It was kept as {aside.name}", caplog.text)
    damage(file)
    assert await _cards(url, clock) == 0
    assert aside.with_name(f"{aside.name}-2").exists()


async def test_damage_is_not_set_aside_under_another_bot(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    url = sqlite_url(tmp_path)
    await _fill(url, clock)
    async with opened(url, clock) as store:
        _overwrite_pages(file)
        with pytest.raises(StoreError, match=r"it is damaged\. Start the bot again"):
            await store.open_cards()
        with pytest.raises(StoreError, match="it is damaged"):
            async with opened(url, clock):
                pass
        store.count(SERVER, "positive", 0.1)
        await store.flush()
    assert list(file.parent.glob("*.damaged-*")) == []
    assert await _cards(url, clock) == 0


async def test_a_database_of_another_program_is_left_alone(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    file.parent.mkdir()
    _run_sql(file, "CREATE TABLE films (name TEXT)")
    content = file.read_bytes()
    with pytest.raises(StoreError, match="is a database of another program"):
        async with opened(sqlite_url(tmp_path), clock):
            pass
    assert file.read_bytes() == content


# Versions


async def test_a_newer_database_is_refused(url: str, clock: MovableClock) -> None:
    async with opened(url, clock):
        pass
    place = locate(url)
    engine = create_async_engine(place.url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(NEWER)
    await engine.dispose()
    with pytest.raises(StoreError, match=r"has version 9999, which is newer.*Update the program"):
        async with opened(url, clock):
            pass


async def test_the_migrations_make_the_tables(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    async with opened(sqlite_url(tmp_path), clock):
        pass
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def _make(file: Path, version: str) -> None:
    """A database as a program of this version has left it."""
    file.parent.mkdir()
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()
    _run_sql(file, f"PRAGMA application_id = {APPLICATION_ID}")


async def test_rows_of_the_first_version_are_read(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    """What the first release has written, by its own SQL."""
    _make(file, "0001")
    seconds = START.timestamp()
    _run_sql(
        file,
        "INSERT INTO servers VALUES ('s', 'c', '[\"r\"]', '[]', 'UTC', 'en', 5, 1, 0, 0, '[]', 30)",
        "INSERT INTO cards (id, server, kind, strength, state, created, joined, reminded, number) "
        f"VALUES ('c1', 's', 'service', '', 'open', {seconds}, {seconds}, 0, 1)",
        f"INSERT INTO requests VALUES ('s', 'link:1', 'c1', 'p', {seconds})",
        f"INSERT INTO reply_counts VALUES ('s', {seconds - 1800}, 'positive', '', 'c', 7)",
    )
    async with opened(sqlite_url(tmp_path), clock) as store:
        (card,) = await store.open_cards("s")
        assert (card.link, card.customer, card.created) == ("link:1", "p", START)
        assert await store.settings("s") == ServerSettings(
            "c", ("r",), reminder_minutes=5, private_threads=True, retention_days=30
        )
        assert (await store.figures("s", START, START)).replies[0].number == 7


async def test_open_cards_of_the_previous_version_are_joined(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    """By their customers, from where their first message came."""
    _make(file, "0002")
    seconds = START.timestamp()
    card = (
        "INSERT INTO cards (created, joined, reminded, server, channel, strength, id, kind, state, "
        f"number) VALUES ({seconds}, {seconds}, 0, 's', 'ch', '', "
    )
    _run_sql(
        file,
        f"{card} 'c1', 'service', 'open', 2)",
        f"{card} 'c2', 'person', 'resolved', 1)",
        f"INSERT INTO requests VALUES ('s', 'link:1', 'c1', 'p', {seconds})",
        f"INSERT INTO requests VALUES ('s', 'link:2', 'c1', 'q', {seconds})",
    )
    async with opened(sqlite_url(tmp_path), clock) as store:
        (card_of_two,) = await store.open_cards("s")
        assert (card_of_two.link, card_of_two.customer, card_of_two.customers) == ("link:1", "p", 2)
        for number, customer in enumerate(("p", "q")):
            request = Request("s", f"new:{number}", "service", channel="ch", customer=customer)
            joined = await store.open_card(request, Storm())
            assert (joined.card.id, joined.card.count) == ("c1", 3 + number)
        assert (await store.forget_person("q")).cards[0].id == "c1"
        (card_of_one,) = await store.open_cards("s")
        assert (card_of_one.count, card_of_one.customers) == (2, 1)


async def test_an_older_database_is_not_migrated_under_another_bot(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    async with opened(sqlite_url(tmp_path), clock):
        _run_sql(file, "DELETE FROM alembic_version")
        with pytest.raises(StoreError, match=r"another bot uses it\. Stop that bot"):
            async with opened(sqlite_url(tmp_path), clock):
                pass


# Disks that are full, and databases that are locked


@contextmanager
def _full_disk(file: Path) -> Iterator[None]:
    """Lets no file grow beyond what the database's files have now."""
    sizes = [path.stat().st_size for path in file.parent.iterdir()]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes), limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def _all(calls: Iterator[Coroutine[None, None, object]]) -> None:
    for call in calls:
        await call


async def test_a_full_disk_costs_no_reply(
    tmp_path: Path, file: Path, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(sqlite_url(tmp_path), clock) as store:
        await store.set_settings(SERVER, ServerSettings(locale="de"))
        await store.settings(SERVER)
        with _full_disk(file):
            requests = (store.open_card(_request(number)) for number in range(1000))
            with pytest.raises(StoreError, match=r"cannot be used: SQLITE_\w+, its disk .* space"):
                await _all(requests)
            written = len(await store.open_cards())
            for number in range(50):
                store.count(SERVER, "positive", 0.1, checkpoint=f"c{number}")
                await store.flush()
            assert (await store.settings(SERVER)).locale == "de"
        assert len(await store.open_cards()) == written
        figures = await store.figures(SERVER, START, START)
        assert sum(reply.number for reply in figures.replies) == 50  # they waited
    assert len([m for m in caplog.messages if "Counts of replies wait in memory" in m]) == 1


async def test_lost_counts_are_reported_at_the_end(
    tmp_path: Path, file: Path, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    url = sqlite_url(tmp_path)
    await _fill(url, clock)
    async with opened(url, clock) as store:
        _overwrite_pages(file)
        for _ in range(3):
            store.count(SERVER, "positive", 0.1)
    assert "3 counted replies were lost" in caplog.text


async def test_a_lock_of_another_program_costs_no_reply(
    tmp_path: Path, file: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.05)
    async with opened(sqlite_url(tmp_path), clock) as store:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            store.count(SERVER, "positive", 0.1)
            await store.flush()
            with pytest.raises(StoreError, match="SQLITE_BUSY, another program has locked it"):
                await store.open_card(_request())
        assert (await store.figures(SERVER, START, START)).latency.count == 1


def test_a_database_that_cannot_be_written_or_opened_is_named_with_what_to_do(
    tmp_path: Path,
) -> None:
    _run_sql(tmp_path / "file", "CREATE TABLE films (name TEXT)")
    read_only = f"file:{tmp_path}/file?mode=ro"
    with (
        pytest.raises(StoreError, match=r"SQLITE_READONLY, it is read-only\. Let the user"),
        database.translated(),
        closing(sqlite3.connect(read_only, uri=True)) as connection,
    ):
        connection.execute("INSERT INTO films VALUES ('x')")
    with (
        pytest.raises(StoreError, match=r"SQLITE_CANTOPEN, it cannot be opened\. Let the user"),
        database.translated(),
    ):
        sqlite3.connect(tmp_path)


async def test_counters_in_memory_are_bounded(
    tmp_path: Path, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(sqlite_url(tmp_path), clock) as store:
        for number in range(20_100):
            store.count(SERVER, "positive", 0.1, checkpoint=f"c{number}")
        store.count(SERVER, "positive", 0.1, checkpoint="c1")
        assert (await store.figures(SERVER, START, START)).latency.count == 20_001
    assert caplog.text.count("not counted any more") == 1


async def test_an_error_names_nothing_that_was_to_be_written(
    tmp_path: Path, file: Path, clock: MovableClock
) -> None:
    async with opened(sqlite_url(tmp_path), clock) as store:
        _run_sql(file, "DROP TABLE requests")
        with pytest.raises(StoreError) as caught:
            await store.open_card(_request(4711))
        assert "4711" not in str(caught.value)
        assert caught.value.__suppress_context__


# Two processes

WRITER = """
import asyncio, sys
from bot.desk.store import Request, open_store
from bot.settings import Settings

async def main():
    async with open_store(Settings(database_url=sys.argv[1])) as store:
        for number in range(int(sys.argv[3])):
            opened = await store.open_card(Request("s", f"link:{sys.argv[2]}-{number}", "service"))
            await store.claim(opened.card.id, "discord:70")
            store.count("s", "positive", 0.1)
            await store.flush()
            print(opened.card.id, flush=True)

asyncio.run(main())
"""


def _writer(url: str, name: str, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, url, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_two_processes_write(url: str) -> None:
    writers = [_writer(url, name, 15) for name in ("one", "two")]
    for writer in writers:
        _, errors = await asyncio.to_thread(writer.communicate)
        assert writer.returncode == 0, errors
    async with opened(url, MovableClock()) as store:
        assert len(await store.open_cards("s")) == 30


async def test_nothing_that_was_done_is_lost_by_a_kill(tmp_path: Path, file: Path) -> None:
    url, done = sqlite_url(tmp_path), set[str]()
    for round_ in range(2):
        with _writer(url, str(round_), 100_000) as writer:
            assert writer.stdout is not None
            for _ in range(20):
                done.add(writer.stdout.readline().strip())
            writer.send_signal(signal.SIGKILL)
            done |= {line.strip() for line in writer.stdout if line.endswith("\n")}
    clock = MovableClock()
    async with opened(url, clock) as store:
        assert done <= {card.id for card in await store.open_cards("s")}
    assert list(file.parent.glob("*.damaged-*")) == []
    assert len(done) >= 40


# DATABASE_URL


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=ro",
        "sqlite:///x?cache=shared",
        "sqlite:///~no-such-user/x",
        "postgresql://user:pass-word@host:port/x",
        "mysql://user:pass-word@host/x",
    ],
)
def test_a_url_that_is_not_allowed(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL") as caught:
        locate(url)
    assert "pass-word" not in str(caught.value)


def test_urls_that_are_allowed() -> None:
    assert locate("sqlite:///a/b").file == locate("sqlite+aiosqlite:///a/b").file == Path("a/b")
    assert locate("sqlite:////a/b").file == Path("/a/b")
    assert locate("sqlite:///~/b").file == Path.home() / "b"
    assert locate("postgresql://h/d").url == locate("postgresql+asyncpg://h/d").url


async def test_a_server_that_does_not_answer(clock: MovableClock) -> None:
    with pytest.raises(StoreError, match=r"cannot be used: .*Connect") as caught:
        async with opened("postgresql://user:pass-word@127.0.0.1:1/x", clock):
            pass
    assert "pass-word" not in str(caught.value)


async def test_a_database_that_is_not_there(postgres: Path, clock: MovableClock) -> None:
    with pytest.raises(StoreError, match=r"cannot be used: InvalidCatalogNameError$"):
        async with opened(f"postgresql://desk@/none?host={postgres}", clock):
            pass


async def _administer(folder: Path, *statements: str) -> None:
    connection = await asyncpg.connect(host=str(folder), user="desk", database="template1")
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


DISCONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'"


async def test_a_server_that_goes_and_comes_back(
    postgres: Path, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(await new_postgres_database(postgres), clock) as store:
        await store.open_card(_request(1))
        await _administer(postgres, DISCONNECT)
        await store.open_card(_request(2))  # on a new connection
        try:
            await _administer(postgres, "ALTER DATABASE postgres ALLOW_CONNECTIONS false")
            await _administer(postgres, DISCONNECT)
            with pytest.raises(StoreError, match=r"cannot be used: \w+$"):
                await store.open_cards()
            store.count(SERVER, "positive", 0.1)
            await store.flush()
            assert "Counts of replies wait in memory" in caplog.text
        finally:
            await _administer(postgres, "ALTER DATABASE postgres ALLOW_CONNECTIONS true")
        assert len(await store.open_cards()) == 2
        assert (await store.figures(SERVER, START, START)).latency.count == 1
