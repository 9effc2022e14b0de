"""The last reply to each person in each channel, which a later one may change. In memory, ids only.

Words that answer a question remove its buttons, and a correction replaces the wrong verdict.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import discord
from cachetools import TTLCache

from bot.conversation.questions import HELD_SECONDS, MAX_HELD
from bot.conversation.reply import Reply
from bot.frontends.discord.delivery import CANNOT_SEND

_Sent = asyncio.Future[discord.PartialMessage | None]
"""A reply in flight; None if it was not delivered."""


class EarlierReplies:
    """Remembers the messages of questions and verdicts as long as an answer to them is expected."""

    def __init__(self, seconds: float = HELD_SECONDS) -> None:
        self._sent: TTLCache[tuple[int, int], _Sent] = TTLCache(MAX_HELD, seconds)

    @asynccontextmanager
    async def followed_by(
        self, reply: Reply, channel: int, customer: int
    ) -> AsyncIterator[Callable[[discord.PartialMessage], None]]:
        """Send `reply` within, and pass the sent message to the function that is yielded.

        Afterwards the previous reply is changed, as `reply` says. The order is that of entering, so
        that two replies in flight do not overtake each other.
        """
        whom = channel, customer
        before = self._sent.get(whom)
        here: _Sent = asyncio.get_running_loop().create_future()
        if reply.question is not None or reply.given is not None:
            self._sent[whom] = here

        try:
            yield here.set_result
        finally:
            if not here.done():
                here.set_result(None)
        sent, earlier = here.result(), await before if before is not None else None
        if sent is not None and earlier is not None and earlier.id != sent.id:
            await _change(earlier, reply)

    def note(self, sent: discord.PartialMessage, customer: int) -> None:
        """Remembers a reply that was changed by a button, perhaps from before a restart."""
        here: _Sent = asyncio.get_running_loop().create_future()
        here.set_result(sent)
        self._sent[sent.channel.id, customer] = here


async def _change(earlier: discord.PartialMessage, reply: Reply) -> None:
    """Removes the buttons of the earlier reply, or replaces its text; ignores a deleted one."""
    change: dict[str, Any] = {}
    if reply.withdrawn is not None:
        change = {"content": reply.withdrawn, "view": None}
    elif reply.settles:
        change = {"view": None}
    if change:
        with suppress(*CANNOT_SEND):
            await earlier.edit(**change)
