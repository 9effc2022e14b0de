"""Faults of the bot's process, its connection, its files, its clock; and too much work."""

import asyncio
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Container
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

import psutil

from benchmarks.bot_process import set_clock
from benchmarks.soak.rig import PATIENCE, Rig, Row
from benchmarks.week.people import opened_store
from bot.desk.store.store import FLUSH_SECONDS
from bot.engine import QUEUE_TOKENS, estimate_tokens
from bot.frontends.discord.references import reference
from bot.sentences.kinds import Kind
from tests.discord_server import DiscordServer, Posted

BURST = 40
POST_MESSAGE = ("POST", "/channels/{channel_id}/messages")

MORE_MEGABYTES = 60.0
"""What promotions in a row, or too much work, may add to the memory of the process."""
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
PROMOTING_SECONDS = 1.5
"""A kill amid a promotion comes at a random moment of this time."""


async def killed(rig: Rig, times: int) -> Row:
    """The process is killed amid a burst, and started again."""
    row = Row("kill -9 of the bot in a burst", times)
    for _ in range(times):
        ids = await rig.write(BURST)
        await rig.until_replied(ids, BURST // 4)
        await rig.bot.stop(signal.SIGKILL)
        ids += await rig.write(BURST // 4)  # while nobody reads them
        began = time.monotonic()
        await rig.bot.start()
        await rig.settle(row, ids)
        row.took(began)
    return row


async def _in_a_burst(rig: Rig, row: Row, fault: Callable[[], Awaitable[object]]) -> Row:
    """Injects it so often amid messages."""
    for _ in range(row.injected):
        ids = await rig.write(BURST // 2)
        began = time.monotonic()
        await fault()
        ids += await rig.write(BURST // 2)
        await rig.settle(row, ids)
        row.took(began)
    return row


GATEWAY: dict[str, Callable[[DiscordServer], Awaitable[None]]] = {
    "gateway asks to reconnect": DiscordServer.request_reconnect,
    "gateway connection is cut": DiscordServer.close_gateway,
    "gateway session is invalid": DiscordServer.invalidate_session,
}
HTTP: dict[str, dict[str, Any]] = {
    "3 replies answered with 500": {"status": 500},
    "3 replies answered with 429": {"status": 429, "retry_after": 0.5},
    "3 replies with a reset connection": {"reset": True},
}


async def gateway(rig: Rig, times: int, *, what: str) -> Row:
    """The connection to the gateway is lost in one of the ways."""
    return await _in_a_burst(rig, Row(what, times), partial(GATEWAY[what], rig.server))


async def http(rig: Rig, times: int, *, what: str) -> Row:
    """Discord refuses replies, or drops their connection."""

    async def fail() -> None:
        rig.server.fail(*POST_MESSAGE, times=3, **HTTP[what])

    return await _in_a_burst(rig, Row(what, times), fail)


async def worker_died(rig: Rig, times: int) -> Row:
    """The thread of the engine ends."""
    row = Row("end of the engine's thread", times)
    for _ in range(times):
        ids = await rig.write(BURST // 2)
        await rig.settle(row, ids)
        os.kill(rig.bot.pid, signal.SIGUSR1)
        began = time.monotonic()
        ids = await rig.write(BURST // 2)
        await rig.settle(row, ids)
        await rig.usual_again()
        row.took(began)
        excuses = rig.kinds(ids)[Kind.FAILURE]
        row.note = f"{excuses} of the {len(ids)} replies are excuses"
    return row


async def promoted_often(rig: Rig, times: int) -> Row:
    """Another checkpoint is promoted again and again while customers are answered."""
    row = Row("promotion, one after another", times)
    names = [rig.serving(), rig.copy_of_serving("soak-copy")]
    before = 0.0
    for number in range(times + 2):
        if number == 2:  # both have been loaded once
            before = rig.megabytes
        ids = await rig.write(4)
        began = time.monotonic()
        said = await rig.promote(names[(number + 1) % 2])
        row.took(began)
        row.expect(f"a promotion, and not: {said}", "answers from now on" in said)
        await rig.settle(row, ids)
    after = rig.megabytes
    row.note = f"memory {before:,.0f} MB before, {after:,.0f} MB after"
    row.expect(f"at most {MORE_MEGABYTES:.0f} MB more", after - before <= MORE_MEGABYTES)
    return row


async def killed_in_a_promotion(rig: Rig, times: int) -> Row:
    """The process is killed at some moment of a promotion: the old one or the new one serves."""
    row = Row("kill -9 of the bot in a promotion", times)
    names = [rig.serving(), rig.copy_of_serving("soak-copy")]
    moments = random.Random(0)
    for number in range(times):
        ids = await rig.write(4)
        await rig.server.slash(
            "model promote", {"name": names[(number + 1) % 2]}, author=rig.server.owner
        )
        await asyncio.sleep(moments.uniform(0, PROMOTING_SECONDS))
        await rig.bot.stop(signal.SIGKILL)
        began = time.monotonic()
        await rig.bot.start()
        await rig.settle(row, ids)
        row.took(began)
        row.expect("one of the two serves", rig.serving() in names)
    return row


async def corrupted_checkpoint(rig: Rig, times: int) -> Row:
    """A damaged checkpoint is promoted: the last good one serves."""
    row = Row("promotion of a damaged checkpoint", times)
    good = rig.serving()
    pointer = rig.checkpoints / "serving.json"
    for number in range(times):
        name = rig.copy_of_serving(f"soak-damaged-{number}")
        weights = rig.checkpoints / name / "model.onnx"
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 0xFF
        weights.write_bytes(content)
        ids = await rig.write(BURST // 4)
        said = await rig.promote(name)
        row.expect("a refusal", "was changed since training" in said)
        row.expect("the good one in the pointer", rig.serving() == good)
        # As a process that does not verify would write it.
        since, before = rig.log_size(), pointer.read_bytes()
        pointer.write_text(json.dumps({"serving": name, "earlier": [good]}), "utf-8")
        await rig.logged("was promoted elsewhere, but cannot be used", since)
        ids += await rig.write(BURST // 4)
        await rig.settle(row, ids)
        since = rig.log_size()
        pointer.write_bytes(before)
        shutil.rmtree(rig.checkpoints / name)
        await rig.logged("was promoted elsewhere, and is serving now", since)
    row.note = "refused, and the good one serves"
    return row


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
    for row.injected in range(1, times + 1):
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


async def corrupted_store(rig: Rig, times: int) -> Row:
    """The desk's database is damaged while the bot is off."""
    row = Row("damaged database", times)
    file = rig.home / "state" / "desk.sqlite3"
    for number in range(1, times + 1):
        await rig.bot.stop()
        file.write_bytes(file.read_bytes()[:5000] + os.urandom(20_000))
        ids = await rig.write(BURST // 4)
        began = time.monotonic()
        await rig.bot.start()
        await rig.settle(row, ids)
        row.took(began)
        kept = len(list(file.parent.glob(f"{file.name}.damaged-*")))
        row.expect(f"{number} damaged files kept, and not {kept}", kept == number)
    row.note = "kept under another name"
    return row


async def jumping_clock(rig: Rig, times: int) -> Row:
    """The machine's clock jumps ahead and back, as the bot and discord.py read it; the bot is then
    killed, and searches for what came meanwhile by a clock that is wrong.

    The rest of the bot measures time from a moment at which it started (`time.monotonic`). The
    system's own files keep their times, by which states of trainings are kept for a week.
    """
    row = Row("jump of the clock, then kill -9", times)
    for number in range(times):
        jump = timedelta(days=1 if number % 2 else -2, hours=5)
        set_clock(rig.home, datetime.now(UTC) + jump)
        await rig.settle(row, await rig.write(BURST // 2))
        ran = (await rig.look_inside()).jobs
        await asyncio.sleep(FLUSH_SECONDS + 2)
        flushed = (await rig.look_inside()).jobs["flush"] - ran["flush"]
        row.expect(f"1 to 5 writes of counts in 7 s, and not {flushed}", 1 <= flushed <= 5)
        await rig.bot.stop(signal.SIGKILL)
        ids = await rig.write(BURST // 4)
        began = time.monotonic()
        await rig.bot.start()
        await rig.settle(row, ids)
        row.took(began)
    set_clock(rig.home, datetime.now(UTC))
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


def tokens_found(rig: Rig) -> Row:
    """Whether the token is in the log or in a file."""
    row = Row("search for the token in logs and files")
    token = rig.server.token.encode()
    parts = [token, *token.split(b".")[2:]]
    for file in sorted(rig.home.rglob("*")):
        if file.is_file() and any(part in file.read_bytes() for part in parts):
            row.wrong.append(f"the token is in {file.relative_to(rig.home)}")
        row.injected += file.is_file()
    return row
