"""The API keys of the HTTP front end: named, shown once, and kept only as hashes.

A key is 256 random bits, so one round of SHA-256 is enough: a slow hash with a salt protects
passwords, which can be guessed, and would cost every request a tenth of a second.
"""

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import InputError
from bot.files import STATE, make_private_folder, write_state
from trainer.model.files import read_regular

FILE = STATE / "http_keys.json"

PREFIX = "rc_"
"""Of every key, so that secret scanners can recognise one that was published."""

MAX_KEYS = 100
MAX_BYTES = 65_536
"""Of that file."""

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}"


class Key(BaseModel):
    """One key, without its secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=f"^{NAME}$")
    """For people, and for the log."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    created: date


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[Key, ...] = Field(default=(), max_length=MAX_KEYS)


def add(name: str, today: date, file: Path = FILE) -> str:
    """Creates the key `name` and returns its secret, which cannot be read again.

    Raises InputError: the name is malformed or taken, there are too many keys, or the file cannot
    be read or written.
    """
    if not re.fullmatch(NAME, name):
        raise InputError(
            "The name of a key has up to 40 letters, digits, dots, dashes and underscores, and "
            "begins with a letter or a digit"
        )
    with _changing(file):
        keys = read(file)
        if any(key.name == name for key in keys):
            raise InputError(f"There is a key {name} already: choose another name, or remove it")
        if len(keys) == MAX_KEYS:
            raise InputError(f"There are {MAX_KEYS} keys already: remove one first")
        secret = PREFIX + secrets.token_urlsafe(32)
        _write(file, (*keys, Key(name=name, sha256=_hash(secret), created=today)))
    return secret


def remove(name: str, file: Path = FILE) -> None:
    """Removes the key `name`; a running server refuses it from the next request on.

    Raises InputError: there is no such key, or the file cannot be read or written.
    """
    with _changing(file):
        keys = read(file)
        kept = tuple(key for key in keys if key.name != name)
        if len(kept) == len(keys):
            raise InputError(
                "There is no key of this name; see all with: python -m bot http-key list"
            )
        _write(file, kept)


def read(file: Path = FILE) -> tuple[Key, ...]:
    """All keys, the oldest first. Raises InputError: the file is damaged or cannot be read."""
    try:
        return _File.model_validate_json(read_regular(file, MAX_BYTES)).keys
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    except ValidationError:
        raise InputError(
            f"{file} is damaged, so no key can be checked. Delete it and create new keys with: "
            "python -m bot http-key add NAME"
        ) from None


@dataclass(frozen=True, slots=True)
class _Seen:
    keys: tuple[Key, ...]
    fingerprint: tuple[int, int, int] | None


class Keyring:
    """Checks the keys of requests; a change of the file takes effect at once."""

    def __init__(self, file: Path = FILE) -> None:
        """Raises InputError: the file is damaged or cannot be read."""
        self._file = file
        self._seen = _Seen((), None)
        self.has_keys = bool(self._current())
        """Whether there were keys at the start. If all are removed later, none is accepted: the
        server does not become open."""

    def find(self, secret: str) -> Key | None:
        """The key with this secret; None if there is none.

        Raises InputError: the file is damaged or cannot be read.
        """
        hashed = _hash(secret)
        found = None
        for key in self._current():  # all of them, so that the time does not depend on the match
            if hmac.compare_digest(key.sha256, hashed):
                found = key
        return found

    def _current(self) -> tuple[Key, ...]:
        fingerprint = _fingerprint(self._file)
        if fingerprint != self._seen.fingerprint:
            self._seen = _Seen(read(self._file), fingerprint)
        return self._seen.keys


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _fingerprint(file: Path) -> tuple[int, int, int] | None:
    """Changes with the file; None if there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _write(file: Path, keys: tuple[Key, ...]) -> None:
    write_state(file, _File(keys=keys).model_dump_json(indent=1) + "\n")


@contextmanager
def _changing(file: Path) -> Iterator[None]:
    """One process at a time: two that add a key at once must not lose one.

    Raises InputError: the disk refuses.
    """
    try:
        make_private_folder(file.parent)
        lock = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
    except OSError as error:
        raise InputError(f"{file} cannot be changed: {error.strerror}") from None
