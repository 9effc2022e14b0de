"""What goes into the store and comes out of it: plain, immutable values.

None of them has a field for text. Ids of platforms are opaque (`discord:123`). Times have a time
zone.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DEFAULT_RETENTION_DAYS = 90
"""How long a server's cards and figures are kept, where its settings say nothing else."""
MAX_RETENTION_DAYS = 3650
MAX_REMINDER_MINUTES = 7 * 24 * 60
MAX_LIST = 100
"""Entries of a list in a server's settings."""

_REFERENCE = re.compile(r"[!-~]{1,200}")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}|")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def check_reference(**values: str | None) -> None:
    """Raises ValueError unless each value is an id or a link: ASCII, no blanks, 200 at most.

    The error names the field, not the value.
    """
    for name, value in values.items():
        if value is not None and not _REFERENCE.fullmatch(value):
            raise ValueError(f"{name} must be an id or a link of 1 to 200 characters, no blanks")


def check_token(**values: str) -> None:
    """Raises ValueError unless each value is a short name such as `leans_positive`, or empty.

    The error names the field, not the value.
    """
    for name, value in values.items():
        if not _TOKEN.fullmatch(value):
            raise ValueError(f"{name} must be a name of up to 80 letters, digits, and .-_")


def check_time(**values: datetime) -> None:
    """Raises ValueError unless each time has a time zone."""
    for name, value in values.items():
        if value.tzinfo is None:
            raise ValueError(f"{name} must have a time zone")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until before `end`, by the clock on the wall.

    Over midnight where `end` is not after `start`; the whole day where both are equal.
    """

    start: time
    end: time

    def begins_and_covers(self, moment: time) -> bool:
        """Whether it covers this time of the day on which it begins."""
        return self.start <= moment and (moment < self.end or self.end <= self.start)

    def covers_next_day(self, moment: time) -> bool:
        """Whether it covers this time of the day after it began."""
        return self.end <= self.start and moment < self.end


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours that begin on one day of the week; 0 is Monday."""

    weekday: int
    hours: Hours

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise ValueError("weekday must be from 0 (Monday) to 6 (Sunday)")

    def covers(self, local: datetime) -> bool:
        """Whether it covers this local time."""
        if local.weekday() == self.weekday:
            return self.hours.begins_and_covers(local.time())
        is_next_day = local.weekday() == (self.weekday + 1) % 7
        return is_next_day and self.hours.covers_next_day(local.time())


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server wants its desk. The defaults are those of a server without set-up.

    Raises ValueError, with a sentence that names the field, where a value is not allowed.
    """

    staff_channel: str | None = None
    """Where cards go; None: no one is handed over."""
    staff_roles: tuple[str, ...] = ()
    """Whose members may work on cards."""
    working_hours: tuple[Shift, ...] = ()
    """Empty: at any time."""
    time_zone: str = "UTC"
    """Of the hours in these settings, by its IANA name."""
    locale: str = "en"
    reminder_minutes: int = 30
    """After which an unclaimed card is brought up once more; 0: never."""
    private_threads: bool = False
    alerts: bool = False
    digest: bool = False
    quiet_hours: Hours | None = None
    """No alert and no digest in these hours of each day."""
    retention_days: int = DEFAULT_RETENTION_DAYS

    def __post_init__(self) -> None:
        check_reference(staff_channel=self.staff_channel)
        if len(self.staff_roles) > MAX_LIST or len(self.working_hours) > MAX_LIST:
            raise ValueError(f"staff_roles and working_hours must have at most {MAX_LIST} entries")
        for role in self.staff_roles:
            check_reference(staff_roles=role)
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, KeyError):  # the last is that of a name that is not known
            raise ValueError("time_zone must be a name such as Europe/Berlin") from None
        if not _LOCALE.fullmatch(self.locale):
            raise ValueError("locale must be a language tag such as en or pt-BR")
        if not 0 <= self.reminder_minutes <= MAX_REMINDER_MINUTES:
            raise ValueError(f"reminder_minutes must be from 0 to {MAX_REMINDER_MINUTES:,}")
        if not 1 <= self.retention_days <= MAX_RETENTION_DAYS:
            raise ValueError(f"retention_days must be from 1 to {MAX_RETENTION_DAYS:,}")

    def is_staffed(self, now: datetime) -> bool:
        """Whether `now` is within working hours."""
        if not self.working_hours:
            return True
        local = now.astimezone(ZoneInfo(self.time_zone))
        return any(shift.covers(local) for shift in self.working_hours)

    def is_quiet(self, now: datetime) -> bool:
        """Whether `now` is within quiet hours."""
        if self.quiet_hours is None:
            return False
        moment = now.astimezone(ZoneInfo(self.time_zone)).time()
        hours = self.quiet_hours
        return hours.begins_and_covers(moment) or hours.covers_next_day(moment)


class CardState(StrEnum):
    """How far the work on a card is."""

    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    NOT_FOR_US = "not_for_us"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody who must reach a person.

    Raises ValueError where a field could hold text.
    """

    server: str
    link: str
    """Leads to the message; one request a link."""
    kind: str
    strength: str = ""
    channel: str | None = None
    customer: str | None = None
    """For a private thread, and for `forget_person`. Erased when the card is closed."""

    def __post_init__(self) -> None:
        check_reference(
            server=self.server, link=self.link, channel=self.channel, customer=self.customer
        )
        check_token(kind=self.kind, strength=self.strength)


@dataclass(frozen=True, slots=True)
class Storm:
    """When requests of one kind in one server share a card: from the one after the first `cards`
    within `minutes`, and until a pause of as many minutes."""

    cards: int = 5
    minutes: float = 10.0


@dataclass(frozen=True, slots=True)
class Card:
    """A request, or several in a storm, as staff see it."""

    id: str
    server: str
    link: str | None
    """Of the first request; None once the card is closed, as are `customer`, `claimed_by` and
    `thread`."""
    kind: str
    strength: str
    channel: str | None
    customer: str | None
    created: datetime
    state: CardState
    claimed_by: str | None
    message: str | None
    """Of the card in the staff channel."""
    thread: str | None
    """In which the bot is silent."""
    reminded: bool
    count: int
    """Requests on this card."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a request went."""

    card: Card
    is_new: bool
    """False: it joined a card, or it had one already."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of a person."""

    votes: int
    cards: tuple[Card, ...]
    """Those that held something of the person, as they were before."""


# Figures

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
