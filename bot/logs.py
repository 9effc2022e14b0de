"""The log: when, who and what went wrong; never a customer's text.

An exception's message may quote the text that caused it, so no log line contains one: an exception
is logged as its type and the files and lines that led to it.
"""

import asyncio
import json
import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from trainer.errors import printable

SELDOM_SECONDS = 60.0
"""Between two lines about the same thing, if it happens repeatedly."""

MAX_FRAMES = 8
"""Of an error, in the log: the innermost frames show where it is."""

_PROJECT = Path(__file__).parent.parent
_PACKAGES = "site-packages"
_STANDARD_LIBRARY = Path(logging.__file__).parent.parent


def configure(level: str, *, as_json: bool = False) -> None:
    """Sends the bot's log lines of `level` and above to standard error, as text or JSON objects."""
    handler = logging.StreamHandler()
    text = _Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_JsonFormatter() if as_json else text)
    handler.addFilter(_SeldomForeign())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("bot").setLevel(level)
    # On DEBUG, discord.py logs whole messages: it stays on INFO, whatever the setting says.
    logging.getLogger("discord").setLevel(max(logging.getLevelName(level), logging.INFO))
    # It warns of each malformed request, so any client could fill the disk.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    # It warns of each attempt to reach a collector.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    # The advice to install voice support is irrelevant to a bot that only writes.
    logging.getLogger("discord.client").addFilter(lambda record: "voice" not in record.msg)


def whereabouts(error: BaseException) -> str:
    """The type of an error and the calls that led to it, such as
    "ValueError at bot/engine.py:90, called from bot/engine.py:71".

    Files and lines contain no text. The operating system's messages ("No space left on device") are
    kept; other messages are not.
    """
    name = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        name += f" ({error.strerror})"
    frames = traceback.walk_tb(error.__traceback__)
    innermost_first = [_place(frame, line) for frame, line in frames][::-1]
    places = ", called from ".join(innermost_first[:MAX_FRAMES])
    if len(innermost_first) > MAX_FRAMES:
        places += f", and {len(innermost_first) - MAX_FRAMES} more"
    place = f" at {places}" if places else ""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    # One cause is enough to locate an error, and the causes of causes could form a circle.
    because = f" (after {type(cause).__name__})" if cause is not None else ""
    return f"{name}{place}{because}"


def _place(frame: FrameType, line: int) -> str:
    file = Path(frame.f_code.co_filename)
    if file.is_relative_to(_PROJECT):
        file = file.relative_to(_PROJECT)
    elif _PACKAGES in file.parts:
        file = Path(*file.parts[file.parts.index(_PACKAGES) + 1 :])
    elif file.is_relative_to(_STANDARD_LIBRARY):
        file = file.relative_to(_STANDARD_LIBRARY)
    return f"{file}:{line}"


def printable_lines(text: str) -> str:
    """The text for a terminal, without control characters, which could control the terminal."""
    return "\n".join(map(printable, text.split("\n")))


def report_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """asyncio's exception handler; the default one prints the exception's message."""
    error = context.get("exception")
    reason = whereabouts(error) if error else "no exception"
    logging.getLogger("bot").error("%s (%s)", context["message"], reason)


class SeldomLog:
    """Logs a repeated event once a minute, with the number of occurrences.

    For a single cause that affects every customer: a full queue, a broken model.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._said: dict[str, _Said] = {}

    def log(self, level: int, message: str) -> None:
        """Logs `message` unless it was logged within the last SELDOM_SECONDS."""
        now = self._clock()
        said = self._said.get(message)
        if said is not None and now - said.at < SELDOM_SECONDS:
            said.unsaid += 1
            return
        more = ""
        if said is not None and said.unsaid:
            times = f"{said.unsaid:,} times" if said.unsaid > 1 else "once more"
            more = f" (and {times} since it was last said)"
        self._said[message] = _Said(now)
        self._logger.log(level, "%s%s", message, more)


@dataclass(slots=True)
class _Said:
    at: float
    unsaid: int = 0


class _SeldomForeign(logging.Filter):
    """Lets a line of OpenTelemetry through once in SELDOM_SECONDS: while a collector is away, there
    would be one for each batch of spans."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("opentelemetry."):
            return True
        message, now = record.getMessage(), time.monotonic()
        if now - self._said.get(message, -SELDOM_SECONDS) < SELDOM_SECONDS:
            return False
        self._said[message] = now
        return True


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Indents further lines, so that a name with a line break cannot forge a line."""
        return printable_lines(super().format(record)).replace("\n", "\n    ")

    def formatException(  # noqa: N802 (the name that logging calls)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return whereabouts(ei[1]) if ei[1] else ""


class _JsonFormatter(logging.Formatter):
    """One JSON object on one line; `extra={"fields": {...}}` of a log call adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        time_of_day = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {
            "time": time_of_day,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            entry["error"] = whereabouts(record.exc_info[1])
        return json.dumps(entry)  # with escapes for all but ASCII, so nothing controls a terminal
