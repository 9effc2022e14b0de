"""The questions and verdicts of the bot that may get an answer. In memory, and no text.

It belongs to a person in a place: what they say elsewhere, and what others say there, is no answer
to it.
"""

import math
import re
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TTLCache

from bot.sentences.kinds import Side
from trainer.model.calibration import LEANS_FROM

HELD_SECONDS = 600.0
"""How long an answer is expected; afterwards what they write is something new."""

MAX_HELD = 10_000
"""Questions and verdicts at once; of more, those asked first are forgotten."""

MAX_ASKED = 2
"""Questions about one review: one, and one more if the answer leaves it open."""


def leaning(log_odds: float) -> Side | None:
    """The side that a question names, for the log-odds of a positive review; None: neither."""
    if abs(log_odds) < math.log(LEANS_FROM / (1 - LEANS_FROM)):
        return None
    return Side.POSITIVE if log_odds > 0 else Side.NEGATIVE


_DENIAL = re.compile(r"\b(?:was|is|did|does|were)n['\u2019]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Held:
    """A question that was asked, and what it was about."""

    yes: Side | None
    """What a yes means; None where the question offers a choice."""
    log_odds: float
    """Of a positive review, by what they have written so far."""
    asked: int = 1
    """Questions about this review so far."""

    denies: bool = False
    """It says of something that it is not so: "it wasn't for you"."""

    @classmethod
    def of(cls, question: str, yes: Side | None, log_odds: float, asked: int = 1) -> "Held":
        """What there is to know of a question in these words."""
        return cls(yes, log_odds, asked, _DENIAL.search(question) is not None)

    @property
    def leans(self) -> Side | None:
        """The side that the question names."""
        return leaning(self.log_odds)


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict that was given: they may say that it is wrong."""

    side: Side


class HeldQuestions:
    """At most one question or verdict for each person in each place; `clock` gives seconds."""

    def __init__(
        self, seconds: float = HELD_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        """How long something is held."""
        self._held: TTLCache[Hashable, Held | Given] = TTLCache(MAX_HELD, seconds, clock)

    def hold(self, whom: Hashable, expected: Held | Given) -> None:
        """Expects an answer to this, and none to anything earlier.

        `whom` stands for the person and the place together.
        """
        self._held[whom] = expected

    def take(self, whom: Hashable) -> Held | Given | None:
        """What waits for an answer of theirs, and waits no longer."""
        return self._held.pop(whom, None)
