"""Messages and cards that are edited or deleted while the desk is at work: the sums stay right."""

from datetime import timedelta

import pytest

from bot.desk.desk import Desk
from bot.desk.store import CardState, Figures
from bot.frontends.discord import handover
from bot.frontends.discord.references import reference
from bot.sentences.responses import Kind
from tests.bot.desk.conftest import MovableClock
from tests.bot.frontends.desk import (
    Start,
    ask,
    ask_as_newcomer,
    card_in,
    cards_in,
    press,
    until_ready,
)
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from tests.discord_server import Channel, DiscordServer

SERVICE = OTHER_KINDS["service"]


@pytest.fixture(autouse=True)
def _fast_growth(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.05)
    caplog.set_level("INFO", "bot")


async def _storm(server: DiscordServer, clock: MovableClock, number: int) -> None:
    for _ in range(number):
        clock.move(seconds=1)
        await ask_as_newcomer(server, SERVICE)


async def _figures(server: DiscordServer, desk: Desk) -> Figures:
    now, day = desk.clock(), timedelta(days=1)
    return await desk.store.figures(reference(server.guild.id), now - day, now + day)


async def _closed(server: DiscordServer, desk: Desk, state: CardState) -> int:
    """Requests on cards of this state."""
    cards = (await _figures(server, desk)).cards
    return sum(each.requests for each in cards if each.state is state)


async def test_a_message_that_is_deleted_before_its_reply_has_its_card(
    server: DiscordServer, staff: Channel, start: Start, classifier: KeywordClassifier
) -> None:
    async with start() as desk:
        classifier.gate.clear()
        written = await server.say(server.channel, SERVICE)
        await server.wait_until(classifier.entered.is_set)
        await server.delete(written)
        classifier.gate.set()
        said = await server.wait_for_message(lambda posted: posted.channel is server.channel)
        assert said.content == f"a {Kind.HANDED_OVER} sentence"
        assert str(written) in (await card_in(server, staff)).content
        await ask(server, "great")
        figures = await _figures(server, desk)
        assert [(each.kind, each.requests) for each in figures.cards] == [("service", 1)]
        assert {each.kind: each.number for each in figures.replies}["service"] == 1


async def test_an_edit_in_a_storm_has_one_place_on_its_card(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    classifier: KeywordClassifier,
) -> None:
    async with start() as desk:
        await _storm(server, clock, 6)
        written, reply = await ask(server, "half great")
        classifier.gate.clear()
        for text in (SERVICE, f"{SERVICE} at all"):
            await server.edit(written, text)
        await server.say(server.channel, SERVICE)
        classifier.gate.set()
        last = cards_in(server, staff)[-1]
        await server.wait_until(lambda: "4 messages of this kind" in last.content)
        await server.wait_until(lambda: reply.content == f"a {Kind.HANDED_OVER} sentence")
        await ask(server, "great")
        assert [card.count for card in await desk.store.open_cards()] == [1, 1, 1, 1, 4]
        assert len(cards_in(server, staff)) == 5


async def test_an_edit_of_a_correction_is_no_second_one(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start():
        written, reply = await ask(server, OTHER_KINDS["correction"])
        await server.edit(written, f"{OTHER_KINDS['correction']}, really")
        await server.wait_until(lambda: reply.edits)
        await ask(server, "great")
        assert cards_in(server, staff) == []


async def test_a_card_that_staff_delete_is_closed(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start(private_threads=True) as desk:
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
        await press(server, card, "Claim", server.admin)
        await server.wait_until(lambda: len(server.guild.threads) == 1)
        thread = server.guild.threads[0]
        await server.wait_for_message(lambda posted: "private thread" in posted.content)
        await server.delete(card)
        await server.wait_until(lambda: thread.archived)
        assert await desk.store.open_cards() == []
        assert await _closed(server, desk, CardState.NOT_FOR_US) == 1
        assert not desk.is_silent(reference(thread.id))
        # Other messages may be deleted, too.
        _, reply = await ask(server, "great")
        await server.delete(reply)
        await ask(server, OTHER_KINDS["person"])
        await card_in(server, staff, 3)  # the second was for the one who claimed
    assert server.violations == server.unknown_requests == []


async def test_a_storm_whose_card_is_deleted_gets_another_one(
    server: DiscordServer, staff: Channel, start: Start, clock: MovableClock
) -> None:
    async with start() as desk:
        await _storm(server, clock, 7)
        last = cards_in(server, staff)[-1]
        await server.delete(last)
        await server.wait_until(lambda: last.deleted)
        await ask(server, "great")
        for _ in range(2):
            await ask_as_newcomer(server, SERVICE)
        counts = [card.count for card in await desk.store.open_cards()]
        assert sum(counts) + await _closed(server, desk, CardState.NOT_FOR_US) == 9


async def test_a_card_that_was_deleted_while_the_bot_was_off_is_closed_or_shown_anew(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with start():
        await until_ready(server, caplog)
        await _storm(server, clock, 6)
        first, *_, stormy = cards_in(server, staff)
    for card in (first, stormy):
        await server.delete(card)
    async with start() as desk:
        await until_ready(server, caplog)
        await ask(server, SERVICE)  # joins the last card, which is gone
        shown = await card_in(server, staff, 6)
        assert "3 messages of this kind" in shown.content
        pressed = await press(server, shown, "Claim", server.admin)
        assert pressed.answered_after_s is not None
        await server.wait_until(lambda: "Claimed by" in shown.content)
        clock.move(minutes=31)
        await desk.store.schedule.run_due()
        assert await _closed(server, desk, CardState.NOT_FOR_US) == 1
        assert len(await desk.store.open_cards()) == 4
    assert server.violations == server.unknown_requests == []


async def test_who_has_what_there_is_of_them_deleted_holds_no_thread_any_more(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start(private_threads=True) as desk:
        await ask(server, OTHER_KINDS["person"])
        await press(server, await card_in(server, staff), "Claim", server.admin)
        await server.wait_for_message(lambda posted: "Your private thread" in posted.content)
        (thread,) = server.guild.threads
        assert desk.is_silent(reference(thread.id))
        used = await server.slash("privacy", {"delete": "me"}, author=server.admin)
        await server.wait_for_message(lambda posted: posted.interaction_id == used.id)
        assert not desk.is_silent(reference(thread.id))
        assert [card.state for card in await desk.store.open_cards()] == [CardState.OPEN]
