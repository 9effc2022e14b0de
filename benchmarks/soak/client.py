"""The real bot, with what a fault needs: SIGUSR1 ends its engine's thread, SIGUSR2 sets how fast
its time passes, and its clocks go by a file. Its trainings do not give way."""

import asyncio
import gc
import selectors
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType, SimpleNamespace

import discord.utils

from benchmarks.soak.inside import read_speed, write_inside
from benchmarks.week import client
from bot.desk.schedule import Job, Schedule
from bot.operations import background


class _Selector(selectors.DefaultSelector):
    """Waits for the seconds of a loop that is `speed` times as fast."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout and timeout / self.speed)


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can pass faster than the machine's."""

    def __init__(self) -> None:
        self._fast, self._gained, self._since = _Selector(), 0.0, time.monotonic()
        super().__init__(self._fast)

    @property
    def gained(self) -> float:
        """The seconds that have passed here and not on the machine."""
        return self._gained + (self._fast.speed - 1) * (time.monotonic() - self._since)

    def time(self) -> float:
        """As of any loop."""
        return super().time() + self.gained

    def hurry(self, speed: float) -> None:
        """Lets time pass so many times as fast as on the machine from now on."""
        self._gained, self._since = self.gained, time.monotonic()
        self._fast.speed = speed


class _Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self) -> None:
        super().__init__()
        self.loop: FastLoop | None = None

    def new_event_loop(self) -> FastLoop:
        self.loop = FastLoop()
        return self.loop


def end_worker(*_: object) -> None:
    """Ends the thread of the engine, as an error in the pool's own code would."""
    for pool in gc.get_objects():
        if isinstance(pool, ThreadPoolExecutor) and pool._thread_name_prefix == "engine":
            pool._work_queue.put(SimpleNamespace(run=sys.exit))  # type: ignore[arg-type]


def count_jobs() -> Counter[str]:
    """How often each job of the desk's schedule has run, from now on."""
    ran: Counter[str] = Counter()
    every = Schedule.every

    def counted(schedule: Schedule, name: str, seconds: float, job: Job) -> None:
        async def run() -> None:
            ran[name] += 1
            await job()

        every(schedule, name, seconds, run)

    setattr(Schedule, "every", counted)  # noqa: B010 (as in `benchmarks.week`)
    return ran


def move_clock(clock: Callable[[], datetime]) -> None:
    """Lets all that asks for the time of day get that of `clock`: the bot, and discord.py."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            now = clock().astimezone(tz)
            return now if tz is not None else now.replace(tzinfo=None)

    module = ModuleType("datetime")
    vars(module).update({**vars(sys.modules["datetime"]), "datetime": Moved})
    setattr(discord.utils, "datetime", module)  # noqa: B010
    time.time = lambda: clock().timestamp()


def main(api: str, gateway: str, clock_file: str) -> None:
    """`python -m bot` on the Discord at these addresses."""
    home, policy, ran = Path(clock_file).parent, _Policy(), count_jobs()
    asyncio.set_event_loop_policy(policy)

    def clock() -> datetime:
        gained = policy.loop.gained if policy.loop is not None else 0.0
        return client.read_clock(Path(clock_file)) + timedelta(seconds=gained)

    def look_inside(*_: object) -> None:
        assert policy.loop is not None
        policy.loop.hurry(read_speed(home))
        write_inside(home, len(asyncio.all_tasks(policy.loop)), ran)

    move_clock(clock)
    signal.signal(signal.SIGUSR1, end_worker)
    signal.signal(signal.SIGUSR2, look_inside)
    # With the lowest priority, a training waits for all other work of this machine.
    setattr(background, "_give_way", lambda _pid: None)  # noqa: B010
    client.run(api, gateway, clock)


if __name__ == "__main__":
    main(*sys.argv[1:])
