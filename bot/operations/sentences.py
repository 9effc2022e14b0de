"""Applies an edited responses.yaml while the bot runs; an invalid one never takes effect."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.conversation.concierge import Concierge
from bot.errors import ResponsesError
from bot.logs import whereabouts
from bot.sentences.responses import Responses

log = logging.getLogger(__name__)

_UNREADABLE = "The file cannot be read, because of a bug: the log says where."


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The file is in use."""

    file: Path
    count: int
    """The number of its sentences."""

    def __str__(self) -> str:
        return f"{self.file} is in use from now on: {self.count} sentences."


class Sentences:
    """The file with the concierge's sentences."""

    def __init__(self, concierge: Concierge, file: Path, help_line: str) -> None:
        self._concierge = concierge
        self._file = file
        self._help_line = help_line
        self._in_use = self._seen = _fingerprint(file)

    async def look(self) -> Reloaded | ResponsesError | None:
        """Reads the file if it has changed; the error says, once, why it is not used.

        A change counts once two looks see the same: an editor may write the file in parts.
        """
        before, self._seen = self._seen, _fingerprint(self._file)
        if self._seen == self._in_use or self._seen != before:
            return None
        try:
            reloaded = await self.reload()
        except ResponsesError as error:
            return error
        except Exception as error:  # a bug, which must not end the watching
            log.error("Reading %s failed: %s", self._file, whereabouts(error))
            return ResponsesError(_UNREADABLE)
        log.info("%s", reloaded)
        return reloaded

    async def reload(self) -> Reloaded:
        """Applies the file; raises ResponsesError, and then the sentences stay unchanged."""
        self._in_use = self._seen = _fingerprint(self._file)
        # In a thread, because customers are answered meanwhile.
        load = partial(Responses.load, self._file, self._help_line)
        responses = await asyncio.to_thread(load)
        self._concierge.responses = responses
        return Reloaded(self._file, responses.count)


def _fingerprint(file: Path) -> tuple[int, int, int] | None:
    """Changes with the file; None if there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
