"""Replies to the reviews that people send: in a mention, a direct message, a reply to the bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import discord
from discord.ext import commands

from bot.frontends.discord import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND
from bot.frontends.discord.markup import plain_text
from bot.frontends.discord.reasons import why_button

TYPING_AFTER_SECONDS = 0.3
"""A quicker answer needs no sign of life."""

SEEN_MESSAGES = 10_000
"""Message ids that are remembered: a gateway that reconnects may send a message again."""


class Reviews(commands.Cog):
    """Listens for reviews, and answers each once."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._seen: dict[int, None] = {}

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answers a message that is meant for the bot."""
        if not self._is_for_the_bot(message) or not self._is_new(message):
            return
        with self._bot.answering():
            async with _typing_if_slow(message.channel):
                reply = await self._bot.concierge.answer(
                    plain_text(message.content),
                    customer=message.author.id,
                    attachment=bool(message.attachments),
                    unread=self._is_withheld(message),
                )
            if reply.repeated:
                return
            # To the channel, if the message has been deleted meanwhile. As its id is the nonce,
            # Discord itself drops a reply to it that comes a second time within some minutes.
            more = {"view": why_button()} if reply.is_judgement else {}
            send = partial(
                message.channel.send,
                reply.text,
                reference=message.to_reference(fail_if_not_exists=False),
                suppress_embeds=True,
                nonce=message.id,
                **more,
            )
            await self._bot.delivery.deliver(reply, message.channel.id, send)
            await self._bot.report(reply)

    def _is_for_the_bot(self, message: discord.Message) -> bool:
        if message.author.bot or message.webhook_id:
            return False
        if message.type not in (discord.MessageType.default, discord.MessageType.reply):
            return False  # somebody joined, pinned, boosted
        if message.guild is None or self._is_mentioned(message):
            return True
        # Next to the bot, Discord's completion offers the role that it made for the bot.
        if message.guild.self_role in message.role_mentions:
            return True
        answered = message.reference and message.reference.resolved
        return isinstance(answered, discord.Message) and answered.author.id == self._my_id

    def _is_mentioned(self, message: discord.Message) -> bool:
        return any(user.id == self._my_id for user in message.mentions)

    def _is_withheld(self, message: discord.Message) -> bool:
        """Whether Discord keeps the text from a bot without the message-content intent."""
        empty = not message.content and not message.attachments
        return empty and message.guild is not None and not self._is_mentioned(message)

    def _is_new(self, message: discord.Message) -> bool:
        if message.id in self._seen:
            return False
        self._seen[message.id] = None
        if len(self._seen) > SEEN_MESSAGES:
            del self._seen[next(iter(self._seen))]
        return True

    @property
    def _my_id(self) -> int:
        assert self._bot.user is not None
        return self._bot.user.id


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
    await bot.add_cog(Reviews(bot))
