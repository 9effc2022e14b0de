"""`DiscordServer`: starts the loopback Discord and plays its users."""

# ruff: noqa: ASYNC109 - a test reads best with its limit in the call, as `asyncio.wait_for` has it
import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web
from yarl import URL

from .api import Api
from .contract import Contract
from .faults import Fault, Faults
from .gateway import (
    DIRECT_REACTIONS,
    GUILD_REACTIONS,
    HEARTBEAT_SECONDS,
    MESSAGE_CONTENT,
    Gateway,
)
from .http import API_PREFIX, HttpFront, RecordedRequest
from .interactions import (
    COMMAND,
    COMPONENT,
    FORM_SUBMIT,
    MESSAGE_COMMAND,
    Interaction,
    OptionValue,
    chosen_data,
    form_data,
    interaction_payload,
    slash_data,
)
from .messages import Attachment, Message, Messages, Posted, forwarding
from .posting import Postbox
from .world import Channel, Json, User, World

T = TypeVar("T")

_PROBE_EVERY_S = 0.02
TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAw.GloopB.this-token-opens-nothing-but-the-loopback"


class DiscordServer:
    """A Discord on 127.0.0.1, at a port of the system's choice, between `async with` and its end.

    Times are in seconds. Whatever waits raises TimeoutError, saying what the client did instead.

    `privileged_intents`: the bits switched on in the application's portal; a client that
    identifies with others is closed with 4014. `openapi`: Discord's own document; with it every
    JSON body in both directions is checked (slow: not for a load test), see `violations`.

    Shards whose numbers have the same remainder by `max_concurrency` may identify once in
    `identify_seconds`; Discord has 5, and 0 allows all.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        privileged_intents: int = 0,
        openapi: Path | None = None,
        max_concurrency: int = 1,
        identify_seconds: float = 0.0,
    ) -> None:
        self.token = token
        self.world = World()
        self.bot, self.owner = self.world.bot, self.world.owner
        self.admin, self.member = self.world.admin, self.world.member
        self.guild = self.world.guild
        self.channel, self.other_channel = self.world.channel, self.world.other_channel

        self.messages: list[Posted] = []
        """What the bot posted, in order; a deferred answer appears once it is filled."""
        self._unclaimed: deque[Posted] = deque()
        self._replies: dict[int, Posted] = {}
        self._awaited_replies: dict[int, asyncio.Event] = {}
        self._interactions: dict[str, Interaction] = {}
        self._changed = asyncio.Event()

        self._store = Messages(self.world)
        self._faults = Faults()
        self._gateway = Gateway(
            self.world,
            token,
            privileged_intents,
            self._note_change,
            max_concurrency=max_concurrency,
            identify_seconds=identify_seconds,
        )
        self._postbox = Postbox(self.world, self._store, self._gateway, self._note_posted)
        self._api = Api(
            self.world,
            self._store,
            self._postbox,
            self._interactions,
            reads_all_content=bool(privileged_intents & MESSAGE_CONTENT),
            max_concurrency=max_concurrency,
        )
        self._operations = self._api.operations()
        self._front = HttpFront(
            self._operations,
            self._store,
            self._faults,
            None if openapi is None else Contract(openapi),
            token,
            self._note_change,
        )
        self.requests: list[RecordedRequest] = self._front.requests
        """Every request of a known route, in the order of the answers."""
        self.unknown_requests: list[str] = self._front.unknown_requests
        """`METHOD /path` of each request that the server does not know; meant to stay empty."""
        self.violations: list[str] = self._front.violations
        """Where a body broke Discord's contract, in words; always empty without `openapi`."""
        self.commands: dict[int | None, list[Json]] = self._api.commands
        """The registered application commands by guild id; those under None are global."""
        self.typing: list[int] = self._api.typing
        """The channel id of each typing indicator."""
        self.identifies: list[Json] = self._gateway.identifies
        """The data of each accepted IDENTIFY: `intents`, `token`, `properties`."""
        self.resumes: list[Json] = self._gateway.resumes
        """The data of each accepted RESUME: `session_id`, `seq`, `token`."""

        self._runner: web.AppRunner | None = None
        self._port = 0

    # Life

    async def __aenter__(self) -> Self:
        application = self._front.application()
        application.router.add_get("/gateway/", self._gateway.handle)
        application.router.add_get("/resume/", self._gateway.handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        self._store.cdn_base = f"http://127.0.0.1:{self._port}"
        self._api.gateway_url = str(self.gateway_url)
        self._gateway.resume_url = f"ws://127.0.0.1:{self._port}/resume/"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self._gateway.aclose()
        await self._runner.cleanup()

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self._port}{API_PREFIX}"

    @property
    def gateway_url(self) -> URL:
        return URL(f"ws://127.0.0.1:{self._port}/gateway/")

    @property
    def heartbeats(self) -> int:
        """How many heartbeats were received and acknowledged."""
        return self._gateway.heartbeats

    @property
    def shards(self) -> set[int]:
        """The numbers of the shards that are connected."""
        return self._gateway.shards

    @property
    def refused_identifies(self) -> int:
        """How many IDENTIFYs came too early for their group of shards."""
        return self._gateway.refused

    def set_heartbeat(self, seconds: float = HEARTBEAT_SECONDS) -> None:
        """Asks connections from now on for a heartbeat in this interval."""
        self._gateway.heartbeat_seconds = seconds

    # Waiting

    async def wait_until(self, probe: Callable[[], T | None], timeout: float = 5.0) -> T:
        """The probe's first true value.

        It is asked again after every request and connection, and, for what the server cannot see,
        every 20 ms.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (found := probe()):
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_PROBE_EVERY_S):
                            await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {timeout} s. {self._account()}") from None
        return found

    async def ready(self, timeout: float = 5.0) -> None:
        """Wait until a client has identified or resumed and is connected."""
        await self.wait_until(lambda: self._gateway.is_connected, timeout)

    async def wait_for_message(
        self, predicate: Callable[[Posted], bool] | None = None, timeout: float = 5.0
    ) -> Posted:
        """The oldest message of the bot that satisfies the predicate.

        Messages posted before the call count, and each is handed out once.
        """

        def claim() -> Posted | None:
            for posted in self._unclaimed:
                if predicate is None or predicate(posted):
                    self._unclaimed.remove(posted)
                    return posted
            return None

        return await self.wait_until(claim, timeout)

    async def wait_for_reply(self, message_id: int, timeout: float = 5.0) -> Posted:
        """The bot's first reply to this message; at constant cost, so fit for a load test."""
        if message_id not in self._replies:
            answered = self._awaited_replies.setdefault(message_id, asyncio.Event())
            try:
                async with asyncio.timeout(timeout):
                    await answered.wait()
            except TimeoutError:
                missing = f"no reply to {message_id} within {timeout} s. {self._account()}"
                raise TimeoutError(missing) from None
        return self._replies[message_id]

    def _account(self) -> str:
        """What the client did of late, for the message of a failed wait."""
        posted = [message.content for message in self.messages[-3:]]
        requests = [f"{r.method} {r.path} {r.status}" for r in self.requests[-5:]]
        return f"Posted: {posted}; asked: {requests}; unknown: {self.unknown_requests}"

    def _note_change(self) -> None:
        self._changed.set()  # wakes whoever waits now
        self._changed.clear()

    def _note_posted(self, posted: Posted) -> None:
        self.messages.append(posted)
        self._unclaimed.append(posted)
        if posted.reply_to is not None and posted.reply_to not in self._replies:
            self._replies[posted.reply_to] = posted
            awaited = self._awaited_replies.pop(posted.reply_to, None)
            if awaited is not None:
                awaited.set()
        self._note_change()

    # Users

    async def say(
        self,
        channel: Channel,
        text: str,
        *,
        author: User | None = None,
        mention_bot: bool = True,
        reply_to: Message | int | None = None,
        ping_reply: bool = True,
        attachments: Sequence[Attachment] = (),
        forward: Message | int | None = None,
    ) -> int:
        """A user (default: `member`) writes; returns the message's id.

        `mention_bot` puts the bot's mention in front, unless the text has it already. The bot is
        sent no content where Discord withholds it: see `Message.visible`. `forward` is a message
        that this one forwards.
        """
        if mention_bot and self.bot.mention not in text:
            text = f"{self.bot.mention} {text}"
        replied_to = self.message(reply_to) if isinstance(reply_to, int) else reply_to
        payload = self._store.payload(
            channel,
            author or channel.recipient or self.member,
            text,
            reply_to=replied_to,
            ping_reply=ping_reply,
            attachments=[self._store.upload(channel, file) for file in attachments],
        )
        if forward is not None:
            forwarded = self.message(forward) if isinstance(forward, int) else forward
            payload |= forwarding(forwarded)
        is_visible = (
            channel.guild is None or author is self.bot or self.bot.payload in payload["mentions"]
        )
        message = Message(payload, channel, is_visible, replied_to)
        self._store.add(message)
        await self._postbox.announce("MESSAGE_CREATE", message)
        return message.id

    async def dm(
        self,
        text: str,
        *,
        author: User | None = None,
        attachments: Sequence[Attachment] = (),
        forward: Message | int | None = None,
    ) -> int:
        """A user (default: `member`) writes to the bot directly."""
        channel = self.world.dm_channel(author or self.member)
        return await self.say(
            channel, text, mention_bot=False, attachments=attachments, forward=forward
        )

    async def edit(self, message_id: int, text: str, *, mention_bot: bool = True) -> None:
        """A user changes what they wrote; in a guild, `mention_bot` as for `say`."""
        message = self.message(message_id)
        if message.channel.guild is not None and mention_bot and self.bot.mention not in text:
            text = f"{self.bot.mention} {text}"
        edited = {"content": text, "edited_timestamp": datetime.now(UTC).isoformat()}
        message.payload |= {**edited, **self._store.mentions(text, None)}
        is_mentioned = self.bot.payload in message.payload["mentions"]
        message.visible = message.channel.guild is None or is_mentioned
        await self.repeat_edit(message_id)

    async def repeat_edit(self, message_id: int) -> None:
        """Discord sends MESSAGE_UPDATE, as it also does once it has fetched a link's preview."""
        await self._postbox.announce("MESSAGE_UPDATE", self.message(message_id))

    async def delete(self, message: Message | int) -> None:
        """A user deletes the message: a reply to it is refused from now on."""
        await self._postbox.delete(self.message(message) if isinstance(message, int) else message)

    async def react(
        self, message: Message | int, emoji: str, *, author: User | None = None, add: bool = True
    ) -> None:
        """A user (default: `member`) reacts to a message, or takes the reaction away."""
        target = self.message(message) if isinstance(message, int) else message
        channel = target.channel
        user = author or channel.recipient or self.member
        data: Json = {
            "user_id": str(user.id),
            "channel_id": str(channel.id),
            "message_id": str(target.id),
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        if channel.guild is not None:
            data["guild_id"] = str(channel.guild.id)
            if add:
                data["member"] = channel.guild.members[user.id].full_payload
        if add:
            data["message_author_id"] = target.payload["author"]["id"]
        intent = DIRECT_REACTIONS if channel.guild is None else GUILD_REACTIONS
        event = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
        await self._gateway.dispatch(event, data, intent=intent)

    async def slash(
        self,
        name: str,
        options: Mapping[str, OptionValue] | None = None,
        *,
        author: User | None = None,
        permissions: int | None = None,
        channel: Channel | None = None,
    ) -> Interaction:
        """A user runs a slash command; `name` includes its groups, as in "model promote".

        `permissions` is what the user may do in the channel (bits), by default what the roles
        grant. The command need not be registered.
        """
        channel = channel or self.channel
        data = slash_data(name.split(), options or {}, channel, self._store)
        return await self._interact(
            COMMAND, self._named(data, channel), channel, author, permissions
        )

    async def message_command(
        self,
        name: str,
        target: Message | int,
        *,
        author: User | None = None,
        permissions: int | None = None,
    ) -> Interaction:
        """A user picks a command from a message's menu; the bot may read that message."""
        message = self.message(target) if isinstance(target, int) else target
        data = {
            "name": name,
            "type": MESSAGE_COMMAND,
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): message.payload}},
        }
        data = self._named(data, message.channel)
        return await self._interact(COMMAND, data, message.channel, author, permissions)

    async def press(
        self,
        message: Posted,
        custom_id: str,
        *,
        author: User | None = None,
        permissions: int | None = None,
        values: Sequence[str] = (),
    ) -> Interaction:
        """A user presses a button, or picks `values` from a select menu.

        LookupError where the message has no such component, ValueError where it is disabled.
        """
        component = message.component(custom_id)
        if component.get("disabled"):
            raise ValueError(f"component {custom_id!r} is disabled")
        data = chosen_data(component, values, message.channel)
        return await self._interact(COMPONENT, data, message.channel, author, permissions, message)

    async def submit(
        self, opened: Interaction, values: Mapping[str, str], *, permissions: int | None = None
    ) -> Interaction:
        """The user fills in and submits the form that answered `opened`, by the fields' custom ids.

        LookupError where there is no such form or field.
        """
        data = form_data(opened.form, values)
        where = (opened.channel, opened.user, permissions, opened.message)
        return await self._interact(FORM_SUBMIT, data, *where)

    def message(self, message_id: int) -> Message:
        """A stored message by id; LookupError where there is none, or none any more."""
        message = self._store.get(message_id)
        if message is None:
            raise LookupError(f"no message {message_id}")
        return message

    def _named(self, data: Json, channel: Channel) -> Json:
        """The data of a command under the id that the client registered it with."""
        for guild_id in (channel.guild.id if channel.guild else None, None):
            for command in self.commands.get(guild_id, []):
                if (command["name"], command["type"]) == (data["name"], data["type"]):
                    scope = {} if guild_id is None else {"guild_id": str(guild_id)}
                    return {**data, "id": command["id"], **scope}
        return {**data, "id": str(self.world.new_id())}

    async def _interact(
        self,
        kind: int,
        data: Json,
        channel: Channel,
        author: User | None,
        permissions: int | None,
        message: Posted | None = None,
    ) -> Interaction:
        user = author or channel.recipient or self.member
        token = secrets.token_urlsafe(48)
        interaction = Interaction(self.world.new_id(), token, kind, data, channel, user, message)
        self._interactions[token] = interaction
        payload = interaction_payload(interaction, self.world, permissions)
        await self._gateway.dispatch("INTERACTION_CREATE", payload)
        return interaction

    # Trouble

    async def send_event(self, event: str, data: object) -> None:
        """A gateway event as it stands, however little sense it makes."""
        await self._gateway.dispatch(event, data)

    def list_oldest_first(self) -> None:
        """From now on histories come in the order in which some compatible servers give them."""
        self._store.oldest_first = True

    def fail(
        self,
        method: str,
        route: str,
        *,
        status: int | None = None,
        code: int | None = None,
        retry_after: float = 1.0,
        delay: float = 0.0,
        until: asyncio.Event | None = None,
        reset: bool = False,
        times: int = 1,
    ) -> Fault:
        """Spoil the next `times` requests of a route, named as in Discord's OpenAPI document.

        `status` refuses them, with Discord's usual `code` for it unless one is given (429 with
        `retry_after` seconds); `reset` cuts the connection with a RST; `delay` and
        `until` alone only slow them down. Failures of one route are met in the order in which they
        were armed.
        """
        if (method, route) not in self._operations:
            raise ValueError(f"no operation {method} {route}")
        fault = Fault(times, status, code, retry_after, delay, until, reset)
        self._faults.arm(method, route, fault)
        return fault

    async def close_gateway(self, code: int | None = None, *, shard: int | None = None) -> None:
        """Close the websocket with this code, or cut it without one; the session is resumable.

        `shard`: only that of this shard.
        """
        await self._gateway.close_connections(code, shard)

    async def request_reconnect(self) -> None:
        """Op 7: ask the client to reconnect and resume."""
        await self._gateway.reconnect()

    async def invalidate_session(
        self, *, resumable: bool = False, shard: int | None = None
    ) -> None:
        """Op 9: tell the client (or its `shard`) to identify anew, or, if `resumable`, to resume.

        What is said until then reaches it only through the channel's history.
        """
        await self._gateway.invalidate(resumable=resumable, shard=shard)
