"""The people of three servers, what they do in a week, and the bot that they do it with."""

import asyncio
import csv
import random
import signal
from collections import Counter
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

from benchmarks.bot_process import BotProcess, sentences, set_clock
from bot.desk.schedule import LOOK_SECONDS
from bot.desk.store import Hours, ServerSettings, Shift, Store, open_store
from bot.desk.store.figures import hour_of
from bot.desk.store.store import FLUSH_SECONDS
from bot.frontends.discord.client import DIRECT
from bot.frontends.discord.references import reference
from bot.settings import Settings
from tests.discord_server import Channel, DiscordServer, Posted, User

HOURS = 7 * 24
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)

STORM_HOUR = 68
BROKEN_HOUR, MENDED_HOUR = 50, 53
RESTART_HOURS = (43, 116)
KILL_HOUR = 93
TRAINING_HOUR = 120

AT_ONCE = 16
"""Messages that wait for their replies at a time."""
TRAINING_SECONDS = 900.0
PATIENCE = 120.0
"""In seconds, for one reply: a restart may lie in between."""
COUNTED_SECONDS = 0.3
"""Until the bot has counted a reply that people see already: its clock must not move before."""
CUSTOMERS = 200
VOTES = 0.2
"""The share of replies that get a vote."""
STORM = 0.04
"""The share of all messages that come as complaints in one hour."""

LISTS = Path(__file__).parents[1] / "strangers"


@dataclass(frozen=True, slots=True)
class Place:
    """Where customers write, and which server counts it."""

    channel: Channel | None
    """None: to the bot directly."""
    server: str
    """As the store knows it."""


@dataclass(slots=True)
class Sent:
    """What a simulated customer wrote, and where it counts."""

    server: str
    hour: datetime
    text: str


def texts() -> tuple[list[str], list[str]]:
    """All messages of the week to choose from; and complaints about the service."""

    def column(name: str, kinds: tuple[str, ...] = ()) -> list[str]:
        with (LISTS / name).open(encoding="utf-8", newline="") as file:
            return [
                row["text"] for row in csv.DictReader(file) if not kinds or row["kind"] in kinds
            ]

    usual = (*column("chat.csv"), *column("chat.csv"), *column("kinds.csv"))
    return list(usual), column("kinds.csv", ("service",))


