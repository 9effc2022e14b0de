"""The real discord.py client, in this process, against the loopback Discord."""

import asyncio
import gc
import logging
import os
import signal

import discord
import pytest

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.errors import (
    RateLimitedError,
    RefusedRequestError,
    RefusedTokenError,
    SettingsError,
    UnreachableError,
)
from bot.frontends.discord import client, session
from bot.sentences.responses import Kind, Responses, default_responses_file
from tests.bot.frontends.loopback import SUPPRESS_EMBEDS, nothing_more, serve, serving
from tests.bot.stub import OTHER_KINDS, KeywordClassifier, settings
from tests.discord_server import Attachment, DiscordServer, point_discord_py_at
from trainer.model.statements import load_phrases

INTENTS = 1 << 0 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13
"""Guilds, and messages and reactions in them and in direct messages."""


@pytest.mark.usefixtures("bot")
async def test_a_mention_gets_a_reply_without_a_ping(server: DiscordServer) -> None:
    load_phrases()  # as the program does at its start, so that no reply waits for them
    question = await server.say(server.channel, "What a wonderful film!")
    reply = await server.wait_for_reply(question)
    assert reply.content == "a positive sentence"
    assert not reply.pinged
    assert not reply.pings_everyone
    assert reply.request["message_reference"]["fail_if_not_exists"] is False
    assert reply.flags & SUPPRESS_EMBEDS
    assert server.typing == []


