"""What runs out: the disk, the memory, the right to write, the time to answer."""

import asyncio
import resource
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Container
from datetime import UTC, datetime, timedelta
from statistics import median

import psutil

from benchmarks.soak.rig import BURST, MORE_MEGABYTES, PATIENCE, Rig, Row
from benchmarks.week.people import opened_store
from bot.desk.store.store import FLUSH_SECONDS
from bot.engine import QUEUE_TOKENS, estimate_tokens
from bot.frontends.discord.references import reference
from bot.sentences.kinds import Kind
from tests.discord_server import Posted

OVERLOAD = 10
OVERLOAD_SECONDS = 60.0
LONG = 1_900
"""Characters of a message of the overload, near Discord's limit: tokens limit the queue."""
CAPACITY_MESSAGES = 40
TICK_SECONDS = 0.05
QUIET_SECONDS = 5.0
"""Without a further reply: all have come."""
BACK_SECONDS = 30.0
"""Until messages are answered as usual again, after too much work."""
LIMITED_SECONDS = 10.0
"""Without more memory."""
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
READ_ONLY = (
    'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$1" && shift && exec "$@"'
)
"""Makes a folder read-only, for one process and those that it starts."""


async def _counted(rig: Rig) -> int:
    """The replies in the store, of all hours."""
    now = datetime.now(UTC)
    async with opened_store(rig.home, now) as store:
        figures = await store.figures(
            reference(rig.server.guild.id), now - timedelta(days=2), now + timedelta(days=3)
        )
    return sum(each.number for each in figures.replies)


async def _counted_all(rig: Rig) -> int:
    """The same, once no count waits in memory any more."""
    counted = -1
    while (now := await _counted(rig)) != counted:
        counted = now
        await asyncio.sleep(FLUSH_SECONDS + 2)
    return counted


async def full_disk(rig: Rig, times: int) -> Row:
    """No file can be written for a while: counts wait in memory."""
    row = Row("disk that takes no byte", times)
    for _ in range(times):
        before = await _counted_all(rig)
        limits = resource.prlimit(rig.bot.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(rig.bot.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        ids = await rig.write(BURST)
        await rig.settle(row, ids)
        await asyncio.sleep(FLUSH_SECONDS + 2)
        resource.prlimit(rig.bot.pid, resource.RLIMIT_FSIZE, limits)
        began = time.monotonic()
        while (found := await _counted(rig)) < before + BURST:
            if time.monotonic() - began > PATIENCE:
                break
            await asyncio.sleep(1)
        row.took(began)
        row.expect(f"{before + BURST} replies counted, and not {found}", found == before + BURST)
    row.note = "every reply counted afterwards"
    return row


async def read_only(rig: Rig, times: int) -> Row:
    """The bot starts on a file system that it cannot write, is killed there, and starts as usual.

    Its folder is read-only in a namespace of the process alone, where the system allows that.
    """
    row = Row("read-only file system, then kill -9")
    if subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode:  # noqa: ASYNC221
        row.note = "not injected: this system gives no namespaces"
        return row
    for _ in range(times):
        row.injected += 1
        await rig.bot.stop()
        since = rig.log_size()
        await rig.bot.start(*NAMESPACE, "sh", "-c", READ_ONLY, "sh", str(rig.home))
        await rig.settle(row, await rig.write(BURST))
        row.expect("a line that says so", rig.is_logged("ead-only", since))
        await rig.bot.stop(signal.SIGKILL)
        ids = await rig.write(BURST // 4)
        began = time.monotonic()
        await rig.bot.start()
        await rig.settle(row, ids)
        row.took(began)
    return row


async def no_memory(rig: Rig, times: int) -> Row:
    """The bot gets no more memory than it has, amid a burst of long messages; if that ends it, it
    is started again, as by a service manager."""
    row = Row("memory limit of the bot", times)
    ended = 0
    for _ in range(times):
        limits = resource.prlimit(rig.bot.pid, resource.RLIMIT_AS)
        size = psutil.Process(rig.bot.pid).memory_info().vms
        resource.prlimit(rig.bot.pid, resource.RLIMIT_AS, (size, limits[1]))
        ids = await rig.write(BURST, characters=LONG)
        await asyncio.sleep(LIMITED_SECONDS)
        began = time.monotonic()
        if rig.bot.is_running:
            resource.prlimit(rig.bot.pid, resource.RLIMIT_AS, limits)
        else:
            ended += 1
            await rig.bot.stop()
            await rig.bot.start()
        ids += await rig.write(BURST // 4)
        await rig.settle(row, ids)
        row.took(began)
        row.note = f"{rig.kinds(ids)[Kind.FAILURE]} of the {len(ids)} replies are excuses"
    row.note += f"; the bot ended {ended} times"
    return row


async def overload(rig: Rig, times: int) -> Row:
    """Ten times as many messages a second as it can answer: it says so at once, and recovers."""
    row = Row(f"{OVERLOAD} times the load", times)
    began = time.monotonic()
    first = await rig.write(CAPACITY_MESSAGES, characters=LONG)
    await rig.settle(row, first)
    capacity = CAPACITY_MESSAGES / (time.monotonic() - began)
    before = most = rig.megabytes
    waits: dict[int, float] = {}
    began = time.monotonic()
    # At least until its queue is full.
    least = 2 * QUEUE_TOKENS / estimate_tokens("x" * LONG)
    while len(waits) < least or time.monotonic() - began < OVERLOAD_SECONDS:
        due = round(OVERLOAD * capacity * (time.monotonic() - began)) - len(waits)
        for message in await rig.write(max(0, due), characters=LONG):
            waits[message] = time.monotonic()
        most = max(most, rig.megabytes)
        await asyncio.sleep(TICK_SECONDS)
    ended = time.monotonic()
    await rig.usual_again()
    row.took(ended)
    most = max(most, rig.megabytes)
    replies = await _all_replies(rig, waits)
    counts = Counter(posted.reply_to for posted in replies)
    row.sent, row.once = row.sent + len(waits), row.once + sum(n == 1 for n in counts.values())
    row.doubled += counts.total() - len(counts)
    busy = [p.at - waits[p.reply_to or 0] for p in replies if _is_busy(p)]
    # By design, a channel in which replies wait too long is told so once.
    row.note = (
        f"{len(busy)} told that it is busy, after {median(busy) if busy else 0:.1f} s at the "
        f"median; {len(waits) - len(counts)} dropped in busy channels; memory {before:,.0f} MB, "
        f"at most {most:,.0f} MB"
    )
    row.expect(f"at most {MORE_MEGABYTES:.0f} MB more", most - before <= MORE_MEGABYTES)
    row.expect("some told that it is busy", busy)
    # What a full queue takes on this machine.
    back = least / 2 / capacity + BACK_SECONDS
    row.expect(f"usual replies in {back:.0f} s", (row.seconds or 0) <= back)
    return row


async def _all_replies(rig: Rig, messages: Container[int | None]) -> list[Posted]:
    """The replies to these messages, once no more come."""
    seen: list[Posted] = []
    while len(found := [p for p in rig.server.messages if p.reply_to in messages]) > len(seen):
        seen = found
        await asyncio.sleep(QUIET_SECONDS)
    return found


def _is_busy(reply: Posted) -> bool:
    return f"A {Kind.BUSY} sentence" in str(reply.request["content"])
