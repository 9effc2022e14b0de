"""Slows down those who write faster than a person does."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from cachetools import LRUCache

CUSTOMERS = 10_000
"""How many are remembered at once; the one who has been quiet longest is forgotten first."""

CALM_SECONDS = 60.0
"""Whoever has kept to the pace for so long is told again, should it happen again."""


class Pace(Enum):
    """What becomes of a message."""

    FINE = auto()
    TOO_FAST = auto()
    """And its author has not been told yet."""
    STILL_TOO_FAST = auto()
    """And its author has been told."""


@dataclass(slots=True)
class _Customer:
    """A bucket of answers: filled at the permitted pace, emptied by one a message."""

    answers: float
    at: float
    hurried_at: float | None = None


class Throttle:
    """Permits each customer `per_second` messages a second, and as many at once; 0 permits all.

    `clock` gives seconds, and never goes back. Ids are kept in memory and nowhere else.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._clock = clock
        self._customers: LRUCache[int, _Customer] = LRUCache(CUSTOMERS)

    def pace(self, customer: int) -> Pace:
        """Counts a message of this customer, who is known by any number, and judges its pace."""
        if not self._per_second:
            return Pace.FINE
        now = self._clock()
        known = self._customers.setdefault(customer, _Customer(self._most, now))
        refilled = known.answers + (now - known.at) * self._per_second
        known.answers, known.at = min(self._most, refilled), now
        if known.answers >= 1:
            known.answers -= 1
            return Pace.FINE
        told = known.hurried_at is not None and now - known.hurried_at < CALM_SECONDS
        known.hurried_at = now
        return Pace.STILL_TOO_FAST if told else Pace.TOO_FAST
