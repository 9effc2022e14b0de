"""Counts replies, and takes the votes of customers on them: "Was I right?"."""

import logging
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime

from cachetools import TTLCache

from bot.desk.desk import Desk
from bot.desk.store.votes import VOTE_TIME
from bot.errors import StoreError
from bot.logs import SeldomLog

log = logging.getLogger(__name__)

MAX_REPLIES = 50_000
"""Replies that can be voted on; of more, those of the longest ago are forgotten."""

_NO_TOKEN = re.compile(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class _Replied:
    """What a vote is on: no text, and nothing of whom it was for."""

    server: str
    kind: str
    strength: str
    checkpoint: str
    at: datetime


class Feedback:
    """Remembers for a day what was replied, in memory: after a restart, earlier replies take no
    votes. Without a desk, it does nothing."""

    def __init__(self, desk: Desk | None) -> None:
        self._desk = desk
        seconds = VOTE_TIME.total_seconds()
        self._replies: TTLCache[str, _Replied] = TTLCache(
            MAX_REPLIES, seconds, timer=lambda: desk.clock().timestamp() if desk else 0.0
        )
        self._seldom = SeldomLog(log)

    def replied(
        self,
        server: str,
        kind: str,
        seconds: float,
        *,
        strength: str = "",
        checkpoint: str = "",
        message: str | None = None,
    ) -> None:
        """Counts a reply, `seconds` after its message. `message` None: it takes no votes.

        Never raises, and never waits.
        """
        if self._desk is None:
            return
        checkpoint = _NO_TOKEN.sub("", checkpoint)[:80]
        self._desk.store.count(server, kind, seconds, strength=strength, checkpoint=checkpoint)
        if message is not None:
            now = self._desk.clock()
            self._replies[message] = _Replied(server, kind, strength, checkpoint, now)

    async def vote(self, message: str, person: str, *, up: bool) -> None:
        """Takes a person's vote on a reply, in the place of an earlier one of theirs.

        A message that is no reply, or one of more than a day ago, takes none.
        """
        reply = self._replies.get(message)
        if reply is not None and self._desk is not None:
            await self._attempt(
                self._desk.store.vote(
                    reply.server,
                    message,
                    person,
                    up=up,
                    replied=reply.at,
                    kind=reply.kind,
                    strength=reply.strength,
                    checkpoint=reply.checkpoint,
                )
            )

    async def take_back(self, message: str, person: str, *, up: bool) -> None:
        """Removes a person's vote, if it is the one for `up`."""
        reply = self._replies.get(message)
        if reply is not None and self._desk is not None:
            store = self._desk.store
            await self._attempt(store.take_back(message, person, up=up, replied=reply.at))

    def settle(self, message: str) -> None:
        """Takes no further votes on a message, which says something else from now on."""
        self._replies.pop(message, None)

    async def _attempt(self, call: Awaitable[object]) -> None:
        """A vote is not worth more than a line in the log."""
        try:
            await call
        except StoreError as error:
            self._seldom.log(logging.WARNING, f"A vote was not taken. {error}")
