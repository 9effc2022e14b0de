"""Messages as Discord keeps them: who is pinged, what the bot may read, a channel's history."""

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice
from mimetypes import guess_type
from typing import TYPE_CHECKING

from .world import Channel, Json, User, World

if TYPE_CHECKING:
    from .interactions import Interaction

EPHEMERAL = 1 << 6
LOADING = 1 << 7
REPLY = 19

_MENTION = re.compile(r"<@([!&]?)(\d+)>")
_WITHHELD: Json = {"content": "", "attachments": [], "embeds": [], "components": []}


@dataclass(eq=False)
class Attachment:
    """A file on its way in either direction."""

    filename: str
    data: bytes = field(repr=False)
    description: str | None = None
    size: int | None = None
    """What a message says of its length. None: the truth."""


@dataclass(eq=False)
class Message:
    """A stored message. `payload` is the wire's message object with nothing withheld."""

    payload: Json = field(repr=False)
    channel: Channel
    visible: bool
    """Whether the bot may read it without the message-content intent."""
    replied_to: "Message | None" = None
    """The message that it answers."""
    deleted: bool = False

    @property
    def id(self) -> int:
        return int(self.payload["id"])

    @property
    def content(self) -> str:
        content: str = self.payload["content"]
        return content

    def wire(self, *, all_content: bool) -> Json:
        """The message object, emptied where Discord withholds its content from the bot."""
        wire = self._alone(all_content)
        if self.replied_to is None:
            return wire
        gone = self.replied_to.deleted
        referenced = None if gone else self.replied_to._alone(all_content)
        return {**wire, "referenced_message": referenced}

    def _alone(self, all_content: bool) -> Json:
        """Without the message that it answers, as answers may answer answers."""
        return self.payload if self.visible or all_content else {**self.payload, **_WITHHELD}

    def gateway(self, world: World, *, all_content: bool) -> Json:
        """The message as MESSAGE_CREATE and MESSAGE_UPDATE carry it: with the guild's members."""
        wire = self.wire(all_content=all_content)
        guild = self.channel.guild
        if guild is None:
            return wire
        author = world.users[int(wire["author"]["id"])]
        mentioned = [
            {**user, "member": guild.members[int(user["id"])].payload}
            for user in wire["mentions"]
            if int(user["id"]) in guild.members
        ]
        extra: Json = {"guild_id": str(guild.id), "mentions": mentioned}
        if author.id in guild.members and "webhook_id" not in wire:
            extra["member"] = guild.members[author.id].payload
        return {**wire, **extra}


@dataclass(eq=False)
class Posted(Message):
    """A message by the bot. The properties show it as it stands now, after every edit."""

    request: Json = field(repr=False, default_factory=dict)
    """The body of the request that created it, as sent."""
    files: list[Attachment] = field(default_factory=list)
    interaction: "Interaction | None" = None
    """The interaction that it answers, if it came through one's token."""
    edits: list[Json] = field(default_factory=list)
    """The body of each later edit, as sent, oldest first."""
    at: float = field(default_factory=time.monotonic)
    """When it was received, in seconds of `time.monotonic`."""

    @property
    def channel_id(self) -> int:
        return self.channel.id

    @property
    def reply_to(self) -> int | None:
        """The id of the message that it replies to."""
        reference = self.payload.get("message_reference")
        return int(reference["message_id"]) if reference else None

    @property
    def allowed_mentions(self) -> Json | None:
        """As sent; None means Discord's default, which pings everybody named in the text."""
        allowed: Json | None = self.request.get("allowed_mentions")
        return allowed

    @property
    def pinged(self) -> set[int]:
        """The ids of the users whom it notifies, `allowed_mentions` applied."""
        return {int(user["id"]) for user in self.payload["mentions"]}

    @property
    def pinged_roles(self) -> set[int]:
        """The ids of the roles that it notifies, likewise."""
        return set(map(int, self.payload["mention_roles"]))

    @property
    def pings_everyone(self) -> bool:
        pings: bool = self.payload["mention_everyone"]
        return pings

    @property
    def embeds(self) -> list[Json]:
        embeds: list[Json] = self.payload["embeds"]
        return embeds

    @property
    def components(self) -> list[Json]:
        components: list[Json] = self.payload["components"]
        return components

    @property
    def nonce(self) -> str | None:
        return self.request.get("nonce")

    @property
    def flags(self) -> int:
        flags: int = self.payload["flags"]
        return flags

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def interaction_id(self) -> int | None:
        return self.interaction.id if self.interaction else None

    def component(self, custom_id: str) -> Json:
        """The button or select menu with this custom id; LookupError where there is none."""
        for component in _walk(self.components):
            if component.get("custom_id") == custom_id:
                return component
        raise LookupError(f"message {self.id} has no component {custom_id!r}")


