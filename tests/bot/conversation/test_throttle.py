"""Who is too fast, on a clock that the test winds."""

import pytest

from bot.conversation import throttle
from bot.conversation.throttle import CALM_SECONDS, Pace, Throttle


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_as_many_as_permitted_and_then_one_notice(clock: Clock) -> None:
    paces = Throttle(3, clock)
    assert [paces.pace(1) for _ in range(6)] == [
        *[Pace.FINE] * 3,
        Pace.TOO_FAST,
        *[Pace.STILL_TOO_FAST] * 2,
    ]
    assert paces.pace(2) is Pace.FINE
    clock.now += 1.0
    assert [paces.pace(1) for _ in range(4)] == [*[Pace.FINE] * 3, Pace.STILL_TOO_FAST]
    clock.now += CALM_SECONDS
    assert [paces.pace(1) for _ in range(4)] == [*[Pace.FINE] * 3, Pace.TOO_FAST]


def test_a_person_s_pace_is_never_too_fast(clock: Clock) -> None:
    paces = Throttle(3, clock)
    for _ in range(100):
        assert paces.pace(1) is Pace.FINE
        clock.now += 0.34


def test_less_than_one_a_second_permits_one(clock: Clock) -> None:
    paces = Throttle(0.5, clock)
    assert [paces.pace(1), paces.pace(1)] == [Pace.FINE, Pace.TOO_FAST]
    clock.now += 2.0
    assert paces.pace(1) is Pace.FINE


def test_zero_turns_it_off(clock: Clock) -> None:
    paces = Throttle(0, clock)
    assert {paces.pace(1) for _ in range(1000)} == {Pace.FINE}


def test_several_at_once_pass_and_delay_the_next(clock: Clock) -> None:
    paces = Throttle(10, clock)
    assert paces.seconds_to_wait(1) == 0
    assert paces.pace(1, 30) is Pace.FINE
    assert paces.seconds_to_wait(1) == pytest.approx(2.1)
    clock.now += 2.0
    assert paces.pace(1) is Pace.TOO_FAST
    clock.now += paces.seconds_to_wait(1) + 1e-9
    assert paces.pace(1) is Pace.FINE
    assert paces.pace(2) is Pace.FINE
    assert Throttle(0, clock).seconds_to_wait(1) == 0


def test_the_quietest_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "CUSTOMERS", 2)
    paces = Throttle(1, clock)
    for customer in (1, 2, 1, 3):
        paces.pace(customer)
    assert paces.pace(1) is Pace.STILL_TOO_FAST
    assert paces.pace(2) is Pace.FINE
