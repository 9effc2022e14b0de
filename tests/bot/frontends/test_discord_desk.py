"""Customers who must reach a person, and the staff who work on their cards, over sockets."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path

import pytest

from bot.desk.desk import Desk
from bot.desk.store import Card, CardState, Hours, Request, ServerSettings, Shift, Storm
from bot.errors import StoreError
from bot.frontends.discord import delivery, handover
from bot.frontends.discord.references import reference
from bot.sentences.responses import Kind
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
from tests.bot.frontends.loopback import POST_MESSAGE
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from tests.discord_server import Channel, DiscordServer, Posted
from tests.marker import MARKER

WRONG = "you got that wrong"
MODERATOR = 1 << 13  # MANAGE_MESSAGES
EVENING = (Shift(0, Hours(time(20), time(22))),)
"""Of the Monday on which the clock stands, at noon."""


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")


@pytest.fixture
async def desk(start: Start) -> AsyncIterator[Desk]:
    async with start() as desk:
        yield desk


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.SERVICE])
@pytest.mark.usefixtures("desk")
async def test_a_request_becomes_a_card_and_then_the_customer_is_informed(
    server: DiscordServer, staff: Channel, kind: Kind
) -> None:
    written, reply = await ask(server, OTHER_KINDS[kind])
    (card,) = cards_in(server, staff)
    assert server.messages == [card, reply]
    assert reply.content == f"a {Kind.HANDED_OVER} sentence"
    guild, channel = server.guild.id, server.channel.id
    assert f"https://discord.com/channels/{guild}/{channel}/{written}" in card.content
    assert f"<#{channel}>" in card.content
    assert OTHER_KINDS[kind] not in card.content
    assert list(labels(card)) == ["Claim", "Resolve", "Not for us"]
    assert not card.pinged
    assert not card.pings_everyone
    assert server.violations == server.unknown_requests == []


@pytest.mark.usefixtures("desk")
async def test_somebody_in_distress_gets_no_promise_but_a_card(
    server: DiscordServer, staff: Channel
) -> None:
    for number in range(1, 8):  # none of them shares a card
        customer = server.world.add_user(f"customer{number}")
        _, reply = await ask(server, OTHER_KINDS["distress"], customer)
        assert reply.content == f"a {Kind.DISTRESS} sentence"
        card = await card_in(server, staff, number)
        assert "may be in distress" in card.content


@pytest.mark.usefixtures("desk")
async def test_a_customer_who_was_misread_twice_reaches_a_person(
    server: DiscordServer, staff: Channel
) -> None:
    await ask(server, "great")
    first, second, third = [(await ask(server, WRONG))[1].content for _ in range(3)]
    assert first == f"a {Kind.CORRECTED_NEGATIVE} sentence"
    assert second == f"a {Kind.CORRECTION} sentence\na {Kind.HANDED_OVER} sentence"
    assert Kind.HANDED_OVER not in third
    assert len(cards_in(server, staff)) == 1
    assert "correct me twice" in (await card_in(server, staff)).content


@pytest.mark.usefixtures("desk")
async def test_a_button_corrects_the_bot_as_words_do(server: DiscordServer, staff: Channel) -> None:
    await ask(server, "great")
    await ask(server, WRONG)
    _, verdict = await ask(server, "it was wonderful")
    await press(server, verdict, "Not quite", server.member)
    assert verdict.content == f"a {Kind.CORRECTION} sentence\na {Kind.HANDED_OVER} sentence"
    assert {"👍", "👎"} < set(labels(verdict))
    assert str(verdict.id) in (await card_in(server, staff)).content


@pytest.mark.usefixtures("desk")
async def test_corrections_count_together_for_as_long_as_a_question_waits(
    server: DiscordServer, staff: Channel, clock: MovableClock
) -> None:
    await ask(server, "great")
    for _ in range(2):
        await ask(server, WRONG)
        clock.move(minutes=11)
    assert cards_in(server, staff) == []


@pytest.mark.usefixtures("desk")
async def test_what_needs_no_person_makes_no_card(server: DiscordServer, staff: Channel) -> None:
    for text in ("great", "half great", OTHER_KINDS["greeting"], OTHER_KINDS["question"]):
        await ask(server, text)
    assert cards_in(server, staff) == []


async def test_without_a_staff_channel_replies_are_as_before(
    server: DiscordServer, start: Start
) -> None:
    async with start(staff_channel=None) as desk:
        for kind in (Kind.PERSON, Kind.SERVICE, Kind.CORRECTION, Kind.DISTRESS):
            _, reply = await ask(server, OTHER_KINDS[kind])
            assert reply.content == f"a {kind} sentence"
        assert len(server.messages) == 4
        assert await desk.store.open_cards() == []


async def test_outside_working_hours_that_is_said(
    server: DiscordServer, staff: Channel, start: Start, clock: MovableClock
) -> None:
    async with start(working_hours=EVENING):
        _, reply = await ask(server, OTHER_KINDS["person"])
        assert reply.content == f"a {Kind.OUT_OF_HOURS} sentence"
        assert len(cards_in(server, staff)) == 1
        clock.move(hours=8)
        _, reply = await ask(server, OTHER_KINDS["person"])
        assert reply.content == f"a {Kind.HANDED_OVER} sentence"


async def test_nothing_is_promised_where_the_card_cannot_be_posted(
    server: DiscordServer,
    staff: Channel,
    desk: Desk,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0.01,))
    for trouble in ({"status": 403}, {"reset": True, "times": 2}):
        server.fail(*POST_MESSAGE, **trouble)  # type: ignore[arg-type]
        _, reply = await ask_as_newcomer(server, OTHER_KINDS["person"])
        assert reply.content == f"a {Kind.PERSON} sentence"
        assert cards_in(server, staff) == []
    assert "needs View Channel and Send Messages there" in caplog.text
    # Staff see them all the same once that is possible.
    await until_ready(server, caplog)
    clock.move(minutes=31)
    await desk.store.schedule.run_due()
    assert len(cards_in(server, staff)) == 2


@pytest.mark.usefixtures("desk")
async def test_nothing_is_promised_where_the_card_takes_long(
    server: DiscordServer, staff: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.desk.desk.HAND_OVER_SECONDS", 0.2)
    server.fail(*POST_MESSAGE, delay=1.0)
    _, reply = await ask(server, OTHER_KINDS["person"])
    assert reply.content == f"a {Kind.PERSON} sentence"
    assert "asks for a person" in (await card_in(server, staff)).content


async def test_a_storm_is_one_card_with_a_count(
    server: DiscordServer,
    staff: Channel,
    desk: Desk,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.05)
    for _ in range(9):
        clock.move(seconds=1)
        _, reply = await ask_as_newcomer(server, OTHER_KINDS["service"])
        assert reply.content == f"a {Kind.HANDED_OVER} sentence"
    assert len(cards_in(server, staff)) == 5
    last = cards_in(server, staff)[-1]
    await server.wait_until(lambda: "5 messages of this kind" in last.content)
    assert [card.count for card in await desk.store.open_cards()] == [1, 1, 1, 1, 5]


async def test_a_count_that_arrives_after_a_press_does_not_undo_what_that_shows(
    server: DiscordServer,
    staff: Channel,
    desk: Desk,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.05)
    late = asyncio.Event()
    server.fail("PATCH", "/channels/{channel_id}/messages/{message_id}", until=late)
    for _ in range(6):
        clock.move(seconds=1)
        await ask_as_newcomer(server, OTHER_KINDS["service"])
    card = cards_in(server, staff)[-1]
    await asyncio.sleep(0.3)  # the count is on its way
    await press(server, card, "Resolve", server.admin)
    assert labels(card) == {}
    late.set()
    await server.wait_until(lambda: len(card.edits) >= 3)
    assert labels(card) == {}
    assert "Resolved" in card.content
    assert len(await desk.store.open_cards()) == 4


async def test_staff_claim_release_and_resolve(
    server: DiscordServer, staff: Channel, desk: Desk
) -> None:
    written, _ = await ask(server, OTHER_KINDS["person"])
    card = await card_in(server, staff)
    await press(server, card, "Claim", server.admin)
    assert f"Claimed by <@{server.admin.id}>; first claimed <t:" in card.content
    assert list(labels(card)) == ["Release", "Resolve", "Not for us"]
    await press(server, card, "Release", server.admin)
    assert "Waiting to be claimed" in card.content
    await press(server, card, "Claim", server.admin)
    await press(server, card, "Resolve", server.admin)
    assert f"Resolved by <@{server.admin.id}>, <t:" in card.content
    assert str(written) not in card.content
    assert card.components == []
    assert await desk.store.open_cards() == []
    assert server.violations == server.unknown_requests == []


async def test_what_is_not_for_staff_is_closed(
    server: DiscordServer, staff: Channel, desk: Desk
) -> None:
    await ask(server, OTHER_KINDS["service"])
    card = await card_in(server, staff)
    await press(server, card, "Not for us", server.admin)
    assert f"Closed as not for us by <@{server.admin.id}>" in card.content
    assert await desk.store.open_cards() == []


async def test_only_staff_work_on_cards(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    role = server.world.add_role("helpers")
    helper = server.world.add_user("helga", role)
    async with start() as desk:
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
        pressed = await press(server, card, "Claim", server.member)
        assert "may manage messages" in await refusal(server, pressed)
        await press(server, card, "Claim", server.member, MODERATOR)
        assert "Claimed by" in card.content
        await press(server, card, "Release", server.member, MODERATOR)

        chosen = ServerSettings(
            staff_channel=reference(staff.id), staff_roles=(reference(role.id),)
        )
        await desk.store.set_settings(reference(server.guild.id), chosen)
        pressed = await press(server, card, "Claim", server.member, MODERATOR)
        assert f"the role <@&{role.id}>" in await refusal(server, pressed)
        await press(server, card, "Claim", helper)
        assert f"Claimed by <@{helper.id}>" in card.content
        await press(server, card, "Release", server.admin)  # who may manage the server
        assert "Claimed by" not in card.content


def _forge(message: Posted, card: str) -> None:
    """Gives the buttons of a message the id of another card."""
    for row in message.components:
        for button in row["components"]:
            button["custom_id"] = re.sub("[0-9a-f]{16}", card, button["custom_id"])


async def test_the_card_of_another_server_cannot_be_worked_on(
    server: DiscordServer, staff: Channel, desk: Desk
) -> None:
    await ask(server, OTHER_KINDS["person"])
    shown = await card_in(server, staff)
    before = shown.content
    link = "https://discord.com/channels/99/1/1"
    request = Request(reference(99), link, "person", customer=reference(7))
    foreign = (await desk.store.open_card(request)).card
    _forge(shown, foreign.id)
    for label in ("Claim", "Resolve", "Not for us"):
        pressed = await press(server, shown, label, server.admin)
        assert "nothing has changed" in await refusal(server, pressed)
    assert await desk.store.open_cards(reference(99)) == [foreign]
    assert shown.content == before


async def test_a_card_of_an_unknown_kind_can_be_worked_on(
    server: DiscordServer, staff: Channel, desk: Desk
) -> None:
    """A later version may have written it."""
    await ask(server, OTHER_KINDS["person"])
    shown = await card_in(server, staff)
    request = Request(reference(server.guild.id), "https://discord.com/channels/1/1/1", "later")
    _forge(shown, (await desk.store.open_card(request)).card.id)
    await press(server, shown, "Claim", server.admin)
    assert shown.content.startswith("**A request**")


async def test_one_person_in_distress_does_not_fill_the_staff_channel(
    server: DiscordServer,
    staff: Channel,
    desk: Desk,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.0)
    for _ in range(8):
        await ask(server, OTHER_KINDS["distress"])
        clock.move(seconds=1)
    await ask(server, OTHER_KINDS["distress"], author=server.admin)
    await card_in(server, staff, 6)
    await server.wait_until(
        lambda: any("wrote 4 times" in card.content for card in cards_in(server, staff))
    )
    assert sorted(card.count for card in await desk.store.open_cards()) == [1, 1, 1, 1, 1, 4]
    assert len(cards_in(server, staff)) == 6


@pytest.mark.parametrize("reading", [1, 2, 3])
async def test_a_card_that_grows_while_its_count_is_read_shows_the_last_count(
    server: DiscordServer,
    staff: Channel,
    desk: Desk,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    reading: int,
) -> None:
    """What the store says is out of date by the time it is used."""
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.0)
    read = desk.store.card
    readings = 0

    async def overtaken(card: str) -> Card | None:
        nonlocal readings
        found = await read(card)
        readings += 1
        if readings == reading:
            await ask_as_newcomer(server, OTHER_KINDS["person"])
        return found

    monkeypatch.setattr(desk.store, "card", overtaken)
    for _ in range(Storm().cards + 1):
        clock.move(seconds=1)
        await ask_as_newcomer(server, OTHER_KINDS["person"])
    last = cards_in(server, staff)[-1]
    await server.wait_until(lambda: "messages of this kind" in last.content)
    await asyncio.sleep(0.2)
    count = max(card.count for card in await desk.store.open_cards())
    await server.wait_until(lambda: f"{count} messages" in last.content)


async def test_a_card_shows_what_staff_pressed_while_it_was_edited(
    server: DiscordServer, staff: Channel, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.0)
    await ask(server, OTHER_KINDS["service"])
    shown = await card_in(server, staff)
    read, presses = desk.store.card, ["Claim", "Resolve"]
    buttons = {"Claim": labels(shown)["Claim"]}
    buttons["Resolve"] = buttons["Claim"].replace("claim", "resolve")

    async def overtaken(card: str) -> Card | None:
        found = await read(card)
        if presses:  # what was read is out of date when the card is edited
            await server.press(shown, buttons[presses.pop(0)], author=server.admin)
            await asyncio.sleep(0.2)
        return found

    monkeypatch.setattr(desk.store, "card", overtaken)
    await ask(server, OTHER_KINDS["service"])
    await server.wait_until(lambda: not presses)
    await asyncio.sleep(0.5)  # the second edit has arrived, and undone the second press
    await server.wait_until(lambda: not labels(shown))
    assert "Resolved" in shown.content


async def test_further_messages_on_one_matter_update_its_card(
    server: DiscordServer,
    staff: Channel,
    desk: Desk,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.05)
    first, _ = await ask(server, OTHER_KINDS["service"])
    card = await card_in(server, staff)
    await press(server, card, "Claim", server.admin)
    clock.move(minutes=3)
    second, reply = await ask(server, f"hello?? {OTHER_KINDS['service']}")
    assert reply.content == f"a {Kind.HANDED_OVER} sentence"
    at = int(clock.now.timestamp())
    written = f"The customer wrote 2 times, last at <t:{at}:f>; the link leads to the newest."
    await server.wait_until(lambda: written in card.content)
    assert str(second) in card.content
    assert str(first) not in card.content
    assert f"Claimed by <@{server.admin.id}>" in card.content
    assert list(labels(card)) == ["Release", "Resolve", "Not for us"]
    # Neither distress, nor another customer, nor what comes after it was closed, joins it.
    await ask(server, OTHER_KINDS["distress"])
    assert "may be in distress" in (await card_in(server, staff, 2)).content
    await ask_as_newcomer(server, OTHER_KINDS["service"])
    assert len(await desk.store.open_cards()) == 3
    await press(server, card, "Resolve", server.admin)
    await ask(server, OTHER_KINDS["service"])
    assert "wrote" not in (await card_in(server, staff, 4)).content
    assert str(second) not in card.content
    assert server.violations == server.unknown_requests == []


async def test_an_edit_that_states_distress_gets_a_card_beside_that_of_its_message(
    server: DiscordServer, staff: Channel, desk: Desk
) -> None:
    written, reply = await ask(server, OTHER_KINDS["service"])
    await server.edit(written, "I want to die")
    shown = await card_in(server, staff, 2)
    assert "may be in distress" in shown.content
    assert str(written) in shown.content
    await server.wait_until(lambda: reply.content == f"a {Kind.DISTRESS} sentence")
    assert len(await desk.store.open_cards()) == 2


@pytest.mark.usefixtures("desk")
async def test_a_card_of_several_ways_in_keeps_the_link_that_there_is(
    server: DiscordServer,
    staff: Channel,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "GROWTH_SECONDS", 0.05)
    written, _ = await ask(server, OTHER_KINDS["service"])
    clock.move(seconds=1)
    await server.slash("review", {"text": f"{OTHER_KINDS['service']}, great"})
    card = await card_in(server, staff)
    await server.wait_until(lambda: "wrote 2 times" in card.content)
    assert str(written) in card.content
    assert "newest" not in card.content


async def test_a_press_that_comes_too_late_changes_nothing(
    server: DiscordServer, staff: Channel, desk: Desk
) -> None:
    await ask(server, OTHER_KINDS["person"])
    card = await card_in(server, staff)
    (kept,) = await desk.store.open_cards()
    other = server.world.add_user("oskar")
    await desk.claim(kept.id, reference(other.id))
    pressed = await press(server, card, "Claim", server.admin)
    assert "done already" in await refusal(server, pressed)
    assert f"Claimed by <@{other.id}>" in card.content
    await desk.resolve(kept.id)
    pressed = await press(server, card, "Resolve", server.admin)
    assert "done already" in await refusal(server, pressed)


async def test_a_card_can_be_claimed_after_a_restart(
    server: DiscordServer, staff: Channel, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async with start():
        # discord.py stumbles over a client that is closed before it is ready.
        await until_ready(server, caplog)
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
    async with start() as desk:
        await press(server, card, "Claim", server.admin)
        (kept,) = await desk.store.open_cards()
        assert (kept.state, kept.claimed_by) == (CardState.CLAIMED, reference(server.admin.id))
        assert f"Claimed by <@{server.admin.id}>" in card.content


async def test_a_card_whose_message_could_not_be_noted_is_shown_once(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a kill between the two: the next start finds a card without a message."""

    async def fail(*_: object) -> None:
        raise StoreError("The disk is full")

    async with start() as desk:
        await until_ready(server, caplog)
        monkeypatch.setattr(desk.store, "attach", fail)
        await ask(server, OTHER_KINDS["person"])
        shown = await card_in(server, staff)
        (kept,) = await desk.store.open_cards()
        assert kept.message is None
    async with start() as desk:
        await until_ready(server, caplog)
        clock.move(minutes=31)
        await desk.store.schedule.run_due()
        (kept,) = await desk.store.open_cards()
        assert kept.message == reference(staff.id, shown.id)
        assert cards_in(server, staff) == [shown]
        await press(server, shown, "Claim", server.admin)


