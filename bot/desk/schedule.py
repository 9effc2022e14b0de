"""Runs jobs at their times, by a clock that tests can move.

APScheduler computes the times; `bot.desk.notices` also asks it when the digest is due. Its own
scheduler is not used: it reads `datetime.now` and sleeps in the event loop's timer, so a simulated
week would take a week.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol

from apscheduler.triggers.interval import IntervalTrigger

from bot.logs import whereabouts

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
"""Returns the present time, with a time zone."""

Job = Callable[[], Awaitable[object]]

REMOVAL_SECONDS = 3.0
"""How long the removal of a job waits for it to end."""

LOOK_SECONDS = 1.0
"""Between two looks at the clock. It is polled, since a clock may jump: a machine wakes up."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Trigger(Protocol):
    """One of APScheduler's triggers."""

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """The next time, or None if there is none."""


@dataclass(slots=True)
class _Entry:
    job: Job
    trigger: Trigger
    due: datetime | None


class Schedule:
    """Runs jobs one after the other while it is entered (`async with`).

    A job that was missed more than once runs once. A job that fails is logged, and runs again at
    its next time. A job that waits for a network needs a time limit of its own: the others wait.
    """

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._looked = clock()
        """The time of the latest look."""
        self._running = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def every(self, name: str, seconds: float, job: Job) -> None:
        """Runs `job` at this interval, first at once."""
        start = self._clock()
        trigger = IntervalTrigger(seconds=seconds, start_date=start, timezone=UTC)
        # Not as `add`: a moment later, the trigger's next time is an interval away.
        self._entries[name] = _Entry(job, trigger, start)

    def add(self, name: str, trigger: Trigger, job: Job) -> None:
        """Runs `job` at the times of `trigger`; takes the place of a job of the same name."""
        self._entries[name] = _Entry(job, trigger, trigger.get_next_fire_time(None, self._clock()))

    async def remove(self, *names: str) -> None:
        """Removes jobs; waits for one that is running, but not for long."""
        for name in names:
            self._entries.pop(name, None)
        with suppress(TimeoutError):
            async with asyncio.timeout(REMOVAL_SECONDS), self._running:
                pass

    async def run_due(self) -> None:
        """Runs every job whose time has come. Tests call it after they have moved the clock."""
        async with self._running:
            self._note_setback()
            for name, entry in list(self._entries.items()):
                now = self._clock()
                if entry.due is None or entry.due > now or name not in self._entries:
                    continue
                entry.due = entry.trigger.get_next_fire_time(now, now)
                try:
                    await entry.job()
                except Exception as error:
                    log.error("The job %s failed: %s", name, whereabouts(error))

    def _note_setback(self) -> None:
        """After the clock was set back, no job waits until it has caught up."""
        now = self._clock()
        if now < self._looked:
            for entry in self._entries.values():
                again = entry.trigger.get_next_fire_time(now, now)
                entry.due = min(filter(None, (entry.due, again)), default=None)
        self._looked = now

    async def __aenter__(self) -> "Schedule":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Waits for the job that is running, and starts no other."""
        assert self._task is not None
        async with self._running:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self.run_due()
            await asyncio.sleep(LOOK_SECONDS)
