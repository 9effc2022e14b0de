"""The SQLite file as a file: whose it is, whether it is whole, and who uses it."""

import fcntl
import logging
import os
import sqlite3
import stat
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import StoreError
from bot.files import make_private_folder
from trainer.model.files import NotRegularError, open_regular

log = logging.getLogger(__name__)

APPLICATION_ID = 0x52434453
"""In the file's header; says that the database is one of this program ("RCDS")."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY_CODE = 0xFF
_BUSY_SECONDS = 10.0


class Lock:
    """Held by all who use a database file: shared by bots, alone where the file is exchanged.

    The kernel gives it back however a process ends.
    """

    def __init__(self, path: Path) -> None:
        """Takes nothing yet. Raises OSError where the file of the lock cannot be opened."""
        name = path.with_name(f"{path.name}.lock")
        self._descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, *, alone: bool) -> bool:
        """Takes the lock, or changes how it is held; returns whether that was possible."""
        kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self._descriptor)


def prepare(path: Path, now: datetime) -> None:
    """Sees to it that there is a sound database file at `path`, for this user alone.

    A damaged file is set aside under a dated name, which is logged, and an empty one is begun. The
    caller holds the lock alone.

    Raises:
        StoreError: it is not a regular file, or it is a database of another program.
        OSError, sqlite3.Error: it cannot be opened.
    """
    if is_there(path) and (damage := _damage(path)):
        aside = set_aside(path, "damaged", now)
        log.error(
            "The desk's database %s is damaged (%s). It was kept as %s, and an empty one was "
            "begun. To go back to a backup, stop the bot, then: python -m bot restore FILE",
            path,
            damage,
            aside.name,
        )
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        path.chmod(0o600)
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def make_folder(path: Path) -> None:
    """Makes the folder of a database file, for this user alone, where there is none."""
    if not path.parent.is_dir():
        make_private_folder(path.parent)


def is_there(path: Path) -> bool:
    """Whether there is a regular file.

    Raises StoreError where something else is there, and OSError where that cannot be seen.
    """
    try:
        open_regular(path).close()
    except FileNotFoundError:
        return False
    except NotRegularError as error:
        raise StoreError(
            f"{path} cannot be the desk's database: {error.strerror}. Give another path in "
            "DATABASE_URL"
        ) from None
    return True


def _damage(path: Path) -> str:
    """What is wrong with the file; empty where nothing is. Raises as `prepare` does."""
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as database:
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables != (0,) and not is_own(database):
                raise StoreError(
                    f"{path} is a database of another program. Give another path in DATABASE_URL"
                )
            return "" if is_sound(database, "quick_check") else "its pages do not fit together"
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return error.sqlite_errorname


def is_own(database: sqlite3.Connection) -> bool:
    """Whether it is a database of this program."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    return bool(application == APPLICATION_ID)


def is_sound(database: sqlite3.Connection, check: str) -> bool:
    """Runs SQLite's `quick_check` or `integrity_check`."""
    found: list[tuple[str]] = database.execute(f"PRAGMA {check}(1)").fetchall()
    return found == [("ok",)]


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that the file is damaged."""
    return primary_code(error) in _DAMAGED


def primary_code(error: BaseException | None) -> int | None:
    """SQLite's code without the details; None for an error that is not SQLite's."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE


def set_aside(path: Path, why: str, now: datetime) -> Path:
    """Renames a database file and what belongs to it; returns the new path."""
    aside = aside_name(path, why, now)
    path.rename(aside)
    move_log(path, aside)
    return aside


def aside_name(path: Path, why: str, now: datetime) -> Path:
    """A free dated name next to `path`, such as `desk.sqlite3.damaged-20261125-211500`."""
    first = name = path.with_name(f"{path.name}.{why}-{now.astimezone(UTC):%Y%m%d-%H%M%S}")
    number = 1
    while name.exists():
        number += 1
        name = first.with_name(f"{first.name}-{number}")
    return name


def move_log(path: Path, to: Path) -> None:
    """Renames the write-ahead log of `path`: a database that takes its place must not find it."""
    with suppress(FileNotFoundError):
        path.with_name(f"{path.name}-wal").rename(to.with_name(f"{to.name}-wal"))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
