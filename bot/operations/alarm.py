"""When operators hear of trouble: what breaks a model breaks it for every customer."""

import time
from collections.abc import Callable

ALARM_SECONDS = 600.0
"""Between two reports."""


class Alarm:
    """Lets one report through, and the next only after some time; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._raised_at: float | None = None

    def report(self, trouble: str | None) -> str | None:
        """What to tell operators of what kept the bot from judging; None if there is nothing to
        tell, or they were told lately."""
        now = self._clock()
        recently = self._raised_at is not None and now - self._raised_at < ALARM_SECONDS
        if trouble is None or recently:
            return None
        self._raised_at = now
        return f"{trouble}. Customers are asked to try again."
