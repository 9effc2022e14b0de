"""The buttons under a question, over sockets, and an edit of what was asked about."""

import logging

import pytest

from bot.sentences.kinds import Side
from bot.sentences.responses import Kind, Responses
from tests.bot.frontends.loopback import POST_MESSAGE, SUPPRESS_EMBEDS, nothing_more, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, Interaction, Posted, User

ASKED = f"a {Kind.UNSURE} sentence"


def _labels(message: Posted) -> list[str]:
    return [button["label"] for row in message.components for button in row["components"]]


async def _press(
    server: DiscordServer, question: Posted, side: Side, *, asked: User, author: User | None = None
) -> Interaction:
    """A press, by default by the one who was asked; the bot has answered it by then."""
    pressed = await server.press(question, f"answer:{asked.id}:{side}", author=author or asked)
    await server.wait_until(lambda: pressed.answered_after_s is not None)
    return pressed


@pytest.mark.parametrize("side", Side)
@pytest.mark.usefixtures("bot")
async def test_a_press_puts_the_reply_in_the_place_of_the_question(
    server: DiscordServer, side: Side
) -> None:
    for written in (await server.say(server.channel, "half great"), await server.dm("half great")):
        question = await server.wait_for_reply(written)
        assert question.content == ASKED
        assert _labels(question) == ["👍", "👎", "A bit of both", "Why?"]
        await _press(server, question, side, asked=server.member)
        assert (question.content, question.components) == (f"a {side} sentence", [])
        assert question.flags & SUPPRESS_EMBEDS
    assert len(server.messages) == 2
    assert server.violations == server.unknown_requests == []


@pytest.mark.usefixtures("bot")
async def test_a_question_that_leans_has_the_buttons_and_another_reply_has_none(
    server: DiscordServer,
) -> None:
    for text, kind in [("rather great", Kind.LEANS_POSITIVE), ("rather dull", Kind.LEANS_NEGATIVE)]:
        question = await server.wait_for_reply(await server.say(server.channel, text))
        assert question.content == f"a {kind} sentence"
        assert _labels(question)[:3] == ["👍", "👎", "A bit of both"]
        answer = await server.wait_for_reply(await server.say(server.channel, "👍"))
        assert (answer.content, answer.components) == ("a positive sentence", [])
    verdict = await server.wait_for_reply(await server.say(server.channel, "great"))
    assert _labels(verdict) == ["Why?", "Not quite"]


@pytest.mark.usefixtures("bot")
async def test_a_press_by_another_gets_a_sentence_that_only_they_see(
    server: DiscordServer,
) -> None:
    question = await server.wait_for_reply(await server.say(server.channel, "half great"))
    pressed = await _press(
        server, question, Side.NEGATIVE, asked=server.member, author=server.admin
    )
    refusal = await server.wait_for_message(lambda posted: posted.interaction_id == pressed.id)
    assert (refusal.content, refusal.ephemeral) == (f"a {Kind.NOT_YOURS} sentence", True)
    assert (question.content, question.edits) == (ASKED, [])
    # The question still waits, for its owner's words, too.
    answer = await server.wait_for_reply(await server.say(server.channel, "👍"))
    assert answer.content == "a positive sentence"
    await nothing_more(server, question, refusal, answer)


