"""The bot's questions and verdicts that a customer may answer. In memory, without text.

Each belongs to a person in a place: what they write elsewhere, and what others write there, is not
an answer to it.
"""

import math
import re
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TTLCache

from bot.sentences.kinds import Kind, Side
from trainer.model.calibration import LEANS_FROM

HELD_SECONDS = 600.0
"""How long an answer is expected; later messages are a new topic."""

MAX_HELD = 10_000
"""Questions and verdicts at once; beyond that, the oldest are forgotten."""

MAX_ASKED = 2
"""Questions about one review: one, and one more if the answer leaves it open."""


def leaning(log_odds: float) -> Side | None:
    """The side that a question names, for the log-odds of a positive review; None: neither."""
    if abs(log_odds) < math.log(LEANS_FROM / (1 - LEANS_FROM)):
        return None
    return Side.POSITIVE if log_odds > 0 else Side.NEGATIVE


_DENIAL = re.compile(r"\b(?:was|is|did|does|were)n['\u2019]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HeldQuestion:
    """A question that was asked, and its context."""

    yes: Side | None
    """What a yes means; None if the question offers a choice."""
    log_odds: float
    """Log-odds of a positive review, by the customer's messages so far."""
    asked: int = 1
    """Questions about this review so far."""

    denies: bool = False
    """The question is a negation: "it wasn't for you"."""
    is_judgement: bool = False
    """It rests on a review, whose words can be explained."""

    @classmethod
    def of(
        cls,
        question: str,
        yes: Side | None,
        log_odds: float,
        asked: int = 1,
        *,
        is_judgement: bool = False,
    ) -> "HeldQuestion":
        """Derives the properties of a question from its words."""
        return cls(yes, log_odds, asked, _DENIAL.search(question) is not None, is_judgement)

    @property
    def leans(self) -> Side | None:
        """The side that the question names."""
        return leaning(self.log_odds)


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """A verdict that was given: the customer may say that it is wrong, or ask why."""

    side: Side
    is_judgement: bool = False
    """As above; otherwise the customer said themselves how they liked the film."""
    matter: Kind | None = None
    """`SERVICE` or `PERSON`, if they have asked for help since."""


@dataclass(frozen=True, slots=True)
class Distress:
    """They were pointed to help: what they write next is answered with care."""


@dataclass(frozen=True, slots=True)
class Matter:
    """They have asked for help: "hello??" goes on about that."""

    kind: Kind
    """`SERVICE` or `PERSON`."""


Expected = HeldQuestion | GivenVerdict | Distress | Matter
"""What the next message may refer to."""


class HeldQuestions:
    """At most one question or verdict for each person in each place; `clock` gives seconds."""

    def __init__(
        self, seconds: float = HELD_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        """How long something is held."""
        self._held: TTLCache[Hashable, Expected] = TTLCache(MAX_HELD, seconds, clock)

    def hold(self, whom: Hashable, expected: Expected) -> None:
        """Expects an answer to this, and to nothing earlier.

        `whom` identifies the person and the place together.
        """
        self._held[whom] = expected

    def forget(self, whose: Callable[[Hashable], bool]) -> None:
        """Removes what waits for answers of those for whom `whose` is true."""
        for whom in [whom for whom in self._held if whose(whom)]:
            self._held.pop(whom, None)

    def take(self, whom: Hashable) -> Expected | None:
        """Returns and removes what waits for this person's answer."""
        return self._held.pop(whom, None)
