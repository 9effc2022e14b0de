"""Replies to the reviews that people send: a mention of the bot, or a direct message."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import discord
from discord.ext import commands

from bot.concierge import Concierge
from bot.frontends.discord import ConciergeBot
from bot.logs import whereabouts

log = logging.getLogger(__name__)

TYPING_AFTER_SECONDS = 0.3
"""A quicker answer needs no sign of life."""

CLOSING_SECONDS = 5.0
"""How long those who wrote before the bot was stopped may still be answered."""

SEEN_MESSAGES = 10_000
"""Message ids that are remembered: a gateway that reconnects may send a message again."""

CANNOT_SEND = (discord.HTTPException, aiohttp.ClientError, OSError)
"""Forbidden there, deleted, rate-limited for good, reset or timed out: nothing to do but log."""


class Reviews(commands.Cog):
    """Listens for reviews, and answers each once."""

    def __init__(self, bot: ConciergeBot, concierge: Concierge) -> None:
        self._bot = bot
        self._concierge = concierge
        self._seen: dict[int, None] = {}
        self._answering: set[asyncio.Task[None]] = set()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answers a message that is meant for the bot."""
        text = self._review(message)
        if text is None or not self._is_new(message):
            return
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            async with _typing_if_slow(message.channel):
                reply = await self._concierge.answer(text, attachment=bool(message.attachments))
            await self._send(message, reply.text)
        finally:
            self._answering.discard(task)

    async def cog_unload(self) -> None:
        """Finishes what it has; by now the library hands it no more messages."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=CLOSING_SECONDS)

    def _review(self, message: discord.Message) -> str | None:
        """What somebody wrote to the bot, without the mention; None if it was not for the bot."""
        if message.author.bot or message.webhook_id:
            return None
        if message.type not in (discord.MessageType.default, discord.MessageType.reply):
            return None  # somebody joined, pinned, boosted
        me = self._bot.user
        assert me is not None
        addressed = message.guild is None or any(user.id == me.id for user in message.mentions)
        mentions = [f"<@{me.id}>", f"<@!{me.id}>"]
        # Next to the bot, Discord's completion offers the role that it made for the bot.
        role = message.guild and message.guild.self_role
        if role and role in message.role_mentions:
            addressed = True
            mentions.append(role.mention)
        if not addressed:
            return None
        text = message.content
        for mention in mentions:
            text = text.replace(mention, " ")
        return text.strip()

    def _is_new(self, message: discord.Message) -> bool:
        if message.id in self._seen:
            return False
        self._seen[message.id] = None
        if len(self._seen) > SEEN_MESSAGES:
            del self._seen[next(iter(self._seen))]
        return True

    async def _send(self, message: discord.Message, text: str) -> None:
        """Replies to `message`; to the channel, if it has been deleted meanwhile."""
        try:
            await message.channel.send(
                text,
                reference=message.to_reference(fail_if_not_exists=False),
                suppress_embeds=True,
            )
        except CANNOT_SEND as error:
            log.warning("No reply in channel %d: %s", message.channel.id, _reason(error))


def _reason(error: Exception) -> str:
    """Discord's status and error code (50013: missing permissions), or what the network said."""
    if isinstance(error, discord.HTTPException):
        return f"Discord answered {error.status}, code {error.code}"
    return whereabouts(error)


@asynccontextmanager
async def _typing_if_slow(channel: discord.abc.Messageable) -> AsyncIterator[None]:
    """Shows "is typing" while the body runs, if that takes long. Never delays or fails the body."""

    async def show() -> None:
        await asyncio.sleep(TYPING_AFTER_SECONDS)
        with suppress(*CANNOT_SEND):
            async with channel.typing():
                await asyncio.Event().wait()

    typing = asyncio.create_task(show())
    try:
        yield
    finally:
        typing.cancel()


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Reviews(bot, bot.concierge))
