"""Reads files that others may have replaced, and writes files completely or not at all.

Reading a pipe or a device may never end, so only regular files are read.
"""

import errno
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

log = logging.getLogger(__name__)

PARTIAL_PREFIX = ".review-concierge-partial-"
"""The prefix of names of incomplete files and folders."""


class NotRegularError(OSError):
    """The path is a folder, a pipe, a socket or a device; `strerror` says which."""


def open_regular(path: Path) -> BufferedReader:
    """Opens `path` for reading if it is a regular file.

    Raises:
        NotRegularError: it is something else.
        OSError: it cannot be opened.
    """
    # Checked before opening: opening a device may already have an effect.
    _require_regular(path.stat().st_mode, path)
    # It may have been replaced since. Without O_NONBLOCK, opening a pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_regular(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_regular(path: Path, max_bytes: int) -> bytes:
    """The content of a regular file of at most `max_bytes`.

    Raises:
        OSError: as `open_regular`, or it is larger.
    """
    with open_regular(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {max_bytes:,} bytes", str(path))
    return content


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file completely or not at all (`replacing`).

    Raises:
        OSError: it cannot be written; the file at `path` is unchanged.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary name next to `path`; the file that the block writes there becomes `path`.

    It is synced to the disk and renamed when the block succeeds; otherwise it is deleted, and the
    file at `path` is unchanged.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f"{PARTIAL_PREFIX}{path.name}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_rename(path)


def disk_problem(error: Exception) -> str:
    """Why a file could not be written, in the system's words.

    safetensors reports a full disk as an error of its own; only the text gives the reason.
    """
    found = re.search(r"(No space left on device|File too large|[Qq]uota exceeded)", str(error))
    return getattr(error, "strerror", None) or (
        found[1] if found else "the weights could not be saved"
    )


def sync(path: Path) -> None:
    """Waits until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_rename(path: Path) -> None:
    """Makes a rename to or from `path` durable. The rename has already taken effect, so an error is
    only logged: reporting a failure would be wrong."""
    try:
        sync(path.parent)
    except OSError as error:
        log.warning(
            "%s is changed, but the disk did not confirm it (%s): a power failure now may undo it",
            path,
            error.strerror,
        )


def _require_regular(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise NotRegularError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise NotRegularError(errno.EINVAL, "not a regular file", str(path))
