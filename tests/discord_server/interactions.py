"""Interactions: a command or a button press on the wire, and how it was answered."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from .messages import Attachment, Messages, Posted
from .world import EVERY_PERMISSION, TEXT_PERMISSIONS, Channel, Json, Role, User, World

OptionValue = str | int | float | bool | User | Role | Channel | Attachment

COMMAND, COMPONENT = 2, 3
CHAT_INPUT, MESSAGE_COMMAND = 1, 3


@dataclass(eq=False)
class Interaction:
    """One use of a command, button or form, and the client's first answer to it."""

    id: int
    token: str
    type: int
    data: Json = field(repr=False)
    channel: Channel
    user: User
    message: Posted | None = None
    """The message whose component was used."""
    created_at: float = field(default_factory=time.monotonic)
    response: Json | None = None
    """The body of the first answer, as sent: `type` and `data`."""
    answered_after_s: float | None = None
    """Seconds until the first answer; Discord allows 3."""
    original: Posted | None = field(default=None, repr=False)
    """The message behind `@original`; still loading after a deferral."""

    @property
    def response_type(self) -> int | None:
        return self.response["type"] if self.response else None


def interaction_payload(interaction: Interaction, world: World, permissions: int | None) -> Json:
    """INTERACTION_CREATE's data. `permissions`: the user's, None for what the roles grant."""
    channel, user = interaction.channel, interaction.user
    payload: Json = {
        "id": str(interaction.id),
        "application_id": str(world.bot.id),
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": {**channel.payload, "permissions": str(EVERY_PERMISSION)},
        "locale": user.locale,
        "entitlements": [],
        "app_permissions": str(TEXT_PERMISSIONS),
        "attachment_size_limit": 10 * 2**20,
    }
    if interaction.message is not None:
        payload["message"] = interaction.message.payload
    if channel.guild is None:
        owners = {"0": "0"}
        return {
            **payload,
            "user": user.payload,
            "context": 1,
            "authorizing_integration_owners": owners,
        }
    guild = channel.guild
    granted = guild.permissions_of(user) if permissions is None else permissions
    return {
        **payload,
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.preferred_locale, "features": []},
        "guild_locale": guild.preferred_locale,
        "member": {**guild.members[user.id].full_payload, "permissions": str(granted)},
        "context": 0,
        "authorizing_integration_owners": {"0": str(guild.id)},
    }


def slash_data(
    path: list[str], options: Mapping[str, OptionValue], channel: Channel, messages: Messages
) -> Json:
    """The `data` of a slash command; `path` is its name, after any groups that it is in."""
    resolved: dict[str, Json] = {}
    entries = [_option(name, value, channel, messages, resolved) for name, value in options.items()]
    for depth, word in enumerate(reversed(path[1:])):
        # Discord's option types: 1 is a subcommand, 2 the group around it.
        entries = [{"name": word, "type": 1 if depth == 0 else 2, "options": entries}]
    data: Json = {"name": path[0], "type": CHAT_INPUT, "options": entries}
    return {**data, "resolved": resolved} if resolved else data


def _option(
    name: str,
    value: OptionValue,
    channel: Channel,
    messages: Messages,
    resolved: dict[str, Json],
) -> Json:
    """One option, typed by its Python value; what it names by id is described in `resolved`."""

    def by_id(option_type: int, entity_id: int | str, kind: str, description: Json) -> Json:
        resolved.setdefault(kind, {})[str(entity_id)] = description
        return {"name": name, "type": option_type, "value": str(entity_id)}

    match value:
        case bool():  # before int, of which it is a kind
            return {"name": name, "type": 5, "value": value}
        case str():
            return {"name": name, "type": 3, "value": value}
        case int():
            return {"name": name, "type": 4, "value": value}
        case float():
            return {"name": name, "type": 10, "value": value}
        case User():
            if channel.guild is not None:
                member = channel.guild.members[value.id].payload
                granted = str(channel.guild.permissions_of(value))
                by_id(6, value.id, "members", {**member, "permissions": granted})
            return by_id(6, value.id, "users", value.payload)
        case Channel():
            described = {**value.payload, "permissions": str(EVERY_PERMISSION)}
            return by_id(7, value.id, "channels", described)
        case Role():
            return by_id(8, value.id, "roles", value.payload)
        case Attachment():
            upload = messages.upload(channel, value)
            return by_id(11, upload["id"], "attachments", upload)
