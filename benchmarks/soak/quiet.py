"""Hours without a message: nothing may grow."""

import asyncio
import time
from dataclasses import replace

from benchmarks.soak.inside import Footprint
from benchmarks.soak.rig import Rig, Row
from bot.desk.desk import REMINDER_SECONDS
from tests.discord_server.gateway import HEARTBEAT_SECONDS

HOURS = 8
WARM_UP_HOURS = 0.5
"""Before the first look: what is used for the first time takes memory once."""
SPEED = 240.0
"""Heartbeats, looks at files and the desk's jobs come so many times as fast."""
REMINDER = "remind"
"""The job that counts the hours: a slow machine needs more time for them, and skips none."""

MORE_MEGABYTES = 10.0
MORE_TASKS, MORE_HANDLES, MORE_THREADS = 2, 2, 2
"""What may be in use at the one moment and not at the other."""

MAX_SECONDS = 900.0
LOOK_SECONDS = 2.0
REST_SECONDS = 5.0
"""By the machine's own time, before a look."""


async def quiet_hours(rig: Rig, times: int) -> Row:
    """Nobody writes for hours, by a clock that is fast.

    The time of the bot's event loop, and its clocks, pass 240 times as fast, and Discord asks for
    heartbeats so often: about 700, with 480 looks for cards to remind of. Timers of a few seconds
    ring less often than in real hours, as what they do takes its usual time.
    """
    row = Row(f"{HOURS} quiet hours, {SPEED:.0f} times as fast", times)
    await rig.settle(row, await rig.write(4))
    rig.server.set_heartbeat(HEARTBEAT_SECONDS / SPEED)
    await rig.server.close_gateway()
    await rig.usual_again()
    for _ in range(times):
        await _pass(rig, WARM_UP_HOURS)
        before, heartbeats = await _rested(rig), rig.server.heartbeats
        began = time.monotonic()
        await _pass(rig, HOURS)
        passed = time.monotonic() - began
        after = await _rested(rig)
        beaten = rig.server.heartbeats - heartbeats
        _compare(row, before, after)
        row.note = f"{before} before; {after} after; {beaten:,} heartbeats, in {passed:.0f} s"
        row.expect("heartbeats", beaten >= HOURS * 3600 / HEARTBEAT_SECONDS / 2)
    rig.server.set_heartbeat()
    await rig.server.close_gateway()
    began = time.monotonic()
    await rig.settle(row, await rig.write(4))
    row.took(began)
    return row


async def _pass(rig: Rig, hours: float) -> None:
    """Lets so many hours of the bot's time pass."""
    ran = (await rig.look_inside(speed=SPEED)).jobs.get(REMINDER, 0)
    wanted = ran + hours * 3600 / REMINDER_SECONDS
    async with asyncio.timeout(MAX_SECONDS):
        while ran < wanted:
            await asyncio.sleep(LOOK_SECONDS)
            ran = (await rig.look_inside(speed=SPEED)).jobs.get(REMINDER, 0)
    await rig.look_inside()


async def _rested(rig: Rig) -> Footprint:
    """What it has at rest. The least of three looks: a file may be open at one of them."""
    looks = []
    for _ in range(3):
        await asyncio.sleep(REST_SECONDS / 3)
        looks.append(await rig.look_inside())
    return replace(
        looks[-1],
        tasks=min(look.tasks for look in looks),
        handles=min(look.handles for look in looks),
        threads=min(look.threads for look in looks),
    )


def _compare(row: Row, before: Footprint, after: Footprint) -> None:
    grown = after.megabytes - before.megabytes
    row.expect(
        f"at most {MORE_MEGABYTES:.0f} MB more, and not {grown:.1f}", grown <= MORE_MEGABYTES
    )
    for what, more, limit in (
        ("tasks", after.tasks - before.tasks, MORE_TASKS),
        ("handles", after.handles - before.handles, MORE_HANDLES),
        ("threads", after.threads - before.threads, MORE_THREADS),
    ):
        row.expect(f"at most {limit} {what} more, and not {more}", more <= limit)
