"""When things go wrong between the bot and Discord, over real sockets."""

import asyncio
import logging
import os
import re
import signal

import discord
import pytest

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.frontends.discord import client, delivery
from bot.frontends.discord.client import ConciergeBot
from bot.operations.actions import Operations
from bot.sentences.responses import Kind, Responses
from bot.settings import load_settings
from tests.bot.frontends.loopback import POST_MESSAGE, SUPPRESS_EMBEDS, nothing_more, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import Channel, DiscordServer

ANSWER = ("POST", "/interactions/{interaction_id}/{interaction_token}/callback")
FOLLOW_UP = ("POST", "/webhooks/{webhook_id}/{webhook_token}")

pytestmark = pytest.mark.usefixtures("_impatient")


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0.05, 0.05))


def _posts(server: DiscordServer) -> list[int | None]:
    return [r.status for r in server.requests if (r.method, r.route) == POST_MESSAGE]


# The reply


@pytest.mark.parametrize(
    ("trouble", "statuses"),
    [
        ([{"reset": True}], [None, 200]),
        ([{"reset": True}, {"status": 503}], [None, 503, 200]),
        ([{"status": 500}], [500, 200]),
        ([{"status": 429, "retry_after": 0.2}], [429, 200]),
        ([{"delay": 1.0}], [200]),
    ],
    ids=["reset", "reset and 503", "500", "429", "slow"],
)
@pytest.mark.usefixtures("bot")
async def test_passing_trouble_delays_the_one_reply(
    server: DiscordServer, trouble: list[dict[str, float]], statuses: list[int | None]
) -> None:
    for fault in trouble:
        server.fail(*POST_MESSAGE, **fault)  # type: ignore[arg-type]
    question = await server.say(server.channel, "great")
    reply = await server.wait_for_reply(question, timeout=10)
    assert _posts(server) == statuses
    await nothing_more(server, reply)


@pytest.mark.usefixtures("bot")
async def test_a_repeated_reply_would_not_show_twice(server: DiscordServer) -> None:
    question = await server.say(server.channel, "great")
    reply = await server.wait_for_reply(question)
    assert reply.request["nonce"] == str(question)
    assert reply.request["enforce_nonce"] is True


@pytest.mark.parametrize(
    ("trouble", "attempts"),
    [
        ({"status": 400}, 1),
        ({"status": 404, "code": 10003}, 1),
        ({"status": 429, "retry_after": 60.0}, 1),
        ({"status": 503}, 3),
        ({"reset": True}, 3),
    ],
    ids=["400", "404", "429", "503", "reset"],
)
@pytest.mark.usefixtures("bot")
async def test_lasting_trouble_is_given_up_and_counted(
    server: DiscordServer,
    caplog: pytest.LogCaptureFixture,
    trouble: dict[str, float],
    attempts: int,
) -> None:
    for number in (1, 2):
        fault = server.fail(*POST_MESSAGE, times=attempts, **trouble)  # type: ignore[arg-type]
        await server.say(server.channel, "A great and private film")
        line = re.compile(rf"No reply in channel {server.channel.id}: .*; {number} so far")
        await server.wait_until(lambda line=line: line.search(caplog.text))  # type: ignore[misc]
        assert fault.left == 0
    await nothing_more(server)
    assert "private" not in caplog.text


