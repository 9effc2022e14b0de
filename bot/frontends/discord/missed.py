"""Finds messages from the time when the bot was away from the gateway for too long.

After a short loss of the connection the session resumes, and Discord repeats the missed messages.
After a longer one, and after a restart, the bot identifies anew: then they are only in the
channels' histories.
"""

import asyncio
import logging
from datetime import timedelta

import discord
from cachetools import FIFOCache
from discord.ext import commands

from bot.frontends.discord import restart_point
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import reason
from bot.frontends.discord.reading import is_direct
from bot.frontends.discord.repeated import Repeated
from bot.frontends.discord.restart_point import RestartPoint
from bot.frontends.discord.reviews import Reviews
from bot.logs import whereabouts

log = logging.getLogger(__name__)

OLDEST = timedelta(minutes=10)
"""An answer to anything older would surprise more than it helps."""

MAX_CHANNELS = 50
"""Histories to read after one gap; each is a request, and Discord allows 50 per second."""

_TIME_BITS = 22
"""The upper bits of a Discord id are a time in milliseconds; this many bits follow."""

MAX_MESSAGES = 100
"""Maximum messages to read of each: Discord's limit for one request."""

DIRECT_CHANNELS = 200
"""Remembered direct conversations, because Discord never lists them."""

SAVE_SECONDS = 2.0
"""Between two writes of the restart point while messages arrive."""


