"""The button "Why?" and `/review explain:True`, over sockets."""

import logging
from typing import Any

import discord
import pytest

from bot.conversation.concierge import Concierge
from bot.conversation.why import Explanation, Mark, Part
from bot.frontends.discord import delivery
from bot.frontends.discord.reasons import BUTTON, shown
from bot.sentences.responses import MAX_CHARACTERS, Kind, Responses
from tests.bot.frontends.loopback import SUPPRESS_EMBEDS, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, Interaction, Posted
from tests.marker import MARKER

ANSWER = ("POST", "/interactions/{interaction_id}/{interaction_token}/callback")
GET_MESSAGE = ("GET", "/channels/{channel_id}/messages/{message_id}")
EXPLAINED = (
    f"**positive 90%**, negative 10%\n“{MARKER} what a **great** film”\n-# **bold** carried it."
)


async def _answer(server: DiscordServer, interaction: Interaction) -> Posted:
    """The answer to the user who pressed, which only they see."""
    answer = await server.wait_for_message(lambda posted: posted.interaction_id == interaction.id)
    assert answer.ephemeral
    assert not answer.pinged
    assert not answer.pings_everyone
    return answer


async def _why(server: DiscordServer, reply: Posted, **others: Any) -> str:
    return (await _answer(server, await server.press(reply, BUTTON, **others))).content


