"""Faults of the bot's process, its connection, its database, its clock."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.bot_process import set_clock
from benchmarks.soak.rig import BURST, Rig, Row
from bot.desk.store.store import FLUSH_SECONDS
from bot.sentences.kinds import Kind
from tests.discord_server import DiscordServer

POST_MESSAGE = ("POST", "/channels/{channel_id}/messages")


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
