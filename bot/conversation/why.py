"""Which words decided a verdict: each is left out, and what the verdict loses is its weight.

It uses only verdicts, so it explains any model that the engine serves. A weight is the log-odds
that the more probable class loses without the words (Li, Monroe and Jurafsky 2016, "Understanding
Neural Networks through Representation Erasure", section 3; for images, Zeiler and Fergus 2014,
"Visualizing and Understanding Convolutional Networks", section 4.2).

Leaving out pairs of neighbours as well was tried: it costs twice as much, and the marked words are
hardly better.
"""

import asyncio
import hashlib
import math
import secrets
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING

from cachetools import TTLCache

from bot.engine import BusyError
from bot.text_engine import TextEngine
from trainer.model.marks import margin, normalise, read_mark

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

MAX_PARTS = 48
"""In a text with more words, neighbours are left out together."""

AT_ONCE = 25
"""Texts that the engine gets at once: all of a typical review, and only a part of its queue. They
are judged after customers' messages."""

REMEMBERED_SECONDS = 300.0
"""How long weights are kept for later requests: about as long as people discuss a reply."""

MAX_REMEMBERED = 256

MAX_WAITING = 8
"""Explanations that may wait for the current one, which takes a second or two."""

MIN_PROBABILITY = 1e-6
"""Probabilities are limited to this distance from 0 and 1: a model may be certain to the last
bit."""

STRONG, SLIGHT = 0.5, 0.2
"""The minimum shares of the largest weight for a part to be marked."""

NOISE = 0.1
"""In log-odds: a part with a smaller weight is not marked, however small the others are."""


class Mark(Enum):
    """How a part is shown."""

    STRONG = auto()
    """It supports the verdict."""
    SLIGHT = auto()
    """It helped."""
    AGAINST = auto()
    """It supports the other class."""
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """A word as it was written, or a run of neighbouring words."""

    text: str
    weight: float
    """In log-odds; negative if it opposes the more probable class."""
    mark: Mark


@dataclass(frozen=True, slots=True)
class Explanation:
    """A text in parts, in reading order, and the effect of each on the verdict."""

    label: str
    """The more probable class, whatever the verdict's label."""
    probabilities: dict[str, float]
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    """Additional remarks, in sentences."""

    def rests_on_emoji(self) -> bool:
        """Whether a marked part contains an emoji that supports the verdict."""
        carried = self.marked(Mark.STRONG, Mark.SLIGHT)
        return any(normalise(part.text) != part.text and _is_symbol(part.text) for part in carried)

    def rests_on_mark(self, text: str) -> bool:
        """Whether the rating in `text`, which is explained, supports the verdict."""
        _, mark = read_mark(text)
        return mark is not None and (margin(mark.share) > 0) == (self.label == "positive")

    def marked(self, *marks: Mark) -> list[Part]:
        """The parts with one of these marks, by descending weight."""
        found = [part for part in self.parts if part.mark in marks]
        return sorted(found, key=lambda part: -abs(part.weight))


@dataclass(frozen=True, slots=True)
class _Weights:
    """An explanation without its text."""

    label: str
    probabilities: dict[str, float]
    weights: tuple[float, ...]

    def explanation(self, parts: Sequence[str]) -> Explanation:
        marked = map(Part, parts, self.weights, _marks(self.weights))
        return Explanation(self.label, self.probabilities, tuple(marked))


class Explainer:
    """Explains one text at a time, so that the engine stays free for customers.

    Weights are remembered for some minutes, without the text: under a digest of it with a key that
    only this process has. A second request for the same text costs nothing.
    """

    def __init__(self, engine: TextEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()
        self._callers = 0
        self._key = secrets.token_bytes(32)
        self._remembered: TTLCache[tuple[bytes, int], _Weights] = TTLCache(
            MAX_REMEMBERED, REMEMBERED_SECONDS, clock
        )

    async def explain(self, text: str) -> Explanation:
        """The words of `text`, which must have at least one, and their weights.

        Raises BusyError if too many wait for an explanation or the engine's queue is full, and
        UnansweredError if the model fails.
        """
        parts = split(text)
        if (known := self._recall(text)) is not None:
            return known.explanation(parts)
        if self._callers > MAX_WAITING:
            raise BusyError
        self._callers += 1
        try:
            async with self._turn:
                # Another customer may have asked for the same text while this one waited.
                known = self._recall(text) or await self._weigh(text, parts)
        finally:
            self._callers -= 1
        return known.explanation(parts)

    async def _weigh(self, text: str, parts: Sequence[str]) -> _Weights:
        key = self._name(text)
        verdict, *others = await self._judge([text, *without_each(parts)])
        label = max(verdict.probabilities, key=verdict.probabilities.__getitem__)
        odds = _log_odds(verdict, label)
        weights = tuple(odds - _log_odds(other, label) for other in others)
        weighed = self._remembered[key] = _Weights(label, verdict.probabilities, weights)
        return weighed

    def _recall(self, text: str) -> _Weights | None:
        """The remembered weights of a text."""
        return self._remembered.get(self._name(text))

    def _name(self, text: str) -> tuple[bytes, int]:
        """A digest that reveals nothing of the text, and the model's number: each model weighs
        anew."""
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), key=self._key).digest()
        return digest, self._engine.swaps

    async def _judge(self, texts: Sequence[str]) -> "list[Verdict]":
        verdicts: list[Verdict] = []
        for start in range(0, len(texts), AT_ONCE):
            asked = [
                self._engine.classify(text, background=True)
                for text in texts[start : start + AT_ONCE]
            ]
            # All are awaited, because an abandoned one would still be judged.
            for outcome in await asyncio.gather(*asked, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                verdicts.append(outcome)
        return verdicts


def _is_symbol(text: str) -> bool:
    """Whether there is an emoji or another pictorial symbol in a text."""
    return any(unicodedata.category(character) == "So" for character in text)


def split(text: str) -> list[str]:
    """The words of a text, in order; runs of about equally many words if there are too many."""
    words = text.split()
    if len(words) <= MAX_PARTS:
        return words
    cuts = [len(words) * number // MAX_PARTS for number in range(MAX_PARTS + 1)]
    return [" ".join(words[start:end]) for start, end in pairwise(cuts)]


def without_each(parts: Sequence[str]) -> list[str]:
    """For each part, the text without it."""
    return [" ".join([*parts[:index], *parts[index + 1 :]]) for index in range(len(parts))]


def _log_odds(verdict: "Verdict", label: str) -> float:
    probability = verdict.probabilities[label]
    clipped = min(max(probability, MIN_PROBABILITY), 1 - MIN_PROBABILITY)
    return math.log(clipped / (1 - clipped))


def _marks(weights: Sequence[float]) -> list[Mark]:
    highest = max(weights)
    strong, slight = max(NOISE, STRONG * highest), max(NOISE, SLIGHT * highest)
    against = -max(NOISE, SLIGHT * max(map(abs, weights)))

    def mark(weight: float) -> Mark:
        if weight >= strong:
            return Mark.STRONG
        if weight >= slight:
            return Mark.SLIGHT
        return Mark.AGAINST if weight <= against else Mark.NONE

    return list(map(mark, weights))
