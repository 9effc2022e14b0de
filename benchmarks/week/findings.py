"""What people saw in the week, beside what the desk's sums say."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.week.people import HOURS, KILL_HOUR, MONDAY, Week
from bot.desk.store import Figures, ReplyCount, Store
from bot.sentences.kinds import BY_STRENGTH, Kind
from tests.discord_server import Posted
from trainer.model.strength import Strength

HANDED_OVER = "handed over"
SHORTEST_TEXT = 16
"""In characters: a shorter text may be in a file by chance."""

_REQUESTS = (Kind.PERSON, Kind.SERVICE, Kind.HANDED_OVER, Kind.OUT_OF_HOURS)
_PROMISES = (Kind.HANDED_OVER, Kind.OUT_OF_HOURS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    expected: int | None
    """None: there is no right number."""
    found: int
    slack: int = 0
    """How many fewer may be found, for the reason that `what` gives."""

    @property
    def is_right(self) -> bool:
        """Whether the number is as expected."""
        return self.expected is None or self.expected - self.slack <= self.found <= self.expected


Sums = Counter[tuple[str, datetime, str]]
"""By server, hour and name of the kind."""


def kinds_of(reply: Posted) -> list[str]:
    """The kinds of the sentences of a reply, as it was first sent: one a line."""
    return [line.split()[1] for line in str(reply.request["content"]).splitlines()]


def name_of(kind: str) -> str:
    """The name under which a kind is compared.

    A customer who is handed over reads the same after a complaint about the service and after a
    request for a person.
    """
    return HANDED_OVER if kind in _REQUESTS else kind


def seen(week: Week, replies: list[Posted]) -> Sums:
    """The replies that people saw."""
    sums: Sums = Counter()
    for reply in replies:
        assert reply.reply_to is not None
        sent = week.sent[reply.reply_to]
        sums[sent.server, sent.hour, name_of(kinds_of(reply)[0])] += 1
    return sums


def counted(figures: dict[str, Figures]) -> Sums:
    """The replies that the desk counted."""
    sums: Sums = Counter()
    for server, each in figures.items():
        for count in each.replies:
            listed = _listed(count)
            sums[server, count.hour, name_of(listed)] += count.number
    return sums


def _listed(count: ReplyCount) -> str:
    """The list from which these replies were taken."""
    if not count.strength:
        return count.kind
    return BY_STRENGTH.get((Kind(count.kind), Strength(count.strength)), count.kind)


async def figures_of(week: Week, store: Store) -> dict[str, Figures]:
    """The figures of the whole week, by server."""
    until = MONDAY + timedelta(hours=HOURS + 1)
    return {server: await store.figures(server, MONDAY, until) for server in week.servers}


def compare(week: Week, replies: list[Posted], figures: dict[str, Figures]) -> Iterator[Finding]:
    """All lines of the table about messages, sums and cards."""
    by_message = Counter(reply.reply_to for reply in replies)
    yield Finding("messages with a reply", len(week.sent), len(by_message))
    yield Finding("second replies to a message", 0, by_message.total() - len(by_message))
    german = [reply for reply in replies if str(reply.request["content"]).startswith("Ein ")]
    in_german = [n for n in by_message if n is not None and week.sent[n].server == week.german]
    yield Finding("replies in the language of the German server", len(in_german), len(german))
    truth, sums = seen(week, replies), counted(figures)
    kill = MONDAY + timedelta(hours=KILL_HOUR)
    before = {key: number for key, number in truth.items() if key[1] != kill}
    wrong = sum(1 for key, number in before.items() if sums[key] != number)
    invented = sum(1 for key, number in sums.items() if number > truth[key])
    yield Finding("sums by server, hour and kind, without the hour of the kill", 0, wrong)
    yield Finding("sums above what people saw", 0, invented)
    killed = sum(number for key, number in truth.items() if key[1] == kill)
    written = sum(number for key, number in sums.items() if key[1] == kill)
    yield Finding(
        "replies in the hour of the kill (those of the last 5 s may be lost)",
        killed,
        written,
        slack=week.unwritten,
    )
    yield from _cards(week, replies, figures)
    voted = sum(votes.up + votes.down for each in figures.values() for votes in each.votes)
    yield Finding("votes", week.votes, voted)


def _cards(week: Week, replies: list[Posted], figures: dict[str, Figures]) -> Iterator[Finding]:
    staffed = {name: figures[name] for name in week.staff}
    requests = 0
    for reply in replies:
        assert reply.reply_to is not None
        kinds = kinds_of(reply)
        is_promise = any(kind in _PROMISES for kind in kinds)
        has_staff = week.sent[reply.reply_to].server in staffed
        requests += is_promise or (has_staff and Kind.DISTRESS in kinds)
    on_cards = sum(count.requests for each in staffed.values() for count in each.cards)
    yield Finding("requests for a person, and places on cards", requests, on_cards)
    awake, asleep = staffed.values()
    claims = awake.time_to_claim.count
    yield Finding("cards claimed by the staff who work", week.claims, claims)
    cards = sum(count.cards for count in asleep.cards)
    yield Finding("reminders to the staff who sleep, one a card", cards, week.reminders())
    yield Finding(f"cards for the {week.storm} complaints of the storm", None, week.storm_cards)


def texts_on_disk(week: Week, home: Path) -> Iterator[str]:
    """The files of the bot that have a text of a customer, except what it was given."""
    texts = {each.text.encode() for each in week.sent.values() if len(each.text) >= SHORTEST_TEXT}
    for file in sorted(home.rglob("*")):
        if file.is_file() and "checkpoints" not in file.relative_to(home).parts:
            content = file.read_bytes()
            if any(text in content for text in texts):
                yield str(file.relative_to(home))
