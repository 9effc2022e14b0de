"""What `/stats` shows: the figures of a server added up, in words and as CSV."""

import csv
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from io import StringIO
from zoneinfo import ZoneInfo

from bot.desk.store import Figures, Histogram
from bot.desk.store.figures import next_hour
from bot.sentences.kinds import Kind

PRAISE, COMPLAINT, UNSURE, OTHER = "praise", "complaint", "unsure", "other"
GROUPS = (PRAISE, COMPLAINT, UNSURE, OTHER)
"""How replies are grouped, in the order in which they are shown."""

_GROUP = {
    Kind.POSITIVE: PRAISE,
    Kind.CORRECTED_POSITIVE: PRAISE,
    Kind.NEGATIVE: COMPLAINT,
    Kind.CORRECTED_NEGATIVE: COMPLAINT,
    Kind.UNSURE: UNSURE,
    Kind.LEANS_POSITIVE: UNSURE,
    Kind.LEANS_NEGATIVE: UNSURE,
}


class Period(Enum):
    """How far back. The value is the number of steps: hours of a day, else days."""

    DAY = 24
    WEEK = 7
    MONTH = 30

    @property
    def title(self) -> str:
        """As a heading."""
        return f"The last {self.value} {'hours' if self is Period.DAY else 'days'}"

    def steps(self, now: datetime, time_zone: str) -> list[datetime]:
        """The beginnings of its steps, and the end of the last one.

        Hours end with the present one; days begin at midnight in the time zone, up to today.
        """
        zone = ZoneInfo(time_zone)
        if self is Period.DAY:
            end = next_hour(now)
            hours = (end - timedelta(hours=self.value - n) for n in range(self.value + 1))
            return [hour.astimezone(zone) for hour in hours]
        today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        days = (today + timedelta(days=n + 1 - self.value) for n in range(self.value))
        return [*days, next_hour(now).astimezone(zone)]


@dataclass(frozen=True, slots=True)
class Votes:
    """Answers to "Was I right?"."""

    up: int = 0
    down: int = 0

    @property
    def number(self) -> int:
        """All of them."""
        return self.up + self.down

    @property
    def agreement(self) -> float | None:
        """The share of 👍 (0 to 1); None without a vote."""
        return self.up / self.number if self.number else None


@dataclass(frozen=True, slots=True)
class Step:
    """One hour or day."""

    start: datetime
    """In the time zone of the server."""
    replies: Counter[str]
    """By group."""
    votes: Votes

    @property
    def unsure(self) -> float | None:
        """The share of the verdicts that were left open; None without a verdict."""
        return _unsure(self.replies)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one period."""

    period: Period
    steps: tuple[Step, ...]
    replies: Counter[str]
    """By group."""
    votes: Votes
    votes_on_verdicts: dict[str, Votes]
    """On praise and complaints only, by checkpoint, most votes first."""
    requests: int
    cards: int
    latency: Histogram
    time_to_claim: Histogram

    @property
    def unsure(self) -> float | None:
        """The share of the verdicts that were left open; None without a verdict."""
        return _unsure(self.replies)


def summarise(figures: Figures, period: Period, steps: list[datetime]) -> Summary:
    """Adds up the figures from the first of `steps` to the last one (`Period.steps`)."""
    starts = [start.timestamp() for start in steps[:-1]]
    replies: list[Counter[str]] = [Counter() for _ in starts]
    votes: list[Counter[bool]] = [Counter() for _ in starts]
    by_checkpoint: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for reply in figures.replies:
        replies[_step(reply.hour, starts)][group_of(reply.kind)] += reply.number
    for vote in figures.votes:
        count = Counter({True: vote.up, False: vote.down})
        votes[_step(vote.hour, starts)] += count
        if vote.kind in (Kind.POSITIVE, Kind.NEGATIVE):
            by_checkpoint[vote.checkpoint] += count
    most_first = sorted(by_checkpoint.items(), key=lambda item: (-item[1].total(), item[0]))
    return Summary(
        period=period,
        steps=tuple(
            Step(start, of_step, _votes([voted]))
            for start, of_step, voted in zip(steps[:-1], replies, votes, strict=True)
        ),
        replies=sum(replies, Counter()),
        votes=_votes(votes),
        votes_on_verdicts={name: _votes([count]) for name, count in most_first},
        requests=sum(card.requests for card in figures.cards),
        cards=sum(card.cards for card in figures.cards),
        latency=figures.latency,
        time_to_claim=figures.time_to_claim,
    )


def group_of(kind: str) -> str:
    """Which of GROUPS a kind of reply belongs to."""
    return _GROUP.get(Kind(kind), OTHER) if kind in set(Kind) else OTHER


def in_words(summary: Summary, title: str | None = None) -> str:
    """The same as the picture, for people who do not see it. `title`: by default the period's."""
    total = summary.replies.total()
    heading = f"**{title or summary.period.title}**"
    if not total:
        return f"{heading}\nThere were no replies."
    groups = ", ".join(f"{summary.replies[group]:,} {_WORDS[group]}" for group in GROUPS)
    lines = [heading, f"Replies: {total:,} ({groups})"]
    busiest = max(summary.steps, key=lambda step: step.replies.total())
    lines.append(f"Busiest: {when(busiest.start, summary.period)}, {busiest.replies.total():,}")
    if summary.unsure is not None:
        lines.append(f"Left unsure: {percent(summary.unsure)} of the verdicts")
    lines.append(f"Was I right? {votes_in_words(summary.votes)}")
    if summary.requests:
        lines.append(f"For a person: {_requests(summary)}")
    if (p95 := summary.latency.quantile(0.95)) is not None:
        lines.append(f"Time to reply: {duration(p95)} or less for 95%")
    return "\n".join(lines)


