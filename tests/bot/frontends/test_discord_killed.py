"""What a bot that is killed leaves to its next start."""

import asyncio
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.files import STATE
from bot.frontends.discord import restart_point
from bot.frontends.discord.missed import SAVE_SECONDS
from bot.frontends.discord.repeated import Repeated
from bot.frontends.discord.restart_point import MAX_DIRECT, STATE_FILE, RestartPoint
from bot.sentences.responses import Responses
from tests.bot.frontends.loopback import environment, nothing_more, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, bot_process_argv


async def test_what_came_to_a_killed_bot_is_answered_by_the_next(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    checkpoint: Path,
) -> None:
    shutil.copytree(checkpoint.parent, "checkpoints")
    process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
        bot_process_argv(server), env=environment(server), stderr=subprocess.DEVNULL
    )
    try:
        await server.ready(timeout=60)
        before = [
            await server.wait_for_reply(await server.dm("great")),
            await server.wait_for_reply(await server.say(server.channel, "great")),
        ]
        await server.wait_until(lambda: (point := restart_point.read()) and point.direct)
        # Stopped, it reads the messages no more than one that has crashed.
        process.send_signal(signal.SIGSTOP)
        lost = [await server.dm("so dull"), await server.say(server.channel, "so dull")]
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
    async with serving(server, classifier, responses):
        replies = [await server.wait_for_reply(question, timeout=30) for question in lost]
        await nothing_more(server, *before, *sorted(replies, key=server.messages.index))


async def test_while_messages_come_in_the_point_is_written_now_and_then(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[RestartPoint] = []
    monkeypatch.setattr(restart_point, "write", written.append)
    async with serving(server, classifier, responses):
        questions = [await server.dm("great") for _ in range(30)]
        await server.wait_for_reply(questions[-1])
        last = questions[-1]
        # The first one, from the connection, may have a later time and no conversation yet.
        await server.wait_until(lambda: written[1:] and written[-1].message >= last - 1)
        assert len(written) < 10
        assert len(written[-1].direct) == 1
        many = len(written)
        await asyncio.sleep(1.5 * SAVE_SECONDS)
        assert len(written) == many  # nothing has come, so nothing is written


async def test_a_first_start_writes_the_point_before_anything_can_come(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be killed before the first of the regular writes."""
    monkeypatch.setattr(Repeated, "start", lambda _: None)
    async with serving(server, classifier, responses):
        await server.wait_until(restart_point.read)
        question = await server.say(server.channel, "great")
        await server.wait_for_reply(question)
        point = restart_point.read()
        assert point is not None
        assert point.message < question


def _set_clock(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """What discord.py takes for the time of day."""
    wrong = SimpleNamespace(**vars(sys.modules["datetime"]))
    wrong.datetime = type("Wrong", (datetime,), {"now": lambda tz=None: datetime.now(tz) + ahead})
    for module in ("discord.utils", "discord.ext.tasks"):
        monkeypatch.setattr(f"{module}.datetime", wrong)


async def test_the_point_is_written_after_the_clock_was_set_back(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(server, classifier, responses):
        await server.wait_for_reply(await server.say(server.channel, "great"))
        _set_clock(monkeypatch, timedelta(days=-1))
        await asyncio.sleep(SAVE_SECONDS)
        last = await server.say(server.channel, "great")
        await server.wait_for_reply(last)
        await server.wait_until(
            lambda: (point := restart_point.read()) and point.message >= last - 1
        )


async def test_the_bots_own_reply_moves_the_point_and_is_not_read_as_a_message(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []
    make = discord.Message.__init__

    def counting(message: discord.Message, *arguments: Any, **more: Any) -> None:
        make(message, *arguments, **more)
        read.append(message.id)

    monkeypatch.setattr(discord.Message, "__init__", counting)
    async with serving(server, classifier, responses):
        asked = await server.say(server.channel, "great")
        reply = await server.wait_for_reply(asked)
        # The restart need not look into the channel for the reply alone.
        await server.wait_until(
            lambda: (point := restart_point.read()) and point.message >= reply.id
        )
    # Once as what the bot has sent, and not again as what the gateway tells it.
    assert read.count(reply.id) == 1


async def test_a_wrong_clock_of_this_machine_hides_no_missed_message(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _set_clock(monkeypatch, timedelta(days=1))
    async with serving(server, classifier, responses):
        await server.wait_for_reply(await server.say(server.channel, "great"))
    missed = await server.say(server.channel, "so dull")
    async with serving(server, classifier, responses):
        await server.wait_for_reply(missed)
    assert len([reply for reply in server.messages if reply.reply_to == missed]) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"-5", b"1_0", b"9" * 63, b"\xff", b"1 " * 2_000, b"1 " + b"9" * 19, b"1 -1"],
)
async def test_an_invalid_restart_point_is_ignored(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses, content: bytes
) -> None:
    STATE.mkdir()
    STATE_FILE.write_bytes(content)
    assert restart_point.read() is None
    async with serving(server, classifier, responses):
        await server.wait_for_reply(await server.say(server.channel, "great"))


async def test_only_direct_conversations_are_read_as_direct(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    """The file may have been changed, and in a channel not every message is for the bot."""
    first = await server.say(server.channel, "between others", mention_bot=False)
    restart_point.write(RestartPoint(first - 1, (server.channel.id, 1, server.other_channel.id)))
    async with serving(server, classifier, responses):
        await nothing_more(server)


def test_the_point_is_read_as_it_was_written_and_bounded() -> None:
    point = RestartPoint(2**62, tuple(range(2**62, 2**62 + 80)))
    restart_point.write(point)
    assert restart_point.read() == RestartPoint(2**62, point.direct[-MAX_DIRECT:])
    assert not STATE_FILE.with_suffix(".tmp").exists()
    STATE_FILE.write_text("1234567890123456789\n")  # of an earlier version
    assert restart_point.read() == RestartPoint(1234567890123456789)
