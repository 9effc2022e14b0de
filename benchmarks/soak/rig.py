"""The customers, what they saw, and a row of the table."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import psutil

from benchmarks.bot_process import BotProcess
from benchmarks.discord_load import REVIEWS
from benchmarks.soak.inside import Footprint, look_inside
from benchmarks.week.findings import kinds_of
from bot.sentences.kinds import Kind
from tests.discord_server import DiscordServer
from trainer.model.checkpoint import serving_checkpoint

CHANNELS = 8
"""Discord accepts about one message a second in each, and the bot reads only 100 missed ones."""
BURST = 40
"""Messages amid which a fault is injected."""
MORE_MEGABYTES = 60.0
"""What promotions in a row, or too much work, may add to the memory of the process."""
PATIENCE = 120.0
"""In seconds, for one reply: a start of the bot may lie in between."""
SETTLED_SECONDS = 0.5
"""After the last reply: a second one would arrive now."""


@dataclass(slots=True)
class Row:
    """One kind of fault."""

    what: str
    injected: int = 0
    sent: int = 0
    once: int = 0
    """Messages with one reply."""
    lost: int = 0
    doubled: int = 0
    seconds: float | None = None
    """The longest until all was answered, or served as before, again."""
    note: str = ""
    wrong: list[str] = field(default_factory=list)
    """What is not as it should be, besides lost and doubled replies."""

    @property
    def is_right(self) -> bool:
        """Whether each message got one reply, and all else is as it should be."""
        return not (self.lost or self.doubled or self.wrong)

    def took(self, since: float) -> None:
        """Notes a recovery that began at this time of `time.monotonic`."""
        self.seconds = max(self.seconds or 0.0, time.monotonic() - since)

    def expect(self, what: str, holds: object) -> None:
        """Notes `what` is expected, unless it holds."""
        if not holds:
            self.wrong.append(what)


class Rig:
    """The bot in its process, and customers who write to it."""

    def __init__(self, server: DiscordServer, bot: BotProcess, home: Path) -> None:
        self.server, self.bot, self.home = server, bot, home
        self.checkpoints = home / "checkpoints"
        self._channels = [server.world.add_channel(f"films-{n}") for n in range(CHANNELS)]
        self._numbers = count()
        self.read: set[int] = set()
        """The ids of the results of trainings that were read already."""

    async def write(self, messages: int, *, characters: int = 0) -> list[int]:
        """Sends messages of as many customers, without waiting; returns their ids.

        Each is one review, or as many as have so many characters.
        """
        ids = []
        for number in (next(self._numbers) for _ in range(messages)):
            # What one customer writes after a reply may answer it.
            author = self.server.world.add_user(f"customer {number}")
            review = f"{REVIEWS[number % len(REVIEWS)]} "
            text = review * max(1, characters // len(review))
            channel = self._channels[number % CHANNELS]
            ids.append(await self.server.say(channel, f"{text}({number})", author=author))
        return ids

    async def settle(self, row: Row, ids: list[int], patience: float = PATIENCE) -> None:
        """Waits for the reply to each message, and counts what came."""
        await asyncio.gather(
            *(self.server.wait_for_reply(each, patience) for each in ids), return_exceptions=True
        )
        await asyncio.sleep(SETTLED_SECONDS)
        replies = Counter(posted.reply_to for posted in self.server.messages)
        row.sent += len(ids)
        row.once += sum(replies[each] == 1 for each in ids)
        row.lost += sum(replies[each] == 0 for each in ids)
        row.doubled += sum(max(0, replies[each] - 1) for each in ids)

    async def until_replied(self, ids: list[int], number: int) -> None:
        """Waits until so many of the messages have a reply."""
        wanted = set(ids)
        await self.server.wait_until(
            lambda: sum(p.reply_to in wanted for p in self.server.messages) >= number, PATIENCE
        )

    def kinds(self, ids: Iterable[int]) -> Counter[str]:
        """How many replies of each kind these messages got."""
        wanted = set(ids)
        return Counter(kinds_of(p)[0] for p in self.server.messages if p.reply_to in wanted)

    async def usual_again(self) -> None:
        """Waits until a message gets a verdict, and not an excuse."""
        while True:
            (message,) = await self.write(1)
            await self.server.wait_for_reply(message, PATIENCE)
            if not self.kinds([message]).keys() & {Kind.BUSY, Kind.FAILURE}:
                return

    async def promote(self, name: str) -> str:
        """The owner promotes a checkpoint; returns the private answer."""
        order = await self.server.slash("model promote", {"name": name}, author=self.server.owner)
        answer = await self.server.wait_for_message(
            lambda posted: posted.interaction_id == order.id, PATIENCE
        )
        return answer.content

    async def logged(self, sentence: str, since: int) -> None:
        """Waits until the log has this, after its first `since` bytes."""
        await self.server.wait_until(partial(self.is_logged, sentence, since), PATIENCE)

    def is_logged(self, sentence: str, since: int) -> bool:
        """Whether it has that."""
        return sentence in self.bot.log.read_text("utf-8", "replace")[since:]

    def log_size(self) -> int:
        """In characters."""
        return len(self.bot.log.read_text("utf-8", "replace"))

    async def look_inside(self, *, speed: float = 1.0) -> Footprint:
        """The bot's footprint; its time passes at this speed from now on."""
        return await look_inside(self.server, self.bot, self.home, speed=speed)

    @property
    def megabytes(self) -> float:
        """Resident memory of the bot."""
        return float(psutil.Process(self.bot.pid).memory_info().rss) / 1e6

    def serving(self) -> str:
        """The name in the pointer."""
        path = serving_checkpoint(self.checkpoints)
        assert path is not None
        return path.name

    def copy_of_serving(self, name: str) -> str:
        """A checkpoint of this name with the same content; returns the name."""
        if not (self.checkpoints / name).exists():
            shutil.copytree(self.checkpoints / self.serving(), self.checkpoints / name)
        return name
