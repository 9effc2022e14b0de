"""Jobs at their times, by a clock that the test moves."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest
from apscheduler.triggers.cron import CronTrigger

from bot.desk import schedule as module
from bot.desk.schedule import Schedule
from tests.bot.desk.conftest import START, MovableClock


class Job:
    """Notes when it ran."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock
        self.ran: list[datetime] = []

    async def __call__(self) -> None:
        self.ran.append(self._clock())


async def test_an_interval(clock: MovableClock) -> None:
    schedule, job = Schedule(clock), Job(clock)
    schedule.every("it", 60, job)
    await schedule.run_due()
    await schedule.run_due()
    assert job.ran == [START]
    clock.move(seconds=59)
    await schedule.run_due()
    clock.move(seconds=1)
    await schedule.run_due()
    assert len(job.ran) == 2
    clock.move(hours=5)  # what was missed runs once
    await schedule.run_due()
    await schedule.run_due()
    assert len(job.ran) == 3


async def test_an_interval_begins_at_once_though_time_passes(clock: MovableClock) -> None:
    schedule, job = Schedule(lambda: clock.move(seconds=0.001)), Job(clock)
    schedule.every("it", 60, job)
    await schedule.run_due()
    assert len(job.ran) == 1


async def test_a_clock_that_is_set_back_keeps_no_job_waiting(clock: MovableClock) -> None:
    schedule, job, daily = Schedule(clock), Job(clock), Job(clock)
    schedule.every("it", 60, job)
    schedule.add("daily", CronTrigger(hour=9, timezone=UTC), daily)
    await schedule.run_due()
    clock.move(days=-2)
    await schedule.run_due()
    for _ in range(3):
        clock.move(seconds=60)
        await schedule.run_due()
    assert len(job.ran) == 4
    clock.move(hours=21)  # 9:33 of the next day, which came before already
    await schedule.run_due()
    assert len(daily.ran) == 1


async def test_a_job_that_fails_is_logged_and_runs_again(
    clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    schedule, other = Schedule(clock), Job(clock)

    async def broken() -> None:
        raise ValueError("what a customer wrote")

    schedule.every("broken", 60, broken)
    schedule.every("other", 60, other)
    with caplog.at_level(logging.ERROR):
        await schedule.run_due()
        clock.move(seconds=60)
        await schedule.run_due()
    assert len(other.ran) == len(caplog.messages) == 2
    assert "The job broken failed: ValueError at " in caplog.text
    assert "customer" not in caplog.text


async def test_it_looks_at_the_clock_by_itself(
    clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    ran: asyncio.Queue[datetime] = asyncio.Queue()

    async def job() -> None:
        await ran.put(clock())

    async with Schedule(clock) as schedule:
        schedule.every("it", 60, job)
        assert await asyncio.wait_for(ran.get(), 10) == START
        later = clock.move(seconds=60)
        assert await asyncio.wait_for(ran.get(), 10) == later
    clock.move(seconds=60)
    await asyncio.sleep(0.05)
    assert ran.empty()


def test_the_machines_clock_has_a_time_zone() -> None:
    assert module.utc_now().tzinfo is UTC


async def test_a_job_that_is_removed_ends_first(clock: MovableClock) -> None:
    schedule, later = Schedule(clock), Job(clock)
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    schedule.every("slow", 60, slow)
    schedule.every("later", 60, later)
    running = asyncio.create_task(schedule.run_due())
    await begun.wait()
    removing = asyncio.create_task(schedule.remove("slow", "later"))
    await asyncio.sleep(0)
    assert not removing.done()
    may_end.set()
    await removing
    assert ended.is_set()
    await running
    clock.move(seconds=60)
    await schedule.run_due()
    assert later.ran == []
