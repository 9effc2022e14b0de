"""The Discord front end: the client, and how it starts and stops.

No privileged intent is needed: Discord hands a bot the text of messages that mention it and of
direct messages to it, and this bot reads no others.
"""

import asyncio
import logging
import signal
import sys
from typing import Any

import aiohttp
import discord
from discord.ext import commands

from bot.concierge import Concierge
from bot.errors import RefusedTokenError, UnreachableError
from bot.logs import whereabouts

log = logging.getLogger(__name__)

EXTENSIONS = ("bot.frontends.discord.reviews",)

LOGIN_SECONDS = 45.0
"""For one log-in; discord.py's own retries of a 5xx take 25 seconds of it."""

RETRY_SECONDS = (1, 2, 4)
"""Pauses between attempts to reach Discord at start; once connected, it reconnects for ever."""

READY_SECONDS = 60.0
"""From log-in until Discord says READY."""

AUTHENTICATION_FAILED = 4004
"""The gateway's close code for a token that is not valid (any more)."""

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
)
"""The least that replying takes; a reply needs the history it refers to."""


class ConciergeBot(commands.Bot):
    """The client. The cogs, one a concern, find the concierge here."""

    def __init__(self, concierge: Concierge) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            activity=discord.CustomActivity("Mention me with a film review"),
            # Without these, the library keeps a thousand messages and their authors in memory.
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self.concierge = concierge

    async def setup_hook(self) -> None:
        for extension in EXTENSIONS:
            await self.load_extension(extension)

    async def on_message(self, message: discord.Message, /) -> None:
        """Nothing: the base class would take a review for a text command."""

    async def on_ready(self) -> None:
        assert self.application_id is not None
        invitation = discord.utils.oauth_url(
            self.application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
        )
        servers = "1 server" if len(self.guilds) == 1 else f"{len(self.guilds)} servers"
        log.info("Ready as %s in %s; to invite it: %s", self.user, servers, invitation)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """Logs a bug in an event handler; the default would log the exception's message."""
        error = sys.exception()
        log.error("%s failed: %s", event_method, whereabouts(error) if error else "unknown")


async def serve(concierge: Concierge, token: str) -> None:
    """Answers on Discord until SIGTERM or Ctrl-C, then closes the gateway.

    Raises RefusedTokenError, and UnreachableError after a bounded number of attempts to start.
    """
    loop = asyncio.get_running_loop()
    session = asyncio.create_task(_session(concierge, token))
    stopped = asyncio.Event()

    def stop() -> None:
        log.info("Closing the connection to Discord")
        stopped.set()
        session.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await session
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _session(concierge: Concierge, token: str) -> None:
    for pause in (*RETRY_SECONDS, None):
        # A client that failed to log in cannot be used again.
        async with ConciergeBot(concierge) as bot:
            try:
                async with asyncio.timeout(LOGIN_SECONDS):
                    await bot.login(token)
            except discord.LoginFailure:
                raise RefusedTokenError from None
            except TimeoutError:
                raise UnreachableError(f"no answer in {LOGIN_SECONDS:.0f} s") from None
            except discord.HTTPException as error:
                raise UnreachableError(f"it answered with status {error.status}") from None
            except (aiohttp.ClientError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else None
                reason = reason or type(error).__name__
            else:
                return await _stay_connected(bot)
        if pause is None:
            raise UnreachableError(reason)
        log.warning("Discord cannot be reached (%s); trying again in %d s", reason, pause)
        await asyncio.sleep(pause)
    return None


async def _stay_connected(bot: ConciergeBot) -> None:
    """Runs until cancelled; discord.py reconnects and resumes by itself."""
    try:
        async with asyncio.timeout(READY_SECONDS) as start:

            async def lift_the_limit() -> None:
                start.reschedule(None)

            bot.add_listener(lift_the_limit, "on_ready")
            await bot.connect()
    except TimeoutError:
        raise UnreachableError(f"not ready {READY_SECONDS:.0f} s after the log-in") from None
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise RefusedTokenError from None
        raise UnreachableError(f"it closed the connection with code {error.code}") from None
