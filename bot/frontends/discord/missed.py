"""Finds what was written while the bot was away from the gateway for too long.

A short loss of the connection is resumed, and Discord repeats what came meanwhile. After a longer
one, and after a restart, the bot identifies anew: then what it missed is only in the channels'
histories.
"""

import asyncio
import logging
from datetime import timedelta

import discord
from cachetools import FIFOCache
from discord.ext import commands

from bot.files import STATE, write_state
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import reason
from bot.frontends.discord.reading import is_direct
from bot.frontends.discord.reviews import Reviews
from bot.logs import whereabouts
from trainer.model.files import read_regular

log = logging.getLogger(__name__)

OLDEST = timedelta(minutes=10)
"""An answer to anything older would surprise more than it helps."""

MOST_CHANNELS = 50
"""Histories that are read after one gap; each is a request, of which Discord takes 50 a second."""

MOST_MESSAGES = 100
"""That are read of each: what Discord hands out in one request."""

DIRECT_CHANNELS = 200
"""Direct conversations that are remembered, as Discord never lists them."""

STATE_FILE = STATE / "last_message"
"""The id of the last message that was answered before the bot was stopped, and nothing of it."""

MOST_STATE_BYTES = 64


class Missed(commands.Cog):
    """After a new IDENTIFY, hands on the messages that came since the last one seen."""

    def __init__(self, bot: ConciergeBot, reviews: Reviews) -> None:
        self._bot = bot
        self._reviews = reviews
        self._direct: FIFOCache[int, discord.abc.Messageable] = FIFOCache(DIRECT_CHANNELS)
        self._last_seen: int | None = None
        """A message's id, which tells the time on Discord's own clock; None before any READY."""
        self._away_since: int | None = _read_state()
        """The last seen before the connection was lost; None while there is one."""
        self._gap: int | None = None
        """The last seen before a gap whose channels have not been read yet."""
        self._reading: int | None = None
        """The same, while they are being read."""
        self._catching_up: asyncio.Task[None] | None = None

    async def cog_unload(self) -> None:
        """Notes down from where on the next start is to look."""
        if self._catching_up is not None:
            self._catching_up.cancel()
        if self._last_seen is not None:
            unanswered = [message_id - 1 for message_id in self._reviews.unanswered]
            gaps = [gap for gap in (self._gap, self._reading) if gap is not None]
            await asyncio.to_thread(_write_state, min([self._last_seen, *unanswered, *gaps]))

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        self._last_seen = max(self._last_seen or 0, message.id)
        if is_direct(message):
            self._direct.pop(message.channel.id, None)  # so that the latest stand last
            self._direct[message.channel.id] = message.channel

    @commands.Cog.listener()
    async def on_disconnect(self) -> None:
        self._away_since = self._away_since or self._last_seen

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        self._away_since = None

    @commands.Cog.listener()
    async def on_connect(self) -> None:
        """A new IDENTIFY has been accepted; the guilds are still to come."""
        self._last_seen = self._last_seen or discord.utils.time_snowflake(discord.utils.utcnow())
        self._gap, self._away_since = self._gap or self._away_since, None

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        if self._gap is None or self._catching_up is not None:
            return
        self._catching_up = asyncio.current_task()
        try:
            while (gap := self._gap) is not None:  # another may come meanwhile
                self._gap, self._reading = None, gap
                await self._catch_up(gap)
                self._reading = None
        finally:
            self._catching_up = None

    async def _catch_up(self, gap: int) -> None:
        oldest = discord.utils.time_snowflake(discord.utils.utcnow() - OLDEST)
        after = max(gap, oldest)
        channels = [
            channel
            for guild in self._bot.guilds
            for channel in _text_channels(guild)
            if (channel.last_message_id or 0) > after
        ]
        for channel in [*channels, *reversed(list(self._direct.values()))][:MOST_CHANNELS]:
            await self._answer_in(channel, discord.Object(after))

    async def _answer_in(self, channel: discord.abc.Messageable, after: discord.Object) -> None:
        """Answers what was missed in a channel, the oldest first.

        Whatever is wrong with it costs this channel the messages that cannot be read.
        """
        messages: list[discord.Message] = []
        try:
            async for message in channel.history(after=after, limit=MOST_MESSAGES):
                messages.append(message)
        except discord.HTTPException as error:
            log.info("What was missed in a channel cannot be read: %s", reason(error))
        except Exception as error:  # of whatever type: the library cannot read a message
            log.warning("What was missed in a channel cannot be read: %s", whereabouts(error))
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


def _read_state() -> int | None:
    try:
        return int(read_regular(STATE_FILE, MOST_STATE_BYTES))
    except (OSError, ValueError):
        return None  # the first start, or the file was edited: then nothing was missed


def _write_state(message_id: int) -> None:
    """Without the state file, the next start looks for nothing."""
    try:
        write_state(STATE_FILE, f"{message_id}\n")
    except OSError as error:
        log.warning("%s cannot be written (%s)", STATE_FILE, error.strerror)


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    reviews = bot.get_cog(Reviews.__cog_name__)
    assert isinstance(reviews, Reviews)  # its extension is loaded first
    await bot.add_cog(Missed(bot, reviews))
