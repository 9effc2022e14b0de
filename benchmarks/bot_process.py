"""The real bot in a process of its own beside the loopback Discord, as benchmarks drive it."""

import asyncio
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from time import time

from tests.bot.frontends.loopback import environment
from tests.discord_server import DiscordServer
from trainer.model.files import write_whole

CLOCK = "clock"
"""The file in the bot's folder that sets the clock of its desk (`benchmarks.week.client`)."""

START_SECONDS = 120.0
STOP_SECONDS = 60.0


class BotProcess:
    """A bot that is stopped, killed and started again; its folder and its log stay."""

    def __init__(self, server: DiscordServer, home: Path, client: str, **settings: str) -> None:
        """`client`: the module that is run, which takes two addresses and the file of its clock."""
        self._environment = {**environment(server), "MESSAGES_PER_SECOND": "0", **settings}
        places = [str(server.api_base), str(server.gateway_url), str(home / CLOCK)]
        self._command = [sys.executable, "-m", client, *places]
        self._server, self._home = server, home
        self.log = home / "bot.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._copying: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns once it is connected."""
        self._process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            self._command,
            cwd=self._home,
            env=self._environment,
            # Not the file itself: the log must go on where the bot may write no more files.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._copying = threading.Thread(target=self._copy, args=(self._process,))
        self._copying.start()
        await self._server.ready(START_SECONDS)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends the signal, and waits for the end."""
        assert self._process is not None
        assert self._copying is not None
        self._process.send_signal(number)
        try:
            await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        await asyncio.to_thread(self._copying.join)

    def _copy(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as output, self.log.open("ab", buffering=0) as log:
            for line in output:
                log.write(line)


def set_clock(home: Path, now: datetime) -> None:
    """Sets the clock of the bot in this folder; it goes on from there."""
    write_whole(home / CLOCK, str(now.timestamp() - time()).encode())
