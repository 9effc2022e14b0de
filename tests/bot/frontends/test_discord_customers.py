"""What customers can do by name, with simcord: a Discord in this process, without sockets."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest
import simcord

from bot.conversation.concierge import Concierge
from bot.conversation.throttle import Throttle
from bot.engine import Engine
from bot.frontends.discord.client import ConciergeBot
from bot.sentences.responses import MAX_CHARACTERS, Kind, Responses, default_responses_file
from tests.bot.frontends.synced import SyncedBot
from tests.bot.stub import OTHER_KINDS, KeywordClassifier, settings
from tests.marker import marked, unmarked

JUDGE = "Judge this review"


@pytest.fixture
async def simcord_bot(
    classifier: KeywordClassifier, responses: Responses
) -> AsyncIterator[ConciergeBot]:
    async with Engine(classifier) as engine:
        throttle = Throttle(5, clock=lambda: 0.0)
        yield SyncedBot(Concierge(engine, responses, throttle), settings("a.b.c"))


@dataclass
class Place:
    """A channel, and two people in it."""

    env: simcord.Env
    bot: ConciergeBot
    channel: simcord.ChannelHandle
    maria: simcord.MemberActor
    adam: simcord.MemberActor


@pytest.fixture
def place(simcord_env: simcord.Env, simcord_bot: ConciergeBot) -> Place:
    guild = simcord_env.create_guild()
    maria = guild.add_member(simcord_env.create_user("maria"))
    adam = guild.add_member(simcord_env.create_user("adam"))
    return Place(simcord_env, simcord_bot, guild.create_text_channel("reviews"), maria, adam)


def _said(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    assert result.response is not None
    assert result.response.flags.suppress_embeds
    assert not result.followups
    return result.response


def _last(channel: simcord.ChannelHandle) -> discord.Message:
    assert channel.last_message is not None
    return channel.last_message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("What a great film", "a positive sentence"), ("So dull", "a negative sentence")],
)
async def test_every_way_in_gives_the_same_judgement(
    place: Place, classifier: KeywordClassifier, text: str, sentence: str
) -> None:
    assert place.bot.user is not None
    mention = await place.maria.send(place.channel, f"{place.bot.user.mention} {text}")
    answer = _last(place.channel)
    assert answer.reference is not None
    assert answer.reference.message_id == mention.id
    await place.maria.send(place.channel, text, reply_to=answer)
    answers = [answer.content, _last(place.channel).content]
    await place.maria.send_dm(text)
    answers.append(_last(place.maria.user.dm_channel).content)
    review = _said(await place.maria.slash(place.channel, "review", text=text))
    judge = _said(await place.adam.context_menu(place.channel, JUDGE, mention))
    assert (review.ephemeral, judge.ephemeral) == (False, True)
    assert [*answers, review.content, judge.content] == [sentence] * 5
    assert classifier.judged == [text] * 5


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<:kekw:123>", Kind.WORDLESS),
        ("<@123>", Kind.EMPTY),
        ("!!", Kind.WORDLESS),
        ("https://example.com", Kind.OFF_TOPIC),
        (OTHER_KINDS["distress"], Kind.DISTRESS),
        ("une belle histoire, mais trop longue", Kind.FOREIGN),
    ],
)
async def test_what_is_no_review_gets_a_hint_that_only_its_author_sees(
    place: Place, text: str, kind: Kind
) -> None:
    hint = _said(await place.maria.slash(place.channel, "review", text=text))
    assert (hint.content, hint.ephemeral) == (f"a {kind} sentence", True)


@pytest.mark.parametrize("kind", [kind for kind in OTHER_KINDS if kind != Kind.DISTRESS])
async def test_what_is_given_to_a_command_is_a_review(place: Place, kind: str) -> None:
    text = f"{OTHER_KINDS[kind]}, great"
    message = await place.maria.send(place.channel, text)
    review = _said(await place.maria.slash(place.channel, "review", text=text))
    judge = _said(await place.adam.context_menu(place.channel, JUDGE, message))
    assert [review.content, judge.content] == ["a positive sentence"] * 2
    assert not review.ephemeral


async def test_distress_is_never_judged(place: Place) -> None:
    message = await place.maria.send(place.channel, OTHER_KINDS["distress"])
    judge = _said(await place.adam.context_menu(place.channel, JUDGE, message))
    assert (judge.content, judge.ephemeral) == ("a distress sentence", True)
    asked = await place.maria.slash(
        place.channel, "review", text=OTHER_KINDS["distress"], explain=True
    )
    assert _said(asked).content == "a distress sentence"


async def test_a_long_review_is_read_whole(place: Place, classifier: KeywordClassifier) -> None:
    text = marked("great " * 700)[:4_000].strip()
    result = await place.maria.slash(place.channel, "review", text=text)
    assert _said(result).content == "a positive sentence"
    assert classifier.judged == [unmarked(text)]
    with pytest.raises(simcord.OptionError):
        await place.maria.slash(place.channel, "review", text="x" * 4_001)


async def test_what_a_bot_wrote_is_not_judged(place: Place, classifier: KeywordClassifier) -> None:
    assert place.bot.user is not None
    await place.maria.send(place.channel, f"{place.bot.user.mention} great")
    result = await place.maria.context_menu(place.channel, JUDGE, _last(place.channel))
    assert (_said(result).content, result.ephemeral) == ("a robot sentence", True)
    assert classifier.judged == ["great"]


async def test_a_picture_alone_gets_a_hint(place: Place) -> None:
    picture = await place.maria.send(place.channel, attachments=[("poster.png", b"PNG")])
    result = await place.adam.context_menu(place.channel, JUDGE, picture)
    assert (_said(result).content, result.ephemeral) == ("a attachment sentence", True)


async def test_help_and_privacy_are_for_the_one_who_asks(place: Place) -> None:
    place.bot.concierge.responses = Responses.load(default_responses_file())
    for name, words in [
        ("help", ["/review", JUDGE]),
        ("privacy", ["no profile of you", "my database is off"]),
    ]:
        told = _said(await place.maria.slash(place.channel, name))
        assert told.ephemeral
        assert len(told.content) <= MAX_CHARACTERS
        assert all(word in told.content for word in words)
    assert place.bot.application is not None
    assert f"<@{place.bot.application.owner.id}>" in told.content
    assert "{" not in told.content


async def test_a_rate_limited_customer_is_informed_at_each_command(place: Place) -> None:
    place.bot.concierge._throttle = Throttle(1, clock=lambda: 0.0)
    said = [_said(await place.maria.slash(place.channel, "review", text="great")) for _ in range(3)]
    assert [answer.content for answer in said] == ["a positive sentence", *["a haste sentence"] * 2]
    assert [answer.ephemeral for answer in said] == [False, True, True]


@pytest.mark.simcord(check_errors=False)
async def test_a_bug_in_a_command_is_excused_and_logged_without_text(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("private")

    monkeypatch.setattr(Concierge, "answer", broken)
    with caplog.at_level(logging.DEBUG):
        result = await place.maria.slash(place.channel, "review", text="private")
    assert result.response is not None
    assert (result.response.content, result.ephemeral) == ("a failure sentence", True)
    assert "review failed: RuntimeError at tests/bot/frontends" in caplog.text
    assert "private" not in caplog.text