@pytest.mark.usefixtures("bot")
async def test_why_under_a_reply_shows_the_words_to_anyone_who_asks(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    question = await server.say(server.channel, "what a *great* film")
    reply = await server.wait_for_reply(question)
    for user in (server.member, server.admin):
        assert await _why(server, reply, author=user) == EXPLAINED
    direct = await server.wait_for_reply(await server.dm("what a great film"))
    assert await _why(server, direct) == EXPLAINED
    assert classifier.judged.count("what a film") == 1  # the others are remembered
    assert reply.content == "a positive sentence"
    assert server.unknown_requests == server.violations == []


@pytest.mark.usefixtures("bot")
async def test_only_a_verdict_has_the_button(server: DiscordServer) -> None:
    hints = [
        await server.wait_for_reply(await server.say(server.channel, "")),
        await server.wait_for_reply(await server.dm("poison")),
    ]
    assert [hint.components for hint in hints] == [[], []]
    negative = await server.wait_for_reply(await server.dm("so dull"))
    (row,) = negative.components
    assert [(button["label"], button["custom_id"]) for button in row["components"]] == [
        ("Why?", BUTTON),
        ("Not quite", f"not_quite:{server.member.id}"),
    ]
    # The review that was given to a command is in no message that could be read again.
    for interaction, labels in (
        (await server.slash("review", {"text": "great"}), ["Not quite"]),
        (await server.message_command("Judge this review", negative.reply_to or 0), []),
    ):
        answer = await server.wait_for_message(
            lambda posted, asked=interaction: posted.interaction_id == asked.id  # type: ignore[misc]
        )
        found = [each["label"] for row in answer.components for each in row["components"]]
        assert found == labels


async def test_the_button_works_after_a_restart(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with serving(server, classifier, responses):
        reply = await server.wait_for_reply(await server.say(server.channel, "what a great film"))
        # discord.py stumbles over a client that is closed before it is ready.
        await server.wait_until(lambda: "Ready as" in caplog.text, 60)
    async with serving(server, classifier, responses):
        assert await _why(server, reply) == EXPLAINED


@pytest.mark.usefixtures("bot")
async def test_a_review_that_is_gone_or_withheld_stays_so(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    deleted = await server.say(server.channel, "a great film")
    edited = await server.say(server.channel, "a great film")
    replies = [await server.wait_for_reply(question) for question in (deleted, edited)]
    await server.delete(deleted)
    server.message(edited).visible = False  # its mention of the bot was taken out
    judged = len(classifier.judged)
    for reply in replies:
        assert await _why(server, reply) == f"a {Kind.UNEXPLAINED} sentence"
    assert len(classifier.judged) == judged


@pytest.mark.usefixtures("bot")
async def test_an_answer_that_takes_long_is_announced_in_time(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    reply = await server.wait_for_reply(await server.dm("what a great film"))
    classifier.gate.clear()
    pressed = await server.press(reply, BUTTON)
    await server.wait_until(lambda: pressed.answered_after_s is not None)
    assert pressed.response_type == 5  # "is thinking"
    classifier.gate.set()
    assert (await _answer(server, pressed)).content == EXPLAINED


@pytest.mark.usefixtures("bot")
async def test_review_explains_on_request_and_only_to_the_one_who_asks(
    server: DiscordServer,
) -> None:
    asked = await server.slash("review", {"text": "what a great film", "explain": True})
    answer = await server.wait_for_message(lambda posted: posted.interaction_id == asked.id)
    assert (answer.content, answer.ephemeral) == ("a positive sentence", False)
    explained = await _answer(server, asked)
    assert explained.content == EXPLAINED
    assert explained.flags & SUPPRESS_EMBEDS
    # Where there is no verdict, there is nothing to explain.
    hint = await server.slash("review", {"text": "!!", "explain": True})
    assert (await _answer(server, hint)).content == f"a {Kind.WORDLESS} sentence"
    last = await server.slash("review", {"text": "great", "explain": False})
    await server.wait_for_message(lambda posted: posted.interaction_id == last.id)
    assert len(server.messages) == 4
    assert server.violations == []


async def test_pressing_too_often_is_answered_with_a_notice(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses, messages_per_second=0.01):
        question = await server.say(server.channel, "what a great film")
        reply = await server.wait_for_reply(question)
        hasty = f"a {Kind.HASTE} sentence"
        assert [await _why(server, reply) for _ in range(2)] == [hasty] * 2
        # Before anything is fetched, and at the cost of one request.
        fetched = [request.route for request in server.requests]
        assert (fetched.count(GET_MESSAGE[1]), fetched.count(ANSWER[1])) == (0, 2)
        assert await _why(server, reply, author=server.admin) == EXPLAINED


@pytest.mark.usefixtures("bot")
async def test_one_explanation_at_a_time_for_each_customer(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    reply = await server.wait_for_reply(await server.say(server.channel, "what a great film"))
    classifier.gate.clear()
    first = await server.press(reply, BUTTON)
    await server.wait_until(lambda: first.answered_after_s is not None)
    for _ in range(3):
        assert await _why(server, reply) == f"a {Kind.HASTE} sentence"
    other = await server.press(reply, BUTTON, author=server.admin)
    classifier.gate.set()
    for pressed in (first, other):
        assert (await _answer(server, pressed)).content == EXPLAINED
    # The second is remembered.
    assert classifier.judged.count("what a film") == 1


@pytest.mark.usefixtures("bot")
async def test_a_masked_link_is_shown_as_it_was_written(server: DiscordServer) -> None:
    review = r"great film! [Claim your free gift](https\://evil.example)"
    reply = await server.wait_for_reply(await server.say(server.channel, review))
    answer = await _answer(server, await server.press(reply, BUTTON))
    assert r"\[Claim your free gift\]\(https\://evil.example\)" in answer.content
    assert answer.flags & SUPPRESS_EMBEDS


@pytest.mark.usefixtures("bot")
async def test_trouble_with_discord_is_excused(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0.01,))
    reply = await server.wait_for_reply(await server.dm("a great film"))
    server.fail(*GET_MESSAGE, status=503)
    assert await _why(server, reply) == f"a {Kind.FAILURE} sentence"
    server.fail("POST", "/webhooks/{webhook_id}/{webhook_token}", status=503)
    assert "a **great** film" in await _why(server, reply)


ANSWER = ("POST", "/interactions/{interaction_id}/{interaction_token}/callback")


@pytest.mark.usefixtures("bot")
async def test_where_is_thinking_is_refused_the_explanation_itself_is_the_answer(
    server: DiscordServer,
) -> None:
    reply = await server.wait_for_reply(await server.dm("what a great film"))
    server.fail(*ANSWER, status=400)
    assert await _why(server, reply) == EXPLAINED


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("owner", "name"), [(discord.InteractionResponse, "defer"), (Concierge, "explain")]
)
async def test_a_bug_is_excused_and_logged_without_text(
    server: DiscordServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: type,
    name: str,
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("private")

    reply = await server.wait_for_reply(await server.dm("a great film"))
    monkeypatch.setattr(owner, name, broken)
    assert await _why(server, reply) == f"a {Kind.FAILURE} sentence"
    assert "Explaining a verdict failed: RuntimeError at tests/bot/frontends" in caplog.text
    assert "private" not in caplog.text


# How it is shown


def _explanation(*parts: Part) -> Explanation:
    return Explanation("negative", {"negative": 0.996, "positive": 0.004}, parts)


def test_words_of_one_mark_share_it_and_the_legend_names_those_used() -> None:
    strong, slight = Part("waste", 3, Mark.STRONG), Part("of", 1, Mark.SLIGHT)
    against = [Part("great", -2, Mark.AGAINST), Part("fun", -1, Mark.AGAINST)]
    assert shown(_explanation(strong, slight, *against)) == (
        "**negative 99%**, positive 1%\n"
        "“**waste** __of__ ~~great fun~~”\n"
        "-# **bold** carried it, __underlined__ helped, ~~struck through~~ spoke against it."
    )
    assert shown(_explanation(Part("hm", 0, Mark.NONE))) == (
        "**negative 99%**, positive 1%\n“hm”\n-# No word alone carried it, but all together."
    )


def test_what_a_customer_wrote_is_shown_as_it_is() -> None:
    text = shown(_explanation(Part("**sh*t**_ @everyone `x` [a](b)", 0, Mark.NONE)))
    assert "@everyone" not in text
    assert r"\*\*sh\*t\*\*\_" in text
    assert r"\`x\`" in text


@pytest.mark.parametrize("word", ["*" * 4_000, "_great_fun" * 9, "x"])
def test_a_long_review_is_cut(word: str) -> None:
    text = shown(_explanation(*[Part(word, 1, Mark.STRONG)] * 48))
    assert len(text) <= MAX_CHARACTERS
    assert text.endswith("-# **bold** carried it.")
    assert ("…" in text) is (len(word) > 1)


@pytest.mark.usefixtures("bot")
async def test_why_says_that_a_verdict_counts_two_messages_together(server: DiscordServer) -> None:
    await server.wait_for_reply(await server.say(server.channel, "rather great"))
    verdict = await server.wait_for_reply(await server.say(server.channel, "rather wonderful"))
    assert verdict.content == "a positive sentence"
    pressed = await server.press(verdict, f"{BUTTON}:together")
    reasons = await server.wait_for_message(lambda posted: posted.interaction_id == pressed.id)
    assert reasons.ephemeral
    assert "a explained\\_together sentence" in reasons.content
