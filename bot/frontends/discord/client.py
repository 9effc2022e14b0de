"""The client: what all cogs share, and the common handling of errors.

No privileged intent is needed: Discord gives a bot the text of messages that mention it and of
direct messages to it, and this bot reads no others.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Protocol

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.desk.desk import Desk
from bot.desk.feedback import Feedback
from bot.errors import StoreError
from bot.frontends.discord.clock import DiscordClock
from bot.frontends.discord.delivery import CANNOT_SEND, Delivery, respond
from bot.frontends.discord.earlier import EarlierReplies
from bot.frontends.discord.recipients import author_of, user_of
from bot.frontends.discord.references import reference
from bot.frontends.discord.shards import Shards
from bot.frontends.discord.turns import Turns
from bot.logs import whereabouts
from bot.operations.actions import Operations
from bot.sentences.responses import Kind, Recipient
from bot.tracing import span

log = logging.getLogger(__name__)

EXTENSIONS = (
    "bot.frontends.discord.reviews",
    "bot.frontends.discord.customers",
    "bot.frontends.discord.explanations",
    "bot.frontends.discord.missed",
    "bot.frontends.discord.responses",
    "bot.frontends.discord.training",
    "bot.frontends.discord.models",
    "bot.frontends.discord.server_setup",
    "bot.frontends.discord.votes",
    "bot.frontends.discord.stats",
    "bot.frontends.discord.privacy",
    "bot.frontends.discord.desk",
)
"""In this order: `missed` passes its messages to `reviews`."""

MAX_PAUSE_SECONDS = 30.0
"""If Discord asks for a longer pause before the next request (429), that request is given up."""

CLOSING_SECONDS = 5.0
"""How long replies in flight may still take once the bot is being stopped."""

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    attach_files=True,
    create_private_threads=True,
)
"""The minimum for replying (a reply needs the history it refers to), for pictures, and for private
threads with staff. Not Mention Everyone: a server can make the role that a card notifies
mentionable."""

DIRECT = "discord:direct"
"""What direct messages are counted under, in the place of a server."""

Send = Callable[[Reply], Awaitable[object]]


class Monitor(Protocol):
    """What watches this front end."""

    def connected(self) -> None:
        """The gateway is connected, with all own shards, for the first time or again."""

    def disconnected(self) -> None:
        """The gateway, or one shard, is not connected any more."""

    def replied(self, reply: Reply, seconds: float) -> None:
        """A reply was sent, `seconds` after its message."""


class ConciergeTree(app_commands.CommandTree["ConciergeBot"]):
    """Passes the errors of commands to the client."""

    async def on_error(
        self,
        interaction: discord.Interaction["ConciergeBot"],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        if isinstance(error, app_commands.CheckFailure):
            return  # `require_operator` has said who may
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        name = interaction.command.qualified_name if interaction.command else "a command"
        await self.client.apologise(name, cause, in_private(interaction), user_of(interaction))


class ConciergeBot(commands.Bot):
    """The cogs, one per concern, find the concierge, the operations and the desk here."""

    def __init__(
        self,
        concierge: Concierge,
        operations: Operations,
        desk: Desk | None = None,
        monitor: Monitor | None = None,
        **sharding: Any,
    ) -> None:
        """`sharding`: further options of the library's client."""
        self.clock = DiscordClock()
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=ConciergeTree,
            intents=discord.Intents(
                guilds=True,
                guild_messages=True,
                dm_messages=True,
                guild_reactions=True,
                dm_reactions=True,
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            activity=discord.CustomActivity("Mention me with a film review"),
            # Without these, the library keeps a thousand messages and their authors in memory.
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_ratelimit_timeout=MAX_PAUSE_SECONDS,
            http_trace=self.clock.trace,
            **sharding,
        )
        self.own_shards: Shards | None = None
        """None: this is the only process, over one connection."""
        self._connected: set[int] = set()
        """The shards that are connected; 0 where there are none."""
        self.concierge = concierge
        self.operations = operations
        self.desk = desk
        """None: the desk's store could not be opened."""
        self._monitor = monitor
        self.feedback = Feedback(desk)
        self.delivery = Delivery()
        self.turns = Turns()
        self.earlier = EarlierReplies(concierge.questions.seconds)
        self.answer: Callable[[discord.Message], Awaitable[None]] | None = None
        """Called with each message of a person, by the library's own handler: a task for a listener
        in each cog would cost more than what the cogs do."""
        self.on_skipped: Callable[[int], None] | None = None
        """Called with the id of each message of a bot, which `answer` does not get."""
        self._answering: dict[asyncio.Task[Any], float] = {}
        """Since when each task answers a customer, in seconds of `time.monotonic`."""
        # An error of a parser would end `connect`, and with it the process, though the connection
        # is fine. The library offers no other place to catch it.
        parsers = self._connection.parsers
        parsers["MESSAGE_CREATE"] = partial(self._read_message, parsers["MESSAGE_CREATE"])
        for event, parse in parsers.items():
            parsers[event] = partial(_parse_or_skip, event, parse)

    async def setup_hook(self) -> None:
        assert self.application is not None  # read at every log-in
        team = self.application.team
        owner = team.owner_id if team else self.application.owner.id
        self.concierge.owner = f"<@{owner}>"  # shown as a name; no one is pinged
        for event, listener in (
            ("connect", self._note_connected),
            ("resumed", self._note_connected),
            ("disconnect", self._note_disconnected),
        ):
            self.add_listener(listener, self.connection_event(event))
        for extension in EXTENSIONS:
            await self.load_extension(extension)

    @property
    def leads(self) -> bool:
        """Whether this process does what is done once for all processes of the bot."""
        return self.own_shards is None or self.own_shards.leads

    def connection_event(self, name: str) -> str:
        """The name of discord.py's event about a connection: `connect`, `ready` and so on.

        With shards, its listener is called with the number of the shard, otherwise without.
        """
        return f"on_{name}" if self.own_shards is None else f"on_shard_{name}"

    def is_silent_in(self, channel_id: int) -> bool:
        """Whether a person is talking with a customer there, so that the bot must not."""
        return self.desk is not None and self.desk.is_silent(reference(channel_id))

    def author_of(self, message: discord.Message) -> Recipient:
        """The author of a message, in the language that the server has chosen."""
        return author_of(message, self.locale_of(message.guild))

    def locale_of(self, guild: discord.Guild | None) -> str | None:
        """The language of a server: the one it has chosen, or else its Primary Language."""
        if guild is None:
            return None
        chosen = self.desk.locale_of(reference(guild.id)) if self.desk is not None else None
        return chosen or str(guild.preferred_locale)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within, the current task answers a customer, and `close` waits for it."""
        task = asyncio.current_task()
        assert task is not None
        self._answering.setdefault(task, time.monotonic())
        try:
            with span("receive", front_end="discord"):
                yield
        finally:
            self._answering.pop(task, None)

    def count(self, reply: Reply, guild: int | None, message: tuple[int, int] | None) -> None:
        """Counts a reply that was delivered by the current task, which is `answering`.

        `message`: the ids of its channel and itself, where people can vote on it.
        """
        now = time.monotonic()
        task = asyncio.current_task()
        since = self._answering.get(task, now) if task is not None else now
        if self._monitor is not None:
            self._monitor.replied(reply, now - since)
        # A strength goes with praise and complaints only.
        verdict = reply.verdict if reply.given is not None else None
        self.feedback.replied(
            DIRECT if guild is None else reference(guild),
            reply.kind,
            now - since,
            strength=str(verdict.strength) if verdict is not None and verdict.strength else "",
            checkpoint=self.concierge.engine.checkpoint,
            message=None if message is None else reference(*message),
        )

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        # A READY is dispatched two seconds later, when the bot may be closed and have no loop.
        if isinstance(self.loop, asyncio.AbstractEventLoop):
            super().dispatch(event_name, *args, **kwargs)

    async def close(self) -> None:
        """Finishes in-flight replies, then disconnects; counts those that it has to cut off."""
        deadline = asyncio.get_running_loop().time() + CLOSING_SECONDS
        # Repeatedly, because an event that has just arrived may start its task meanwhile.
        while self._answering and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._answering), timeout=left)
        if late := set(self._answering):
            for task in late:
                task.cancel()  # the engine does not judge a text that no caller waits for
            await asyncio.wait(late, timeout=1)
            self.delivery.counts["cut off"] += len(late)
            log.warning("Stopped before %d replies were sent", len(late))
        await super().close()
        if counts := self.delivery.counts:
            log.info("Replies: %s", ", ".join(f"{counts[name]} {name}" for name in sorted(counts)))

    @asynccontextmanager
    async def last_resort(self, what: str, send: Send, to: Recipient) -> AsyncIterator[None]:
        """Within, an error ends in a log line and an apology, which `send` sends."""
        try:
            yield
        except Exception as error:
            await self.apologise(what, error, send, to)

    async def apologise(self, what: str, error: Exception, send: Send, to: Recipient) -> None:
        """Handles the failure of any input: a command, a button, a message.

        Logs where it failed, never the message, which may quote a customer's text. Does not raise:
        the library would log it again, and not inform the customer.
        """
        # Of the errors, only those of the store are known to hold no text.
        why = str(error) if isinstance(error, StoreError) else whereabouts(error)
        log.error("%s failed: %s", what, why)
        try:
            await send(self.concierge.say(Kind.FAILURE, to))
        except CANNOT_SEND as trouble:
            log.warning("The apology was not delivered: %s", whereabouts(trouble))
        except Exception as bug:
            log.error("The apology failed, too: %s", whereabouts(bug))

    async def on_message(self, message: discord.Message, /) -> None:
        """Answers it; the base class would take a review for a text command."""
        if self.answer is not None:
            await self.answer(message)

    def _read_message(self, parse: Callable[[Any], None], data: Any) -> None:
        """Reads a message, except those of bots, which no cog needs: every second one is this bot's
        own reply, and to read it takes as long as to read a customer's."""
        if not data["author"].get("bot"):
            parse(data)
        elif self.on_skipped is not None:
            # Not at once: the cogs have not yet been told of messages that were read just now.
            self.loop.call_soon(self.on_skipped, int(data["id"]))

    async def _note_connected(self, shard: int = 0) -> None:
        self._connected.add(shard)
        expected = (0,) if self.own_shards is None else self.own_shards.ids
        if self._monitor is not None and self._connected.issuperset(expected):
            self._monitor.connected()

    async def _note_disconnected(self, shard: int = 0) -> None:
        self._connected.discard(shard)
        if self._monitor is not None:
            self._monitor.disconnected()

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


def in_private(interaction: discord.Interaction[Any]) -> Send:
    """Sends a reply that only the user of a command or a button can see."""

    async def send(reply: Reply) -> None:
        await respond(interaction, reply.text)

    return send


def _parse_or_skip(event: str, parse: Callable[[Any], None], data: Any) -> None:
    """Skips an event that the library cannot parse."""
    try:
        parse(data)
    except Exception as error:
        log.warning("An event %s cannot be read, so it is skipped: %s", event, whereabouts(error))
