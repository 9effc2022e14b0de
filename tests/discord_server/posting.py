"""What happens to a message of the bot: checked, stored, shown to the test, sent to the gateway."""

from collections.abc import Callable
from datetime import UTC, datetime

from .faults import ApiError, form_error
from .gateway import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS, Gateway
from .interactions import COMMAND, COMPONENT, MESSAGE_COMMAND, Interaction
from .messages import (
    EPHEMERAL,
    LOADING,
    Attachment,
    Message,
    Messages,
    Posted,
    stored_components,
    stored_embeds,
)
from .world import Channel, Json, World

_CONTENT_LIMIT = 2000
_SUBSTANCE = ("embeds", "components", "attachments", "sticker_ids", "poll")
# The message types that mark the answer to a slash command and to a message command.
_CHAT_INPUT_COMMAND, _CONTEXT_MENU_COMMAND = 20, 23


class Postbox:
    """Creates, edits and deletes messages on the bot's behalf."""

    def __init__(
        self,
        world: World,
        messages: Messages,
        gateway: Gateway,
        on_posted: Callable[[Posted], None],
    ) -> None:
        self._world = world
        self._messages = messages
        self._gateway = gateway
        self._on_posted = on_posted
        self._by_nonce: dict[str, Posted] = {}

    async def create(
        self,
        channel: Channel,
        body: Json,
        files: list[Attachment],
        interaction: Interaction | None = None,
    ) -> Posted:
        """Post a message; with `enforce_nonce`, a repeated nonce yields the first one again."""
        nonce = body.get("nonce") if body.get("enforce_nonce") else None
        if nonce is not None and nonce in self._by_nonce:
            return self._by_nonce[nonce]
        posted = self._new(channel, body, interaction)
        self._write(posted, body, files)
        if nonce is not None:
            self._by_nonce[nonce] = posted
        self._messages.add(posted)
        self._on_posted(posted)
        await self.announce("MESSAGE_CREATE", posted)
        return posted

    async def defer(self, interaction: Interaction, flags: int) -> Posted:
        """Post the placeholder that reads "thinking"; the test sees it once it is filled."""
        posted = self._new(interaction.channel, {}, interaction)
        posted.payload["flags"] = LOADING | flags & EPHEMERAL
        self._messages.add(posted)
        await self.announce("MESSAGE_CREATE", posted)
        return posted

    async def edit(self, posted: Posted, body: Json, files: list[Attachment]) -> None:
        """Change a message, or give a deferred one its content, which counts as no edit."""
        was_loading = posted.flags & LOADING
        self._write(posted, body, files)
        if was_loading:
            posted.request = body
            posted.payload["flags"] &= ~LOADING
            self._on_posted(posted)
        else:
            posted.edits.append(body)
            posted.payload["edited_timestamp"] = datetime.now(UTC).isoformat()
        await self.announce("MESSAGE_UPDATE", posted)

    async def delete(self, message: Message) -> None:
        self._messages.remove(message)
        channel = message.channel
        data: Json = {"id": str(message.id), "channel_id": str(channel.id)}
        if channel.guild is not None:
            data["guild_id"] = str(channel.guild.id)
        await self._gateway.dispatch("MESSAGE_DELETE", data, intent=_intent(channel))

    async def announce(self, event: str, message: Message) -> None:
        """Send the message to the gateway; an ephemeral one exists only for its user."""
        if isinstance(message, Posted) and message.ephemeral:
            return
        data = message.gateway(self._world, all_content=True)
        withheld = None
        if not message.visible:
            withheld = message.gateway(self._world, all_content=False)
        await self._gateway.dispatch(
            event, data, intent=_intent(message.channel), withheld=withheld
        )

    async def announce_thread(self, event: str, thread: Channel) -> None:
        """Send a thread to the gateway, as its maker hears of it."""
        await self._gateway.dispatch(event, thread.payload, intent=GUILDS)

    def _new(self, channel: Channel, body: Json, interaction: Interaction | None) -> Posted:
        reply_to = self._reply_target(body)
        allowed = body.get("allowed_mentions")
        payload = self._messages.payload(
            channel,
            self._world.bot,
            "",
            reply_to=reply_to,
            ping_reply=allowed is None or bool(allowed.get("replied_user")),
        )
        if interaction is not None:
            payload |= self._response_fields(interaction)
        return Posted(payload, channel, True, reply_to, request=body, interaction=interaction)

    def _reply_target(self, body: Json) -> Message | None:
        reference = body.get("message_reference")
        if not reference:
            return None
        target = self._messages.get(int(reference["message_id"]))
        if target is None and reference.get("fail_if_not_exists", True):
            raise form_error("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return target

    def _response_fields(self, interaction: Interaction) -> Json:
        """The fields in which an interaction's response differs from a regular message."""
        metadata: Json = {
            "id": str(interaction.id),
            "type": interaction.type,
            "user": interaction.user.payload,
            "authorizing_integration_owners": {},
        }
        fields: Json = {
            "webhook_id": str(self._world.bot.id),
            "application_id": str(self._world.bot.id),
            "interaction_metadata": metadata,
        }
        if interaction.type == COMMAND:
            is_menu = interaction.data["type"] == MESSAGE_COMMAND
            fields["type"] = _CONTEXT_MENU_COMMAND if is_menu else _CHAT_INPUT_COMMAND
        if interaction.type == COMPONENT and interaction.message is not None:
            metadata["interacted_message_id"] = str(interaction.message.id)
        return fields

    def _write(self, posted: Posted, body: Json, files: list[Attachment]) -> None:
        """Apply what the body names to the stored message, refusing what Discord would refuse."""
        content = body.get("content", posted.content) or ""
        if len(content) > _CONTENT_LIMIT:
            limit = f"Must be {_CONTENT_LIMIT} or fewer in length."
            raise form_error("content", "BASE_TYPE_MAX_LENGTH", limit)
        payload = posted.payload
        if not content and not files and not any((payload | body).get(part) for part in _SUBSTANCE):
            raise ApiError(400, 50006, "Cannot send an empty message")
        if "content" in body:
            named = self._messages.mentions(content, body.get("allowed_mentions"))
            # Whom the message pings already, it goes on pinging: the author replied to, above all.
            named["mentions"] += [u for u in payload["mentions"] if u not in named["mentions"]]
            payload |= {"content": content, **named}
        if "embeds" in body:
            payload["embeds"] = stored_embeds(body["embeds"] or [])
        if "components" in body:
            payload["components"] = stored_components(body["components"] or [])
        if "flags" in body:
            payload["flags"] |= body["flags"]
        if "attachments" in body:
            kept = {str(entry["id"]) for entry in body["attachments"]}
            payload["attachments"] = [old for old in payload["attachments"] if old["id"] in kept]
        payload["attachments"] += [self._messages.upload(posted.channel, file) for file in files]
        posted.files = [self._messages.uploads[int(a["id"])] for a in payload["attachments"]]


def _intent(channel: Channel) -> int:
    return DIRECT_MESSAGES if channel.guild is None else GUILD_MESSAGES
