"""From where on the next start looks for messages that the bot missed: numbers in a file, no text.

Written while the bot runs, as a process that is killed has no time to do so at its end.
"""

import logging
import threading
from dataclasses import dataclass

from bot.files import STATE, write_state
from trainer.model.files import read_regular

log = logging.getLogger(__name__)

STATE_FILE = STATE / "last_message"

MAX_DIRECT = 50
"""Direct conversations in the file; Discord never lists them, so each is named by its id."""

_MAX_ID = 2**63 - 1
_MAX_BYTES = 20 * (1 + MAX_DIRECT)
"""An id has at most 19 digits, and a blank or a line's end behind it."""

_writing = threading.Lock()
"""The write at the end may begin while an earlier one is still on its way."""


@dataclass(frozen=True, slots=True)
class RestartPoint:
    """What one start of the bot leaves to the next."""

    message: int
    """The id of the last message before those to look at."""
    direct: tuple[int, ...] = ()
    """The ids of the direct conversations to look into, the newest last."""


def read() -> RestartPoint | None:
    """The point in the file; None at the first start, or where the file was changed by hand."""
    try:
        message, *direct = map(_id, read_regular(STATE_FILE, _MAX_BYTES).split())
    except (OSError, ValueError):
        return None
    return RestartPoint(message, tuple(direct))


def write(point: RestartPoint) -> None:
    """Writes the file, whole or not at all; where it cannot be, the next start knows less."""
    try:
        with _writing:
            ids = point.message, *point.direct[-MAX_DIRECT:]
            write_state(STATE_FILE, " ".join(map(str, ids)) + "\n")
    except OSError as error:
        log.warning("%s cannot be written (%s)", STATE_FILE, error.strerror)


def _id(digits: bytes) -> int:
    number = int(digits) if digits.isdigit() else -1
    if not 0 <= number <= _MAX_ID:
        raise ValueError("not an id of Discord")
    return number
