"""`python -m bot backup` and `restore`, as an operator calls them."""

# ruff: noqa: ASYNC240 (a test may wait for the disk)

import asyncio
import os
import re
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.desk.store import Request, Store
from tests.bot.desk.conftest import SERVER, START, MovableClock, opened, sqlite_url

PERSON = "discord:4711"


class Operator:
    """Calls the command line; `said` is what it has printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.said = ""

    async def __call__(self, *words: str | Path) -> int:
        self._monkeypatch.setattr(sys, "argv", ["bot", *map(str, words)])
        self._capsys.readouterr()
        code = await asyncio.to_thread(main)
        output, self.said = self._capsys.readouterr()
        assert output == ""
        return code


@pytest.fixture
def bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operator:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///state/desk.sqlite3")
    return Operator(monkeypatch, capsys)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path)


async def _fill(store: Store, number: int) -> None:
    await store.open_card(Request(SERVER, f"link:{number}", "service", customer=PERSON))
    await store.vote(SERVER, f"m:{number}", PERSON, up=True, replied=START, kind="positive")
    store.count(SERVER, "positive", 0.1)
    await store.flush()


async def _sums(store: Store) -> tuple[int, int, int]:
    figures = await store.figures(SERVER, START, START)
    votes = sum(vote.up for vote in figures.votes)
    return sum(card.requests for card in figures.cards), votes, figures.latency.count


async def test_what_was_backed_up_is_restored(
    bot: Operator, url: str, file: Path, clock: MovableClock
) -> None:
    async with opened(url, clock) as store:
        for number in range(20):
            await _fill(store, number)
        assert await bot("backup", "copy.sqlite3") == 0  # while it is in use
        assert bot.said == "The desk's database was backed up to copy.sqlite3.\n"
        await _fill(store, 99)
    assert stat.S_IMODE(Path("copy.sqlite3").stat().st_mode) == 0o600
    assert sorted(map(str, Path().iterdir())) == ["copy.sqlite3", "state"]

    assert await bot("restore", "copy.sqlite3") == 0
    (kept,) = file.parent.glob("desk.sqlite3.replaced-*")
    assert bot.said.startswith("The desk's database is that of copy.sqlite3 now.\n")
    assert f"kept as state/{kept.name}. Delete it" in bot.said
    async with opened(url, clock) as store:
        assert await _sums(store) == (20, 20, 20)
    names = {path.name for path in file.parent.iterdir()}
    assert names == {file.name, f"{file.name}.lock", kept.name}

    assert await bot("restore", kept) == 0
    async with opened(url, clock) as store:
        assert await _sums(store) == (21, 21, 21)


async def test_it_is_restored_where_there_is_none(
    bot: Operator, url: str, file: Path, clock: MovableClock
) -> None:
    async with opened(url, clock) as store:
        await _fill(store, 1)
    assert await bot("backup", "copy.sqlite3") == 0
    file.unlink()
    assert await bot("restore", "copy.sqlite3") == 0
    assert bot.said == "The desk's database is that of copy.sqlite3 now.\n"
    async with opened(url, clock) as store:
        assert await _sums(store) == (1, 1, 1)


async def test_a_backup_has_sums_of_votes_and_no_hashes(
    bot: Operator, url: str, clock: MovableClock
) -> None:
    async with opened(url, clock) as store:
        await _fill(store, 1)
        assert await bot("backup", "copy.sqlite3") == 0
        assert await store.forget_person(PERSON) is not None
    with closing(sqlite3.connect("copy.sqlite3")) as copy:
        rows = [copy.execute(f"SELECT count(*) FROM {t}").fetchone() for t in ("votes", "salts")]
    assert rows == [(0,), (0,)]
    assert b"m:1" not in Path("copy.sqlite3").read_bytes()


async def test_what_was_deleted_is_not_in_the_files(
    url: str, file: Path, clock: MovableClock
) -> None:
    async with opened(url, clock) as store:
        for number in range(20):
            await _fill(store, number)
        assert PERSON.encode() in _bytes(file)
        await store.forget_person(PERSON)
        assert PERSON.encode() not in _bytes(file)


def _bytes(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in file.parent.iterdir())


async def test_nothing_is_restored_under_a_bot(
    bot: Operator, url: str, file: Path, clock: MovableClock
) -> None:
    async with opened(url, clock) as store:
        await _fill(store, 1)
        assert await bot("backup", "copy.sqlite3") == 0
        assert await bot("restore", "copy.sqlite3") == 11
        assert bot.said == "error: A bot runs on state/desk.sqlite3. Stop it, then restore\n"
        await _fill(store, 2)
        assert await _sums(store) == (2, 2, 2)
    assert list(file.parent.glob(".desk*")) == []


def _damage(copy: Path) -> None:
    with copy.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (copy.stat().st_size - 4096))


def _cut(copy: Path) -> None:
    os.truncate(copy, 8192)


def _make_newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")


def _make_foreign(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("PRAGMA application_id = 0")


def _empty(copy: Path) -> None:
    os.truncate(copy, 0)


def _write_text(copy: Path) -> None:
    copy.write_text("this is no database " * 1000)


def _add_trigger(copy: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute(f"CREATE TRIGGER t AFTER INSERT ON cards BEGIN {endless}; END")


def _add_view(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("CREATE VIEW films AS SELECT 1")


def _add_virtual_table(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("CREATE VIRTUAL TABLE films USING fts5(name)")


def _make_device(copy: Path) -> None:
    copy.unlink()
    copy.symlink_to("/dev/zero")


def _make_pipe(copy: Path) -> None:
    copy.unlink()
    os.mkfifo(copy)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (_damage, "copy.sqlite3 is damaged, so it was not restored"),
        (_cut, "copy.sqlite3 is damaged, so it was not restored"),
        (_write_text, "copy.sqlite3 is damaged, so it was not restored"),
        (_make_newer, "copy.sqlite3 has version 9999, which is newer than this program"),
        (_make_foreign, "copy.sqlite3 is not a database of the desk"),
        (_empty, "copy.sqlite3 is not a database of the desk"),
        (Path.unlink, "There is no file copy.sqlite3"),
        (_add_trigger, "copy.sqlite3 has triggers, views or the like"),
        (_add_view, "copy.sqlite3 has triggers, views or the like"),
        (_add_virtual_table, "copy.sqlite3 has triggers, views or the like"),
        (_make_device, "copy.sqlite3 cannot be the desk's database: not a regular file"),
        (_make_pipe, "copy.sqlite3 cannot be the desk's database: not a regular file"),
    ],
)
async def test_what_is_no_whole_backup_changes_nothing(
    bot: Operator,
    url: str,
    file: Path,
    clock: MovableClock,
    harm: Callable[[Path], None],
    sentence: str,
) -> None:
    async with opened(url, clock) as store:
        await _fill(store, 1)
    assert await bot("backup", "copy.sqlite3") == 0
    harm(Path("copy.sqlite3"))
    assert await bot("restore", "copy.sqlite3") == 11
    assert re.match(f"error: {re.escape(sentence)}", bot.said), bot.said
    assert {path.name for path in file.parent.iterdir()} == {file.name, f"{file.name}.lock"}
    async with opened(url, clock) as store:
        assert await _sums(store) == (1, 1, 1)


async def test_backups_that_cannot_be_made(
    bot: Operator, url: str, file: Path, clock: MovableClock
) -> None:
    assert await bot("backup", "copy.sqlite3") == 11
    assert "There is nothing to back up: state/desk.sqlite3 is missing" in bot.said
    async with opened(url, clock) as store:
        await _fill(store, 1)
    Path("there").write_text("mine")
    assert await bot("backup", "there") == 11
    assert "there exists already. Give the name of a new file" in bot.said
    assert Path("there").read_text() == "mine"
    os.mkfifo("pipe")
    for place in ("pipe", "/dev/null"):
        assert await bot("backup", place) == 11
        assert f"{place} exists already" in bot.said
    Path("pipe").unlink()
    assert await bot("backup", "no/folder/copy") == 11
    assert "No such file or directory" in bot.said
    assert await bot("restore", file) == 11
    assert "is the desk's database itself" in bot.said
    _damage(file)
    assert await bot("backup", "copy.sqlite3") == 11
    assert "is damaged, so it was not backed up" in bot.said
    assert sorted(map(str, Path().iterdir())) == ["state", "there"]


async def test_postgresql_has_tools_of_its_own(
    bot: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:pass-word@host/desk")
    Path("copy.sqlite3").touch()
    for command, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        assert await bot(command, "copy.sqlite3") == 11
        assert tool in bot.said
        assert "pass-word" not in bot.said


async def test_a_wrong_url_is_reported_without_its_password(
    bot: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("mysql://user:pass-word@host/x", "postgresql://user:pass-word@host:port/x"):
        monkeypatch.setenv("DATABASE_URL", url)
        assert await bot("backup", "copy") == 2
        assert re.match("error: DATABASE_URL (must begin with|is not a URL)", bot.said)
        assert "pass-word" not in bot.said
