"""Starts and stops the Discord front end."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import aiohttp
import discord
from pydantic import SecretStr
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_chain,
    wait_fixed,
)

from bot.conversation.concierge import Concierge
from bot.desk.desk import Desk
from bot.errors import RefusedTokenError, SettingsError, UnreachableError
from bot.frontends.discord.client import ConciergeBot, Monitor
from bot.frontends.discord.delivery import as_bot_error
from bot.frontends.discord.operators import refuse_everyone
from bot.frontends.discord.sharded import ShardedConciergeBot
from bot.frontends.discord.shards import IDENTIFY_SECONDS, Shards
from bot.frontends.discord.sync import sync, sync_if_changed
from bot.operations.actions import Operations

T = TypeVar("T")

log = logging.getLogger(__name__)

LOGIN_SECONDS = 45.0
"""For one log-in; discord.py's own retries of a 5xx take 25 seconds of it."""

RETRY_SECONDS = (1, 2, 4)
"""Pauses between attempts to reach Discord at start; once connected, it reconnects for ever."""

READY_SECONDS = 60.0
"""From log-in until Discord says READY; with shards, their waiting for each other is added."""

AUTHENTICATION_FAILED = 4004
"""The gateway's close code for a token that is not valid (any more)."""

YOUNG_OBJECTS = 5_000
"""How many new objects there may be until Python looks for those that nobody uses any more.

With Python's own 700, a busy bot does so every few messages, and finds little: replies that wait
and questions that are held are in use. Compare `make bench-discord`."""

SHARDING_REQUIRED = 4011
"""The gateway's close code for a bot in more servers than one connection may have."""


async def serve(
    concierge: Concierge,
    operations: Operations,
    token: SecretStr,
    desk: Desk | None = None,
    monitor: Monitor | None = None,
    shards: Shards | None = None,
) -> None:
    """Answers on Discord until SIGTERM or Ctrl-C, then closes the gateway.

    Without a desk, no customer is handed over to a person. `monitor` learns of the connection and
    of replies. `shards` are those of this process, if the bot runs with shards: it waits while
    another process serves them.

    Raises RefusedTokenError, RefusedRequestError, RateLimitedError, UnreachableError after a
    bounded number of attempts to start, SettingsError if Discord shows that a setting is wrong, and
    LostShardsError if another process takes over the shards.
    """
    loop = asyncio.get_running_loop()

    async def serve_shards() -> None:
        async with nullcontext() if shards is None else shards.held():
            await _session(concierge, operations, token, _stay_connected, desk, monitor, shards)

    session = asyncio.create_task(serve_shards())
    stopped = asyncio.Event()

    def stop() -> None:
        log.info("Closing the connection to Discord")
        stopped.set()
        session.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        with _seldom_collected():
            await session
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Lets Python collect garbage only every YOUNG_OBJECTS."""
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def register_commands(concierge: Concierge, operations: Operations, token: SecretStr) -> int:
    """Registers the commands with Discord, changed or not; returns their number.

    Raises like `serve`.
    """
    return await _session(concierge, operations, token, sync)


async def _session(
    concierge: Concierge,
    operations: Operations,
    token: SecretStr,
    use: Callable[[ConciergeBot], Awaitable[T]],
    desk: Desk | None = None,
    monitor: Monitor | None = None,
    shards: Shards | None = None,
) -> T:
    """Logs in, with a bounded number of attempts, and runs a function with the client."""
    retrying = AsyncRetrying(
        wait=wait_chain(*map(wait_fixed, RETRY_SECONDS)),
        stop=stop_after_attempt(len(RETRY_SECONDS) + 1),
        retry=retry_if_exception_type(_NoConnectionError),
        before_sleep=_log_failed_attempt,
        reraise=True,
    )
    async for attempt in retrying:
        # A client that failed to log in cannot be used again.
        with attempt:
            async with _client(concierge, operations, desk, monitor, shards) as bot:
                await _log_in(bot, token)
                return await use(bot)
    raise AssertionError("the last attempt returns or raises")


def _client(
    concierge: Concierge,
    operations: Operations,
    desk: Desk | None,
    monitor: Monitor | None,
    shards: Shards | None,
) -> ConciergeBot:
    if shards is None:
        return ConciergeBot(concierge, operations, desk, monitor)
    return ShardedConciergeBot(concierge, operations, desk, monitor, shards)


class _NoConnectionError(UnreachableError):
    """Discord cannot be reached at the moment."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def _log_in(bot: ConciergeBot, token: SecretStr) -> None:
    """Raises like `serve`; _NoConnectionError if another attempt may succeed."""
    try:
        async with asyncio.timeout(LOGIN_SECONDS):
            await bot.login(token.get_secret_value())
    except discord.LoginFailure:
        raise RefusedTokenError from None
    except TimeoutError:
        raise UnreachableError(f"no answer in {LOGIN_SECONDS:.0f} s") from None
    except (discord.HTTPException, discord.RateLimited) as error:
        raise as_bot_error(error) from None
    except (aiohttp.ClientError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _NoConnectionError(reason or type(error).__name__) from None


def _log_failed_attempt(state: RetryCallState) -> None:
    assert state.outcome is not None  # it is called after an attempt, before the pause
    error = state.outcome.exception()
    assert isinstance(error, _NoConnectionError)
    log.warning(
        "Discord cannot be reached (%s); trying again in %d s", error.reason, state.upcoming_sleep
    )


async def _stay_connected(bot: ConciergeBot) -> None:
    """Runs until cancelled; discord.py reconnects and resumes by itself."""
    syncing = asyncio.create_task(sync_if_changed(bot)) if bot.leads else None
    limit = READY_SECONDS
    if bot.own_shards is not None:
        limit += bot.own_shards.count * IDENTIFY_SECONDS
    refused: SettingsError | None = None
    try:
        async with asyncio.timeout(limit) as start:

            async def lift_the_limit() -> None:
                nonlocal refused
                start.reschedule(None)
                try:
                    refuse_everyone(bot)
                except SettingsError as error:
                    refused = error
                    await bot.close()  # so that `connect` returns

            bot.add_listener(lift_the_limit, "on_ready")
            try:
                await bot.connect()
            finally:  # a bot that is being stopped may become ready, and has no limit then
                bot.remove_listener(lift_the_limit, "on_ready")
        if refused is not None:
            raise refused
    except TimeoutError:
        raise UnreachableError(f"not ready {limit:.0f} s after the log-in") from None
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise RefusedTokenError from None
        if error.code == SHARDING_REQUIRED:
            raise SettingsError(
                "SHARD_COUNT must be set, or be larger: Discord allows 2,500 servers for each shard"
            ) from None
        raise UnreachableError(f"it closed the connection with code {error.code}") from None
    finally:
        if syncing is not None:
            syncing.cancel()
