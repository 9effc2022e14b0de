"""A card from every way in, and what stands on it."""

import pytest

from bot.frontends.discord import shared_servers
from bot.frontends.discord.references import reference
from bot.sentences.responses import Kind, Responses
from tests.bot.desk.conftest import MovableClock
from tests.bot.frontends.desk import (
    Start,
    ask,
    ask_as_newcomer,
    card_in,
    cards_in,
    labels,
    press,
    refusal,
    until_ready,
)
from tests.bot.stub import OTHER_KINDS
from tests.discord_server import Channel, DiscordServer, Interaction, Posted

MEMBER = ("GET", "/guilds/{guild_id}/members/{user_id}")
PASSED_ON = "the team of {server} know"


@pytest.fixture
def responses() -> Responses:
    """One sentence of each kind, which names it; one says which server it is about."""
    sentences = {kind: [f"a {kind} sentence"] for kind in Kind}
    return Responses({**sentences, Kind.HANDED_OVER: [PASSED_ON]})


def _passed_on(server: DiscordServer) -> str:
    return PASSED_ON.format(server=server.guild.name)


async def _answer(server: DiscordServer, used: Interaction) -> Posted:
    return await server.wait_for_message(lambda posted: posted.interaction_id == used.id)


async def _review(server: DiscordServer, text: str) -> Posted:
    return await _answer(server, await server.slash("review", {"text": text}))


@pytest.mark.parametrize("kind", ["person", "service"])
async def test_a_request_given_to_review_gets_a_verdict_and_a_card(
    server: DiscordServer, staff: Channel, start: Start, kind: str
) -> None:
    async with start(private_threads=True):
        answer = await _review(server, f"{OTHER_KINDS[kind]}, great")
        assert answer.content == f"a positive sentence\n{_passed_on(server)}"
        assert not answer.ephemeral
        card = await card_in(server, staff)
        assert f"Written by <@{server.member.id}> with /review, so there is no link" in card.content
        assert "https://" not in card.content
        assert not card.pinged
        pressed = await press(server, card, "Claim", server.admin)
        assert "Your private thread" in await refusal(server, pressed)
        assert server.member.id in server.guild.threads[-1].thread_members
        await press(server, card, "Resolve", server.admin)
        assert str(server.member.id) not in card.content
    assert server.violations == server.unknown_requests == []