def votes_in_words(votes: Votes) -> str:
    """How many said yes."""
    if votes.agreement is None:
        return "no votes yet"
    return f"{percent(votes.agreement)} yes of {plural(votes.number, 'vote')}"


def to_csv(figures: Figures) -> bytes:
    """The figures by hour (UTC), kind, strength and checkpoint, in UTF-8."""
    rows: defaultdict[tuple[datetime, str, str, str], Counter[str]] = defaultdict(Counter)
    for reply in figures.replies:
        key = (reply.hour, reply.kind, reply.strength, reply.checkpoint)
        rows[key]["replies"] += reply.number
    for vote in figures.votes:
        key = (vote.hour, vote.kind, vote.strength, vote.checkpoint)
        rows[key] += Counter(up=vote.up, down=vote.down)
    text = StringIO(newline="")
    writer = csv.writer(text)
    numbers = ("replies", "up", "down")
    writer.writerow(["hour", "kind", "strength", "checkpoint", "replies", "votes_up", "votes_down"])
    for (hour, *names), count in sorted(rows.items()):
        writer.writerow([f"{hour:%Y-%m-%dT%H:%MZ}", *names, *(count[name] for name in numbers)])
    return text.getvalue().encode()


def when(start: datetime, period: Period) -> str:
    """A step's name."""
    return f"{start:%H:%M}" if period is Period.DAY else f"{start:%a} {start.day} {start:%b}"


def percent(share: float) -> str:
    """A share of 0 to 1; 99.6% is not shown as all of them."""
    shown = round(100 * share)
    if shown in (0, 100) and shown != 100 * share:
        return f"{'under 1' if shown == 0 else 'over 99'}%"
    return f"{shown}%"


def duration(seconds: float) -> str:
    """A bound of a histogram's bucket, rounded for reading."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


_WORDS = {
    PRAISE: "to praise",
    COMPLAINT: "to complaints",
    UNSURE: "unsure",
    OTHER: "other",
}


def _requests(summary: Summary) -> str:
    text = f"{plural(summary.requests, 'request')} on {plural(summary.cards, 'card')}"
    half = summary.time_to_claim.quantile(0.5)
    return text if half is None else f"{text}; half were claimed within {duration(half)}"


def plural(number: int, noun: str) -> str:
    """A number and its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _step(hour: datetime, starts: list[float]) -> int:
    """The number of the step in which an hour begins.

    The first step also has an hour that begins before it: a time zone may be off by half an hour.
    """
    return max(bisect_right(starts, hour.timestamp()) - 1, 0)


def _unsure(replies: Counter[str]) -> float | None:
    verdicts = replies[PRAISE] + replies[COMPLAINT] + replies[UNSURE]
    return replies[UNSURE] / verdicts if verdicts else None


def _votes(counts: Iterable[Counter[bool]]) -> Votes:
    total: Counter[bool] = sum(counts, Counter())
    return Votes(total[True], total[False])