class Week:
    """The people of three servers, and what they do."""

    def __init__(
        self, server: DiscordServer, bot: BotProcess, home: Path, messages: int, *, trains: bool
    ) -> None:
        self._server, self._bot, self._home, self._trains = server, bot, home, trains
        self._random = random.Random(0)
        self._usual, self._complaints = texts()
        world = server.world
        self._customers = [world.add_user(f"customer {n}") for n in range(CUSTOMERS)]
        german = world.add_guild("Kinofreunde", *self._customers, locale="de")
        guilds = (server.guild, german, world.add_guild("No Desk", *self._customers))
        self.servers = [*(reference(guild.id) for guild in guilds), DIRECT]
        self.german = self.servers[1]
        self.staff = {
            reference(guild.id): world.add_channel("staff", guild) for guild in guilds[:2]
        }
        """Of the server whose staff work, and of the one whose staff sleep."""
        self._places = [
            Place(world.add_channel(name, guild), reference(guild.id))
            for guild in guilds
            for name in ("films", "series")
        ]
        self._places.append(Place(None, DIRECT))
        self._messages = messages
        self.now = MONDAY
        self.sent: dict[int, Sent] = {}
        self.votes = self.claims = 0
        self.unwritten = 0
        """Replies that the killed bot may have counted in memory only."""
        self.storm, self.storm_cards = round(STORM * messages), 0

    async def live(self) -> None:
        """Goes through all hours."""
        due = self._schedule()
        for hour in range(HOURS):
            self._set_clock(MONDAY + timedelta(hours=hour, minutes=30))
            batch = [self._message() for _ in range(due[hour])]
            cards = len(self._cards())
            if hour == STORM_HOUR:
                complaints = self._random.choices(self._complaints, k=self.storm)
                batch += [(self._places[0], complaint) for complaint in complaints]
            await self._hour(hour, batch)
            if hour == STORM_HOUR:
                self.storm_cards = len(self._cards()) - cards
            print(f"\r{hour + 1} of {HOURS} hours, {len(self.sent)} messages", end="", flush=True)
        print()

    async def _hour(self, hour: int, batch: list[tuple[Place, str]]) -> None:
        file = self._home / "responses.yaml"
        if hour == BROKEN_HOUR:
            file.write_text("positive: [\n", "utf-8")
            await asyncio.sleep(3 * LOOK_SECONDS)
        if hour == MENDED_HOUR:
            file.write_text(sentences(), "utf-8")
        if hour == TRAINING_HOUR and self._trains:
            await self._server.slash("train", {"dataset": "films"}, author=self._server.owner)
        if hour in RESTART_HOURS:
            await self._interrupted(batch, signal.SIGTERM)
        elif hour == KILL_HOUR:
            await asyncio.sleep(FLUSH_SECONDS + 2 * LOOK_SECONDS)  # all of before is written
            await self._interrupted(batch, signal.SIGKILL)
        else:
            replies = await self._write(batch)
            await self._vote(replies)
        await self._work(hour)

    def _set_clock(self, now: datetime) -> None:
        self.now = now
        set_clock(self._home, now)

    def _schedule(self) -> list[int]:
        """Messages an hour: many in the evening, few at night."""
        weights = [
            0.2 if hour % 24 < 8 else 2.0 if hour % 24 >= 18 else 1.0 for hour in range(HOURS)
        ]
        chosen = self._random.choices(range(HOURS), weights, k=round((1 - STORM) * self._messages))
        counted = Counter(chosen)
        return [counted[hour] for hour in range(HOURS)]

    def _message(self) -> tuple[Place, str]:
        return self._random.choice(self._places), self._random.choice(self._usual)

    async def _write(self, batch: list[tuple[Place, str]]) -> list[tuple[User, Posted]]:
        """Sends messages, and waits for their replies, which it returns."""
        left = iter(batch)
        replies: list[tuple[User, Posted]] = []

        async def customer() -> None:
            for place, text in left:
                author = self._random.choice(self._customers)
                message = await self._send(place, text, author)
                with suppress(TimeoutError):  # the table shows it
                    reply = await self._server.wait_for_reply(message, PATIENCE)
                    replies.append((author, reply))

        if batch:
            await asyncio.gather(*(customer() for _ in range(AT_ONCE)))
            await asyncio.sleep(COUNTED_SECONDS)
        return replies

    async def _send(self, place: Place, text: str, author: User) -> int:
        if place.channel is None:
            message = await self._server.dm(text, author=author)
        else:
            message = await self._server.say(place.channel, text, author=author)
        self.sent[message] = Sent(place.server, hour_of(self.now), text)
        return message

    async def _interrupted(self, batch: list[tuple[Place, str]], number: signal.Signals) -> None:
        """The bot is stopped amid the messages, and started again after them.

        None of them is a direct message: a bot that was off finds only those of conversations that
        went on a few minutes before, as Discord lists no others.
        """
        public = self._places[0]
        batch = [(public if place.channel is None else place, text) for place, text in batch]
        writing = asyncio.create_task(self._write(batch))
        await self._server.wait_until(
            lambda: writing.done() or len(self._replies_of(self.now)) > len(batch) // 3, PATIENCE
        )
        await self._bot.stop(number)
        if number is signal.SIGKILL:
            self.unwritten = len(self._replies_of(self.now))
        await asyncio.sleep(1.0)
        await self._bot.start()
        await writing

    def replies(self) -> list[Posted]:
        """All replies to messages of the week."""
        return [posted for posted in self._server.messages if posted.reply_to in self.sent]

    def reminders(self) -> int:
        """How often the staff who sleep were reminded."""
        _, asleep = self.staff.values()
        return sum(
            posted.channel is asleep and posted.content.startswith("Still waiting")
            for posted in self._server.messages
        )

    def complaints_of_the_bot(self) -> int:
        """How often it has written to its operator that the file of sentences is wrong."""
        return sum("The sentences stay" in posted.content for posted in self._server.messages)

    async def result_of_training(self) -> bool:
        """Waits for the result of the training that was begun from the chat."""
        try:
            await self._server.wait_for_message(
                lambda posted: posted.content.startswith("**Trained on"), TRAINING_SECONDS
            )
        except TimeoutError:
            return False
        return True

    def _cards(self) -> list[Posted]:
        """The cards of the staff who work."""
        awake, _ = self.staff.values()
        return [p for p in self._server.messages if p.channel is awake and p.reply_to is None]

    def _replies_of(self, now: datetime) -> list[Posted]:
        hour = hour_of(now)
        return [each for each in self.replies() if self.sent[each.reply_to or 0].hour == hour]

    async def _vote(self, replies: list[tuple[User, Posted]]) -> None:
        """Some customers say whether the bot was right."""
        for author, reply in replies:
            if self._random.random() < VOTES:
                up = self._random.random() < 0.9
                await self._server.react(reply, "👍" if up else "👎", author=author)
                self.votes += 1

    async def _work(self, hour: int) -> None:
        """The staff of the first server claim and resolve their cards in the daytime."""
        if not 9 <= hour % 24 < 18:
            return
        for card in self._cards():
            for press in ("Claim", "Resolve"):
                button = _button(card, press)
                if button is not None:
                    await self._server.press(card, button, author=self._server.admin)
                    await self._server.wait_until(partial(_is_gone, card, press), PATIENCE)
                    self.claims += press == "Claim"

    async def set_up(self) -> None:
        """Stores what `/setup` would; the third server has no desk."""
        nine_to_six = Hours(time(9), time(18))
        every_day = tuple(Shift(day, nine_to_six) for day in range(7))
        async with opened_store(self._home, MONDAY) as store:
            for name, channel in self.staff.items():
                sleeps = channel.guild is not self._server.guild
                settings = ServerSettings(
                    staff_channel=reference(channel.id),
                    working_hours=() if sleeps else every_day,
                    time_zone="UTC",
                )
                await store.set_settings(name, settings)


def opened_store(home: Path, now: datetime) -> AbstractAsyncContextManager[Store]:
    """The store of a bot in this folder that does not run, at this time."""
    url = f"sqlite:///{home}/state/desk.sqlite3"
    return open_store(Settings(database_url=url), lambda: now)  # type: ignore[arg-type]


def _is_gone(card: Posted, label: str) -> bool:
    return _button(card, label) is None


def _button(posted: Posted, label: str) -> str | None:
    """The id of the button with this label under a message, if it can be pressed."""
    for row in posted.components:
        for item in row["components"]:
            if item.get("label") == label and not item.get("disabled"):
                return str(item["custom_id"])
    return None
