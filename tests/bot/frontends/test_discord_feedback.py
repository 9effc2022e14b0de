"""Replies are counted, and people vote on them."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk.desk import Desk
from bot.desk.store import Figures
from bot.sentences.responses import Responses
from tests.bot.frontends.desk import opened_desk
from tests.bot.frontends.loopback import serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, Posted

UP, DOWN = "\N{THUMBS UP SIGN}", "\N{THUMBS DOWN SIGN}"


@pytest.fixture
async def desk(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses, tmp_path: Path
) -> AsyncIterator[Desk]:
    """Of the bot, which is connected."""
    async with opened_desk(tmp_path) as desk, serving(server, classifier, responses, desk):
        yield desk


async def _figures(desk: Desk, server: str) -> Figures:
    now = desk.clock()
    return await desk.store.figures(server, now - timedelta(hours=1), now + timedelta(hours=1))


async def _counted(desk: Desk, server: str) -> Counter[tuple[str, str]]:
    replies = (await _figures(desk, server)).replies
    return Counter({(each.kind, each.checkpoint): each.number for each in replies})


async def _votes(server: DiscordServer, desk: Desk) -> tuple[int, int]:
    votes = (await _figures(desk, f"discord:{server.guild.id}")).votes
    return sum(each.up for each in votes), sum(each.down for each in votes)


async def _replied(server: DiscordServer, text: str = "what a great film") -> Posted:
    return await server.wait_for_reply(await server.say(server.channel, text))


async def _settled(server: DiscordServer, desk: Desk) -> tuple[int, int]:
    """The votes, once all events before this have been handled, and what they began."""
    await _replied(server)
    return await _votes(server, desk)


async def test_every_reply_is_counted_by_kind_checkpoint_and_latency(
    server: DiscordServer, desk: Desk
) -> None:
    for text in ("great", "great", "dull", "half great", "hello there"):
        await _replied(server, text)
    await server.wait_for_reply(await server.dm("great"))
    for command, options in (("review", {"text": "great"}), ("help", {})):
        used = await server.slash(command, options)
        await server.wait_until(lambda used=used: used.original)  # type: ignore[misc]
    shown = await _replied(server, "great")
    pressed = await server.press(shown, f"not_quite:{server.member.id}")
    await server.wait_until(lambda: pressed.response)
    name = f"discord:{server.guild.id}"
    await _replied(server, "hello there")
    assert await _counted(desk, name) == {
        ("positive", "stub"): 4,
        ("negative", "stub"): 1,
        ("unsure", "stub"): 1,
        ("greeting", "stub"): 2,
        ("help", "stub"): 1,
        ("correction", "stub"): 1,
    }
    assert await _counted(desk, "discord:direct") == {("positive", "stub"): 1}
    latency = (await _figures(desk, name)).latency
    assert latency.count == 10
    assert 0 < (latency.quantile(0.5) or 0) < 5


async def test_a_person_has_one_vote_on_a_reply_and_can_take_it_back(
    server: DiscordServer, desk: Desk
) -> None:
    reply = await _replied(server)
    await server.react(reply, UP)
    await server.react(reply, "\N{PARTY POPPER}")
    await server.react(reply, UP + "\N{EMOJI MODIFIER FITZPATRICK TYPE-4}", author=server.admin)
    assert await _settled(server, desk) == (2, 0)
    await server.react(reply, DOWN)
    assert await _settled(server, desk) == (1, 1)
    await server.react(reply, UP, add=False)  # the vote is the later one
    assert await _settled(server, desk) == (1, 1)
    await server.react(reply, DOWN, add=False)
    assert await _settled(server, desk) == (1, 0)
    assert server.unknown_requests == server.violations == []


async def test_what_is_voted_on_is_kept_with_the_vote(server: DiscordServer, desk: Desk) -> None:
    await server.react(await _replied(server, "dull"), DOWN)
    await _settled(server, desk)
    (vote,) = (await _figures(desk, f"discord:{server.guild.id}")).votes
    assert (vote.kind, vote.checkpoint, vote.up, vote.down) == ("negative", "stub", 0, 1)


async def test_not_quite_is_a_vote_and_the_last_on_that_reply(
    server: DiscordServer, desk: Desk
) -> None:
    reply = await _replied(server)
    await server.react(reply, UP)
    stranger = await server.press(reply, f"not_quite:{server.member.id}", author=server.admin)
    await server.wait_until(lambda: stranger.response)
    pressed = await server.press(reply, f"not_quite:{server.member.id}")
    await server.wait_until(lambda: pressed.response)
    assert await _settled(server, desk) == (0, 1)
    await server.react(reply, UP)  # to the question that stands there now
    assert await _settled(server, desk) == (0, 1)


async def test_reactions_to_other_messages_and_of_bots_are_no_votes(
    server: DiscordServer, desk: Desk
) -> None:
    other = server.world.users[server.bot.id]
    reply = await _replied(server)
    await server.react(reply, UP, author=other)
    assert reply.reply_to is not None
    await server.react(reply.reply_to, UP)
    assert await _settled(server, desk) == (0, 0)


async def test_without_a_desk_a_vote_is_ignored(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses):
        await server.react(await _replied(server), UP)
        await _replied(server)
