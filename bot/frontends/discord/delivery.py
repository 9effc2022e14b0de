"""Sends an answer to Discord: retries transient errors, then gives up and counts it."""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import aiohttp
import discord

from bot.conversation.reply import Reply
from bot.errors import BotError, RateLimitedError, RefusedRequestError, UnreachableError
from bot.logs import whereabouts
from bot.tracing import span

T = TypeVar("T")

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.5, 2.0, 5.0)
"""Pauses after a failure. discord.py retries the most common errors itself (500, 502, 504 and 524
for 25 s, a 429 as Discord asks), but not a reset on Linux or a 503."""

GIVE_UP_SECONDS = 20.0
"""No attempt starts after this time. A running one is never cut off: discord.py would leave its
lock of a global rate limit closed, and then send nothing any more."""

ALREADY_ACKNOWLEDGED = 40060
"""Discord's code for an interaction that is already answered: an earlier attempt succeeded."""

TOO_MANY_REQUESTS = 429
"""discord.py itself waits and repeats; a 429 that it raises is a longer ban."""

CANNOT_SEND = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)
"""All errors of sending that are not a fault of this program; a timeout is an OSError."""


class Delivery:
    """Sends replies, and counts those of a run by kind, and those given up."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._forbidden: set[int] = set()

    async def deliver(
        self,
        reply: Reply,
        channel: int,
        send: Callable[[], Awaitable[T]],
        again: Callable[[], Awaitable[T]] | None = None,
    ) -> T | None:
        """Calls `send` as `send_with_retry` does; never raises because of Discord.

        `channel` is the id of the reply's channel: a lack of permission there is logged once.
        Returns the result of `send`; None if the reply was not delivered.
        """
        try:
            with span("reply", kind=reply.kind.value):
                sent = await send_with_retry(send, again)
        except discord.Forbidden as error:
            self.counts["forbidden"] += 1
            if channel not in self._forbidden:
                self._forbidden.add(channel)
                log.warning(
                    "No reply in channel %d: Discord forbids it (code %d). The bot needs View "
                    "Channel, Send Messages and Read Message History there. Logged only once",
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
            return sent
        return None


async def send_with_retry(
    send: Callable[[], Awaitable[T]], again: Callable[[], Awaitable[T]] | None = None
) -> T | None:
    """Calls `send` until it succeeds; raises its error once that is hopeless.

    After a reset it is unknown whether Discord has acted: a repeated `send` must not show twice. If
    it would, `again` replaces it from the second attempt on. Returns None if Discord says that an
    earlier attempt succeeded.
    """
    # By hand, because a policy object of tenacity takes as long to build as all else here, for each
    # reply, and almost none fails.
    began = time.monotonic()
    for pause in (*RETRY_SECONDS, math.inf):
        try:
            return await _once(send)
        except Exception as error:
            waited = time.monotonic() - began
            if not _is_transient(error) or waited + pause > GIVE_UP_SECONDS:
                raise
        await asyncio.sleep(pause)
        send = again or send
    raise AssertionError("the last attempt returns or raises")


async def _once(send: Callable[[], Awaitable[T]]) -> T | None:
    """Calls `send`; None if Discord says that an earlier attempt succeeded."""
    try:
        return await send()
    except discord.HTTPException as error:
        if error.code == ALREADY_ACKNOWLEDGED:
            return None
        raise


async def respond(
    interaction: discord.Interaction[Any], text: str, *, ephemeral: bool = True, **more: Any
) -> None:
    """Answers a command or a button, whether or not it has had its first answer.

    If the first answer was a deferral ("is thinking"), this one replaces it.
    """
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(text, ephemeral=ephemeral, **more)
        except discord.HTTPException as error:
            if error.code != ALREADY_ACKNOWLEDGED:
                raise
        else:
            return
    await interaction.followup.send(text, ephemeral=ephemeral, **more)


async def defer(interaction: discord.Interaction[Any], *, ephemeral: bool = True) -> bool:
    """Shows "is thinking" until the answer arrives; returns whether Discord accepted that.

    If not, the answer itself is the first message to send.
    """
    deferring = partial(interaction.response.defer, ephemeral=ephemeral, thinking=True)
    try:
        await send_with_retry(deferring)
    except CANNOT_SEND as error:
        log.warning("An answer could not be deferred: %s", reason(error))
        return False
    return True


def as_bot_error(error: Exception) -> BotError:
    """The error as a BotError, for the person who started the bot."""
    if isinstance(error, discord.RateLimited):
        return RateLimitedError(error.retry_after)
    if isinstance(error, discord.HTTPException):
        if error.status == TOO_MANY_REQUESTS:
            return RateLimitedError(None)
        if error.status < 500:
            return RefusedRequestError(error.status, error.code)
        return UnreachableError(f"it answered with status {error.status}")
    return UnreachableError(whereabouts(error))


def _is_transient(error: BaseException) -> bool:
    """A reset, or an error on Discord's side; not a refusal, nor a pause of minutes."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500
    return isinstance(error, aiohttp.ClientError | OSError)


def reason(error: Exception) -> str:
    """Discord's status and error code (50006: empty message), or the network's error."""
    if isinstance(error, discord.HTTPException):
        return f"Discord answered {error.status}, code {error.code}"
    return whereabouts(error)
