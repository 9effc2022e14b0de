"""When to report a failure to operators: a broken model fails for every customer."""

import time
from collections.abc import Callable

ALARM_SECONDS = 600.0
"""Minimum time between two reports."""


class Alarm:
    """Permits one report, and the next only after some time; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._raised_at: float | None = None

    def report(self, trouble: str | None) -> str | None:
        """The message to operators about a failure to judge; None if there was no failure, or if
        they were informed recently."""
        now = self._clock()
        recently = self._raised_at is not None and now - self._raised_at < ALARM_SECONDS
        if trouble is None or recently:
            return None
        self._raised_at = now
        return f"{trouble}. Customers are asked to try again."