async def test_a_review_in_distress_makes_a_card_that_only_staff_see(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start():
        answer = await _review(server, OTHER_KINDS["distress"])
        assert (answer.content, answer.ephemeral) == ("a distress sentence", True)
        assert "may be in distress" in (await card_in(server, staff)).content


async def test_without_a_staff_channel_a_review_is_only_judged(
    server: DiscordServer, start: Start
) -> None:
    async with start(staff_channel=None) as desk:
        answer = await _review(server, f"{OTHER_KINDS['person']}, great")
        assert answer.content == "a positive sentence"
        assert await desk.store.open_cards() == []


async def test_a_message_that_somebody_has_judged_leads_to_its_author(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start():
        written = await server.say(server.channel, OTHER_KINDS["person"], mention_bot=False)
        for _ in range(2):  # the second time it has its card
            used = await server.message_command("Judge this review", written, author=server.admin)
            answer = await _answer(server, used)
            assert answer.content.endswith(_passed_on(server))
            assert answer.ephemeral
        (card,) = cards_in(server, staff)
        assert card.content.endswith("Waiting to be claimed.")
        assert f"/{server.channel.id}/{written}" in card.content


@pytest.mark.parametrize("kind", ["person", "service"])
async def test_a_direct_message_reaches_the_staff_of_the_only_server(
    server: DiscordServer, staff: Channel, start: Start, kind: str
) -> None:
    async with start(private_threads=True):
        reply = await server.wait_for_reply(await server.dm(OTHER_KINDS[kind]))
        assert reply.content == _passed_on(server)
        card = await card_in(server, staff)
        who = f"Written by <@{server.member.id}> in a direct message to me, so there is no link"
        assert who in card.content
        pressed = await press(server, card, "Claim", server.admin)
        assert f"write to them: <@{server.member.id}>" in await refusal(server, pressed)
    assert server.violations == server.unknown_requests == []


async def test_a_direct_message_in_distress_gets_a_card_and_no_promise(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start():
        reply = await server.wait_for_reply(await server.dm(OTHER_KINDS["distress"]))
        assert reply.content == "a distress sentence"
        assert "in a direct message to me" in (await card_in(server, staff)).content


@pytest.mark.parametrize("why", ["several", "none", "many", "refused", "no staff channel"])
async def test_a_direct_message_reaches_nobody_where_the_server_could_only_be_guessed(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if why == "several":  # the other one has no desk, but is where they may have meant
        server.world.add_guild("The Other Club", server.member)
    elif why == "none":
        del server.guild.members[server.member.id]
    elif why == "many":
        monkeypatch.setattr(shared_servers, "MAX_SERVERS", 0)
    elif why == "refused":
        server.fail(*MEMBER, status=403)
    chosen = {"staff_channel": None} if why == "no staff channel" else {}
    async with start(**chosen) as desk:
        reply = await server.wait_for_reply(await server.dm(OTHER_KINDS["person"]))
        assert reply.content == "a person sentence"
        assert cards_in(server, staff) == []
        assert await desk.store.open_cards() == []


async def test_a_server_that_the_customer_is_not_in_does_not_count(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    server.world.add_guild("The Other Club")
    async with start():
        reply = await server.wait_for_reply(await server.dm(OTHER_KINDS["person"]))
        assert reply.content == _passed_on(server)
        assert len(cards_in(server, staff)) == 1


async def test_a_card_says_how_strong_the_words_are(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start():
        for number, (words, shown) in enumerate(
            [("strong words", True), ("mild words", True), ("plain words", False)], 1
        ):
            await ask_as_newcomer(server, f"{OTHER_KINDS['service']}, {words}")
            assert (words in (await card_in(server, staff, number)).content) is shown
        await ask(server, f"{OTHER_KINDS['distress']}, strong words")
        assert "strong" not in (await card_in(server, staff, 4)).content


async def test_a_card_notifies_the_role_that_the_server_has_chosen_once_in_a_storm(
    server: DiscordServer, staff: Channel, start: Start, clock: MovableClock
) -> None:
    role, other = server.world.add_role("helpers"), server.world.add_role("others")
    async with start(mention_role=reference(role.id)):
        for _ in range(7):
            await ask_as_newcomer(server, f"{OTHER_KINDS['service']} <@&{other.id}> @everyone")
        await ask(server, OTHER_KINDS["person"])
        for _ in range(2):  # each of them matters
            await ask(server, OTHER_KINDS["distress"])
        await card_in(server, staff, 8)
        posted = cards_in(server, staff)
        pinged = [each.pinged_roles for each in posted]
        assert pinged == [{role.id}, set(), set(), set(), set(), {role.id}, {role.id}, {role.id}]
        assert not any(each.pings_everyone or each.pinged for each in posted)
        clock.move(minutes=11)
        await ask_as_newcomer(server, OTHER_KINDS["person"])
        assert (await card_in(server, staff, 9)).pinged_roles == {role.id}
        # A press redraws the card, and notifies nobody anew.
        await press(server, posted[0], "Claim", server.admin)
        assert f"<@&{role.id}>" not in posted[0].content
        assert list(labels(posted[0])) == ["Release", "Resolve", "Not for us"]
    assert server.violations == server.unknown_requests == []


async def test_a_restart_in_a_storm_notifies_nobody_anew(
    server: DiscordServer, staff: Channel, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot")
    role = server.world.add_role("helpers")
    for number in (1, 2):
        async with start(mention_role=reference(role.id)):
            await until_ready(server, caplog)
            await ask_as_newcomer(server, OTHER_KINDS["service"])
            assert bool((await card_in(server, staff, number)).pinged_roles) is (number == 1)
