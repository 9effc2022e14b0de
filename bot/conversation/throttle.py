"""Limits the message rate of each customer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from cachetools import LRUCache

CUSTOMERS = 10_000
"""How many customers are remembered; beyond that, the least recently active is forgotten."""

CALM_SECONDS = 60.0
"""After this long within the limit, a customer is warned again if they exceed it again."""


class Pace(Enum):
    """Whether a message is within the rate limit."""

    FINE = auto()
    TOO_FAST = auto()
    """And its author has not been warned yet."""
    STILL_TOO_FAST = auto()
    """And its author has been warned."""


@dataclass(slots=True)
class _Customer:
    """A token bucket: filled at the permitted rate; each message takes one token."""

    answers: float
    at: float
    hurried_at: float | None = None


class Throttle:
    """Permits each customer `per_second` messages per second, and a burst of as many; 0: no limit.

    `clock` gives seconds, and never goes back. Ids are kept only in memory.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._clock = clock
        self._customers: LRUCache[int, _Customer] = LRUCache(CUSTOMERS)

    def pace(self, customer: int, messages: int = 1) -> Pace:
        """Counts messages of this customer, who is identified by any number, and judges their
        rate.

        Several `messages` at once pass if one would, and the next ones wait for all of them.
        """
        if not self._per_second:
            return Pace.FINE
        now = self._clock()
        known = self._customers.setdefault(customer, _Customer(self._most, now))
        refilled = known.answers + (now - known.at) * self._per_second
        known.answers, known.at = min(self._most, refilled), now
        if known.answers >= 1:
            known.answers -= messages
            return Pace.FINE
        warned = known.hurried_at is not None and now - known.hurried_at < CALM_SECONDS
        known.hurried_at = now
        return Pace.STILL_TOO_FAST if warned else Pace.TOO_FAST

    def seconds_to_wait(self, customer: int) -> float:
        """Until the next message of this customer is within the limit."""
        known = self._customers.get(customer)
        if not self._per_second or known is None:
            return 0.0
        due = known.at + (1 - known.answers) / self._per_second
        return max(0.0, due - self._clock())
