"""The REST operations, each under its path in Discord's OpenAPI document.

An operation takes a `Call` and returns a status and a JSON value (None: no body).
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .faults import ApiError
from .interactions import Interaction
from .messages import LOADING, Attachment, Message, Messages, Posted
from .posting import Postbox
from .world import Channel, Guild, Json, World

_ANSWER_WITHIN_S = 3.0
_TOKEN_LIVES_S = 15 * 60.0

# Interaction callback types (docs.discord.com, Interactions, "Interaction Callback Type").
MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE_MESSAGE = 4, 5, 6, 7


@dataclass
class Call:
    """One request: path parameters, query, JSON body and uploaded files."""

    params: dict[str, str]
    query: dict[str, str]
    body: Any
    files: list[Attachment]

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")

    def id(self, name: str) -> int:
        value = self.params[name]
        return int(value) if value.isdecimal() else 0


Reply = tuple[int, Any]
Operation = Callable[[Call], Awaitable[Reply]]


class Api:
    """Every operation, over the state that the gateway shares."""

    def __init__(
        self,
        world: World,
        messages: Messages,
        postbox: Postbox,
        interactions: dict[str, Interaction],
        *,
        reads_all_content: bool,
        max_concurrency: int = 1,
    ) -> None:
        self._world = world
        self._messages = messages
        self._postbox = postbox
        self._interactions = interactions
        self._reads_all_content = reads_all_content
        self._max_concurrency = max_concurrency
        self.gateway_url = ""
        self.commands: dict[int | None, list[Json]] = {}
        """The registered commands by guild id (None: global), as Discord returns them."""
        self.typing: list[int] = []
        """The channel id of each typing indicator."""

    def operations(self) -> dict[tuple[str, str], Operation]:
        """By method and path. A fixed segment comes before a parameter in the same place."""
        commands = "/applications/{application_id}/commands"
        guild_commands = "/applications/{application_id}/guilds/{guild_id}/commands"
        message = "/channels/{channel_id}/messages/{message_id}"
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        return {
            ("GET", "/gateway"): self._gateway,
            ("GET", "/gateway/bot"): self._gateway_bot,
            ("GET", "/users/@me"): self._me,
            ("POST", "/users/@me/channels"): self._open_dm,
            ("GET", "/users/{user_id}"): self._user,
            ("GET", "/applications/@me"): self._application,
            ("GET", "/oauth2/applications/@me"): self._application,
            ("GET", commands): self._list_commands,
            ("PUT", commands): self._set_commands,
            ("POST", commands): self._add_command,
            ("GET", guild_commands): self._list_commands,
            ("PUT", guild_commands): self._set_commands,
            ("POST", guild_commands): self._add_command,
            ("GET", "/guilds/{guild_id}"): self._guild,
            ("GET", "/guilds/{guild_id}/members"): self._members,
            ("GET", "/guilds/{guild_id}/members/{user_id}"): self._member,
            ("GET", "/channels/{channel_id}"): self._channel,
            ("PATCH", "/channels/{channel_id}"): self._edit_thread,
            ("POST", "/channels/{channel_id}/threads"): self._start_thread,
            ("PUT", "/channels/{channel_id}/thread-members/{user_id}"): self._add_to_thread,
            ("POST", "/channels/{channel_id}/typing"): self._typing,
            ("GET", "/channels/{channel_id}/messages"): self._history,
            ("POST", "/channels/{channel_id}/messages"): self._post,
            ("GET", message): self._get_message,
            ("PATCH", message): self._edit_message,
            ("DELETE", message): self._delete_message,
            ("POST", "/interactions/{interaction_id}/{interaction_token}/callback"): self._answer,
            ("POST", webhook): self._follow_up,
            ("GET", webhook + "/messages/@original"): self._get_response,
            ("PATCH", webhook + "/messages/@original"): self._edit_response,
            ("DELETE", webhook + "/messages/@original"): self._delete_response,
            ("GET", webhook + "/messages/{message_id}"): self._get_response,
            ("PATCH", webhook + "/messages/{message_id}"): self._edit_response,
            ("DELETE", webhook + "/messages/{message_id}"): self._delete_response,
        }

    # Gateway, users, application

    async def _gateway(self, _call: Call) -> Reply:
        return 200, {"url": self.gateway_url}

    async def _gateway_bot(self, _call: Call) -> Reply:
        limit = {
            "total": 1000,
            "remaining": 999,
            "reset_after": 86_400_000,
            "max_concurrency": self._max_concurrency,
        }
        return 200, {"url": self.gateway_url, "shards": 1, "session_start_limit": limit}

    async def _me(self, _call: Call) -> Reply:
        private = {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}
        return 200, {**self._world.bot.payload, **private}

    async def _user(self, call: Call) -> Reply:
        user = self._world.users.get(call.id("user_id"))
        if user is None:
            raise ApiError(404, 10013, "Unknown User")
        return 200, user.payload

    async def _open_dm(self, call: Call) -> Reply:
        user = self._world.users.get(int(call.body["recipient_id"]))
        if user is None:
            raise ApiError(404, 10013, "Unknown User")
        return 200, self._world.dm_channel(user).payload

    async def _application(self, _call: Call) -> Reply:
        bot = self._world.bot
        return 200, {
            "id": str(bot.id),
            "name": bot.name,
            "icon": None,
            "description": "",
            "type": None,
            "bot": bot.payload,
            "owner": self._world.owner.payload,
            "team": None,
            "bot_public": False,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": 0,
            "flags_new": "0",
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "approximate_guild_count": len(self._world.guilds),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "eligible_oauth2_scopes": [],
        }

    # Application commands

    def _scope(self, call: Call) -> int | None:
        return self._find_guild(call).id if "guild_id" in call.params else None

    def _registered(self, body: Json, guild_id: int | None) -> Json:
        granted = body.get("default_member_permissions")
        command: Json = {
            "type": 1,
            "description": "",
            **{name: value for name, value in body.items() if value is not None},
            "id": str(self._world.new_id()),
            "application_id": str(self._world.bot.id),
            "version": str(self._world.new_id()),
            "default_member_permissions": None if granted is None else str(granted),
        }
        return command if guild_id is None else {**command, "guild_id": str(guild_id)}

    async def _list_commands(self, call: Call) -> Reply:
        return 200, self.commands.get(self._scope(call), [])

    async def _set_commands(self, call: Call) -> Reply:
        guild_id = self._scope(call)
        self.commands[guild_id] = [self._registered(body, guild_id) for body in call.body]
        return 200, self.commands[guild_id]

    async def _add_command(self, call: Call) -> Reply:
        """Register one command, in place of one of the same name and type."""
        guild_id = self._scope(call)
        added = self._registered(call.body, guild_id)
        others = [
            command
            for command in self.commands.get(guild_id, [])
            if (command["name"], command["type"]) != (added["name"], added["type"])
        ]
        self.commands[guild_id] = [*others, added]
        return 201, added

    # Guilds and channels

    def _find_guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.id("guild_id"))
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        return guild

    def _find_channel(self, call: Call) -> Channel:
        channel = self._world.channels.get(call.id("channel_id"))
        if channel is None:
            raise ApiError(404, 10003, "Unknown Channel")
        return channel

    async def _guild(self, call: Call) -> Reply:
        return 200, self._find_guild(call).payload

    async def _members(self, call: Call) -> Reply:
        """Ascending by user id, from after `after`."""
        after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 1))
        members = self._find_guild(call).members.values()
        return 200, [m.full_payload for m in members if m.user.id > after][:limit]

    async def _member(self, call: Call) -> Reply:
        member = self._find_guild(call).members.get(call.id("user_id"))
        if member is None:
            raise ApiError(404, 10007, "Unknown Member")
        return 200, member.full_payload

    async def _channel(self, call: Call) -> Reply:
        return 200, self._find_channel(call).payload

    async def _typing(self, call: Call) -> Reply:
        self.typing.append(self._find_channel(call).id)
        return 204, None

    # Threads

    async def _start_thread(self, call: Call) -> Reply:
        """A private thread of the bot."""
        thread = self._world.add_thread(
            call.body["name"], self._find_channel(call), self._world.bot
        )
        await self._postbox.announce_thread("THREAD_CREATE", thread)
        return 201, thread.payload

    def _find_thread(self, call: Call) -> Channel:
        thread = self._find_channel(call)
        if thread.parent is None:
            raise ApiError(400, 50024, "Cannot execute action on this channel type")
        return thread

    async def _add_to_thread(self, call: Call) -> Reply:
        self._find_thread(call).thread_members.add(call.id("user_id"))
        return 204, None

    async def _edit_thread(self, call: Call) -> Reply:
        thread = self._find_thread(call)
        thread.archived = call.body.get("archived", thread.archived)
        await self._postbox.announce_thread("THREAD_UPDATE", thread)
        return 200, thread.payload

    # Messages

    def _find_message(self, call: Call) -> Message:
        message = self._messages.get(call.id("message_id"))
        if message is None or message.channel is not self._find_channel(call):
            raise ApiError(404, 10008, "Unknown Message")
        return message

    def _find_own(self, call: Call) -> Posted:
        message = self._find_message(call)
        if not isinstance(message, Posted):
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        return message

    async def _history(self, call: Call) -> Reply:
        bounds = {
            name: int(call.query[name]) if name in call.query else None
            for name in ("before", "after")
        }
        limit = int(call.query.get("limit", 50))
        found = self._messages.history(self._find_channel(call), limit=limit, **bounds)
        return 200, [message.wire(all_content=self._reads_all_content) for message in found]

    async def _post(self, call: Call) -> Reply:
        posted = await self._postbox.create(self._find_channel(call), call.body, call.files)
        return 200, posted.wire(all_content=True)

    async def _get_message(self, call: Call) -> Reply:
        return 200, self._find_message(call).wire(all_content=self._reads_all_content)

    async def _edit_message(self, call: Call) -> Reply:
        return await self._edit(self._find_own(call), call)

    async def _edit(self, posted: Posted, call: Call) -> Reply:
        await self._postbox.edit(posted, call.body, call.files)
        return 200, posted.wire(all_content=True)

    async def _delete_message(self, call: Call) -> Reply:
        await self._postbox.delete(self._find_message(call))
        return 204, None

    # Interactions

    async def _answer(self, call: Call) -> Reply:
        """The first answer: within 3 s, and once."""
        interaction = self._interactions.get(call.params["interaction_token"])
        now = time.monotonic()
        if interaction is None or now - interaction.created_at > _ANSWER_WITHIN_S:
            raise ApiError(404, 10062, "Unknown interaction")
        if interaction.response is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        kind, data = call.body["type"], call.body.get("data") or {}
        if kind == MESSAGE:
            interaction.original = await self._postbox.create(
                interaction.channel, data, call.files, interaction
            )
        elif kind == DEFERRED_MESSAGE:
            interaction.original = await self._postbox.defer(interaction, data.get("flags", 0))
        elif kind in (DEFERRED_UPDATE, UPDATE_MESSAGE):
            if interaction.message is None:
                raise ApiError(400, 50035, "Invalid Form Body")
            interaction.original = interaction.message
            if kind == UPDATE_MESSAGE:
                await self._postbox.edit(interaction.message, data, call.files)
        interaction.response = call.body
        interaction.answered_after_s = now - interaction.created_at
        if call.flag("with_response"):
            return 200, _callback_payload(interaction, kind)
        return 204, None

    def _find_interaction(self, call: Call) -> Interaction:
        """By its token, which works as a webhook from the first answer on, for 15 minutes."""
        interaction = self._interactions.get(call.params["webhook_token"])
        if interaction is None or interaction.response is None:
            raise ApiError(404, 10015, "Unknown Webhook")
        if time.monotonic() - interaction.created_at > _TOKEN_LIVES_S:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        return interaction

    def _find_response(self, call: Call) -> Posted:
        """The message named by the path; without a `message_id` there, the original."""
        interaction = self._find_interaction(call)
        found: Message | None = interaction.original
        if "message_id" in call.params:
            found = self._messages.get(call.id("message_id"))
        if not isinstance(found, Posted) or found.deleted:
            raise ApiError(404, 10008, "Unknown Message")
        return found

    async def _follow_up(self, call: Call) -> Reply:
        """A further message; the first one after a deferral takes the placeholder's place."""
        interaction = self._find_interaction(call)
        posted = interaction.original
        if posted is not None and posted.flags & LOADING:
            await self._postbox.edit(posted, call.body, call.files)
        else:
            posted = await self._postbox.create(
                interaction.channel, call.body, call.files, interaction
            )
        return (200, posted.wire(all_content=True)) if call.flag("wait") else (204, None)

    async def _get_response(self, call: Call) -> Reply:
        return 200, self._find_response(call).wire(all_content=True)

    async def _edit_response(self, call: Call) -> Reply:
        return await self._edit(self._find_response(call), call)

    async def _delete_response(self, call: Call) -> Reply:
        await self._postbox.delete(self._find_response(call))
        return 204, None


def _callback_payload(interaction: Interaction, kind: int) -> Json:
    """The answer to a callback that asked for one (`with_response`)."""
    described: Json = {"id": str(interaction.id), "type": interaction.type}
    original = interaction.original
    if original is None:
        return {"interaction": described}
    described |= {
        "channel_id": str(interaction.channel.id),
        "response_message_id": str(original.id),
        "response_message_loading": bool(original.flags & LOADING),
        "response_message_ephemeral": original.ephemeral,
    }
    if kind not in (MESSAGE, UPDATE_MESSAGE):
        return {"interaction": described}
    return {
        "interaction": described,
        "resource": {"type": kind, "message": original.wire(all_content=True)},
    }
