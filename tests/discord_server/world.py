"""The people and places of the loopback Discord, each knowing its own wire format.

`World` comes furnished: one guild with two channels, the bot, the application's owner, a guild
administrator (who does not own the application) and an ordinary member. What a test adds reaches
the client with its next IDENTIFY, so add before it connects.
"""

import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

ADMINISTRATOR = 1 << 3
EVERY_PERMISSION = (1 << 53) - 1
# View, send, embed, attach, read history, add reactions, use application commands.
TEXT_PERMISSIONS = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 6 | 1 << 31

_JOINED_AT = "2024-01-01T00:00:00+00:00"


class Snowflakes:
    """Strictly increasing ids that carry the time, as the client reads an object's age from them.

    Layout: milliseconds since 2015-01-01 in the upper bits, 22 bits below
    (docs.discord.com, Reference, "Snowflakes").
    """

    _EPOCH_MS = 1_420_070_400_000

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> int:
        now = (time.time_ns() // 1_000_000 - self._EPOCH_MS) << 22
        self._last = max(self._last + 1, now)
        return self._last

    def of_shard(self, number: int, count: int) -> int:
        """An id that a guild of this shard may have, of `count`."""
        while (self() >> 22) % count != number:
            self._last += 1 << 22  # a millisecond later
        return self._last


@dataclass(eq=False)
class User:
    """An account. `payload` is the wire's user object, built once."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    """The language that they have set their client to; only interactions tell it."""
    payload: Json = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.payload = {
            "id": str(self.id),
            "username": self.name,
            "global_name": None if self.bot else self.name.title(),
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
            "flags": 0,
            "public_flags": 0,
            "primary_guild": None,
        }

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    """A guild's role; `permissions` is a bit set."""

    id: int
    name: str
    permissions: int

    @property
    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "position": 0,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }


@dataclass(eq=False)
class Member:
    """A user in a guild. `payload` leaves `user` out, as beside a message's author."""

    user: User
    roles: tuple[Role, ...]
    payload: Json = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.payload = {
            "roles": [str(role.id) for role in self.roles],
            "nick": None,
            "avatar": None,
            "banner": None,
            "joined_at": _JOINED_AT,
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }

    @property
    def full_payload(self) -> Json:
        return {**self.payload, "user": self.user.payload}


@dataclass(eq=False)
class Guild:
    id: int
    name: str
    owner: User
    preferred_locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict, repr=False)
    members: dict[int, Member] = field(default_factory=dict, repr=False)
    channels: dict[int, "Channel"] = field(default_factory=dict, repr=False)
    threads: list["Channel"] = field(default_factory=list, repr=False)

    def permissions_of(self, user: User) -> int:
        """The member's permissions as a bit set; a guild's owner and administrators have all."""
        granted = self.roles[self.id].permissions  # @everyone shares the guild's id
        for role in self.members[user.id].roles:
            granted |= role.permissions
        return EVERY_PERMISSION if user is self.owner or granted & ADMINISTRATOR else granted

    @property
    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner.id),
            "roles": [role.payload for role in self.roles.values()],
            "emojis": [],
            "stickers": [],
            "features": [],
            "icon": None,
            "banner": None,
            "splash": None,
            "home_header": None,
            "discovery_splash": None,
            "description": None,
            "region": "deprecated",
            "application_id": None,
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "widget_enabled": False,
            "widget_channel_id": None,
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "public_updates_channel_id": None,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw": False,
            "nsfw_level": 0,
            "max_presences": None,
            "max_members": 500_000,
            "max_video_channel_users": 25,
            "max_stage_video_channel_users": 50,
            "vanity_url_code": None,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "preferred_locale": self.preferred_locale,
            "incidents_data": None,
        }

    @property
    def create_payload(self) -> Json:
        """What GUILD_CREATE carries: the guild with its channels and members."""
        return {
            **self.payload,
            "joined_at": _JOINED_AT,
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.full_payload for member in self.members.values()],
            "channels": [channel.payload for channel in self.channels.values()],
            "threads": [thread.payload for thread in self.threads if not thread.archived],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }


