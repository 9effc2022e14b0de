"""The replies that an edit of the customer's message may still change. Only ids are kept."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

import discord
from cachetools import FIFOCache

from bot.conversation.reply import Reply

EDIT_SECONDS = 600.0
"""How long an edit is answered, of a message that the bot did not understand."""

MESSAGES = 1_000
"""The maximum number of remembered messages, the latest ones."""


@dataclass(eq=False, slots=True)
class Question:
    """A message that is being answered, or has been a short time ago."""

    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during the answer: an edit that comes before the reply waits for it."""
    reply: discord.PartialMessage | None = None
    """The bot's reply, if an edit may change it."""
    asks_again: bool = False
    """Whether the reply asked for other words: any edit may change it. Otherwise only one that says
    that its author is in distress."""
    is_settled: bool = False
    """Whether the author has answered by a button."""
    _until: float = 0.0
    _edited_at: datetime | None = None

    def expect_edit(self, reply: Reply, sent: discord.PartialMessage) -> None:
        """Allows an edit to change the sent reply."""
        self.reply, self.asks_again = sent, reply.asks_again and not self.is_settled
        self._until = time.monotonic() + EDIT_SECONDS

    def is_news(self, message: discord.Message) -> bool:
        """Whether this is an edit by the author, in time, and not seen before.

        Discord also sends one once it has fetched the preview of a link.
        """
        if message.edited_at is None or message.edited_at == self._edited_at:
            return False
        self._edited_at = message.edited_at
        return time.monotonic() <= self._until


class Questions:
    """The latest messages that an edit may refer to, by their ids."""

    def __init__(self) -> None:
        self._by_id: FIFOCache[int, Question] = FIFOCache(MESSAGES)

    def begin(self, message_id: int) -> Question:
        """Remembers a message that is about to be answered."""
        question = self._by_id[message_id] = Question()
        return question

    def end(self, message_id: int) -> None:
        """Forgets one that got no reply."""
        question = self._by_id.get(message_id)
        if question is not None and question.reply is None:
            del self._by_id[message_id]

    def settle(self, message_id: int) -> None:
        """Expects no further edit of a message, unless its author is in distress."""
        question = self._by_id.get(message_id)
        if question is not None:
            question.is_settled, question.asks_again = True, False

    def get(self, message_id: int) -> Question | None:
        return self._by_id.get(message_id)
