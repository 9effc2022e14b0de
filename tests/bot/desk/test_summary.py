"""What /stats shows, and the picture of it."""

import csv
import struct
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from bot.desk.picture import draw
from bot.desk.store import CardCount, CardState, Figures, Histogram, ReplyCount, VoteCount
from bot.desk.store.figures import bucket
from bot.desk.summary import Period, Summary, in_words, percent, summarise, to_csv

NOW = datetime(2026, 3, 29, 15, 40, tzinfo=UTC)
"""A Sunday, on which summer time begins in Berlin."""
HOUR = datetime(2026, 3, 29, 14, tzinfo=UTC)


def _figures() -> Figures:
    replies = (
        ReplyCount(HOUR, "positive", "mild", "one", 6),
        ReplyCount(HOUR, "negative", "", "one", 2),
        ReplyCount(HOUR, "unsure", "", "one", 1),
        ReplyCount(HOUR, "leans_positive", "", "one", 1),
        ReplyCount(HOUR - timedelta(hours=2), "greeting", "", "one", 1),
        ReplyCount(HOUR, "of_another_version", "", "one", 1),
    )
    votes = (
        VoteCount(HOUR, "positive", "mild", "one", 3, 1),
        VoteCount(HOUR, "negative", "", "two", 5, 0),
        VoteCount(HOUR, "greeting", "", "one", 0, 1),
    )
    cards = (
        CardCount("person", CardState.OPEN, 1, 4),
        CardCount("service", CardState.RESOLVED, 1, 1),
    )
    return Figures(
        NOW, NOW, replies, votes, cards, _histogram(0.2, 0.2, 3.0), _histogram(100.0, 1000.0)
    )


def _histogram(*seconds: float) -> Histogram:
    return Histogram(Counter(map(bucket, seconds)))


def _summary(figures: Figures, period: Period = Period.DAY) -> Summary:
    return summarise(figures, period, period.steps(NOW, "Europe/Berlin"))


def test_the_words_say_what_happened() -> None:
    assert in_words(_summary(_figures())).splitlines() == [
        "**The last 24 hours**",
        "Replies: 12 (6 to praise, 2 to complaints, 2 unsure, 2 other)",
        "Busiest: 16:00, 11",
        "Left unsure: 20% of the verdicts",
        "Was I right? 80% yes of 10 votes",
        "For a person: 5 requests on 2 cards; half were claimed within 2 min",
        "Time to reply: 4.1 s or less for 95%",
    ]


def test_without_replies_the_words_say_so() -> None:
    assert in_words(_summary(Figures(NOW, NOW))) == "**The last 24 hours**\nThere were no replies."


def test_agreement_is_by_checkpoint_on_verdicts_only() -> None:
    votes = _summary(_figures()).votes_on_verdicts
    assert {name: (each.up, each.down) for name, each in votes.items()} == {
        "two": (5, 0),
        "one": (3, 1),
    }
    assert list(votes) == ["two", "one"]


@pytest.mark.parametrize("period", Period)
def test_steps_add_up_to_the_whole_also_where_the_clock_is_changed(period: Period) -> None:
    steps = period.steps(NOW, "Europe/Berlin")
    assert len(steps) == period.value + 1
    assert steps[-1] == datetime(2026, 3, 29, 16, tzinfo=UTC)
    first = steps[0].astimezone(UTC).replace(minute=0)
    hours = [first + timedelta(hours=n) for n in range((NOW - first) // timedelta(hours=1) + 1)]
    figures = Figures(NOW, NOW, tuple(ReplyCount(h, "positive", "", "", 1) for h in hours))
    summary = summarise(figures, period, steps)
    assert sum(step.replies.total() for step in summary.steps) == len(hours)
    if period is not Period.DAY:
        assert [step.start.hour for step in summary.steps] == [0] * period.value
        # The day of the change has 23 hours, of which 15:40 UTC is in the 17th.
        assert [step.replies.total() for step in summary.steps][-2:] == [24, 17]
    else:
        assert {step.replies.total() for step in summary.steps} == {1}


def test_the_csv_has_a_row_for_what_is_alike() -> None:
    rows = list(csv.reader(StringIO(to_csv(_figures()).decode())))
    assert rows[0] == [
        *("hour", "kind", "strength", "checkpoint"),
        *("replies", "votes_up", "votes_down"),
    ]
    assert ["2026-03-29T14:00Z", "positive", "mild", "one", "6", "3", "1"] in rows
    assert ["2026-03-29T14:00Z", "negative", "", "two", "0", "5", "0"] in rows
    assert len(rows) == 9


@pytest.mark.parametrize("period", Period)
@pytest.mark.parametrize("figures", [Figures(NOW, NOW), _figures()], ids=["empty", "busy"])
def test_the_picture_is_as_wide_as_a_phone_has_points(period: Period, figures: Figures) -> None:
    picture = draw(_summary(figures, period))
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert (width, height) == (1080, 1368)


def test_nearly_all_is_not_shown_as_all() -> None:
    assert [percent(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        *("0%", "under 1%", "50%", "over 99%", "100%"),
    ]
