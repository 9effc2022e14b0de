"""The questions that the bot has asked and that wait for an answer. In memory, and no text.

A question belongs to a person in a place: what they say elsewhere, and what others say there, is no
answer to it.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TTLCache

from bot.answers import Side

HELD_SECONDS = 600.0
"""How long an answer is expected; afterwards what they write is something new."""

MOST_HELD = 10_000
"""Questions at once; of more, those asked first are forgotten."""

MOST_ASKED = 2
"""Questions about one review: one, and one more if the answer leaves it open."""


@dataclass(frozen=True, slots=True)
class Held:
    """A question that was asked, and what it was about."""

    yes: Side | None
    """What a yes means; None where the question offers a choice."""
    log_odds: float
    """Of a positive review, by what they have written so far."""
    asked: int = 1
    """Questions about this review so far."""


class HeldQuestions:
    """At most one question for each person in each place; `clock` gives seconds."""

    def __init__(
        self, seconds: float = HELD_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._held: TTLCache[Hashable, Held] = TTLCache(MOST_HELD, seconds, clock)

    def hold(self, whom: Hashable, question: Held) -> None:
        """Expects an answer to `question`, and none to an earlier one.

        `whom` stands for the person and the place together.
        """
        self._held[whom] = question

    def take(self, whom: Hashable) -> Held | None:
        """The question that waits for an answer of theirs, which waits no longer."""
        return self._held.pop(whom, None)
