"""The order in which a channel gets its replies."""

import asyncio
from collections.abc import Callable

import pytest

from bot.frontends.discord import client, turns
from bot.frontends.discord.turns import AT_ONCE, IN_ORDER_SECONDS, MAX_WAIT_SECONDS, Turn, Turns
from bot.sentences.responses import Kind, Responses
from tests.bot.frontends.loopback import POST_MESSAGE, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer

CHANNEL = 1


class _Channel:
    """A channel whose messages take until `take` lets them through."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = Turns(lambda: self.now)
        self.got: list[tuple[object, Turn]] = []
        self._gates: list[asyncio.Event] = []

    async def ask(self, name: object, *, urgent: bool = False) -> "asyncio.Task[None]":
        async def ask() -> None:
            async with self.turns.turn(CHANNEL, urgent=urgent) as turn:
                self.got.append((name, turn))
                if turn is not Turn.DROPPED:
                    gate = asyncio.Event()
                    self._gates.append(gate)
                    await gate.wait()

        task = asyncio.create_task(ask())
        await asyncio.sleep(0)
        return task

    async def occupy(self) -> None:
        for _ in range(AT_ONCE):
            await self.ask("first")
        self.got.clear()

    async def take(self, count: int = 1) -> None:
        for _ in range(count):
            self._gates.pop(0).set()
            for _ in range(3):
                await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("waited", "order"), [(IN_ORDER_SECONDS, "abc"), (IN_ORDER_SECONDS + 1, "cba")]
)
async def test_a_few_are_sent_at_once_and_then_the_oldest_or_after_seconds_the_newest_first(
    waited: float, order: str
) -> None:
    channel = _Channel()
    await channel.occupy()
    for name in "abc":
        await channel.ask(name)
    assert channel.got == []
    channel.now = waited
    await channel.take(3)
    assert channel.got == [(name, Turn.REPLY) for name in order]
    # Other channels do not wait for it.
    async with channel.turns.turn(CHANNEL + 1) as turn:
        assert turn is Turn.REPLY
    await channel.take(AT_ONCE)
    assert not channel.turns._channels


async def test_a_reply_that_waited_too_long_is_dropped_and_the_channel_is_notified_once() -> None:
    channel = _Channel()
    await channel.occupy()
    for name in "abc":
        await channel.ask(name)
    channel.now = MAX_WAIT_SECONDS + 1
    for name in "de":
        await channel.ask(name)
    await channel.take()
    assert channel.got == [("c", Turn.BUSY), ("b", Turn.DROPPED), ("a", Turn.DROPPED)]
    channel.got.clear()
    channel.now *= 2
    await channel.ask("f")
    channel.now += 1
    await channel.take()
    assert dict(channel.got) == {"f": Turn.REPLY, "e": Turn.DROPPED, "d": Turn.DROPPED}
    # Once all are through, it may be busy again.
    await channel.take(AT_ONCE)
    channel.got.clear()
    await channel.occupy()
    await channel.ask("g")
    channel.now *= 2
    await channel.take()
    assert channel.got == [("g", Turn.BUSY)]


async def test_what_is_urgent_goes_first_however_old() -> None:
    channel = _Channel()
    await channel.occupy()
    await channel.ask("urgent", urgent=True)
    channel.now = 2 * MAX_WAIT_SECONDS
    await channel.ask("newest")
    await channel.take(2)
    assert channel.got == [("urgent", Turn.REPLY), ("newest", Turn.REPLY)]


async def test_a_channel_s_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MAX_WAITING", 3)
    channel = _Channel()
    await channel.occupy()
    for number in range(5):
        await channel.ask(number)
    await asyncio.sleep(0)
    assert channel.got == [(0, Turn.DROPPED), (1, Turn.DROPPED)]


@pytest.mark.parametrize("granted", [False, True])
async def test_a_cancelled_reply_takes_no_turn(granted: bool) -> None:
    channel = _Channel()
    await channel.occupy()
    stays, goes = await channel.ask("stays"), await channel.ask("goes")
    if granted:  # in the same turn of the loop
        channel._gates.pop(0).set()
        await asyncio.sleep(0)
    goes.cancel()
    await asyncio.wait({goes})
    await channel.take()
    assert ("stays", Turn.REPLY) in channel.got
    await channel.take(AT_ONCE if not granted else AT_ONCE - 1)
    assert stays.done()
    assert not channel.turns._channels


def _said(server: DiscordServer, kind: str) -> Callable[[], bool]:
    return lambda: any(message.content == f"a {kind} sentence" for message in server.messages)


async def test_a_busy_channel_is_notified_once_and_the_newest_customers_are_answered(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    limit = asyncio.Event()
    kept = Turns(lambda: now)
    monkeypatch.setattr(client, "Turns", lambda: kept)
    async with serving(server, classifier, responses):
        server.fail(*POST_MESSAGE, until=limit, times=AT_ONCE)  # as Discord's own limit would
        for number in range(AT_ONCE + 8):
            await server.say(server.channel, f"great {number}")
        channel = server.channel.id
        await server.wait_until(
            lambda: kept._channels and len(kept._channels[channel].waiting) == 8
        )
        now = MAX_WAIT_SECONDS + 1
        newest = await server.say(server.channel, "so dull")
        distressed = await server.say(server.channel, "I want to die")
        await server.wait_until(lambda: kept._channels[channel].urgent)
        await server.wait_until(lambda: len(kept._channels[channel].waiting) == 9)
        limit.set()
        for question, kind in ((newest, Kind.NEGATIVE), (distressed, Kind.DISTRESS)):
            reply = await server.wait_for_reply(question, timeout=10)
            assert reply.content == f"a {kind} sentence"
        await server.wait_until(_said(server, Kind.BUSY))
        # The one in whose place the channel is told may ask again by an edit.
        busy = next(m for m in server.messages if m.content == f"a {Kind.BUSY} sentence")
        assert busy.reply_to is not None
        await server.edit(busy.reply_to, "a dull film")
        await server.wait_until(lambda: busy.content == f"a {Kind.NEGATIVE} sentence")
    assert not _said(server, Kind.BUSY)()  # it was the only one
    assert len(server.messages) == AT_ONCE + 3
