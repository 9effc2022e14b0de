"""What only the bot's process knows, and how fast its time passes."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.bot_process import BotProcess
from tests.discord_server import DiscordServer
from trainer.model.files import write_whole

SPEED, INSIDE = "speed", "inside.json"
"""In the bot's folder: the client reads the one and writes the other on SIGUSR2."""

SECONDS = 60.0
"""Until the process has answered."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process has at one moment."""

    megabytes: float
    """Resident memory."""
    tasks: int
    """Of asyncio, that are not done."""
    handles: int
    """Open files and sockets."""
    threads: int
    jobs: dict[str, int]
    """How often each job of the desk's schedule has run."""

    def __str__(self) -> str:
        return (
            f"{self.megabytes:,.0f} MB, {self.tasks} tasks, {self.handles} handles, "
            f"{self.threads} threads"
        )


async def look_inside(
    server: DiscordServer, bot: BotProcess, home: Path, *, speed: float = 1.0
) -> Footprint:
    """The bot's footprint; its time passes at this speed from now on."""
    (home / SPEED).write_text(str(speed))
    answer = home / INSIDE
    answer.unlink(missing_ok=True)
    os.kill(bot.pid, signal.SIGUSR2)
    await server.wait_until(lambda: answer.exists() or None, SECONDS)
    seen = json.loads(answer.read_text())
    process = psutil.Process(bot.pid)
    return Footprint(
        megabytes=process.memory_info().rss / 1e6,
        tasks=seen["tasks"],
        handles=process.num_fds(),
        threads=process.num_threads(),
        jobs=seen["jobs"],
    )


def write_inside(home: Path, tasks: int, jobs: dict[str, int]) -> None:
    """The client's answer."""
    write_whole(home / INSIDE, json.dumps({"tasks": tasks, "jobs": jobs}).encode())


def read_speed(home: Path) -> float:
    """What the client was asked for."""
    return float((home / SPEED).read_text())
