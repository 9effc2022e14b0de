"""Discord's time: the ids of messages contain it, and this machine's clock may be wrong."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp
import discord


class DiscordClock:
    """Goes on from the `Date` of Discord's latest answer; by this machine's clock before any."""

    def __init__(self) -> None:
        self.trace = aiohttp.TraceConfig()
        """For the client, whose requests it sees; the connection to the gateway is one."""
        self.trace.on_request_end.append(self._note)
        self._ahead: float | None = None
        """Of `time.monotonic`, in seconds since 1970."""

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
        # An answer without a date, or with one that cannot be read, says nothing.
        with suppress(KeyError, ValueError):
            date = parsedate_to_datetime(answered.response.headers["Date"])
            self._ahead = date.timestamp() - time.monotonic()
