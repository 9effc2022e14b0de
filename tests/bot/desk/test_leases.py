"""Leases: what one process of several does alone, and what it leaves for the next."""

import asyncio

import pytest

from bot.desk.store import Claim, Store
from tests.bot.desk.conftest import MovableClock, opened

FIRST = Claim(("shard-0", "shard-1"), "a", 20.0)
SECOND = Claim(("shard-1", "shard-2"), "b", 20.0)


async def test_a_lease_has_one_holder_until_it_ends(store: Store, clock: MovableClock) -> None:
    assert await store.take(FIRST)
    assert not await store.take(SECOND)
    clock.move(seconds=15)
    assert await store.take(FIRST)  # renewed
    clock.move(seconds=19)
    assert not await store.take(SECOND)
    clock.move(seconds=1)
    assert await store.take(SECOND)
    assert not await store.take(FIRST)


async def test_a_claim_is_taken_as_a_whole_or_not_at_all(store: Store) -> None:
    assert await store.take(FIRST)
    assert not await store.take(SECOND)
    assert await store.take(Claim(("shard-2",), "c", 20.0))  # which SECOND has not taken


async def test_what_is_given_back_is_free_at_once(store: Store) -> None:
    assert await store.take(FIRST)
    await store.give_back(SECOND)  # of which it holds nothing
    assert not await store.take(SECOND)
    await store.give_back(FIRST)
    assert await store.take(SECOND)


async def test_numbers_are_left_for_the_next_holder_by_the_present_one_only(
    store: Store, clock: MovableClock
) -> None:
    assert await store.take(FIRST)
    assert await store.left(SECOND) == []
    await store.leave(FIRST, [2**62, 7])
    clock.move(seconds=20)
    assert await store.take(SECOND)
    assert await store.left(SECOND) == [[2**62, 7]]
    await store.leave(FIRST, [1])  # it has only the other one
    assert await store.left(SECOND) == [[2**62, 7]]
    assert await store.left(Claim(("shard-0",), "c", 1.0)) == [[1]]


async def test_leases_that_ended_long_ago_are_removed(store: Store, clock: MovableClock) -> None:
    assert await store.take(FIRST)
    await store.leave(FIRST, [1])
    await store.expire_leases(clock.move(hours=23))
    assert await store.left(FIRST) == [[1], [1]]
    await store.expire_leases(clock.move(hours=2))
    assert await store.left(FIRST) == []


async def test_of_two_processes_at_once_one_takes_it(url: str, clock: MovableClock) -> None:
    async with opened(url, clock) as one, opened(url, clock) as other:
        claims = [Claim(("leader",), str(number), 20.0) for number in range(10)]
        taken = await asyncio.gather(
            *(store.take(claim) for store, claim in zip([one, other] * 5, claims, strict=True))
        )
        assert sorted(taken) == [False] * 9 + [True]


@pytest.mark.parametrize("text", ["a review of a film", "x" * 81])
def test_a_claim_takes_no_text(text: str) -> None:
    for names, holder in ((("shard-0", text), "a"), (("shard-0",), text)):
        with pytest.raises(ValueError, match="must be a name"):
            Claim(names, holder, 1.0)