async def test_an_unclaimed_card_is_brought_up_again_once_and_in_working_hours(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with start(working_hours=EVENING, reminder_minutes=10) as desk:
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
        await until_ready(server, caplog)
        clock.move(hours=1)
        await desk.store.schedule.run_due()
        assert cards_in(server, staff) == [card]
        clock.move(hours=7)
        for _ in range(3):
            clock.move(minutes=2)
            await desk.store.schedule.run_due()
        _, again = cards_in(server, staff)
        assert again.content.endswith(f"/{staff.id}/{card.id}")


async def test_no_text_of_a_customer_is_on_disk_or_in_the_staff_channel(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    async with start():
        for text in ("great", WRONG, "it was dull", WRONG):
            await ask(server, f"{text}. {MARKER}")
        for kind in ("person", "service", "distress"):
            await ask(server, f"{MARKER} {OTHER_KINDS[kind]}")
        card = await card_in(server, staff, 4)
        await press(server, card, "Claim", server.admin)
        await press(server, cards_in(server, staff)[0], "Resolve", server.admin)
    files = _files(tmp_path)
    assert [file for file in files if file.name == "desk.sqlite3"]
    assert not [file for file in files if MARKER.encode() in file.read_bytes()]
    assert not [posted for posted in server.messages if MARKER in posted.content]
    assert MARKER not in caplog.text


async def _thread(server: DiscordServer) -> Channel:
    """The private thread, once everybody is in it."""
    await server.wait_until(lambda: server.guild.threads and len(_members(server)) == 3)
    return server.guild.threads[-1]


def _members(server: DiscordServer) -> set[int]:
    return server.guild.threads[-1].thread_members


async def test_a_claim_opens_a_private_thread_in_which_the_bot_is_silent(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start(private_threads=True):
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
        pressed = await press(server, card, "Claim", server.admin)
        thread = await _thread(server)
        assert thread.parent is server.channel
        assert _members(server) == {server.bot.id, server.admin.id, server.member.id}
        assert f"<#{thread.id}>" in await refusal(server, pressed)
        said = [posted for posted in server.messages if posted.channel is thread]
        assert [each.content for each in said] == [f"a {Kind.PERSON_IS_HERE} sentence"]

        await server.say(thread, "great")
        await ask(server, "great")  # elsewhere it answers, and by now it would have there, too
        assert [posted for posted in server.messages if posted.channel is thread] == said

        await press(server, card, "Release", server.admin)
        left = [f"a {Kind.PERSON_HAS_LEFT} sentence"]
        await server.wait_until(lambda: _said_in(thread, server)[1:] == left)
        reply = await server.wait_for_reply(await server.say(thread, "great"))
        # A further request in the thread is on the same matter.
        again = await server.wait_for_reply(await server.say(thread, OTHER_KINDS["person"]))
        assert again.content == f"a {Kind.HANDED_OVER} sentence"
        await press(server, card, "Claim", server.admin)
        assert server.guild.threads == [thread]  # the same one
        await server.wait_until(lambda: "Claimed" in card.content)
        await press(server, card, "Resolve", server.admin)
        await server.wait_until(lambda: thread.archived)
        said_last = [*left, reply.content, again.content, *left]
        assert _said_in(thread, server)[1:] == said_last
        assert [each for each in cards_in(server, staff) if not each.ephemeral] == [card]
    assert server.violations == server.unknown_requests == []


async def test_a_card_that_was_given_back_is_closed_without_a_second_goodbye(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start(private_threads=True):
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
        await press(server, card, "Claim", server.admin)
        thread = await _thread(server)
        await press(server, card, "Release", server.admin)
        await server.wait_until(lambda: len(_said_in(thread, server)) == 2)
        await press(server, card, "Not for us", server.admin)
        await server.wait_until(lambda: thread.archived)
        assert len(_said_in(thread, server)) == 2
    assert server.violations == server.unknown_requests == []


def _said_in(thread: Channel, server: DiscordServer) -> list[str]:
    return [posted.content for posted in server.messages if posted.channel is thread]


async def test_the_bot_does_not_talk_over_a_person_who_has_come_meanwhile(
    server: DiscordServer, staff: Channel, start: Start, classifier: KeywordClassifier
) -> None:
    async with start(private_threads=True) as desk:
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
        await press(server, card, "Claim", server.admin)
        thread = await _thread(server)
        await press(server, card, "Release", server.admin)
        await server.wait_until(lambda: len(_said_in(thread, server)) == 2)
        classifier.gate.clear()
        classifier.entered.clear()
        await server.say(thread, "great")
        await server.wait_until(classifier.entered.is_set)
        (kept,) = await desk.store.open_cards()
        await desk.claim(kept.id, reference(server.admin.id))
        classifier.gate.set()
        await ask(server, "wonderful")
        assert _said_in(thread, server) == [
            f"a {Kind.PERSON_IS_HERE} sentence",
            f"a {Kind.PERSON_HAS_LEFT} sentence",
        ]


async def test_the_bot_is_silent_in_a_thread_after_a_restart(
    server: DiscordServer, staff: Channel, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async with start(private_threads=True):
        await until_ready(server, caplog)
        await ask(server, OTHER_KINDS["person"])
        await press(server, await card_in(server, staff), "Claim", server.admin)
        thread = await _thread(server)
    async with start(private_threads=True):
        posted = len(server.messages)
        await server.say(thread, "great")
        await ask(server, "great")
        assert len(server.messages) == posted + 1


async def test_staff_hear_why_there_is_no_private_thread(
    server: DiscordServer, staff: Channel, start: Start
) -> None:
    async with start(private_threads=True):
        await ask(server, OTHER_KINDS["person"])
        card = await card_in(server, staff)
        server.fail("POST", "/channels/{channel_id}/threads", status=403)
        pressed = await press(server, card, "Claim", server.admin)
        assert "Create Private Threads" in await refusal(server, pressed)
        assert "Claimed by" in card.content
