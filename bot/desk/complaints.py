"""Whether an hour had more complaints than usual: Fisher's exact test, one-sided.

It compares the complaints among the verdicts of the last full hour with those of the four weeks
before. If an hour is like the others, and reviews are independent of each other, it has a p-value
below MAX_P_VALUE with at most that probability: in 2,000 hours with reviews, one false alarm at the
most, which are twelve weeks of a server that has some in every hour. Reviews of a premiere are not
independent: an alarm says that an hour is unusual, not why.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.desk.store import Figures
from bot.desk.store.figures import hour_of
from bot.desk.summary import COMPLAINT, PRAISE, group_of

MAX_P_VALUE = 1 / 2000
USUAL = timedelta(days=28)
"""What an hour is compared with."""
MIN_VERDICTS = 50
"""In those weeks. With fewer, no level is usual yet."""


@dataclass(frozen=True, slots=True)
class Share:
    """Complaints among the verdicts that were praise or complaints."""

    complaints: int
    verdicts: int

    @property
    def share(self) -> float:
        """0 to 1; 0 without verdicts."""
        return self.complaints / self.verdicts if self.verdicts else 0.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """An hour with more complaints than usual."""

    hour: datetime
    """Its beginning, in UTC."""
    now: Share
    usual: Share


def span(now: datetime) -> tuple[datetime, datetime]:
    """From when until when `find_alarm` needs figures."""
    end = hour_of(now)
    return end - timedelta(hours=1) - USUAL, end


def find_alarm(figures: Figures, now: datetime) -> Alarm | None:
    """The last full hour before `now`, if it had more complaints than usual."""
    hour = hour_of(now) - timedelta(hours=1)
    this, usual = _share(figures, hour, hour), _share(figures, hour - USUAL, hour, before=True)
    if usual.verdicts < MIN_VERDICTS or this.share <= usual.share:
        return None
    return Alarm(hour, this, usual) if p_value(this, usual) < MAX_P_VALUE else None


def p_value(this: Share, usual: Share) -> float:
    """The probability of as many complaints or more in `this`, if both have the same share.

    By the hypergeometric distribution: the verdicts of `this` drawn from all of both.
    """
    verdicts = this.verdicts + usual.verdicts
    complaints = this.complaints + usual.complaints
    most = min(this.verdicts, complaints)
    total = _log_choose(verdicts, this.verdicts)
    logs = (
        _log_choose(complaints, number)
        + _log_choose(verdicts - complaints, this.verdicts - number)
        - total
        for number in range(this.complaints, most + 1)
        if this.verdicts - number <= verdicts - complaints
    )
    return min(1.0, math.fsum(map(math.exp, logs)))


def _share(figures: Figures, first: datetime, last: datetime, *, before: bool = False) -> Share:
    """Of the hours from `first` to `last`, or until `before` it."""
    complaints = praise = 0
    for reply in figures.replies:
        if first <= reply.hour <= last and not (before and reply.hour == last):
            group = group_of(reply.kind)
            complaints += reply.number * (group == COMPLAINT)
            praise += reply.number * (group == PRAISE)
    return Share(complaints, complaints + praise)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