async def test_the_buttons_work_after_a_restart(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with serving(server, classifier, responses):
        question = await server.wait_for_reply(await server.say(server.channel, "half great"))
        # discord.py stumbles over a client that is closed before it is ready.
        await server.wait_until(lambda: "Ready as" in caplog.text, 60)
    async with serving(server, classifier, responses):
        pressed = await _press(
            server, question, Side.BOTH, asked=server.member, author=server.admin
        )
        refusal = await server.wait_for_message(lambda posted: posted.interaction_id == pressed.id)
        assert refusal.ephemeral
        await _press(server, question, Side.POSITIVE, asked=server.member)
        assert (question.content, question.components) == ("a positive sentence", [])


@pytest.mark.usefixtures("bot")
async def test_the_answer_to_a_command_has_the_buttons_and_waits_for_words_too(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    used = await server.slash("review", {"text": "half great"})
    question = await server.wait_for_message(lambda posted: posted.interaction_id == used.id)
    assert (question.content, question.ephemeral) == (ASKED, False)
    assert _labels(question) == ["👍", "👎", "A bit of both"]
    await _press(server, question, Side.NEGATIVE, asked=server.member)
    assert (question.content, question.components) == ("a negative sentence", [])
    # So has one that takes long, and fills the place of "is thinking".
    classifier.gate.clear()
    used = await server.slash("review", {"text": "half great"})
    await server.wait_until(lambda: used.response_type == 5)
    classifier.gate.set()
    question = await server.wait_for_message(lambda posted: posted.interaction_id == used.id)
    assert _labels(question) == ["👍", "👎", "A bit of both"]
    answer = await server.wait_for_reply(await server.say(server.channel, "👍"))
    assert answer.content == "a positive sentence"
    assert server.violations == []


@pytest.mark.usefixtures("bot")
async def test_what_is_judged_for_another_is_not_asked_about(server: DiscordServer) -> None:
    theirs = await server.say(server.channel, "half great", mention_bot=False)
    used = await server.message_command("Judge this review", theirs, author=server.admin)
    shown = await server.wait_for_message(lambda posted: posted.interaction_id == used.id)
    assert (shown.content, shown.components) == (ASKED, [])


@pytest.mark.usefixtures("bot")
async def test_a_press_ends_what_was_asked(server: DiscordServer) -> None:
    written = await server.say(server.channel, "half great")
    question = await server.wait_for_reply(written)
    await _press(server, question, Side.POSITIVE, asked=server.member)
    await server.edit(written, "half great, half dull")
    # No answer is expected any more: by itself, this is a complaint to the stub.
    later = await server.say(server.channel, "a rather long film")
    answer = await server.wait_for_reply(later)
    assert answer.content == f"a {Kind.LEANS_NEGATIVE} sentence"
    # Replies of a channel change in their order.
    await server.edit(later, "👎")
    await server.wait_until(lambda: answer.content == "a negative sentence")
    assert question.content == "a positive sentence"
    await nothing_more(server, question, answer)


@pytest.mark.usefixtures("bot")
async def test_an_edited_review_is_judged_again_after_a_question(server: DiscordServer) -> None:
    written = await server.say(server.channel, "rather great")
    question = await server.wait_for_reply(written)
    assert question.content == f"a {Kind.LEANS_POSITIVE} sentence"
    await server.edit(written, "rather wonderful")  # no second opinion
    await server.wait_until(lambda: len(question.edits) == 1)
    assert question.content == f"a {Kind.LEANS_POSITIVE} sentence"
    await server.edit(written, "half great")
    await server.wait_until(lambda: question.content == ASKED)
    assert _labels(question) == ["👍", "👎", "A bit of both", "Why?"]
    await server.edit(written, "👎")
    await server.wait_until(lambda: question.content == "a negative sentence")
    assert question.components == []
    await nothing_more(server, question)


@pytest.mark.usefixtures("bot")
async def test_a_press_that_discord_does_not_take_is_counted_and_the_question_stays(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    question = await server.wait_for_reply(await server.say(server.channel, "half great"))
    server.fail("POST", "/interactions/{interaction_id}/{interaction_token}/callback", status=400)
    await server.press(question, f"answer:{server.member.id}:both", author=server.member)
    await server.wait_until(lambda: "No reply in channel" in caplog.text)
    assert question.content == ASKED
    await _press(server, question, Side.BOTH, asked=server.member)
    assert question.content == "a both sentence"


@pytest.mark.usefixtures("bot")
async def test_an_answer_that_overtakes_the_question_takes_its_buttons_away(
    server: DiscordServer,
) -> None:
    server.fail(*POST_MESSAGE, delay=0.3)  # of the question
    review = await server.say(server.channel, "film was… half great, half dull")
    yes = await server.say(server.channel, "👍")
    question, answer = await server.wait_for_reply(review), await server.wait_for_reply(yes)
    assert answer.content == "a positive sentence"
    await server.wait_until(lambda: question.components == [])
    assert question.content == ASKED


@pytest.mark.usefixtures("bot")
async def test_buttons_that_cannot_be_taken_away_are_no_trouble(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    question = await server.wait_for_reply(await server.say(server.channel, "half great"))
    server.fail("PATCH", "/channels/{channel_id}/messages/{message_id}", status=404)
    answer = await server.wait_for_reply(await server.say(server.channel, "👍"))
    await nothing_more(server, question, answer)
    assert "failed" not in caplog.text
