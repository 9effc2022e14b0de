"""How an answer reaches Discord: retried while the trouble may pass, then given up and counted."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
import discord

from bot.concierge import Reply
from bot.logs import whereabouts

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.5, 2.0, 5.0)
"""Pauses after a failure. discord.py retries the commonest by itself (500, 502, 504 and 524 for
25 s, a 429 as Discord says), but neither a reset on Linux nor a 503."""

GIVE_UP_SECONDS = 20.0
"""After so long no further attempt begins. One under way is never cut off: discord.py would leave
its lock of a global rate limit closed, and say nothing ever after."""

ALREADY_ACKNOWLEDGED = 40060
"""Discord's code for an interaction that has had its answer: an earlier attempt got through."""

CANNOT_SEND = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)
"""All that sending may raise through no fault of this program; a timeout is an OSError."""


class Delivery:
    """Sends replies, and keeps the counts of a run: by kind, and of those given up."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._forbidden: set[int] = set()

    async def deliver(
        self,
        reply: Reply,
        channel: int,
        send: Callable[[], Awaitable[object]],
        again: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Calls `send`, and what `persist` makes of it; never raises because of Discord.

        `channel` is the id of the one it goes to: that nothing may be said there is logged once.
        """
        try:
            await persist(send, again)
        except discord.Forbidden as error:
            self.counts["forbidden"] += 1
            if channel not in self._forbidden:
                self._forbidden.add(channel)
                log.warning(
                    "No reply in channel %d: Discord forbids it (code %d). The bot needs View "
                    "Channel, Send Messages and Read Message History there. Said only once",
                    channel,
                    error.code,
                )
        except CANNOT_SEND as error:
            self.counts["given up"] += 1
            given_up = self.counts["given up"]
            log.warning("No reply in channel %d: %s; %d so far", channel, reason(error), given_up)
        else:
            self._forbidden.discard(channel)
            self.counts[reply.kind] += 1


async def persist(
    send: Callable[[], Awaitable[object]], again: Callable[[], Awaitable[object]] | None = None
) -> None:
    """Calls `send` until it succeeds or nothing more is to be hoped for; then raises its error.

    After a reset nobody knows whether Discord has acted: a repeated `send` must not show twice.
    Where it would, `again` takes its place from the second attempt on.
    """
    began = time.monotonic()
    for pause in (*RETRY_SECONDS, None):
        try:
            await send()
        except CANNOT_SEND as error:
            if isinstance(error, discord.HTTPException) and error.code == ALREADY_ACKNOWLEDGED:
                return
            late = pause is None or time.monotonic() + pause > began + GIVE_UP_SECONDS
            if late or not _may_pass(error):
                raise
        else:
            return
        assert pause is not None
        await asyncio.sleep(pause)
        send = again or send


def _may_pass(error: Exception) -> bool:
    """A reset, or an error on Discord's side; not a refusal, nor a pause of minutes."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500
    return not isinstance(error, discord.RateLimited)


def reason(error: Exception) -> str:
    """Discord's status and error code (50006: empty message), or what the network said."""
    if isinstance(error, discord.HTTPException):
        return f"Discord answered {error.status}, code {error.code}"
    return whereabouts(error)
