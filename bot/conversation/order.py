"""Handles one message at a time of each person in a place, in order of arrival.

A "yes" right after a review finds the question about it only once the review is judged.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.engine import BusyError

MAX_WAITING = 20
"""Messages of one person in one place; more than a person writes while a review is judged."""


@dataclass(slots=True)
class _Line:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """First come, first served."""
    count: int = 0
    """Messages that are being answered or waiting."""


class InOrder:
    """A line for each person in a place; it exists only while a message is in it."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    @asynccontextmanager
    async def turn(self, whom: Hashable) -> AsyncIterator[None]:
        """Waits until the earlier messages of `whom` are answered; others do not wait for them.

        Raises BusyError where too many wait already.
        """
        line = self._lines.setdefault(whom, _Line())
        if line.count > MAX_WAITING:
            raise BusyError
        line.count += 1
        try:
            async with line.turn:
                yield
        finally:
            line.count -= 1
            if not line.count:
                del self._lines[whom]
