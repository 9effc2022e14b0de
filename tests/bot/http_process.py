"""`python -m bot http`, or another server, in a process of its own."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.settings import Settings
from tests.marker import MARKER, search_output

ROOT = Path(__file__).parents[2]


def environment(**settings: str) -> dict[str, str]:
    """This process's, with these settings and no others."""
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return {**kept, "PYTHONPATH": str(ROOT), "HTTP_PORT": "0", **settings}


class Running:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def read_until(self, pattern: str) -> "re.Match[str]":
        """The first line of standard error, from here on, that matches."""
        assert self.process.stderr is not None
        while line := (await asyncio.wait_for(self.process.stderr.readline(), 60)).decode():
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"{pattern} is not in {self.lines}")

    async def stop(self) -> int:
        """Sends SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """The exit code, once the rest of the output is read."""
        assert self.process.stderr is not None
        rest = await asyncio.wait_for(self.process.stderr.read(), 60)
        self.lines += rest.decode().splitlines(keepends=True)
        return await self.process.wait()


@asynccontextmanager
async def running(
    folder: Path,
    *command: str,
    within: Sequence[str] = (),
    **settings: str,
) -> AsyncIterator[Running]:
    """A server whose working directory is `folder`; by default that of `http`.

    `within` is a command that starts it.
    """
    process = await asyncio.create_subprocess_exec(
        *(*within, sys.executable, "-m", "bot", *(command or ("http",))),
        cwd=folder,
        env=environment(**settings),
        stderr=asyncio.subprocess.PIPE,
    )
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = "".join(running.lines)
    search_output("python -m bot", said)
    assert MARKER not in said
    assert "Traceback" not in said
