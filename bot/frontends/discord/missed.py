"""Finds what was written while the bot was away from the gateway for too long.

A short loss of the connection is resumed, and Discord repeats what came meanwhile. After a longer
one the bot identifies anew: then what it missed is only in the channels' histories.
"""

import logging
from datetime import timedelta

import discord
from discord.ext import commands

from bot.frontends.discord import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, reason

log = logging.getLogger(__name__)

OLDEST = timedelta(minutes=10)
"""An answer to anything older would surprise more than it helps."""

MOST_CHANNELS = 50
"""Histories that are read after one gap; each is a request, of which Discord takes 50 a second."""

MOST_MESSAGES = 100
"""That are read of each: what Discord hands out in one request."""

DIRECT_CHANNELS = 200
"""Direct conversations that are remembered, as Discord never lists them."""


class Missed(commands.Cog):
    """After a new IDENTIFY, hands on the messages that came since the last one seen."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._direct: dict[int, discord.abc.Messageable] = {}
        self._last_seen: int | None = None
        """A message's id, which tells the time on Discord's own clock; None before any READY."""
        self._away_since: int | None = None
        """The last seen before the connection was lost; None while there is one."""
        self._gap: int | None = None
        """The last seen before a gap whose channels have not been read yet."""

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        self._last_seen = max(self._last_seen or 0, message.id)
        if message.guild is None:
            self._direct.pop(message.channel.id, None)
            self._direct[message.channel.id] = message.channel
            if len(self._direct) > DIRECT_CHANNELS:
                del self._direct[next(iter(self._direct))]

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
        gap, self._gap = self._gap, None
        if gap is None:
            return
        oldest = discord.utils.time_snowflake(discord.utils.utcnow() - OLDEST)
        after = max(gap, oldest)
        channels = [
            channel
            for guild in self._bot.guilds
            for channel in _text_channels(guild)
            if (channel.last_message_id or 0) > after
        ]
        for channel in [*channels, *reversed(self._direct.values())][:MOST_CHANNELS]:
            await self._hand_on(channel, discord.Object(after))

    async def _hand_on(self, channel: discord.abc.Messageable, after: discord.Object) -> None:
        """As if the gateway had sent them: whoever was answered already is remembered elsewhere."""
        try:
            async for message in channel.history(after=after, limit=MOST_MESSAGES):
                self._bot.dispatch("message", message)
        except CANNOT_SEND as error:
            log.info("What was missed in a channel cannot be read: %s", reason(error))


def _text_channels(
    guild: discord.Guild,
) -> "list[discord.TextChannel | discord.VoiceChannel | discord.Thread]":
    return [*guild.text_channels, *guild.voice_channels, *guild.threads]


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Missed(bot))
