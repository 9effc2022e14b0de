"""Reviews that stand elsewhere than in a message's first text: pasted, forwarded, edited."""

from typing import Any

import pytest

from bot.conversation.concierge import Concierge
from bot.frontends.discord import edits
from bot.frontends.discord.reading import MAX_FILE_BYTES
from bot.frontends.discord.reasons import BUTTON
from bot.sentences.responses import Kind, Responses
from tests.bot.frontends.loopback import nothing_more, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import Attachment, DiscordServer
from tests.marker import marked

POSITIVE, NEGATIVE = "a positive sentence", "a negative sentence"


def _pasted(text: str, name: str = "message.txt") -> list[Attachment]:
    return [Attachment(name, marked(text).encode())]


# Pasted


@pytest.mark.usefixtures("bot")
async def test_a_long_paste_which_arrives_as_a_file_is_read(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    paste = "what a great film, " * 150
    for question in (
        await server.say(server.channel, "", attachments=_pasted(paste)),
        await server.dm("", attachments=_pasted(paste, "My Review.TXT")),
    ):
        reply = await server.wait_for_reply(question)
        assert reply.content == POSITIVE
    assert classifier.judged == [paste.strip()] * 2
    # The words in front of it belong to it; so they do where somebody asks why.
    question = await server.dm("So dull", attachments=_pasted("and not great"))
    reply = await server.wait_for_reply(question)
    assert classifier.judged[-1].split() == ["So", "dull", "and", "not", "great"]
    pressed = await server.press(reply, BUTTON)
    answer = await server.wait_for_message(lambda posted: posted.interaction_id == pressed.id)
    assert "So dull" in answer.content
    assert "not" in answer.content
    judged = await server.message_command("Judge this review", question, author=server.admin)
    answer = await server.wait_for_message(lambda posted: posted.interaction_id == judged.id)
    assert answer.content == POSITIVE
    assert server.violations == []


@pytest.mark.parametrize(
    "file",
    [
        Attachment("poster.png", b"\x89PNG great"),
        Attachment("message.txt", b"great " * MAX_FILE_BYTES),
        Attachment("message.txt", b"great " * MAX_FILE_BYTES, size=100),
        Attachment("message.txt", b"\xff\xfe great"),
        Attachment("message.txt", "what a great film".encode("utf-16")),
        Attachment("message.txt", b"great \xed\xa0\x80 film"),
        Attachment("message.txt", b"  \n"),
    ],
    ids=["picture", "too large", "larger", "not UTF-8", "UTF-16", "a surrogate", "blank"],
)
@pytest.mark.usefixtures("bot")
async def test_other_files_get_a_hint(
    server: DiscordServer, classifier: KeywordClassifier, file: Attachment
) -> None:
    reply = await server.wait_for_reply(await server.say(server.channel, "", attachments=[file]))
    assert reply.content == f"a {Kind.ATTACHMENT} sentence"
    assert not classifier.judged


@pytest.mark.parametrize(
    "file",
    [
        Attachment("message.txt", b"\xef\xbb\xbfgreat\0 film \x1b[31m\x07"),
        Attachment("\u202e@everyone.txt", b"what a great film"),
        Attachment("message.txt", "great \u202e\u0301\u0301 \U0001f3ac\u200d film".encode()),
    ],
    ids=["control characters", "a hostile name", "directions"],
)
@pytest.mark.usefixtures("bot")
async def test_odd_characters_in_a_file_are_no_trouble(
    server: DiscordServer, file: Attachment
) -> None:
    reply = await server.wait_for_reply(await server.say(server.channel, "", attachments=[file]))
    assert reply.content == POSITIVE
    assert server.violations == []


# Forwarded


@pytest.mark.usefixtures("bot")
async def test_a_forwarded_review_is_read(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    theirs = await server.say(
        server.channel, "what a *great* film", author=server.admin, mention_bot=False
    )
    reply = await server.wait_for_reply(await server.dm("", forward=theirs))
    assert reply.content == POSITIVE
    assert classifier.judged == ["what a great film"]
    file = await server.say(server.channel, "", mention_bot=False, attachments=_pasted("so dull"))
    reply = await server.wait_for_reply(await server.dm("", forward=file))
    assert reply.content == NEGATIVE
    # One that was not sent to the bot is none of its business.
    await server.say(server.channel, "", mention_bot=False, forward=theirs)
    last = await server.wait_for_reply(await server.dm("great"))
    assert server.messages[-1] is last
    assert len(server.messages) == 3


# Edited


@pytest.mark.parametrize("first", ["", "half great", "?!", "Das war ein großartiger Film"])
@pytest.mark.usefixtures("bot")
async def test_an_edit_after_a_question_changes_the_reply(
    server: DiscordServer, first: str
) -> None:
    for question in (await server.say(server.channel, first), await server.dm(first)):
        reply = await server.wait_for_reply(question)
        before = reply.content
        assert before not in (POSITIVE, NEGATIVE)
        await server.edit(question, "still half great")
        await server.wait_until(lambda reply=reply: len(reply.edits) == 1)  # type: ignore[misc]
        assert reply.content == f"a {Kind.UNSURE} sentence"
        await server.edit(question, "a great film")
        await server.wait_until(lambda reply=reply: reply.content == POSITIVE)  # type: ignore[misc]
        # A verdict has its button, and stays.
        assert reply.component(BUTTON)
        await server.edit(question, "so dull")
        await server.repeat_edit(question)
    assert len(server.messages) == 2
    last = await server.wait_for_reply(await server.dm("a great last one"))
    assert [message.content for message in server.messages] == [POSITIVE] * 3
    assert last.edits == []
    assert server.violations == []


@pytest.mark.usefixtures("bot")
async def test_what_is_no_edit_by_the_author_changes_nothing(server: DiscordServer) -> None:
    question = await server.say(server.channel, "half great https://example.com")
    reply = await server.wait_for_reply(question)
    await server.repeat_edit(question)  # the preview of the link has come
    await server.edit(question, "a great film", mention_bot=False)
    other = await server.say(server.channel, "half great", mention_bot=False)
    await server.edit(other, "a great film")
    await nothing_more(server, reply)
    assert reply.edits == []


@pytest.mark.usefixtures("bot")
async def test_an_edit_before_the_answer_is_there_is_answered_after_it(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    classifier.gate.clear()
    question = await server.say(server.channel, "half great")
    await server.edit(question, "a great film")
    classifier.gate.set()
    reply = await server.wait_for_reply(question)
    await server.wait_until(lambda: reply.content == POSITIVE)


async def test_a_late_edit_is_not_answered(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edits, "EDIT_SECONDS", -1.0)
    async with serving(server, classifier, responses):
        question = await server.say(server.channel, "half great")
        reply = await server.wait_for_reply(question)
        await server.edit(question, "a great film")
        await nothing_more(server, reply)
        assert reply.edits == []


# Everything else that goes wrong


@pytest.mark.usefixtures("bot")
async def test_a_bug_is_excused_on_every_way_in(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("private")

    unsure = await server.say(server.channel, "half great")
    asked = await server.wait_for_reply(unsure)
    theirs = await server.say(server.channel, "private", mention_bot=False)
    monkeypatch.setattr(Concierge, "answer", broken)
    excuse = f"a {Kind.FAILURE} sentence"
    for question in (await server.say(server.channel, "private"), await server.dm("private")):
        assert (await server.wait_for_reply(question)).content == excuse
    await server.edit(unsure, "private")
    await server.wait_until(lambda: asked.content == excuse)
    for used in (
        await server.slash("review", {"text": "private"}),
        await server.message_command("Judge this review", theirs),
    ):
        answer = await server.wait_for_message(
            lambda posted, used=used: posted.interaction_id == used.id  # type: ignore[misc]
        )
        assert (answer.content, answer.ephemeral) == (excuse, True)
    assert caplog.text.count("RuntimeError at tests/bot/frontends") == 5
    assert "private" not in caplog.text
    assert server.violations == []
