"""Interactions: a command or a button press on the wire, and how it was answered."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .messages import Attachment, Messages, Posted
from .world import EVERY_PERMISSION, TEXT_PERMISSIONS, Channel, Json, Role, User, World

OptionValue = str | int | float | bool | User | Role | Channel | Attachment

COMMAND, COMPONENT, FORM_SUBMIT = 2, 3, 5
CHAT_INPUT, MESSAGE_COMMAND = 1, 3
_FORM = 9  # the type of an answer
_ROLE_MENU, _CHANNEL_MENU = 6, 8  # types of a component
_LABEL = 18


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
    def form(self) -> Json:
        """The form that it was answered with; LookupError where it was not."""
        if self.response_type != _FORM:
            raise LookupError(f"interaction {self.id} was not answered with a form")
        assert self.response is not None
        form: Json = self.response["data"]
        return form

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


def chosen_data(component: Json, values: Sequence[str], channel: Channel) -> Json:
    """The `data` of a component that was used; what is chosen by id is described in `resolved`."""
    data: Json = {
        "custom_id": component["custom_id"],
        "component_type": component["type"],
        "id": component["id"],
    }
    if component["type"] in (_ROLE_MENU, _CHANNEL_MENU) or values:
        data["values"] = list(values)
    guild = channel.guild
    if guild is not None and component["type"] == _ROLE_MENU:
        described = {value: guild.roles[int(value)].payload for value in values}
        data["resolved"] = {"roles": described}
    if guild is not None and component["type"] == _CHANNEL_MENU:
        everything = {"permissions": str(EVERY_PERMISSION)}
        # A modified client can send the id of any channel.
        known = [value for value in values if int(value) in guild.channels]
        described = {value: guild.channels[int(value)].payload | everything for value in known}
        data["resolved"] = {"channels": described}
    return data


def form_data(form: Json, values: Mapping[str, str]) -> Json:
    """The `data` of a form that was submitted with these values by custom id; LookupError where it
    has no such field. What is not named stays as it was shown."""
    unknown = set(values)
    labels = []
    for number, label in enumerate(form["components"]):
        assert label["type"] == _LABEL
        field = label["component"]
        name = field["custom_id"]
        value = values.get(name, field.get("value", ""))
        unknown.discard(name)
        answer = {"type": field["type"], "custom_id": name, "value": value, "id": 2 * number + 2}
        labels.append({"type": _LABEL, "id": 2 * number + 1, "component": answer})
    if unknown:
        raise LookupError(f"the form has no field {sorted(unknown)}")
    return {"custom_id": form["custom_id"], "components": labels}
