"""Whether customers agree with a checkpoint less often than its test promised.

By Wald's sequential probability ratio test (Wald 1945), which may look at every new vote: the share
of votes that say right is as in the test (p0), or lower by FALL (p1). Only the upper bound is used,
so the test never ends with "as expected". If p0 is true and votes are independent, it is ever
crossed with a probability of at most MAX_FALSE_ALARM.
"""

import math
from collections import Counter
from collections.abc import Iterable

from bot.desk.store import VoteTotal
from bot.desk.summary import Votes
from bot.sentences.kinds import Kind

FALL = 0.1
MAX_FALSE_ALARM = 0.01
"""For each checkpoint, over all votes on it."""
_MAX_EXPECTED = 0.99
"""A small test may have no error; a single vote against it must not be proof."""


def on_verdicts(totals: Iterable[VoteTotal]) -> dict[str, Votes]:
    """The votes on praise and complaints, by checkpoint."""
    up: Counter[str] = Counter()
    down: Counter[str] = Counter()
    for total in totals:
        if total.kind in (Kind.POSITIVE, Kind.NEGATIVE):
            up[total.checkpoint] += total.up
            down[total.checkpoint] += total.down
    return {name: Votes(up[name], down[name]) for name in sorted(up.keys() | down.keys())}


def has_fallen(votes: Votes, expected: float) -> bool:
    """Whether the votes say right less often than `expected` (0 to 1), by more than chance."""
    right = min(max(expected, 2 * FALL), _MAX_EXPECTED)
    fallen = right - FALL
    log_ratio = votes.up * math.log(fallen / right)
    log_ratio += votes.down * math.log((1 - fallen) / (1 - right))
    return log_ratio >= math.log(1 / MAX_FALSE_ALARM)