class Messages:
    """Every message of the server by id, in the order of its channel."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_id: dict[int, Message] = {}
        self.uploads: dict[int, Attachment] = {}
        """What the content-delivery route serves, by attachment id."""
        self.oldest_first = False
        """Whether histories are listed so, and not as Discord does."""
        self.cdn_base = ""
        """Where that route is, known once the server listens."""

    def get(self, message_id: int) -> Message | None:
        return self._by_id.get(message_id)

    def add(self, message: Message) -> None:
        self._by_id[message.id] = message
        message.channel.message_ids.append(message.id)

    def remove(self, message: Message) -> None:
        """Forget the message; its id stays in the channel's list, and `history` steps over it."""
        message.deleted = True
        del self._by_id[message.id]

    def history(
        self, channel: Channel, *, limit: int, before: int | None, after: int | None
    ) -> list[Message]:
        """Newest first. With `after`: the `limit` messages that follow that id most closely."""
        found = self._history(channel, limit, before, after)
        return found[::-1] if self.oldest_first else found

    def _history(
        self, channel: Channel, limit: int, before: int | None, after: int | None
    ) -> list[Message]:
        ids = channel.message_ids
        if after is not None:
            following = islice(ids, bisect_right(ids, after), None)
            return list(islice(self._existing(following), limit))[::-1]
        end = len(ids) if before is None else bisect_left(ids, before)
        return list(islice(self._existing(ids[i] for i in range(end - 1, -1, -1)), limit))

    def _existing(self, ids: Iterable[int]) -> Iterator[Message]:
        return (self._by_id[i] for i in ids if i in self._by_id)

    def payload(
        self,
        channel: Channel,
        author: User,
        content: str,
        *,
        reply_to: Message | None = None,
        ping_reply: bool = True,
        allowed_mentions: Json | None = None,
        attachments: Sequence[Json] = (),
    ) -> Json:
        """A new message object, of an id of its own, with its mentions resolved."""
        payload: Json = {
            "id": str(self._world.new_id()),
            "channel_id": str(channel.id),
            "type": 0,
            "author": author.payload,
            "content": content,
            "timestamp": datetime.now(UTC).isoformat(),
            "edited_timestamp": None,
            "tts": False,
            "pinned": False,
            "flags": 0,
            "attachments": list(attachments),
            "embeds": [],
            "components": [],
            **self.mentions(content, allowed_mentions),
        }
        if reply_to is not None:
            payload["type"] = REPLY
            payload["message_reference"] = {
                "type": 0,
                "channel_id": str(channel.id),
                "message_id": str(reply_to.id),
            }
            # A ping-reply counts as a mention of a message's author, but not of the one behind an
            # interaction's response, which belongs to a webhook.
            target = reply_to.payload["author"]
            is_pinged = ping_reply and "webhook_id" not in reply_to.payload
            if is_pinged and target not in payload["mentions"]:
                payload["mentions"].append(target)
        return payload

    def mentions(self, content: str, allowed: Json | None) -> Json:
        """The users whom the text pings. `allowed` None is the default: all that it names."""
        if "@" not in content:
            return {"mentions": [], "mention_roles": [], "mention_everyone": False}
        parse = ["users", "roles", "everyone"] if allowed is None else allowed.get("parse", [])
        named = _MENTION.findall(content)

        def granted(kind: str, ids: Iterable[str]) -> list[str]:
            listed = [str(i) for i in (allowed or {}).get(kind, [])]
            return [i for i in dict.fromkeys(ids) if kind in parse or i in listed]

        users = granted("users", (i for sigil, i in named if sigil != "&"))
        return {
            "mentions": [
                self._world.users[int(i)].payload for i in users if int(i) in self._world.users
            ],
            "mention_roles": granted("roles", (i for sigil, i in named if sigil == "&")),
            "mention_everyone": "everyone" in parse
            and ("@everyone" in content or "@here" in content),
        }

    def upload(self, channel: Channel, file: Attachment) -> Json:
        """Keep the file for download and describe it as a message's attachment object."""
        upload_id = self._world.new_id()
        self.uploads[upload_id] = file
        url = f"{self.cdn_base}/attachments/{channel.id}/{upload_id}/{file.filename}"
        described: Json = {
            "id": str(upload_id),
            "filename": file.filename,
            "size": len(file.data) if file.size is None else file.size,
            "url": url,
            "proxy_url": url,
            "content_type": guess_type(file.filename)[0] or "application/octet-stream",
        }
        if file.description is not None:
            described["description"] = file.description
        return described


def forwarding(message: Message) -> Json:
    """The fields of a message that forwards this one: a copy, and where it is from."""
    copied = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp", "flags")
    also = ("mentions", "mention_roles", "components")
    reference = {"type": 1, "channel_id": str(message.channel.id), "message_id": str(message.id)}
    snapshot = {name: message.payload[name] for name in (*copied, *also)}
    return {"message_reference": reference, "message_snapshots": [{"message": snapshot}]}


def stored_components(components: list[Json], numbers: Iterator[int] | None = None) -> list[Json]:
    """The components as Discord returns them: each with an `id` of its own within the message."""
    numbers = numbers or count(1)
    stored = []
    for component in components:
        copied = {**component, "id": next(numbers)}
        if defaults := component.get("default_values"):
            copied["default_values"] = [{**each, "id": str(each["id"])} for each in defaults]
        if "components" in component:
            copied["components"] = stored_components(component["components"], numbers)
        stored.append(copied)
    return stored


def stored_embeds(embeds: list[Json]) -> list[Json]:
    """The embeds as Discord returns them: typed, and each field saying whether it is inline."""
    stored = []
    for embed in embeds:
        fields = [{"inline": False, **field} for field in embed.get("fields", [])]
        stored.append({"type": "rich", **embed, **({"fields": fields} if fields else {})})
    return stored


def _walk(components: list[Json]) -> Iterator[Json]:
    for component in components:
        yield component
        yield from _walk(component.get("components", []))
