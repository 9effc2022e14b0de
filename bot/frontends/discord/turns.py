"""The order of replies in a channel: Discord accepts only about one message per second in each.

If customers write faster than that, replies queue up. For the first seconds the oldest goes first.
If some have waited longer, the newest goes first, because its author is still there; one that has
waited too long is dropped; and one reply is replaced by the message that the bot is busy, which is
sent again only once the replies have caught up.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

log = logging.getLogger(__name__)

AT_ONCE = 5
"""Replies passed to discord.py at once: as many as Discord accepts in five seconds, because those
that wait inside the library can no longer be dropped."""

IN_ORDER_SECONDS = 2.0
"""As long as no reply has waited longer than this, they are sent in the order of arrival: a short
burst must not leave its first reply waiting for all others."""

MAX_WAIT_SECONDS = 10.0
"""How long a reply waits for its turn."""

MAX_WAITING = 500
"""Maximum replies waiting in one channel."""


class Turn(Enum):
    """What happens to a reply."""

    REPLY = auto()
    BUSY = auto()
    """It waited too long, and is replaced by the message that the bot is busy."""
    DROPPED = auto()
    """It waited too long, and the channel has that message already."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    since: float
    turn: "asyncio.Future[Turn]"


@dataclass(slots=True)
class _Channel:
    sending: int = 0
    """Replies that have been passed to discord.py, or are about to be."""
    urgent: deque[_Waiting] = field(default_factory=deque)
    waiting: deque[_Waiting] = field(default_factory=deque)
    """Both oldest first."""
    is_told: bool = False


class Turns:
    """The queues of all channels; one exists only while it is not empty."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._channels: dict[int, _Channel] = {}

    @asynccontextmanager
    async def turn(self, channel_id: int, *, urgent: bool = False) -> AsyncIterator[Turn]:
        """Waits until something may be sent to the channel, and yields what; send it within.

        An `urgent` reply goes first, and is not dropped for its age.
        """
        channel = self._channels.setdefault(channel_id, _Channel())
        if channel.sending < AT_ONCE:
            channel.sending += 1
            turn = Turn.REPLY
        else:
            turn = await self._wait(channel_id, channel.urgent if urgent else channel.waiting)
        if turn is Turn.DROPPED:
            yield turn
            return
        try:
            yield turn
        finally:
            self._end(channel_id)

    async def _wait(self, channel_id: int, queue: deque[_Waiting]) -> Turn:
        entry = _Waiting(self._clock(), asyncio.get_running_loop().create_future())
        queue.append(entry)
        if len(queue) > MAX_WAITING:
            _give(queue.popleft(), Turn.DROPPED)
        try:
            return await entry.turn
        except asyncio.CancelledError:
            # It may have got its turn at the same moment.
            if not entry.turn.cancelled() and entry.turn.result() is not Turn.DROPPED:
                self._end(channel_id)
            raise

    def _end(self, channel_id: int) -> None:
        """Passes the turn on, or removes the channel if nothing waits."""
        channel = self._channels[channel_id]
        if not self._call_next(channel_id, channel):
            channel.sending -= 1
        if not channel.sending:
            del self._channels[channel_id]

    def _call_next(self, channel_id: int, channel: _Channel) -> bool:
        """Gives the turn to the next reply; returns whether there is one."""
        while channel.urgent:
            if _give(channel.urgent.popleft(), Turn.REPLY):
                return True
        late: list[_Waiting] = []
        while channel.waiting and self._clock() - channel.waiting[0].since > MAX_WAIT_SECONDS:
            late.append(channel.waiting.popleft())
        is_given = False
        for entry in reversed(late):
            tell = not channel.is_told
            if _give(entry, Turn.BUSY if tell else Turn.DROPPED) and tell:
                channel.is_told = is_given = True
                log.warning(
                    "Channel %d is busy: replies that wait too long are dropped", channel_id
                )
        while channel.waiting and not is_given:
            is_early = self._clock() - channel.waiting[0].since <= IN_ORDER_SECONDS
            entry = channel.waiting.popleft() if is_early else channel.waiting.pop()
            is_given = _give(entry, Turn.REPLY)
        return is_given


def _give(entry: _Waiting, turn: Turn) -> bool:
    """Whether the reply still needs the turn: a cancelled task does not."""
    if entry.turn.done():
        return False
    entry.turn.set_result(turn)
    return True