class Missed(commands.Cog):
    """After a new IDENTIFY, replays the messages since the last one seen."""

    def __init__(self, bot: ConciergeBot, reviews: Reviews) -> None:
        self._bot = bot
        self._reviews = reviews
        self._direct: FIFOCache[int, tuple[int, discord.abc.Messageable]] = FIFOCache(
            DIRECT_CHANNELS
        )
        """The direct conversations by id, each with the id of its last message."""
        self._left_direct: tuple[int, ...] = ()
        """Those of the last start, until they have been checked."""
        self._last_seen: int | None = None
        """A message's id, which gives the time on Discord's clock; None before any READY."""
        self._away_since: dict[int, int] = {}
        """The last message before the connection of each shard was lost; not while connected."""
        self._gaps: dict[int, int] = {}
        """The last message before a gap of each shard whose channels have not been read yet."""
        self._reading: int | None = None
        """The same, while they are being read."""
        self._one_at_a_time = asyncio.Lock()
        self._catching_up: set[asyncio.Task[None]] = set()
        self._has_moved = False
        """Whether the restart point differs from the one that was saved."""
        # Also while the bot runs, because a killed process cannot.
        self._saving = Repeated("Saving the restart point", SAVE_SECONDS, self._save_if_moved)

    async def cog_load(self) -> None:
        shards = self._bot.own_shards
        left = restart_point.read() if shards is None else await shards.restart_point()
        if left is not None:
            self._left_direct = left.direct
            ids = (0,) if shards is None else shards.ids
            self._away_since = dict.fromkeys(ids, left.message)
        for event, listener in (
            ("connect", self._note_connected),
            ("resumed", self._note_resumed),
            ("disconnect", self._note_disconnected),
            ("ready", self._note_ready),
        ):
            self._bot.add_listener(listener, self._bot.connection_event(event))
        self._bot.answer, self._bot.on_skipped = self._see, self._note
        self._saving.start()

    async def cog_unload(self) -> None:
        """Saves the point from which the next start must look."""
        self._saving.cancel()
        for task in self._catching_up:
            task.cancel()
        await self._save()

    async def _save_if_moved(self) -> None:
        if self._has_moved:
            await self._save()

    async def _save(self) -> None:
        if self._last_seen is None:
            return
        self._has_moved = False
        unanswered = [message_id - 1 for message_id in self._reviews.unanswered]
        gaps = [*self._gaps.values(), *self._away_since.values()]
        if self._reading is not None:
            gaps.append(self._reading)
        recent = _recent(self._last_seen)
        direct = [channel for channel, (last, _) in self._direct.items() if last >= recent]
        point = min([self._last_seen, *unanswered, *gaps])
        left = RestartPoint(point, (*self._left_direct, *direct))
        if self._bot.own_shards is None:
            await asyncio.to_thread(restart_point.write, left)
        else:
            await self._bot.own_shards.leave(left)

    async def _see(self, message: discord.Message) -> None:
        """Answers a message, which will not be missed then."""
        self._note(message.id)
        if is_direct(message):
            self._direct.pop(message.channel.id, None)  # so that the latest ones are last
            self._direct[message.channel.id] = message.id, message.channel
        await self._reviews.answer(message)

    def _note(self, message_id: int) -> None:
        self._last_seen = max(self._last_seen or 0, message_id)
        self._has_moved = True

    async def _note_disconnected(self, shard: int = 0) -> None:
        if self._last_seen is not None:
            self._away_since.setdefault(shard, self._last_seen)

    async def _note_resumed(self, shard: int = 0) -> None:
        self._away_since.pop(shard, None)

    async def _note_connected(self, shard: int = 0) -> None:
        """A new IDENTIFY has been accepted; the guilds are still to come."""
        self._last_seen = self._last_seen or discord.utils.time_snowflake(self._bot.clock.now())
        self._has_moved = True
        gap = self._away_since.pop(shard, None)
        if gap is not None:
            self._gaps.setdefault(shard, gap)
        # At once: a bot that is killed in its first seconds must not lose what came to it.
        await self._save()

    async def _note_ready(self, shard: int = 0) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._catching_up.add(task)
        try:
            async with self._one_at_a_time:
                if (gap := self._gaps.pop(shard, None)) is not None:
                    self._reading = gap
                    await self._catch_up(shard, gap)
                    self._reading = None
        finally:
            self._catching_up.discard(task)

    async def _catch_up(self, shard: int, gap: int) -> None:
        now = discord.utils.time_snowflake(self._bot.clock.now())
        after = max(gap, _recent(now))
        channels: list[discord.abc.Messageable] = [
            channel
            for guild in self._bot.guilds
            if guild.shard_id == shard
            for channel in _text_channels(guild)
            if (channel.last_message_id or 0) > after
        ]
        if shard == 0:  # to which Discord sends all direct messages
            channels += [channel for _, channel in reversed(list(self._direct.values()))]
            channels += await self._direct_of_last_start()
        for channel in channels[:MAX_CHANNELS]:
            await self._answer_in(channel, discord.Object(after))
        if shard == 0:
            self._left_direct = ()

    async def _direct_of_last_start(self) -> list[discord.abc.Messageable]:
        """The direct conversations of the last start, the newest first."""
        channels: list[discord.abc.Messageable] = []
        for channel_id in reversed(self._left_direct):
            if channel_id in self._direct:
                continue
            try:
                channel = await self._bot.fetch_channel(channel_id)
            except (discord.DiscordException, OSError) as error:
                log.info("A direct conversation cannot be read: %s", whereabouts(error))
                continue
            # The file may have been changed: in other channels, not every message is for the bot.
            if isinstance(channel, discord.DMChannel):
                channels.append(channel)
        return channels

    async def _answer_in(self, channel: discord.abc.Messageable, after: discord.Object) -> None:
        """Answers the missed messages in a channel, oldest first.

        An error affects only this channel's messages.
        """
        messages: list[discord.Message] = []
        try:
            async for message in channel.history(after=after, limit=MAX_MESSAGES):
                messages.append(message)
        except discord.HTTPException as error:
            log.info("The missed messages of a channel cannot be read: %s", reason(error))
        except Exception as error:  # of any type: the library cannot parse a message
            log.warning("The missed messages of a channel cannot be read: %s", whereabouts(error))
        # An earlier start of the bot may have answered some.
        mine = [message for message in messages if message.author == self._bot.user]
        answered = {sent.reference.message_id for sent in mine if sent.reference}
        for message in sorted(messages, key=lambda message: message.id):
            if message.id not in answered:
                await self._reviews.answer(message, is_late=True)


def _text_channels(
    guild: discord.Guild,
) -> "list[discord.TextChannel | discord.VoiceChannel | discord.Thread]":
    return [*guild.text_channels, *guild.voice_channels, *guild.threads]


def _recent(now: int) -> int:
    """The id that a message sent `OLDEST` before the one with the id `now` would have."""
    return now - (round(OLDEST.total_seconds() * 1000) << _TIME_BITS)


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    reviews = bot.get_cog(Reviews.__cog_name__)
    assert isinstance(reviews, Reviews)  # its extension is loaded first
    await bot.add_cog(Missed(bot, reviews))
