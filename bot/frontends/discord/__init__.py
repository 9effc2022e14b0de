"""The Discord front end: the client, and how it starts and stops.

No privileged intent is needed: Discord hands a bot the text of messages that mention it and of
direct messages to it, and this bot reads no others.
"""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import aiohttp
import discord
from discord.ext import commands

from bot.concierge import Concierge, Reply
from bot.engine import Engine
from bot.errors import RefusedTokenError, UnreachableError
from bot.frontends.discord.delivery import Delivery
from bot.frontends.discord.operators import tell_operators
from bot.frontends.discord.sync import NoModel, sync, sync_if_changed
from bot.frontends.discord.tree import ConciergeTree
from bot.logs import whereabouts
from bot.models import Models
from bot.responses import Responses
from bot.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

EXTENSIONS = (
    "bot.frontends.discord.reviews",
    "bot.frontends.discord.customers",
    "bot.frontends.discord.explanations",
    "bot.frontends.discord.missed",
    "bot.frontends.discord.responses",
    "bot.frontends.discord.training",
    "bot.frontends.discord.models",
)

LOGIN_SECONDS = 45.0
"""For one log-in; discord.py's own retries of a 5xx take 25 seconds of it."""

RETRY_SECONDS = (1, 2, 4)
"""Pauses between attempts to reach Discord at start; once connected, it reconnects for ever."""

READY_SECONDS = 60.0
"""From log-in until Discord says READY."""

AUTHENTICATION_FAILED = 4004
"""The gateway's close code for a token that is not valid (any more)."""

LONGEST_PAUSE_SECONDS = 30.0
"""Where Discord asks for a longer one before the next request (429), that request is given up."""

CLOSING_SECONDS = 5.0
"""How long those who wrote before the bot was stopped may still be answered."""

ALARM_SECONDS = 600.0
"""Between two reports of trouble: what breaks a model breaks it for every customer."""

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    attach_files=True,
)
"""The least that replying takes (a reply needs the history it refers to), and the picture of a
training's result."""


class ConciergeBot(commands.Bot):
    """The client. The cogs, one a concern, find the concierge and the settings here."""

    def __init__(self, concierge: Concierge, settings: Settings) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=ConciergeTree,
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            activity=discord.CustomActivity("Mention me with a film review"),
            # Without these, the library keeps a thousand messages and their authors in memory.
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_ratelimit_timeout=LONGEST_PAUSE_SECONDS,
        )
        self.concierge = concierge
        self.settings = settings
        self.models = Models(concierge.engine, settings.runtime, settings.threads)
        self.delivery = Delivery()
        self._answering: set[asyncio.Task[Any]] = set()
        self._alarmed_at: float | None = None

    async def setup_hook(self) -> None:
        for extension in EXTENSIONS:
            await self.load_extension(extension)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within, the current task answers a customer, and closing waits for it."""
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            yield
        finally:
            self._answering.discard(task)

    async def close(self) -> None:
        """Answers whom it has, and leaves; nobody else is heard by now."""
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()  # then the engine does not judge what nobody waits for
        await super().close()
        if counts := self.delivery.counts:
            log.info("Replies: %s", ", ".join(f"{counts[name]} {name}" for name in sorted(counts)))

    async def report(self, reply: Reply) -> None:
        """Tells the operators what kept the bot from judging, if that is so; not for each reply."""
        now = time.monotonic()
        recently = self._alarmed_at is not None and now - self._alarmed_at < ALARM_SECONDS
        if reply.trouble is None or recently:
            return
        self._alarmed_at = now
        await tell_operators(self, f"{reply.trouble}. Customers are asked to try again.")

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


async def serve(concierge: Concierge, settings: Settings) -> None:
    """Answers on Discord until SIGTERM or Ctrl-C, then closes the gateway.

    Raises RefusedTokenError, and UnreachableError after a bounded number of attempts to start.
    """
    loop = asyncio.get_running_loop()
    session = asyncio.create_task(_session(concierge, settings, _stay_connected))
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


async def register_commands(settings: Settings) -> int:
    """Tells Discord which commands there are, changed or not; returns their number.

    Raises RefusedTokenError, UnreachableError and ResponsesError.
    """
    async with Engine(NoModel()) as engine:
        concierge = Concierge(engine, Responses.load(settings.responses_file, settings.help_line))
        return await _session(concierge, settings, sync)


async def _session(
    concierge: Concierge, settings: Settings, use: Callable[[ConciergeBot], Awaitable[T]]
) -> T:
    """Logs in, with a bounded number of attempts, and does something with the client."""
    assert settings.discord_token is not None  # the command line has told of it by now
    for pause in (*RETRY_SECONDS, None):
        # A client that failed to log in cannot be used again.
        async with ConciergeBot(concierge, settings) as bot:
            try:
                async with asyncio.timeout(LOGIN_SECONDS):
                    await bot.login(settings.discord_token.get_secret_value())
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
                return await use(bot)
        if pause is None:
            raise UnreachableError(reason)
        log.warning("Discord cannot be reached (%s); trying again in %d s", reason, pause)
        await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


async def _stay_connected(bot: ConciergeBot) -> None:
    """Runs until cancelled; discord.py reconnects and resumes by itself."""
    syncing = asyncio.create_task(sync_if_changed(bot))
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
    finally:
        syncing.cancel()
