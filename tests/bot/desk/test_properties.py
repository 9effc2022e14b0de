"""The store against a plain model: for any operations in any order, the sums agree."""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.desk.store import Request, Store, Storm
from tests.bot.desk.conftest import START, MovableClock, opened, sqlite_url

SERVERS = ("discord:1", "discord:2")
KINDS = ("positive", "negative", "service")
PEOPLE = ("discord:91", "discord:92", "discord:93")
DAY = timedelta(days=1)

_server = st.sampled_from(SERVERS)
_kind = st.sampled_from(KINDS)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("count"), _server, _kind),
        st.tuples(st.just("vote"), st.sampled_from(PEOPLE), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("request"), _server, st.integers(0, 9)),
        st.tuples(st.just("close"), st.booleans()),
        st.tuples(st.just("move"), st.integers(0, 40)),
        st.tuples(st.sampled_from(("flush", "fold", "restart"))),
    ),
    max_size=40,
)


@dataclass
class Model:
    """What should be in the store."""

    replies: Counter[tuple[str, datetime, str]] = field(default_factory=Counter)
    votes: dict[tuple[int, str], bool] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    unfinished: set[tuple[str, int]] = field(default_factory=set)


def _replied(message: int) -> datetime:
    return START + timedelta(hours=30 * message)


async def _do(store: Store, model: Model, clock: MovableClock, step: tuple[object, ...]) -> None:
    match step:
        case ("count", str(server), str(kind)):
            store.count(server, kind, 0.2)
            model.replies[server, clock().replace(minute=0, second=0), kind] += 1
        case ("vote", str(person), int(message), bool(up)):
            server, replied = SERVERS[message % 2], _replied(message)
            taken = await store.vote(
                server, f"m:{message}", person, up=up, replied=replied, kind="positive"
            )
            assert taken == (clock() < replied + DAY)
            if taken:
                model.votes[message, person] = up
        case ("request", str(server), int(number)):
            request = Request(server, f"link:{number}", "service")
            opened = await store.open_card(request, Storm(cards=2, minutes=60))
            if (server, number) in model.unfinished:
                assert not opened.is_new
            else:
                model.requests[server] += 1
                model.unfinished.add((server, number))
        case ("close", bool(not_for_us)):
            await _close_all(store, model, not_for_us=not_for_us)
        case ("move", int(hours)):
            clock.move(hours=hours)
        case ("flush",):
            await store.flush()
        case ("fold",):
            await store.fold_votes(clock())


async def _close_all(store: Store, model: Model, *, not_for_us: bool) -> None:
    for card in await store.open_cards():
        await store.resolve(card.id, not_for_us=not_for_us)
    model.unfinished.clear()


async def _check(store: Store, model: Model, clock: MovableClock) -> None:
    counted: Counter[tuple[str, datetime, str]] = Counter()
    for server in SERVERS:
        figures = await store.figures(server, START - DAY, clock() + 9 * DAY)
        counted.update({(server, r.hour, r.kind): r.number for r in figures.replies})
        assert figures.latency.count == sum(r.number for r in figures.replies)
        assert sum(card.requests for card in figures.cards) == model.requests[server]
        votes = [up for (message, _), up in model.votes.items() if SERVERS[message % 2] == server]
        assert sum(vote.up for vote in figures.votes) == votes.count(True)
        assert sum(vote.down for vote in figures.votes) == votes.count(False)
    assert counted == model.replies


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps)
def test_all_sums_agree_with_a_plain_model(steps: list[tuple[object, ...]]) -> None:
    async def run(folder: Path) -> None:
        clock, model = MovableClock(), Model()
        rest = list(steps)
        while True:
            async with opened(sqlite_url(folder), clock) as store:
                while rest and rest[0] != ("restart",):
                    await _do(store, model, clock, rest.pop(0))
                await _check(store, model, clock)
            if not rest:
                return
            rest.pop(0)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