@pytest.mark.usefixtures("bot")
async def test_a_channel_that_forbids_replies_is_logged_once(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    fault = server.fail(*POST_MESSAGE, status=403, times=2)
    for _ in range(2):
        await server.say(server.channel, "A great and private film")
    await server.wait_until(lambda: not fault.left)
    await nothing_more(server)
    (line,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert line.startswith(f"No reply in channel {server.channel.id}: Discord forbids it")
    assert "code 50013" in line
    # Once it is allowed, and forbidden anew, that is news.
    await server.wait_for_reply(await server.say(server.channel, "great"))
    server.fail(*POST_MESSAGE, status=403)
    await server.say(server.channel, "great")
    await server.wait_until(lambda: caplog.text.count("Discord forbids it") == 2)


@pytest.mark.usefixtures("bot")
async def test_a_message_deleted_meanwhile_is_no_error(
    server: DiscordServer, classifier: KeywordClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    classifier.gate.clear()
    await server.delete(await server.say(server.channel, "great"))
    classifier.gate.set()
    await server.wait_for_message(lambda posted: posted.content == "a positive sentence")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# The answer to a command


@pytest.mark.parametrize("trouble", [{}, {"reset": True}, {"status": 503}], ids=str)
@pytest.mark.usefixtures("bot")
async def test_a_slow_answer_takes_the_place_of_is_thinking(
    server: DiscordServer, classifier: KeywordClassifier, trouble: dict[str, float]
) -> None:
    if trouble:
        server.fail(*ANSWER, **trouble)  # type: ignore[arg-type]
        server.fail(*FOLLOW_UP, **trouble)  # type: ignore[arg-type]
    classifier.gate.clear()
    used = await server.slash("review", {"text": "great"})
    await server.wait_until(lambda: used.response, timeout=10)
    assert used.response_type == 5  # deferred
    assert used.answered_after_s is not None
    assert used.answered_after_s < 3
    classifier.gate.set()
    answer = await server.wait_for_message(timeout=10)
    assert (answer.content, answer.interaction) == ("a positive sentence", used)
    await nothing_more(server, answer)


@pytest.mark.parametrize("trouble", [{"reset": True}, {"status": 503}], ids=str)
@pytest.mark.usefixtures("bot")
async def test_a_quick_answer_to_a_command_is_retried(
    server: DiscordServer, trouble: dict[str, float]
) -> None:
    server.fail(*ANSWER, **trouble)  # type: ignore[arg-type]
    await server.slash("review", {"text": "great"})
    answer = await server.wait_for_message(timeout=10)
    assert answer.content == "a positive sentence"
    assert answer.flags & SUPPRESS_EMBEDS
    await nothing_more(server, answer)


@pytest.mark.usefixtures("bot")
async def test_a_command_whose_time_has_run_out_is_no_error(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail(*ANSWER, status=404, code=10062, times=2)
    await server.slash("review", {"text": "A great and private film"})
    await server.wait_until(lambda: "Discord answered 404, code 10062" in caplog.text)
    await server.slash("help")
    await server.wait_until(lambda: caplog.text.count("code 10062") == 2)
    await nothing_more(server)
    assert "private" not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


# The gateway


@pytest.mark.parametrize("way", ["op 7", "op 9", "close", "cut"])
@pytest.mark.usefixtures("bot")
async def test_a_lost_connection_is_resumed_and_no_one_is_answered_twice(
    server: DiscordServer, way: str
) -> None:
    first = await server.wait_for_reply(await server.say(server.channel, "great"))
    match way:
        case "op 7":
            await server.request_reconnect()
        case "op 9":
            await server.invalidate_session(resumable=True)
        case "close":
            await server.close_gateway(1001)
        case "cut":
            await server.close_gateway()
    question = await server.say(server.channel, "so dull")
    second = await server.wait_for_reply(question, timeout=20)
    assert len(server.resumes) == len(server.identifies) == 1
    await nothing_more(server, first, second)


@pytest.fixture
def reconnect(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Lets a client whose session was invalidated identify again.

    discord.py waits five seconds before it does, because Discord allows no more.
    """
    event = asyncio.Event()

    async def wait(_client: discord.Client, _shard: int | None, *, initial: bool = False) -> None:
        if not initial:
            await event.wait()

    monkeypatch.setattr(discord.Client, "before_identify_hook", wait)
    return event


@pytest.mark.usefixtures("bot")
async def test_after_a_new_identify_the_channels_histories_are_read(
    server: DiscordServer, classifier: KeywordClassifier, reconnect: asyncio.Event
) -> None:
    before = [
        await server.wait_for_reply(await server.say(server.channel, "great")),
        await server.wait_for_reply(await server.dm("great")),
    ]
    await server.invalidate_session()
    missed = [
        await server.say(server.channel, "so dull"),
        await server.say(server.other_channel, "wonderful"),
        await server.dm("so dull again"),
    ]
    await server.say(server.channel, "Not for the bot", mention_bot=False)
    reconnect.set()
    after = [await server.wait_for_reply(question, timeout=30) for question in missed]
    assert len(server.identifies) == 2
    assert not server.resumes
    assert len(classifier.judged) == 5
    # In one channel after the other, so in any order.
    posted = {message.id for message in server.messages}
    assert posted == {message.id for message in [*before, *after]}
    assert server.violations == server.unknown_requests == []


@pytest.mark.usefixtures("bot")
async def test_an_event_that_cannot_be_read_costs_that_event(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    guild = {**server.guild.create_payload, "id": "1", "threads": [None]}
    channel = {name: v for name, v in server.channel.payload.items() if name != "position"}
    role = {"id": "1", "name": "not an id"}
    for event, data in [
        ("GUILD_CREATE", guild),
        ("CHANNEL_CREATE", channel),
        ("MESSAGE_CREATE", {"author": {}, "private": True, "member": {"roles": [role]}}),
        ("INTERACTION_CREATE", {"private": None}),
        ("MESSAGE_UPDATE", None),
    ]:
        await server.send_event(event, data)
    reply = await server.wait_for_reply(await server.say(server.channel, "great"))
    assert caplog.text.count("cannot be read, so it is skipped") == 5
    assert "An event GUILD_CREATE" in caplog.text
    assert "private" not in caplog.text
    assert len(server.identifies) == 1
    await nothing_more(server, reply)


async def test_in_a_guild_that_cannot_be_read_only_mentions_are_answered(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unreadable = property(lambda guild: {**guild.payload, "channels": [{"id": "1", "type": 0}]})
    monkeypatch.setattr(type(server.guild), "create_payload", unreadable)
    async with serving(server, classifier, responses):
        await server.say(server.channel, "A great film", mention_bot=False)
        reply = await server.wait_for_reply(await server.say(server.channel, "great"))
        await nothing_more(server, reply)


async def _missed(server: DiscordServer, channel: Channel, *texts: str) -> list[int]:
    return [await server.say(channel, text) for text in texts]


async def test_what_was_missed_is_answered_oldest_first_and_not_called_too_fast(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    reconnect: asyncio.Event,
) -> None:
    async with serving(server, classifier, responses, messages_per_second=1):
        first = await server.wait_for_reply(await server.say(server.channel, "great"))
        server.list_oldest_first()
        await server.invalidate_session()
        texts = ["so dull and long and much too slow", "great", "dull", "wonderful", "slow"]
        missed = await _missed(server, server.channel, *texts)
        reconnect.set()
        replies = [await server.wait_for_reply(question, timeout=30) for question in missed]
    assert server.messages == [first, *replies]
    assert [reply.content for reply in replies] == [
        f"a {kind} sentence"
        for kind in ("negative", "positive", "negative", "positive", "negative")
    ]
    assert server.violations == server.unknown_requests == []


@pytest.mark.usefixtures("bot")
async def test_what_cannot_be_read_of_a_gap_costs_that_channel_only(
    server: DiscordServer, caplog: pytest.LogCaptureFixture, reconnect: asyncio.Event
) -> None:
    first = await server.wait_for_reply(await server.say(server.channel, "great"))
    await server.invalidate_session()
    missed = await _missed(server, server.channel, "great", "private", "great")
    server.message(missed[1]).payload["author"] = None
    (other,) = await _missed(server, server.other_channel, "so dull")
    reconnect.set()
    replies = [await server.wait_for_reply(q, timeout=30) for q in (missed[0], other)]
    assert "TypeError" in caplog.text
    assert "private" not in caplog.text
    assert server.messages == [first, *replies]


@pytest.mark.usefixtures("bot")
async def test_a_history_that_is_forbidden_costs_that_channel_only(
    server: DiscordServer, reconnect: asyncio.Event
) -> None:
    await server.wait_for_reply(await server.say(server.channel, "great"))
    await server.invalidate_session()
    server.fail("GET", "/channels/{channel_id}/messages", status=403, code=50001)
    await _missed(server, server.channel, "great")
    (other,) = await _missed(server, server.other_channel, "so dull")
    reconnect.set()
    await server.wait_for_reply(other, timeout=30)


async def test_a_restart_answers_what_came_meanwhile_and_what_was_cut_off(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(client, "CLOSING_SECONDS", 0.2)
    caplog.set_level(logging.INFO, "bot")
    async with serving(server, classifier, responses) as task:
        answered = await server.wait_for_reply(await server.say(server.channel, "great"))
        classifier.entered.clear()
        classifier.gate.clear()
        cut_off = [await server.say(server.channel, text) for text in ("dull", "so dull")]
        await asyncio.to_thread(classifier.entered.wait, 10)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 10)
        classifier.gate.set()
    assert "Stopped before 2 replies were sent" in caplog.text
    assert "Replies: 2 cut off, 1 positive" in caplog.text
    meanwhile = await server.say(server.other_channel, "wonderful")
    async with serving(server, classifier, responses):
        replies = [await server.wait_for_reply(q, timeout=30) for q in (*cut_off, meanwhile)]
        await nothing_more(server, answered, *replies)


# The model


@pytest.mark.usefixtures("bot")
async def test_when_the_model_breaks_the_operator_is_informed_once_with_the_reason(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        question = await server.say(server.channel, "poison, and private matters")
        reply = await server.wait_for_reply(question)
        assert reply.content == f"a {Kind.FAILURE} sentence"
    told = await server.wait_for_message(lambda posted: posted.channel.recipient is server.owner)
    assert "ValueError at tests/bot/stub.py" in told.content
    await server.wait_for_reply(await server.dm("great"))
    assert len([m for m in server.messages if m.channel.recipient is server.owner]) == 1
    assert "private" not in caplog.text + told.content


# Too many at once


async def test_a_customer_who_writes_too_fast_is_informed_once(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses, messages_per_second=3):
        other = server.world.admin
        for _ in range(20):
            await server.say(server.channel, "great")
        patient = await server.say(server.channel, "great", author=other)
        await server.wait_for_reply(patient)
        await asyncio.sleep(1.0)
        await server.wait_for_reply(await server.say(server.channel, "so dull"))
    said = [message.content for message in server.messages]
    assert said.count("a haste sentence") == 1
    assert said.count("a positive sentence") in range(4, 12)  # the more, the slower the machine
    assert said[-1] == "a negative sentence"


async def test_a_bot_that_is_stopped_before_it_is_ready_reports_no_error(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """discord.py waits two seconds for servers, and a stop for replies in flight."""

    async def let_it_answer() -> None:
        await server.wait_until(lambda: "Ready as" in caplog.text, 60)
        classifier.gate.set()

    async with serving(server, classifier, responses):
        classifier.gate.clear()
        question = await server.say(server.channel, "great")
        await asyncio.to_thread(classifier.entered.wait, 5)
        answering = asyncio.create_task(let_it_answer())
    await answering
    await server.wait_for_reply(question)
    assert "on_ready failed" not in caplog.text


async def test_a_closed_bot_ignores_events_that_the_library_still_has(
    responses: Responses,
) -> None:
    """READY is dispatched by a task of its own, which outlives the client's event loop."""
    async with Engine(KeywordClassifier()) as engine:
        concierge = Concierge(engine, responses)
        bot = ConciergeBot(concierge, Operations(concierge, load_settings()))
        async with bot:
            pass
        bot.dispatch("ready")
