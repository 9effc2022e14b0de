"""Fisher's exact test on the complaints of an hour, and the day of the digest."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.desk.complaints import MAX_P_VALUE, Share, find_alarm, p_value, span
from bot.desk.notices import last_due
from bot.desk.store import Figures, ReplyCount
from tests.bot.desk.conftest import START

HOUR = START.replace(minute=0) - timedelta(hours=1)


def _figures(complaints: int, praise: int, *, usual: tuple[int, int] = (20, 80)) -> Figures:
    """The last full hour, and others before it, two of which are out of reach."""
    hours = {
        HOUR: (complaints, praise),
        HOUR + timedelta(hours=1): (100, 0),
        HOUR - timedelta(hours=1): usual,
        HOUR - timedelta(days=29): (1000, 0),
    }
    replies = [
        ReplyCount(hour, kind, "", "c", number)
        for hour, numbers in hours.items()
        for kind, number in zip(("negative", "positive"), numbers, strict=True)
    ]
    replies += [ReplyCount(HOUR, kind, "", "c", 50) for kind in ("unsure", "greeting", "service")]
    return Figures(*span(START), replies=tuple(replies))


def test_the_p_value_is_that_of_the_textbook() -> None:
    # Fisher (1935), the lady tasting tea: all four, and at least three of four.
    assert p_value(Share(4, 4), Share(0, 4)) == pytest.approx(1 / 70)
    assert p_value(Share(3, 4), Share(1, 4)) == pytest.approx(17 / 70)
    assert p_value(Share(0, 5), Share(3, 9)) == pytest.approx(1)
    assert p_value(Share(0, 0), Share(3, 9)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("figures", "is_alarm"),
    [
        (_figures(14, 6), True),
        (_figures(4, 16), False),  # as usual
        (_figures(1, 0), False),  # one complaint is all, and means little
        (_figures(0, 30), False),
        (_figures(0, 0), False),
        (_figures(20, 0, usual=(10, 39)), False),  # no level is usual yet
        (_figures(20, 0, usual=(0, 50)), True),
        (_figures(20, 0, usual=(50, 0)), False),
    ],
)
def test_an_hour_with_more_complaints_than_usual_is_found(
    figures: Figures, *, is_alarm: bool
) -> None:
    alarm = find_alarm(figures, START)
    assert (alarm is not None) is is_alarm
    if alarm is not None:
        assert alarm.hour == HOUR
        assert alarm.usual.verdicts <= 100


def test_hours_that_are_as_usual_give_the_stated_rate_of_false_alarms() -> None:
    rng = random.Random(0)
    tries, alarms = 20_000, 0
    usual = Share(300, 1500)
    seen: dict[Share, bool] = {}
    for _ in range(tries):
        verdicts = rng.randrange(1, 40)
        this = Share(sum(rng.random() < usual.share for _ in range(verdicts)), verdicts)
        if this not in seen:
            seen[this] = p_value(this, usual) < MAX_P_VALUE
        alarms += seen[this]
    assert alarms / tries <= MAX_P_VALUE


def test_the_digest_is_due_by_the_local_clock() -> None:
    summer, winter = datetime(2026, 3, 30, 7, tzinfo=UTC), datetime(2026, 3, 23, 8, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert last_due(summer, "Europe/Berlin") == summer
    assert last_due(summer - minute, "Europe/Berlin") == winter
    assert last_due(winter, "Europe/Berlin") == winter
    assert last_due(summer + timedelta(days=6), "Europe/Berlin") == summer
