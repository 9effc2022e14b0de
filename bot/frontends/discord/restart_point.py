"""The point from which the next start looks for missed messages: numbers in a file, no text.

Written while the bot runs, because a killed process cannot write it. Where the bot runs as several
processes, it is in their store instead (`bot.frontends.discord.shards`).
"""

import logging
import threading
from dataclasses import dataclass

from bot.files import STATE, write_state
from trainer.model.files import read_regular

log = logging.getLogger(__name__)

STATE_FILE = STATE / "last_message"

MAX_DIRECT = 50
"""Direct conversations in the file; Discord never lists them, so each is stored by its id."""

_MAX_ID = 2**63 - 1
_MAX_BYTES = 20 * (1 + MAX_DIRECT)
"""An id has at most 19 digits, followed by a blank or a line break."""

_writing = threading.Lock()
"""The last write may start while an earlier one is still running."""


@dataclass(frozen=True, slots=True)
class RestartPoint:
    """What one start of the bot leaves for the next."""

    message: int
    """The id of the last message before those to look at."""
    direct: tuple[int, ...] = ()
    """The ids of the direct conversations to look into, newest last."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """What is stored of it."""
        return self.message, *self.direct[-MAX_DIRECT:]


def read() -> RestartPoint | None:
    """The point in the file; None at the first start, or if the file was changed by hand."""
    try:
        message, *direct = map(_id, read_regular(STATE_FILE, _MAX_BYTES).split())
    except (OSError, ValueError):
        return None
    return RestartPoint(message, tuple(direct))


def write(point: RestartPoint) -> None:
    """Writes the file, completely or not at all; if it fails, the next start knows less."""
    try:
        with _writing:
            write_state(STATE_FILE, " ".join(map(str, point.numbers)) + "\n")
    except OSError as error:
        log.warning("%s cannot be written (%s)", STATE_FILE, error.strerror)


def _id(digits: bytes) -> int:
    number = int(digits) if digits.isdigit() else -1
    if not 0 <= number <= _MAX_ID:
        raise ValueError("not an id of Discord")
    return number
