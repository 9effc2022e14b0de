"""Discord's time: the ids of messages contain it, and this machine's clock may be wrong."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp
import discord

SECONDS_TRUSTED = 60.0
"""How long one date is used: reading that of every answer costs time and tells little more."""


class DiscordClock:
    """Goes on from the `Date` of an answer of Discord; by this machine's clock before any."""

    def __init__(self) -> None:
        self.trace = aiohttp.TraceConfig()
        """For the client, whose requests it sees; the connection to the gateway is one."""
        self.trace.on_request_end.append(self._note)
        self._ahead: float | None = None
        """Of `time.monotonic`, in seconds since 1970."""
        self._read_at = 0.0
        """When the latest date was read, by this machine's clock."""

    def now(self) -> datetime:
        """The present time, with a time zone."""
        if self._ahead is None:
            return discord.utils.utcnow()
        return datetime.fromtimestamp(time.monotonic() + self._ahead, UTC)

    async def _note(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        answered: aiohttp.TraceRequestEndParams,
    ) -> None:
        # By the machine's clock, which also goes on while the machine sleeps.
        now = time.time()
        if self._ahead is not None and abs(now - self._read_at) < SECONDS_TRUSTED:
            return
        # An answer without a date, or with one that cannot be read, says nothing.
        with suppress(KeyError, ValueError):
            date = parsedate_to_datetime(answered.response.headers["Date"])
            self._ahead, self._read_at = date.timestamp() - time.monotonic(), now
