"""Mention-to-reply round trips per second through the loopback Discord; lost and doubled replies.

    make bench-discord
    python -m benchmarks.discord_load --messages 20000 --home path/to/a/folder/with/checkpoints

Four clients, each in its own process next to the loopback server: a bare discord.py client that
replies "ok", the bot with a stub for a model (its own overhead), the same with the service desk on,
and the bot with the serving checkpoint, once more during a training run. The sides take turns;
figures are medians of the rounds. Event-loop lag is how late a timer of 5 ms fires in the client's
process.
"""

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.operations.background import Background
from bot.operations.progress import ProgressFile
from tests.discord_server import Channel, DiscordServer

REVIEWS = (
    "Loved it, what an ending!",
    "Two hours of my life gone. Boring.",
    "The cast is great but the script lets them down badly, and the last half hour drags.",
    "meh 😴",
)
CHANNELS = 16
"""Customers write in all of them: in one channel, the bot has five replies in flight at most, since
Discord accepts no more there."""
ROUNDS = 3
FAST = {"MESSAGES_PER_SECOND": "0", "LOG_LEVEL": "WARNING"}
"""Messages come as fast as replies do, and must not be rate-limited."""


async def load(
    server: DiscordServer, channels: Sequence[Channel], messages: int, outstanding: int
) -> dict[str, float]:
    """Sends mentions to the channels in turn, `outstanding` at a time, and waits for each reply;
    returns seconds and counts."""
    latencies: list[float] = []
    left = iter(range(messages))
    lost = 0

    async def customer() -> None:
        nonlocal lost
        for number in left:
            text = f"{REVIEWS[number % len(REVIEWS)]} ({number})"
            # Each message is by another person: what one writes after a reply may answer it, and
            # their messages wait for one another.
            author = server.world.add_user(f"customer {number}")
            began = time.perf_counter()
            channel = channels[number % len(channels)]
            message = await server.say(channel, text, author=author)
            try:
                await server.wait_for_reply(message, timeout=30)
                latencies.append(time.perf_counter() - began)
            except TimeoutError:
                lost += 1

    began = time.perf_counter()
    await asyncio.gather(*(customer() for _ in range(outstanding)))
    seconds = time.perf_counter() - began
    await asyncio.sleep(0.5)  # a doubled reply would arrive now
    replies = Counter(posted.reply_to for posted in server.messages)
    cuts = quantiles(latencies, n=20) if len(latencies) > 1 else [0.0] * 19
    return {
        "per second": len(latencies) / seconds,
        "p50 ms": 1000 * median(latencies),
        "p95 ms": 1000 * cuts[18],
        "lost": lost,
        "doubled": sum(count - 1 for count in replies.values()),
    }


async def measure(side: str, messages: int, outstanding: int, home: Path) -> dict[str, float]:
    """One round of one side: a fresh server and a fresh client process."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DiscordServer())
        channels = [server.world.add_channel(f"reviews-{number}") for number in range(CHANNELS)]
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        store = {"DATABASE_URL": f"sqlite:///{scratch}/desk.sqlite3"}
        environment = {**os.environ, **FAST, **store, "DISCORD_TOKEN": server.token}
        arguments = [str(server.api_base), str(server.gateway_url), side]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.discord_client", *arguments),
            env={**environment, "PYTHONPATH": str(Path.cwd())},
            cwd=home,
            stdout=subprocess.PIPE,
        )
        try:
            await server.ready(60)
            await asyncio.sleep(3)  # discord.py waits for guilds, and the bot syncs its commands
            await load(server, channels, outstanding * 4, outstanding)  # warm-up
            server.messages.clear()
            figures = await load(server, channels, messages, outstanding)
        finally:
            process.terminate()
            output, _ = await asyncio.wait_for(process.communicate(), 30)
        return {**figures, **json.loads(output.splitlines()[-1])}


@asynccontextmanager
async def training(home: Path) -> AsyncIterator[None]:
    """A training run, started like /train does, for the duration of the block."""
    background = Background(home)
    log = ProgressFile(background.output("fit"))
    background.start(
        "fit",
        [
            *(sys.executable, "-m", "trainer", "fit", "--progress=json"),
            *("--dataset=starter", "--base-model=stand-in", "--epochs=100"),
            f"--output={home / 'never-finished'}",
        ],
    )
    try:
        while (first := log.read().step) is None:
            if not background.is_running():
                raise SystemExit(background.errors("fit").read_text(encoding="utf-8"))
            await asyncio.sleep(1)
        began = time.perf_counter()
        yield
        last = log.read().step
        assert last is not None
        pace = (last.number - first.number) / (time.perf_counter() - began)
        print(f"Meanwhile the training ran at {pace:.1f} steps per second.")
    finally:
        await background.stop()


def main(
    messages: Annotated[
        int, typer.Option(help="In all, for the stub and the bare client.")
    ] = 20000,
    outstanding: Annotated[int, typer.Option(help="Messages in flight at a time.")] = 32,
    home: Annotated[Path, typer.Option(help="The folder of checkpoints/.")] = Path(),
) -> None:
    """Measure and print."""
    _print(asyncio.run(_measure_all(messages, outstanding, home)))


async def _measure_all(
    messages: int, outstanding: int, home: Path
) -> dict[str, list[dict[str, float]]]:
    results: dict[str, list[dict[str, float]]] = {}

    async def run(name: str, side: str, count: int, at_once: int) -> None:
        figures = await measure(side, count, at_once, home)
        results.setdefault(name, []).append(figures)

    for _ in range(ROUNDS):
        for side in ("bare", "stub", "desk"):
            # Rounded up: over all rounds at least as many as requested.
            await run(
                f"{side}, {outstanding} outstanding", side, -(-messages // ROUNDS), outstanding
            )
            await run(f"{side}, one at a time", side, 300, 1)
    for _ in range(ROUNDS):
        await run("checkpoint, one at a time", "checkpoint", 100, 1)
    with tempfile.TemporaryDirectory() as scratch:
        async with training(Path(scratch)):
            for _ in range(ROUNDS):
                await run("checkpoint, one at a time, while training", "checkpoint", 100, 1)
    return results


def _print(results: dict[str, list[dict[str, float]]]) -> None:
    columns = ("per second", "p50 ms", "p95 ms", "lag p99 ms", "lost", "doubled")
    title = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    table = Table("client", *columns, title=f"{title}; medians of {ROUNDS} rounds, losses in all")
    for name, rounds in results.items():
        cells = [f"{median(r[column] for r in rounds):,.1f}" for column in columns[:4]]
        cells += [f"{sum(r[column] for r in rounds):,.0f}" for column in columns[4:]]
        table.add_row(name, *cells)
    Console(width=110).print(table)

    def median_of(name: str, column: str) -> float:
        (rounds,) = [rounds for key, rounds in results.items() if key == name]
        return median(r[column] for r in rounds)

    overhead = median_of("stub, one at a time", "p50 ms") - median_of(
        "bare, one at a time", "p50 ms"
    )
    busy = median_of("checkpoint, one at a time, while training", "p95 ms")
    idle = median_of("checkpoint, one at a time", "p95 ms")
    print(f"The bot's own overhead at the median: {overhead:.2f} ms.")
    print(f"p95 of replies while training: {busy / idle:.1f} times the idle one.")


if __name__ == "__main__":
    typer.run(main)
