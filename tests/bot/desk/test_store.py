"""What the store keeps, on SQLite and on PostgreSQL."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from bot.desk.store import (
    Card,
    CardCount,
    CardState,
    Hours,
    Request,
    ServerSettings,
    Shift,
    Store,
    Storm,
    VoteCount,
    VoteTotal,
)
from bot.desk.store.servers import GRACE
from tests.bot.desk.conftest import SERVER, START, MovableClock, opened

OTHER = "discord:2"
STORM = Storm(cards=2, minutes=10)
DAY = timedelta(days=1)


def _request(number: int = 1, **changes: Any) -> Request:
    link = f"https://discord.com/channels/1/2/{number}"
    request = Request(SERVER, link, "service", "strong", "discord:2", f"discord:9{number}")
    return replace(request, **changes)


async def _open(store: Store, number: int = 1, **changes: Any) -> Card:
    opened = await store.open_card(_request(number, **changes))
    assert opened.is_new
    return opened.card


def _vote(store: Store, person: str, *, up: bool, message: str = "m:1", **changes: Any) -> Any:
    details = {"replied": START, "kind": "negative", "checkpoint": "first", **changes}
    return store.vote(SERVER, message, person, up=up, **details)


async def _votes(store: Store, server: str = SERVER) -> tuple[int, int]:
    votes = (await store.figures(server, START - 9 * DAY, START + 9 * DAY)).votes
    return sum(vote.up for vote in votes), sum(vote.down for vote in votes)


# Cards


async def test_a_card_is_opened_claimed_and_resolved(store: Store, clock: MovableClock) -> None:
    card = await _open(store)
    assert card == Card(
        id=card.id,
        server=SERVER,
        link="https://discord.com/channels/1/2/1",
        newest="https://discord.com/channels/1/2/1",
        kind="service",
        strength="strong",
        channel="discord:2",
        customer="discord:91",
        customers=1,
        created=START,
        joined=START,
        state=CardState.OPEN,
        claimed=None,
        claimed_by=None,
        message=None,
        thread=None,
        reminded=False,
        mentions_role=True,
        count=1,
    )
    await store.attach(card.id, "discord:50", "discord:60")
    clock.move(minutes=3)
    claimed = await store.claim(card.id, "discord:70")
    shown = replace(card, message="discord:50", thread="discord:60", claimed=clock.now)
    assert claimed == replace(shown, state=CardState.CLAIMED, claimed_by="discord:70")
    assert await store.open_cards() == await store.open_cards(SERVER) == [claimed]
    assert await store.open_cards(OTHER) == []

    resolved = await store.resolve(card.id)
    assert claimed is not None
    assert resolved == replace(claimed, state=CardState.RESOLVED)
    assert await store.open_cards() == []
    assert await store.resolve(card.id) is None
    kept = await store.claim(card.id, "discord:71")
    erased = replace(resolved, link=None, newest=None, customer=None, claimed_by=None, thread=None)
    assert kept == replace(erased, customers=0)

    figures = await store.figures(SERVER, START, clock.now)
    assert figures.cards == (CardCount("service", CardState.RESOLVED, 1, 1),)
    assert figures.time_to_claim.count == 1
    assert 180 <= (figures.time_to_claim.quantile(0.5) or 0) <= 180 * 1.42


async def test_only_one_member_of_staff_gets_a_card(store: Store) -> None:
    card = await _open(store)
    staff = [f"discord:{number}" for number in range(8)]
    results = await asyncio.gather(*(store.claim(card.id, each) for each in staff))
    assert len({result.claimed_by for result in results if result}) == 1


async def test_a_released_card_can_be_claimed_anew(store: Store, clock: MovableClock) -> None:
    card = await _open(store)
    assert await store.release(card.id) is None
    await store.claim(card.id, "discord:70")
    assert await store.release(card.id) == replace(card, claimed=START)
    clock.move(hours=5)
    again = await store.claim(card.id, "discord:71")
    assert again is not None
    assert again.claimed_by == "discord:71"
    figures = await store.figures(SERVER, START, clock.now)
    assert figures.time_to_claim.count == 1  # the first claim counts


async def test_what_is_not_for_the_desk_is_closed_as_such(store: Store) -> None:
    card = await _open(store)
    closed = await store.resolve(card.id, not_for_us=True)
    assert closed is not None
    assert closed.state is CardState.NOT_FOR_US


async def test_a_card_that_is_not_there(store: Store) -> None:
    assert await store.claim("gone", "discord:70") is None
    assert await store.release("gone") is None
    assert await store.resolve("gone") is None


async def test_a_message_has_one_card(store: Store) -> None:
    card = await _open(store)
    again = await store.open_card(_request(), STORM)
    assert (again.card, again.is_new) == (card, False)
    elsewhere = await store.open_card(_request(server=OTHER))
    assert elsewhere.is_new


async def test_a_customer_has_one_open_card_of_a_kind_in_a_place(
    store: Store, clock: MovableClock
) -> None:
    async def ask(number: int, **changes: Any) -> Card:
        clock.move(hours=1)
        request = _request(number, customer="discord:91", **changes)
        return (await store.open_card(request, Storm())).card

    first = await ask(1)
    again = await ask(2)
    assert (again.id, again.count, again.customers) == (first.id, 2, 1)
    assert (again.link, again.newest, again.joined) == (first.link, _request(2).link, clock.now)
    await store.claim(first.id, "discord:70")
    assert (await ask(3)).count == 3
    others = [
        await ask(4, kind="person"),
        await ask(5, channel="discord:3"),
        await ask(6, channel=None),
        await ask(7, server=OTHER),
    ]
    assert len({first.id, *(card.id for card in others)}) == 5
    assert (await ask(8, channel=None)).id == others[2].id
    await store.attach(first.id, "discord:50", "discord:60")
    assert (await ask(9, channel="discord:60")).id == first.id  # in its private thread
    figures = await store.figures(SERVER, START, clock.now)
    assert sum(card.requests for card in figures.cards) == 8
    forgotten = await store.forget_person("discord:91")
    assert len(forgotten.cards) == 5
    assert await store.open_cards() == []


@pytest.mark.parametrize("not_for_us", [False, True])
async def test_a_message_after_a_closed_card_opens_another(
    store: Store, clock: MovableClock, not_for_us: bool
) -> None:
    closed = (await store.open_card(_request(1), Storm())).card
    await store.resolve(closed.id, not_for_us=not_for_us)
    clock.move(minutes=1)
    opened = await store.open_card(_request(2, customer=closed.customer), Storm())
    assert opened.is_new
    assert await store.open_cards() == [opened.card]


async def test_distress_gets_a_card_beside_an_open_one(store: Store, clock: MovableClock) -> None:
    service = (await store.open_card(_request(1), Storm())).card
    clock.move(seconds=1)
    # The same customer; also the same message, which was edited.
    for number in (2, 1):
        request = _request(number, customer=service.customer, kind="distress")
        opened = await store.open_card(request)
        assert (opened.is_new, opened.card.kind) == (True, "distress")
        assert not (await store.open_card(request)).is_new
    assert service in await store.open_cards()
    await store.forget_person("discord:91")
    assert await store.open_cards() == []


async def test_one_person_makes_no_storm(store: Store, clock: MovableClock) -> None:
    for number in range(9):
        own = (await store.open_card(_request(number, customer="discord:91"), STORM)).card
        clock.move(seconds=1)
    assert own.count == 9
    other = await store.open_card(_request(20), STORM)
    assert other.is_new
    joined = await store.open_card(_request(21), STORM)
    assert (joined.is_new, joined.card.customers) == (False, 2)
    clock.move(hours=1)  # the storm is over, but they have their place on its card
    again = await store.open_card(_request(22, customer="discord:921"), STORM)
    assert (again.card.id, again.card.count) == (joined.card.id, 3)
    assert again.card.link == other.card.link


async def test_one_person_does_not_get_any_number_of_cards(
    store: Store, clock: MovableClock
) -> None:
    """Without a storm, no one shares a card; but one person must not fill a staff channel."""
    numbers = iter(range(100))

    async def ask(customer: str) -> str:
        request = Request(SERVER, f"link:{next(numbers)}", "distress", customer=customer)
        return (await store.open_card(request)).card.id

    for _ in range(4):
        await ask("discord:1")
        clock.move(seconds=1)
    fifth = await ask("discord:1")
    assert len(await store.open_cards()) == 5
    assert await ask("discord:1") == fifth
    assert await ask("discord:2") != fifth
    clock.move(minutes=11)
    later = await ask("discord:1")
    assert later != fifth
    assert len(await store.open_cards()) == 7


async def test_a_storm_is_one_card_with_a_count(store: Store, clock: MovableClock) -> None:
    first = []
    for number in range(2):
        first.append(await store.open_card(_request(number), STORM))
        clock.move(seconds=1)
    assert [opened.is_new for opened in first] == [True, True]
    for number in range(2, 7):
        clock.move(minutes=6)  # it goes on for longer than the window
        joined = await store.open_card(_request(number), STORM)
        assert (joined.is_new, joined.card.id) == (False, first[-1].card.id)
        assert joined.card.count == number
        assert joined.card.link == _request(1).link
    assert (await store.open_card(_request(6), STORM)).card.count == 6  # it has its place already
    other_kind = await store.open_card(_request(90, kind="person"), STORM)
    alone = await store.open_card(_request(91))  # as one in distress is
    assert other_kind.is_new
    assert alone.is_new
    clock.move(minutes=11)
    assert (await store.open_card(_request(92), STORM)).is_new  # the storm is over


async def test_a_storm_goes_on_joining_a_claimed_card_but_no_closed_one(
    store: Store, clock: MovableClock
) -> None:
    for number in range(3):
        stormy = (await store.open_card(_request(number), STORM)).card
    await store.claim(stormy.id, "discord:70")
    assert (await store.open_card(_request(3), STORM)).card.count == 3
    await store.resolve(stormy.id)
    clock.move(minutes=1)
    assert (await store.open_card(_request(4), STORM)).card.id != stormy.id


async def test_an_unclaimed_card_is_brought_up_once(store: Store, clock: MovableClock) -> None:
    await store.set_settings(OTHER, ServerSettings(reminder_minutes=120))
    await store.set_settings("discord:3", ServerSettings(reminder_minutes=0))
    card = await _open(store)
    slow = await _open(store, server=OTHER)
    await _open(store, server="discord:3")
    claimed = await _open(store, 2)
    for each in await store.open_cards():
        await store.attach(each.id, f"discord:9:{each.id}")
    await store.claim(claimed.id, "discord:70")

    async def due(**later: float) -> set[str]:
        return {each.id for each in await store.due_reminders(clock.move(**later))}

    assert await due(minutes=29) == set()
    assert await due(minutes=1) == {card.id}
    await store.mark_reminded(card.id)
    assert await due(minutes=60) == set()
    assert await due(minutes=30) == {slow.id}
    await store.release(claimed.id)
    assert await due() == {claimed.id, slow.id}


async def test_a_card_without_a_message_is_due_at_once(store: Store, clock: MovableClock) -> None:
    await store.set_settings(SERVER, ServerSettings(reminder_minutes=0))
    card = await _open(store)
    assert await store.due_reminders(clock.move(seconds=59)) == []
    assert await store.due_reminders(clock.move(seconds=1)) == [card]
    await store.attach(card.id, "discord:9:1")
    assert await store.due_reminders(clock.now) == []


# Votes


async def test_a_person_has_one_vote_on_a_message_and_may_change_it(
    store: Store, clock: MovableClock
) -> None:
    assert await _vote(store, "discord:91", up=True)
    assert await _vote(store, "discord:92", up=True)
    assert await _vote(store, "discord:91", up=True, message="m:2")
    clock.move(hours=23)  # into another day, with another salt
    assert await _vote(store, "discord:91", up=False)
    assert await _votes(store) == (2, 1)


async def test_votes_become_sums_after_a_day(store: Store, clock: MovableClock) -> None:
    await _vote(store, "discord:91", up=True)
    await _vote(store, "discord:92", up=False)
    later = START + timedelta(hours=20)
    await store.fold_votes(clock.move(hours=23))
    await _vote(store, "discord:93", up=False, message="m:2", replied=later)
    await store.fold_votes(clock.move(hours=1))
    await store.fold_votes(clock.now)
    assert not await _vote(store, "discord:91", up=False)  # it can be given for a day
    expected = (
        VoteCount(START.replace(minute=0), "negative", "", "first", 1, 1),
        VoteCount(later.replace(minute=0), "negative", "", "first", 0, 1),
    )
    for _ in range(2):
        assert (await store.figures(SERVER, START, START + DAY)).votes == expected
        await store.fold_votes(clock.move(days=2))


async def test_a_sum_grows_where_votes_come_in_parts(store: Store, clock: MovableClock) -> None:
    replied = [START, START + timedelta(minutes=20)]
    clock.move(minutes=20)
    for number, moment in enumerate(replied):
        await _vote(store, "discord:91", up=True, message=f"m:{number}", replied=moment)
    await store.fold_votes(START + DAY)
    await store.fold_votes(START + 2 * DAY)
    (vote,) = (await store.figures(SERVER, START, START + DAY)).votes
    assert (vote.up, vote.down) == (2, 0)


# Figures


async def test_replies_are_counted_by_hour(store: Store, clock: MovableClock) -> None:
    truth: Counter[tuple[datetime, str, str, str]] = Counter()
    for number in range(300):
        hour = clock.move(minutes=1).replace(minute=0)
        kind, checkpoint = ("positive", "negative")[number % 2], f"c{number % 3}"
        store.count(SERVER, kind, 0.05, strength="mild", checkpoint=checkpoint)
        truth[hour, kind, "mild", checkpoint] += 1
        store.count(OTHER, "positive", 3.0)
        if number % 100 == 0:
            await store.flush()
    figures = await store.figures(SERVER, START, clock.now)
    counted = {(r.hour, r.kind, r.strength, r.checkpoint): r.number for r in figures.replies}
    assert counted == truth
    assert list(figures.replies) == sorted(figures.replies)
    assert figures.latency.count == 300
    assert 0.05 <= (figures.latency.quantile(0.95) or 0) <= 0.05 * 1.42
    assert (await store.figures("discord:3", START, clock.now)).latency.quantile(0.5) is None


async def test_figures_are_of_whole_hours(store: Store, clock: MovableClock) -> None:
    for _ in range(3):
        store.count(SERVER, "positive", 0.1)
        clock.move(hours=1)
    half_past_one = START + timedelta(hours=1)
    figures = await store.figures(SERVER, half_past_one, half_past_one)
    assert figures.since == half_past_one.replace(minute=0)
    assert figures.until == half_past_one.replace(hour=14, minute=0)
    assert [reply.number for reply in figures.replies] == [1]
    on_the_hour = half_past_one.replace(minute=0)
    assert len((await store.figures(SERVER, START, on_the_hour)).replies) == 1


async def test_the_housekeeping_runs_by_itself(store: Store, clock: MovableClock) -> None:
    card = await _open(store)
    await _vote(store, "discord:91", up=True)
    await store.schedule.run_due()
    clock.move(days=1)
    await store.schedule.run_due()
    assert (await store.forget_person("discord:91")).votes == 0  # it is a sum by now
    assert await _votes(store) == (1, 0)
    clock.move(days=90)
    await store.schedule.run_due()
    assert await store.claim(card.id, "discord:70") is None


async def test_what_was_counted_is_written_by_itself(url: str, clock: MovableClock) -> None:
    async with opened(url, clock) as store, opened(url, clock) as other:
        await store.schedule.run_due()
        store.count(SERVER, "positive", 0.1)
        assert (await other.figures(SERVER, START, START)).latency.count == 0
        clock.move(seconds=5)
        await store.schedule.run_due()
        assert (await other.figures(SERVER, START, START)).latency.count == 1
        store.count(SERVER, "positive", 0.1)
    async with opened(url, clock) as store:  # at the end, too
        assert (await store.figures(SERVER, START, START)).latency.count == 2


async def test_calls_run_to_their_end_where_callers_are_cancelled(
    url: str, clock: MovableClock
) -> None:
    async with opened(url, clock) as store:
        for number in range(40):
            call = asyncio.create_task(store.open_card(_request(number)))
            await asyncio.sleep(number / 4000)
            call.cancel()
            await asyncio.wait([call])
        await _open(store, 99)
    async with opened(url, clock) as store:
        assert len(await store.open_cards()) == 41


# Servers

SETTINGS = ServerSettings(
    staff_channel="discord:5",
    staff_roles=("discord:6", "discord:7"),
    working_hours=(Shift(0, Hours(time(9), time(17, 30))), Shift(4, Hours(time(22), time(2)))),
    time_zone="Europe/Berlin",
    locale="pt-BR",
    reminder_minutes=15,
    private_threads=True,
    alerts=True,
    digest=True,
    quiet_hours=Hours(time(22), time(7)),
    retention_days=30,
)


async def test_settings_are_kept(url: str, clock: MovableClock) -> None:
    async with opened(url, clock) as store:
        assert await store.settings(SERVER) == ServerSettings()
        await store.set_settings(SERVER, ServerSettings(locale="de"))
        await store.set_settings(SERVER, SETTINGS)
        assert await store.settings(SERVER) == SETTINGS
        assert await store.settings(OTHER) == ServerSettings()
    async with opened(url, clock) as store:
        assert await store.settings(SERVER) == SETTINGS
        assert await store.all_settings() == {SERVER: SETTINGS}


async def test_settings_that_another_bot_changes_are_seen(url: str, clock: MovableClock) -> None:
    async with opened(url, clock) as one, opened(url, clock) as other:
        assert await one.settings(SERVER) == ServerSettings()
        await other.set_settings(SERVER, SETTINGS)
        clock.move(seconds=31)
        assert await one.settings(SERVER) == SETTINGS


async def test_each_server_has_its_retention(store: Store, clock: MovableClock) -> None:
    await store.set_settings(SERVER, ServerSettings(retention_days=30))
    for server in (SERVER, OTHER):
        await _open(store, server=server)
        store.count(server, "positive", 0.1)
        message = f"m:{server}"
        await store.vote(server, message, "discord:91", up=True, replied=START, kind="positive")
    await store.fold_votes(START + DAY)

    async def left(server: str) -> tuple[int, ...]:
        figures = await store.figures(server, START - DAY, START + DAY)
        parts = (figures.replies, figures.votes, figures.cards, figures.latency.buckets)
        return tuple(map(len, parts))

    await store.expire(clock.move(days=29))
    assert (await left(SERVER), await left(OTHER)) == ((1, 1, 1, 1), (1, 1, 1, 1))
    await store.expire(clock.move(days=2))
    assert (await left(SERVER), await left(OTHER)) == ((0, 0, 0, 0), (1, 1, 1, 1))
    await store.expire(clock.move(days=60))
    assert await left(OTHER) == (0, 0, 0, 0)
    assert await store.open_cards() == []
    assert SERVER in await store.all_settings()


async def test_a_server_that_was_left_is_removed_after_a_time(
    store: Store, clock: MovableClock
) -> None:
    for server in (SERVER, OTHER):
        await store.set_settings(server, SETTINGS)
        await _open(store, server=server)
        await store.server_left(server)
    await store.expire(clock.move(days=GRACE.days - 1))
    await store.server_left(SERVER)  # again: the first time counts
    await store.server_joined(OTHER)
    assert len(await store.open_cards()) == 2
    await store.expire(clock.move(days=1))
    assert [card.server for card in await store.open_cards()] == [OTHER]
    assert list(await store.all_settings()) == [OTHER]


async def test_a_server_is_forgotten_on_request(store: Store, clock: MovableClock) -> None:
    for server in (SERVER, OTHER):
        await store.set_settings(server, SETTINGS)
        await _open(store, server=server)
        message = f"m:{server}"
        await store.vote(server, message, "discord:91", up=True, replied=START, kind="positive")
        store.count(server, "positive", 0.1)
        await store.flush()
        store.count(server, "positive", 0.1)
    await store.forget_server(SERVER)
    assert await store.settings(SERVER) == ServerSettings()
    assert [card.server for card in await store.open_cards()] == [OTHER]
    figures = await store.figures(SERVER, START, clock.now)
    assert (figures.replies, figures.votes, figures.cards) == ((), (), ())
    assert (await store.figures(OTHER, START, clock.now + DAY)).replies[0].number == 2


async def test_a_person_is_forgotten_on_request(store: Store) -> None:
    theirs = await _open(store, 1)
    other = await _open(store, 2)
    await store.claim(other.id, "discord:91")
    await _vote(store, "discord:91", up=True)
    await _vote(store, "discord:91", up=True, message="m:2")
    await _vote(store, "discord:92", up=False)
    forgotten = await store.forget_person("discord:91")
    assert forgotten.votes == 2
    assert {card.id for card in forgotten.cards} == {theirs.id, other.id}
    (kept,) = await store.open_cards()
    assert replace(kept, claimed=None) == other  # open again
    assert await _votes(store) == (0, 1)
    assert await store.forget_person("discord:91") == replace(forgotten, votes=0, cards=())


async def test_others_keep_their_place_on_a_card_when_a_person_is_forgotten(
    store: Store, clock: MovableClock
) -> None:
    for number in range(4):
        clock.move(seconds=1)
        stormy = (await store.open_card(_request(number), STORM)).card
    await store.attach(stormy.id, "discord:50", "discord:60")
    await store.forget_person("discord:91")  # the first on the card
    (_, card) = await store.open_cards()
    assert (card.count, card.customer, card.link) == (2, "discord:92", _request(2).link)
    assert (card.message, card.thread) == ("discord:50", None)


# What a server's hours mean


@pytest.mark.parametrize(
    ("moment", "staffed"),
    [
        ("2026-03-02T08:00", True),  # 9:00 on a Monday in Berlin
        ("2026-03-02T07:59", False),
        ("2026-03-02T16:29", True),
        ("2026-03-02T16:30", False),
        ("2026-03-03T10:00", False),
        ("2026-03-06T23:30", True),  # over midnight
        ("2026-03-07T00:59", True),
        ("2026-03-07T01:00", False),
        ("2026-06-01T07:00", True),  # in summer, Berlin is two hours ahead
    ],
)
def test_working_hours_are_local(moment: str, staffed: bool) -> None:
    assert SETTINGS.is_staffed(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is staffed


def test_quiet_hours_go_over_midnight() -> None:
    hours = {hour for hour in range(24) if SETTINGS.is_quiet(START.replace(hour=hour, minute=0))}
    assert hours == {21, 22, 23, 0, 1, 2, 3, 4, 5}  # of UTC
    assert ServerSettings().is_staffed(START)
    assert not ServerSettings().is_quiet(START)


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Middle/Earth"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": ""},
        {"locale": "the language of the island"},
        {"reminder_minutes": -1},
        {"retention_days": 0},
        {"staff_channel": "what a film"},
        {"staff_roles": ("what a film",)},
        {"staff_roles": ("discord:1",) * 101},
    ],
)
def test_settings_that_are_not_allowed(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name) as caught:
        ServerSettings(**wrong)
    assert "film" not in str(caught.value)


async def test_votes_are_added_up_by_checkpoint_and_kind(store: Store, clock: MovableClock) -> None:
    for number, (server, kind, up) in enumerate(
        [
            (SERVER, "positive", True),
            (SERVER, "positive", False),
            (SERVER, "negative", True),
            ("discord:2", "positive", True),
        ]
    ):
        person, message = f"discord:9{number}", f"discord:1:{number}"
        await store.vote(server, message, person, up=up, replied=clock(), kind=kind, checkpoint="c")
    here = (VoteTotal("c", "negative", 1, 0), VoteTotal("c", "positive", 1, 1))
    everywhere = (VoteTotal("c", "negative", 1, 0), VoteTotal("c", "positive", 2, 1))
    assert await store.vote_totals(SERVER) == here
    assert await store.vote_totals() == everywhere
    assert await store.vote_totals(settled=True) == ()
    await store.fold_votes(clock.move(days=2))
    assert await store.vote_totals(settled=True) == everywhere
    assert await store.vote_totals(SERVER) == here


async def test_a_notice_is_kept_until_it_is_turned_off_or_the_server_is_removed(
    store: Store, clock: MovableClock
) -> None:
    await store.set_settings(SERVER, ServerSettings(alerts=True, digest=True))
    for name, subject in (("alerts", ""), ("digest", ""), ("fall", "c")):
        assert await store.noticed(SERVER, name, subject) is None
        await store.note(SERVER, name, clock(), subject)
    later = clock.move(days=1)
    await store.note(SERVER, "alerts", later)
    assert await store.noticed(SERVER, "alerts") == later
    assert await store.noticed("discord:2", "alerts") is None
    assert await store.noticed(SERVER, "fall", "other") is None
    await store.set_settings(SERVER, ServerSettings(alerts=True))
    assert await store.noticed(SERVER, "alerts") == later
    assert await store.noticed(SERVER, "digest") is None
    await store.forget_server(SERVER)
    assert await store.noticed(SERVER, "fall", "c") is None


async def test_one_card_of_a_storm_may_notify_a_role(store: Store, clock: MovableClock) -> None:
    async def opened(number: int, kind: str = "service") -> bool:
        clock.move(seconds=1)
        request = Request(SERVER, f"link:{number}", kind)
        return (await store.open_card(request, Storm())).card.mentions_role

    assert [await opened(number) for number in range(7)] == [True, *[False] * 4, *[False] * 2]
    assert await opened(7, "person")
    clock.move(minutes=9)
    assert not await opened(8)
    clock.move(minutes=2)
    await store.resolve((await store.open_cards(SERVER))[-1].id)
    assert (await store.open_card(Request(SERVER, "link:9", "distress"))).card.mentions_role
    assert (await store.open_card(Request(SERVER, "link:10", "distress"))).card.mentions_role
