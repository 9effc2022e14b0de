"""The real bot in a process of its own beside the loopback Discord, as benchmarks drive it."""

import asyncio
import csv
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from random import Random
from shutil import copytree
from time import time

import yaml

from bot.sentences.kinds import Kind
from tests.bot.frontends.loopback import environment
from tests.discord_server import DiscordServer
from trainer.data.reviews import STARTER, load_reviews
from trainer.model.checkpoint import serving_checkpoint
from trainer.model.files import write_whole

CLOCK = "clock"
"""The file in the bot's folder that sets the clock of its desk (`benchmarks.week.client`)."""

TRAINING_REVIEWS = 300
DATASETS = "films=films.csv"
"""What `/train` offers: the file that `prepare` writes."""

START_SECONDS = 120.0
STOP_SECONDS = 60.0


def prepare(folder: Path, home: Path) -> None:
    """A folder as an operator has it: the checkpoints of `home`, sentences, labelled reviews."""
    if serving_checkpoint(home / "checkpoints") is None:
        raise SystemExit("There is no serving checkpoint. Train one first: make run")
    copytree(home / "checkpoints", folder / "checkpoints")
    (folder / "responses.yaml").write_text(sentences(), "utf-8")
    with (folder / "films.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        reviews = Random(0).sample(load_reviews(STARTER).train, TRAINING_REVIEWS)
        writer.writerows((review.text, review.label) for review in reviews)


def sentences() -> str:
    """A responses.yaml whose sentences show their kind and language."""
    english = {str(kind): [f"A {kind} sentence"] for kind in Kind}
    german = {str(kind): [f"Ein {kind} Satz"] for kind in Kind}
    return yaml.safe_dump({**english, "locales": {"de": german}})


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

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process is not None and self._process.poll() is None

    async def start(self, *before: str) -> None:
        """Returns once it is connected. `before`: a command that becomes the one after it."""
        self._process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            [*before, *self._command],
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
