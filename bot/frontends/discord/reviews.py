"""Replies to reviews: in a mention, a direct message, or a reply to the bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import discord
from cachetools import FIFOCache
from discord.ext import commands

from bot.conversation.reply import Reply
from bot.frontends.discord.client import ConciergeBot, Send
from bot.frontends.discord.delivery import CANNOT_SEND
from bot.frontends.discord.edits import Questions
from bot.frontends.discord.handover import handed_over
from bot.frontends.discord.reading import attachments, is_direct, is_empty, review_in
from bot.frontends.discord.replies import replace, reply_to
from bot.sentences.responses import Kind, Recipient

TYPING_AFTER_SECONDS = 0.3
"""A quicker answer needs no "is typing"."""

SEEN_MESSAGES = 10_000
"""Remembered message ids: a gateway that reconnects may send a message again."""


class Reviews(commands.Cog):
    """Listens for reviews, and answers each once."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._seen: FIFOCache[int, None] = FIFOCache(SEEN_MESSAGES)
        self._questions = Questions()
        self.unanswered: set[int] = set()
        """The ids of messages that are being answered, or whose answer was cut off."""

    async def answer(self, message: discord.Message, *, is_late: bool = False) -> None:
        """Answers a message that is for the bot and has not been answered yet.

        `is_late`: the customer has waited for it, while the bot was away.
        """
        if not self._is_for_the_bot(message) or not self._is_new(message):
            return
        shards = self._bot.own_shards
        if shards is not None and not await shards.may_answer():
            return
        self.unanswered.add(message.id)
        question = self._questions.begin(message.id)
        apologise = partial(reply_to, self._bot, message)
        async with self._handling(message, apologise) as to, question.busy:
            reply = await self._reply(message, to, is_late=is_late)
            if not reply.repeated:
                reply = await handed_over(self._bot, message, reply)
                outcome = await reply_to(self._bot, message, reply)
                if outcome is not None:
                    question.expect_edit(*outcome)
        self.unanswered.discard(message.id)
        self._questions.end(message.id)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Answers an edit in place of the first reply, if that asked for other words, or if the
        author is in distress now."""
        message, question = event.message, self._questions.get(event.message_id)
        if question is None:
            return
        async with question.busy:
            sent = question.reply
            if sent is None or not self._is_for_the_bot(message) or not question.is_news(message):
                return
            urgent = self._bot.concierge.is_urgent
            if not question.asks_again and not urgent(await review_in(message)):
                return
            apologise = partial(
                replace,
                self._bot,
                sent,
                customer=message.author.id,
                guild=event.guild_id,
            )
            async with self._handling(message, apologise) as to:
                reply = await self._reply(message, to, is_edit=True)
                if reply.kind is not Kind.HASTE:
                    reply = await handed_over(self._bot, message, reply, is_edit=True)
                    outcome = await apologise(reply)
                    if outcome is not None:
                        question.expect_edit(outcome[0], sent)
        self._questions.end(message.id)

    @commands.Cog.listener()
    async def on_answer_button(self, question: discord.Message) -> None:
        """Prevents edits from changing a reply that the customer chose by a button of
        `question`."""
        if question.reference is not None and question.reference.message_id is not None:
            self._questions.settle(question.reference.message_id)

    @asynccontextmanager
    async def _handling(
        self, message: discord.Message, apologise: Send
    ) -> AsyncIterator[Recipient]:
        with self._bot.answering():
            to = self._bot.author_of(message)
            async with self._bot.last_resort("Answering a message", apologise, to):
                yield to

    async def _reply(
        self,
        message: discord.Message,
        to: Recipient,
        *,
        is_late: bool = False,
        is_edit: bool = False,
    ) -> Reply:
        async with _typing_if_slow(message.channel):
            return await self._bot.concierge.answer(
                await review_in(message),
                customer=message.author.id,
                place=message.channel.id,
                to=to,
                attachment=bool(attachments(message)),
                unread=self._is_withheld(message),
                is_late=is_late,
                is_edit=is_edit,
            )

    def _is_for_the_bot(self, message: discord.Message) -> bool:
        if message.author.bot or message.webhook_id:
            return False
        if message.type not in (discord.MessageType.default, discord.MessageType.reply):
            return False  # a system message: somebody joined, pinned, boosted
        if self._bot.is_silent_in(message.channel.id):
            return False
        if is_direct(message) or self._is_mentioned(message):
            return True
        # Discord's completion also offers the role that it created for the bot.
        if message.guild is not None and message.guild.self_role in message.role_mentions:
            return True
        answered = message.reference and message.reference.resolved
        return isinstance(answered, discord.Message) and answered.author.id == self._my_id

    def _is_mentioned(self, message: discord.Message) -> bool:
        return any(user.id == self._my_id for user in message.mentions)

    def _is_withheld(self, message: discord.Message) -> bool:
        """Whether Discord withholds the text from a bot without the message-content intent."""
        return is_empty(message) and not is_direct(message) and not self._is_mentioned(message)

    def _is_new(self, message: discord.Message) -> bool:
        if message.id in self._seen:
            return False
        self._seen[message.id] = None
        return True

    @property
    def _my_id(self) -> int:
        assert self._bot.user is not None
        return self._bot.user.id


@asynccontextmanager
async def _typing_if_slow(channel: discord.abc.Messageable) -> AsyncIterator[None]:
    """Shows "is typing" while the body runs, if that takes long. Never delays or fails the body."""

    typing: list[asyncio.Task[None]] = []

    async def show() -> None:
        with suppress(*CANNOT_SEND):
            async with channel.typing():
                await asyncio.Event().wait()

    # A timer, not a task that sleeps: nearly all answers are quicker, and a timer costs less.
    timer = asyncio.get_running_loop().call_later(
        TYPING_AFTER_SECONDS, lambda: typing.append(asyncio.create_task(show()))
    )
    try:
        yield
    finally:
        timer.cancel()
        for task in typing:
            task.cancel()


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Reviews(bot))
