"""Backups: a copy of SQLite's database, made while bots run on it, and the way back."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, delete
from sqlalchemy.engine import URL

from bot.desk.store import sqlite_file
from bot.desk.store.database import Place, translated
from bot.desk.store.tables import salts
from bot.desk.store.versions import require_known
from bot.desk.store.votes import fold
from bot.errors import StoreError

_ACTIVE = """
SELECT name FROM sqlite_master
WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1
"""
"""What would act on its own in the bot's transactions."""

_NOT_WHOLE = "is damaged, so it was not {done}"


def backup(place: Place, to: Path) -> None:
    """Writes a copy of the database to the new file `to`, whole or not at all.

    Bots may run on it. In the copy, votes are sums: a backup is kept for longer than a day.

    Raises StoreError where that cannot be done.
    """
    file = _sqlite_file(place, "pg_dump")
    with translated():
        if not sqlite_file.is_there(file):
            raise StoreError(f"There is nothing to back up: {file} is missing")
        if to.exists():
            raise StoreError(f"{to} exists already. Give the name of a new file")
        with _temporary(to) as temporary:
            _copy(file, temporary, check="quick_check", done="backed up")
            _fold_votes(temporary)
            # os.link, not rename: never over a file that came to be meanwhile.
            os.link(temporary, to)
        _sync_folder(to.parent)


def restore(place: Place, source: Path, now: datetime) -> Path | None:
    """Lets a backup take the place of the database, once it was copied and checked.

    Returns:
        Where the earlier database was kept; None where there was none.

    Raises StoreError where that cannot be done; the database is then as it was.
    """
    file = _sqlite_file(place, "psql or pg_restore")
    with translated():
        if not sqlite_file.is_there(source):
            raise StoreError(f"There is no file {source}")
        if file.exists() and source.samefile(file):
            raise StoreError(f"{source} is the desk's database itself, not a backup of it")
        sqlite_file.make_folder(file)
        lock = sqlite_file.Lock(file)
        try:
            if not lock.take(alone=True):
                raise StoreError(f"A bot runs on {file}. Stop it, then restore")
            with _temporary(file) as temporary:
                _copy(source, temporary, check="integrity_check", done="restored")
                _require_version(temporary, source)
                kept = _keep(file, now) if sqlite_file.is_there(file) else None
                temporary.replace(file)
            _sync_folder(file.parent)
            return kept
        finally:
            lock.close()


def _sqlite_file(place: Place, tool: str) -> Path:
    if place.file is None:
        raise StoreError(
            f"DATABASE_URL names a PostgreSQL database, which has a tool for this: {tool}"
        )
    return place.file


@contextmanager
def _temporary(beside: Path) -> Iterator[Path]:
    """A new file of this user alone in the same folder, and so on the same disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{beside.name}.", dir=beside.parent)
    os.close(descriptor)
    path = Path(name)
    try:
        yield path
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _copy(source: Path, to: Path, *, check: str, done: str) -> None:
    """Copies by SQLite's online backup; raises StoreError where the copy is not whole or not ours.

    The copy is one file, without a write-ahead log.
    """
    # rw, although it is only read: so SQLite removes the log that it may need meanwhile.
    uri = f"{source.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(uri, uri=True)) as old,
            closing(sqlite3.connect(to, isolation_level=None)) as new,
        ):
            if not sqlite_file.is_own(old):
                raise StoreError(f"{source} is not a database of the desk")
            old.backup(new)
            if new.execute(_ACTIVE).fetchone():
                raise StoreError(
                    f"{source} has triggers, views or the like, which the desk's database never "
                    f"has, so it was not {done}"
                )
            new.execute("PRAGMA journal_mode = DELETE")
            if not sqlite_file.is_sound(new, check):
                raise StoreError(f"{source} {_NOT_WHOLE.format(done=done)}")
    except sqlite3.DatabaseError as error:
        if not sqlite_file.is_damage(error):
            raise
        raise StoreError(f"{source} {_NOT_WHOLE.format(done=done)}") from None
    with to.open("rb") as file:
        os.fsync(file.fileno())


def _fold_votes(file: Path) -> None:
    engine = create_engine(URL.create("sqlite", database=str(file)), hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            fold(connection)
            connection.execute(delete(salts))
            connection.commit()
    finally:
        engine.dispose()


def _require_version(file: Path, source: Path) -> None:
    engine = create_engine(URL.create("sqlite", database=str(file)), hide_parameters=True)
    try:
        with engine.connect() as connection:
            require_known(connection, str(source))
    finally:
        engine.dispose()


def _keep(file: Path, now: datetime) -> Path:
    """Keeps the present database under a dated name, too, until another takes its place."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = sqlite_file.aside_name(file, "replaced", now)
    os.link(file, kept)
    sqlite_file.move_log(file, kept)
    return kept


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