@dataclass(eq=False)
class Channel:
    """A guild's text channel, or, without a guild, the DM of `recipient` and the bot.

    `message_ids` ascends, as every snowflake is greater than the one before.
    """

    id: int
    name: str
    guild: Guild | None = None
    recipient: User | None = None
    denied: int = 0
    """What everybody lacks there, the bot included; a bit set."""
    message_ids: list[int] = field(default_factory=list, repr=False)
    parent: "Channel | None" = field(default=None, repr=False)
    """Of a private thread, the channel that it is in."""
    owner: User | None = field(default=None, repr=False)
    """Of a thread, who made it."""
    thread_members: set[int] = field(default_factory=set, repr=False)
    archived: bool = False

    @property
    def payload(self) -> Json:
        last = str(self.message_ids[-1]) if self.message_ids else None
        common: Json = {"id": str(self.id), "flags": 0, "last_message_id": last}
        if self.guild is None:
            assert self.recipient is not None
            return {**common, "type": 1, "recipients": [self.recipient.payload]}
        if self.parent is not None:
            return {**common, **self._thread_fields()}
        overwrites: list[Json] = []
        if self.denied:
            everyone = {"id": str(self.guild.id), "type": 0}
            overwrites = [{**everyone, "allow": "0", "deny": str(self.denied)}]
        return {
            **common,
            "type": 0,
            "guild_id": str(self.guild.id),
            "name": self.name,
            "position": 0,
            "topic": None,
            "nsfw": False,
            "parent_id": None,
            "rate_limit_per_user": 0,
            "permission_overwrites": overwrites,
        }

    def _thread_fields(self) -> Json:
        assert self.guild is not None
        assert self.parent is not None
        assert self.owner is not None
        return {
            "type": 12,
            "guild_id": str(self.guild.id),
            "name": self.name,
            "parent_id": str(self.parent.id),
            "owner_id": str(self.owner.id),
            "rate_limit_per_user": 0,
            "message_count": len(self.message_ids),
            "total_message_sent": len(self.message_ids),
            "member_count": len(self.thread_members),
            "thread_metadata": {
                "archived": self.archived,
                "archive_timestamp": _JOINED_AT,
                "auto_archive_duration": 1440,
                "locked": False,
                "invitable": False,
            },
        }


class World:
    """Every user, guild and channel by id, and the handful that nearly every test needs."""

    def __init__(self) -> None:
        self.new_id = Snowflakes()
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self._dms: dict[int, Channel] = {}

        self.bot = self._account("concierge", bot=True)
        self.owner = self._account("olga")
        self.admin = self._account("adam")
        self.member = self._account("maria")
        self.guild = Guild(self.new_id(), "The Film Club", owner=self.admin)
        self.guilds[self.guild.id] = self.guild
        self.guild.roles[self.guild.id] = Role(self.guild.id, "@everyone", TEXT_PERMISSIONS)
        for user in (self.bot, self.owner, self.admin, self.member):
            self.guild.members[user.id] = Member(user, ())
        self.channel = self.add_channel("reviews")
        self.other_channel = self.add_channel("lobby")

    def _account(self, name: str, *, bot: bool = False) -> User:
        user = User(self.new_id(), name, bot)
        self.users[user.id] = user
        return user

    def add_user(self, name: str, *roles: Role, bot: bool = False) -> User:
        """A further member of the first guild, holding these roles."""
        user = self._account(name, bot=bot)
        self.guild.members[user.id] = Member(user, roles)
        return user

    def add_guild(
        self,
        name: str,
        *members: User,
        locale: str = "en-US",
        shard: tuple[int, int] | None = None,
    ) -> Guild:
        """A further guild, with these members beside its owner (`admin`) and the bot.

        `shard`: the number of the shard that it belongs to, and the number of all shards.
        """
        new = self.new_id() if shard is None else self.new_id.of_shard(*shard)
        guild = Guild(new, name, owner=self.admin, preferred_locale=locale)
        guild.roles[guild.id] = Role(guild.id, "@everyone", TEXT_PERMISSIONS)
        for user in dict.fromkeys((self.bot, self.admin, *members)):
            guild.members[user.id] = Member(user, ())
        self.guilds[guild.id] = guild
        return guild

    def add_role(self, name: str, permissions: int = 0) -> Role:
        role = Role(self.new_id(), name, permissions)
        self.guild.roles[role.id] = role
        return role

    def add_channel(self, name: str, guild: Guild | None = None) -> Channel:
        """A text channel of a guild (default: the first)."""
        guild = guild or self.guild
        channel = Channel(self.new_id(), name, guild=guild)
        self.channels[channel.id] = guild.channels[channel.id] = channel
        return channel

    def add_thread(self, name: str, parent: Channel, owner: User) -> Channel:
        """A private thread in a channel; its maker is in it."""
        thread = Channel(
            self.new_id(),
            name,
            guild=parent.guild,
            parent=parent,
            owner=owner,
            thread_members={owner.id},
        )
        self.channels[thread.id] = thread
        assert parent.guild is not None
        parent.guild.threads.append(thread)
        return thread

    def dm_channel(self, user: User) -> Channel:
        """The one DM channel of this user and the bot, opened on first use."""
        if user.id not in self._dms:
            channel = Channel(self.new_id(), f"dm-{user.name}", recipient=user)
            self.channels[channel.id] = self._dms[user.id] = channel
        return self._dms[user.id]
