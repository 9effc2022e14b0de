"""What happened in a server, as numbers by the hour."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.desk.store.records import CardState

_FIRST_BOUND = 0.001
MAX_BUCKET = 60
"""Its bound is 12 days."""


def bucket(seconds: float) -> int:
    """The number of the histogram's bucket, whose bounds grow by the square root of two."""
    if not seconds > _FIRST_BOUND:  # also where it is not a number
        return 0
    seconds = min(seconds, upper_bound(MAX_BUCKET))
    return math.ceil(round(2 * math.log2(seconds / _FIRST_BOUND), 9))


def upper_bound(number: int) -> float:
    """The largest value of a bucket, in seconds."""
    return _FIRST_BOUND * 2 ** (number / 2)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often which duration was seen."""

    buckets: Mapping[int, int] = field(default_factory=dict)
    """How many durations each bucket has, by the bucket's number (`bucket`, `upper_bound`)."""

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.buckets.values())

    def quantile(self, share: float) -> float | None:
        """The seconds that this share (0 to 1) of the durations does not exceed; None without any.

        The bound of a bucket, so up to 41% more than the exact value.
        """
        rank, seen = math.ceil(share * self.count), 0
        for number in sorted(self.buckets):
            seen += self.buckets[number]
            if seen >= rank and seen > 0:
                return upper_bound(number)
        return None


@dataclass(frozen=True, slots=True, order=True)
class ReplyCount:
    """Replies of one hour that are alike."""

    hour: datetime
    kind: str
    strength: str
    checkpoint: str
    number: int


@dataclass(frozen=True, slots=True, order=True)
class VoteCount:
    """Votes on replies of one hour that are alike."""

    hour: datetime
    kind: str
    strength: str
    checkpoint: str
    up: int
    down: int


@dataclass(frozen=True, slots=True, order=True)
class VoteTotal:
    """Votes on replies of one kind and checkpoint, of all hours that are kept."""

    checkpoint: str
    kind: str
    up: int
    down: int


@dataclass(frozen=True, slots=True, order=True)
class CardCount:
    """Cards that are alike."""

    kind: str
    state: CardState
    cards: int
    requests: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in a server, by whole hours of UTC."""

    since: datetime
    until: datetime
    """The hours from `since` until before `until`."""
    replies: tuple[ReplyCount, ...] = ()
    votes: tuple[VoteCount, ...] = ()
    """By the hour of the reply that was voted on."""
    cards: tuple[CardCount, ...] = ()
    latency: Histogram = field(default_factory=Histogram)
    """From a message to its reply."""
    time_to_claim: Histogram = field(default_factory=Histogram)
    """By the hour of the claim."""


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def next_hour(moment: datetime) -> datetime:
    """The beginning of the first hour that is not before it, in UTC."""
    hour = hour_of(moment)
    return hour if hour == moment else hour + timedelta(hours=1)