@pytest.mark.usefixtures("bot")
async def test_the_model_reads_the_review_without_the_mention(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    me = server.bot.id
    await server.wait_for_reply(await server.say(server.channel, f"Dull, <@{me}>"))
    await server.wait_for_reply(await server.say(server.channel, f"<@!{me}>\nA great\nfilm "))
    await server.wait_for_reply(await server.dm("So dull"))
    assert classifier.judged == ["Dull,", "A great\nfilm", "So dull"]


@pytest.mark.usefixtures("bot")
async def test_messages_that_cannot_be_judged_get_a_hint(server: DiscordServer) -> None:
    picture = [Attachment("poster.png", b"\x89PNG")]
    for question, kind in [
        (await server.say(server.channel, ""), Kind.EMPTY),
        (await server.say(server.channel, "", attachments=picture), Kind.ATTACHMENT),
        (await server.dm("?!"), Kind.WORDLESS),
        (await server.dm("https://example.com/great"), Kind.OFF_TOPIC),
        (await server.dm("Das war ein großartiger Film"), Kind.FOREIGN),
        (await server.dm("half great"), Kind.UNSURE),
        (await server.dm("👎"), Kind.NEGATIVE),
    ]:
        assert (await server.wait_for_reply(question)).content == f"a {kind} sentence"


@pytest.mark.usefixtures("bot")
async def test_what_is_no_review_is_answered_by_its_kind_without_a_button(
    server: DiscordServer,
) -> None:
    for kind, text in OTHER_KINDS.items():
        for question in (await server.say(server.channel, text), await server.dm(text)):
            reply = await server.wait_for_reply(question)
            assert reply.content == f"a {kind} sentence"
            # An apology for a wrong verdict asks how they did like the film.
            assert bool(reply.components) == (kind == "correction")


async def test_a_customer_in_distress_is_given_the_help_line_of_the_settings(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    responses = Responses.load(default_responses_file(), "Samaritans, 116 123")
    async with serving(server, classifier, responses):
        for question in (
            await server.say(server.channel, OTHER_KINDS["distress"]),
            await server.dm(OTHER_KINDS["distress"]),
        ):
            reply = await server.wait_for_reply(question)
            assert "a help line: Samaritans, 116 123. " in reply.content
            assert reply.components == []


@pytest.mark.usefixtures("bot")
async def test_a_reply_to_the_bot_is_a_message_to_it(server: DiscordServer) -> None:
    first = await server.wait_for_reply(await server.say(server.channel, "great"))
    second = await server.say(server.channel, "so dull", reply_to=first, mention_bot=False)
    assert (await server.wait_for_reply(second)).content == "a negative sentence"


@pytest.mark.usefixtures("bot")
async def test_a_reply_without_a_ping_explains_that_its_text_is_withheld(
    server: DiscordServer,
) -> None:
    first = await server.wait_for_reply(await server.say(server.channel, "great"))
    question = await server.say(
        server.channel, "so dull", reply_to=first, mention_bot=False, ping_reply=False
    )
    second = await server.wait_for_reply(question)
    assert second.content == f"a {Kind.UNREAD} sentence"
    # To somebody else's message, it is not for the bot.
    await server.say(server.channel, "so dull", reply_to=question, mention_bot=False)
    await nothing_more(server, first, second)


@pytest.mark.usefixtures("bot")
async def test_others_and_other_bots_are_left_alone(server: DiscordServer) -> None:
    other_bot = server.world.add_user("robot", bot=True)
    await server.say(server.channel, "A great film", mention_bot=False)
    await server.say(server.channel, "@everyone A great film", mention_bot=False)
    await server.say(server.channel, "A great film", author=other_bot)
    await server.say(server.channel, "A great film", author=server.bot)
    await nothing_more(server)


async def test_a_mention_of_the_bot_s_own_role_gets_a_hint(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    role = server.world.add_role("concierge")
    own_role = property(lambda guild: guild.get_role(role.id))
    monkeypatch.setattr(discord.Guild, "self_role", own_role)
    async with serving(server, classifier, responses):
        # Discord does not hand out the text, as the bot itself is not mentioned.
        question = await server.say(
            server.channel, f"<@&{role.id}> A great film", mention_bot=False
        )
        reply = await server.wait_for_reply(question)
        assert reply.content == f"a {Kind.UNREAD} sentence"


@pytest.mark.usefixtures("bot")
async def test_no_privileged_intent_is_asked_for(server: DiscordServer) -> None:
    assert [identify["intents"] for identify in server.identifies] == [INTENTS]


@pytest.mark.usefixtures("bot")
async def test_typing_is_shown_while_an_answer_takes_long(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    classifier.gate.clear()
    question = await server.say(server.channel, "great")
    await server.wait_until(lambda: server.typing)
    classifier.gate.set()
    await server.wait_for_reply(question)
    assert server.typing == [server.channel.id]


async def test_stopping_answers_who_has_written_and_closes_the_gateway(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses) as task:
        classifier.gate.clear()
        question = await server.say(server.channel, "great")
        await asyncio.to_thread(classifier.entered.wait, 10)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.1)
        classifier.gate.set()
        await asyncio.wait_for(task, 10)
    assert (await server.wait_for_reply(question)).content == "a positive sentence"


async def test_garbage_is_collected_seldom_while_customers_are_answered(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    before = gc.get_threshold()
    async with serving(server, classifier, responses):
        assert gc.get_threshold() == (session.YOUNG_OBJECTS, *before[1:])
    assert gc.get_threshold() == before


async def test_stopping_does_not_wait_for_ever(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "CLOSING_SECONDS", 0.2)
    async with serving(server, classifier, responses) as task:
        classifier.gate.clear()
        await server.say(server.channel, "great")
        await server.slash("review", {"text": "so dull"})
        await asyncio.to_thread(classifier.entered.wait, 10)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 5)
        classifier.gate.set()
    # What nobody waits for any more is not judged: the first was under way.
    assert classifier.judged == ["great"]


@pytest.mark.usefixtures("server")
async def test_a_refused_token_is_reported(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        with pytest.raises(RefusedTokenError, match="Reset Token"):
            await serve(Concierge(engine, responses), settings("not.the.token"))


async def test_a_token_refused_by_the_gateway_is_reported(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        task = asyncio.create_task(serve(Concierge(engine, responses), settings(server.token)))
        await server.ready()
        await server.close_gateway(4004)
        with pytest.raises(RefusedTokenError):
            await asyncio.wait_for(task, 10)


async def test_a_server_in_the_place_of_a_role_is_refused(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    chosen = settings(server.token, operator_roles=frozenset({server.guild.id}))
    async with Engine(classifier) as engine:
        with pytest.raises(SettingsError, match=f"^OPERATOR_ROLES holds {server.guild.id}, the id"):
            await asyncio.wait_for(serve(Concierge(engine, responses), chosen), 20)


async def test_an_unreachable_discord_is_reported_after_a_few_attempts(
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(session, "RETRY_SECONDS", (0, 0))
    async with DiscordServer() as gone:
        pass
    async with Engine(classifier) as engine:
        with point_discord_py_at(gone), pytest.raises(UnreachableError, match="cannot be reached"):
            await serve(Concierge(engine, responses), settings(gone.token))
    assert caplog.text.count("trying again") == 2


async def test_a_log_in_answered_with_an_error_is_reported(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses)
        for status in (400, 403):
            server.fail("GET", "/users/@me", status=status, code=50035)
            with pytest.raises(RefusedRequestError, match=rf"status {status}, code 50035"):
                await serve(concierge, settings(server.token))
        server.fail("GET", "/users/@me", status=503)
        with pytest.raises(UnreachableError, match="status 503"):
            await serve(concierge, settings(server.token))


async def test_a_rate_limit_at_log_in_is_reported_with_its_length(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    server.fail("GET", "/users/@me", status=429, retry_after=61.2)
    async with Engine(classifier) as engine:
        with pytest.raises(RateLimitedError, match="for 62 s"):
            await serve(Concierge(engine, responses), settings(server.token))


async def test_the_log_says_as_whom_and_how_to_invite_it(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "bot"):
        async with serving(server, classifier, responses):
            await server.wait_until(lambda: "Ready" in caplog.text, timeout=10)
    assert f"Ready as {server.bot.name}" in caplog.text
    assert "in 1 server;" in caplog.text
    # View channels, send messages, attach files, read the history, make private threads, send in
    # threads: nothing else.
    permissions = 1 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 36 | 1 << 38
    assert f"client_id={server.bot.id}&scope=bot+applications.commands" in caplog.text
    assert f"permissions={permissions}" in caplog.text
    assert server.token not in caplog.text
