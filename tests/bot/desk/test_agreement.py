"""Wald's test on votes, against the share that was right in a checkpoint's test."""

import random

import pytest

from bot.desk.agreement import MAX_FALSE_ALARM, has_fallen, on_verdicts
from bot.desk.store import VoteTotal
from bot.desk.summary import Votes


@pytest.mark.parametrize(
    ("votes", "expected", "is_fall"),
    [
        (Votes(60, 40), 0.9, True),
        (Votes(90, 10), 0.9, False),
        (Votes(300, 60), 0.9, True),
        (Votes(0, 0), 0.9, False),
        (Votes(0, 1), 1.0, False),  # a small test without an error promises nothing
        (Votes(0, 3), 0.9, False),
        (Votes(500, 500), 0.05, False),
    ],
)
def test_a_fall_by_more_than_chance_is_found(
    votes: Votes, expected: float, *, is_fall: bool
) -> None:
    assert has_fallen(votes, expected) is is_fall


@pytest.mark.parametrize("expected", [0.8, 0.95])
def test_votes_as_expected_seldom_give_an_alarm_however_often_it_looks(expected: float) -> None:
    rng = random.Random(1)
    alarms = 0
    for _ in range(500):
        up = down = 0
        for _ in range(300):
            is_up = rng.random() < expected
            up, down = up + is_up, down + (not is_up)
            if has_fallen(Votes(up, down), expected):
                alarms += 1
                break
    assert alarms / 500 <= 2 * MAX_FALSE_ALARM


def test_only_votes_on_praise_and_complaints_count() -> None:
    totals = [
        VoteTotal("a", "positive", 3, 1),
        VoteTotal("a", "negative", 2, 2),
        VoteTotal("a", "unsure", 9, 9),
        VoteTotal("b", "negative", 0, 1),
    ]
    assert on_verdicts(totals) == {"a": Votes(5, 3), "b": Votes(0, 1)}
