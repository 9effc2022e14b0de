"""The kinds of message that people send to a bot for film reviews, and how logits become one.

`trainer.training.kind_head` fits the layer that gives the logits. Needs NumPy only.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.model.calibration import fit_temperature, require_temperature, require_threshold
from trainer.model.inference import FloatArray, softmax

REVIEW, DISTRESS = "review", "distress"

KINDS = (
    REVIEW,  # an opinion, whatever it is about
    "greeting",
    "thanks",
    "service",  # trouble with a cinema, its staff, a ticket, a stream, an order, money
    "person",  # asks for a human being
    "correction",  # says that the bot was wrong
    "question",
    DISTRESS,  # wants to die, hurts themselves, is in danger
    "off_topic",  # none of these
)
"""In the order of the head's outputs."""


def head_layers(layers: int) -> list[int]:
    """The layers, of so many, whose outputs the head reads; 0 is the embeddings.

    Two in the middle: the last layers know little but the sentiment that they were trained for.
    The very last is never among them, for a graph computes it for the first token alone.
    """
    return sorted({min(layers - 1, round(layers * share)) for share in (1 / 3, 2 / 3)})


PADDING_DEPTH = 1e4
"""Subtracted from the features of padding, so that no maximum over a text finds one there."""

MAX_DISMISSED = 0.02
"""Share of short validation reviews that may be taken for another kind. To be asked for a review
after having written one is worse for a customer than to be thanked for saying hello."""
MAX_NEAR_MISSES = 0.1
"""The same share of the held-out lines that are reviews: most of them are of a few words, or look
like another kind."""
MAX_FALSE_ALARMS = 1 / 2000
"""Share of all reviews at hand that may be taken for distress."""
MIN_PROBABILITY = 0.5
"""What thresholds are at least: a text that is more likely a review than not is one."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Some texts as a rule sees them, in their order."""

    logits: FloatArray
    """(texts, kinds), of the head."""
    outright: npt.NDArray[np.bool_]
    """(texts,), whether each speaks of distress outright (`trainer.model.distress`)."""

    def part(self, of: npt.NDArray[np.bool_]) -> "Messages":
        """Those of which the mask `of`, (texts,), is true."""
        return Messages(self.logits[of], self.outright[of])

    @classmethod
    def concatenate(cls, parts: Sequence["Messages"]) -> "Messages":
        """All texts of the parts, in their order."""
        return cls(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.outright for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class KindRule:
    """How the head's logits become a kind; chosen by texts held back, stored in `training.json`."""

    temperature: float = 1.0
    """Logits are divided by it."""
    dismissal: float | None = None
    """How likely it must be that a text is no review, for it to count as the likeliest of the other
    kinds. The sum, not the likeliest kind alone: "cheers, bye" is thanks or a greeting, and clearly
    no review. None: every text is a review."""
    distress: float | None = None
    """The same where that kind is distress; chosen by its false alarms."""
    outright: float | None = None
    """How likely distress must be for a text that speaks of it outright, whatever else is likely.
    None: as for other texts (a checkpoint from before there was this threshold)."""

    def __post_init__(self) -> None:
        require_temperature(self.temperature)
        for threshold in (self.dismissal, self.distress, self.outright):
            if threshold is not None:
                require_threshold(threshold)

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """(texts, kinds)"""
        return softmax(logits / np.float32(self.temperature))

    def kinds(self, messages: Messages) -> list[str]:
        """The kind of each text: `review` unless another one is clearly likelier.

        Without columns there is no head, and every text is a review.
        """
        if messages.logits.shape[1] == 0:
            return [REVIEW] * len(messages.logits)
        probabilities = self.probabilities(messages.logits)
        outright = self._outright(messages, probabilities)
        kinds = []
        for row, (other, probability) in enumerate(zip(*_other_kinds(probabilities), strict=True)):
            threshold = self.distress if other == DISTRESS else self.dismissal
            is_clear = threshold is not None and probability >= threshold
            kinds.append(DISTRESS if outright[row] else other if is_clear else REVIEW)
        return kinds

    def _outright(self, messages: Messages, probabilities: FloatArray) -> npt.NDArray[np.bool_]:
        """(texts,), which are distress by words that speak of it outright."""
        if self.outright is None:
            return np.zeros_like(messages.outright)
        return messages.outright & (probabilities[:, KINDS.index(DISTRESS)] >= self.outright)


def _other_kinds(probabilities: FloatArray) -> tuple[list[str], FloatArray]:
    """The likeliest kind but `review` of each text, and how likely it is that it is no review."""
    review = KINDS.index(REVIEW)
    others = probabilities.copy()
    others[:, review] = 0
    return [KINDS[best] for best in others.argmax(axis=1)], 1 - probabilities[:, review]


@dataclass(frozen=True, slots=True)
class KindFigures:
    """How well kinds are recognised, on lines and reviews held back from training."""

    lines: int
    right: float
    """Share of the lines, `review` among their kinds."""
    confusion_matrix: list[list[int]]
    """Counts: row = true kind, column = what it was taken for, in the order of `KINDS`."""
    reviews: int
    reviews_dismissed: float
    """Share of the short validation reviews that are taken for another kind."""
    reviews_in_distress: float
    """Share of all reviews at hand, those that were trained on included, taken for distress."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"kinds": list(KINDS), **asdict(self)}


def choose_rule(
    lines: Messages, kinds: Sequence[str], short: Sequence[Messages], every: Messages
) -> KindRule:
    """The lowest thresholds that keep to `MAX_DISMISSED` in each set, to `MAX_NEAR_MISSES`, and to
    `MAX_FALSE_ALARMS`.

    Those two that find distress share its false alarms in the way that finds the most of it among
    the `lines`.

    Args:
        lines: held back from training.
        kinds: of the `lines`.
        short: the short validation reviews of each set.
        every: all reviews at hand.
    """
    scaled = KindRule(fit_temperature(lines.logits, [KINDS.index(kind) for kind in kinds]))

    def probabilities(messages: Messages, distress: bool) -> FloatArray:
        """That a text is no review, where the likeliest other kind is distress, or is not."""
        kinds, other = _other_kinds(scaled.probabilities(messages.logits))
        return np.where([(kind == DISTRESS) == distress for kind in kinds], other, 0.0)

    near_misses = lines.part(np.array([kind == REVIEW for kind in kinds]))
    dismissal = max(
        _lowest_threshold(probabilities(each, False), int(allowed * len(each.logits)))
        for each, allowed in (
            *((each, MAX_DISMISSED) for each in short),
            (near_misses, MAX_NEAR_MISSES),
        )
    )
    alarms = int(MAX_FALSE_ALARMS * len(every.logits))
    likely = scaled.probabilities(every.logits)[:, KINDS.index(DISTRESS)]
    rules = []
    for share in range(alarms + 1):
        outright = _lowest_threshold(np.where(every.outright, likely, 0.0), share)
        found = every.outright & (likely >= outright)
        others = np.where(found, 0.0, probabilities(every, True))
        distress = _lowest_threshold(others, alarms - int(found.sum()))
        rules.append(KindRule(scaled.temperature, dismissal, distress, outright))
    true = lines.part(np.array([kind == DISTRESS for kind in kinds]))
    return max(rules, key=lambda rule: rule.kinds(true).count(DISTRESS))


def _lowest_threshold(probabilities: FloatArray, allowed: int) -> float:
    """At least `MIN_PROBABILITY`; at most `allowed` of the probabilities reach it."""
    highest = np.sort(probabilities)[::-1]
    beyond = np.nextafter(highest[allowed], np.float32(2)) if allowed < len(highest) else 0.0
    return max(MIN_PROBABILITY, float(beyond))


def measure_kinds(
    rule: KindRule,
    lines: Messages,
    kinds: Sequence[str],
    short: Sequence[Messages],
    every: Messages,
) -> KindFigures:
    """The figures of a rule; the arguments are those of `choose_rule`."""
    found = rule.kinds(lines)
    together = [kind for each in short for kind in rule.kinds(each)]
    matrix = np.zeros((len(KINDS), len(KINDS)), dtype=np.int64)
    for kind, taken_for in zip(kinds, found, strict=True):
        matrix[KINDS.index(kind), KINDS.index(taken_for)] += 1
    return KindFigures(
        lines=len(kinds),
        right=float(np.trace(matrix) / max(1, len(kinds))),
        confusion_matrix=matrix.tolist(),
        reviews=len(together),
        reviews_dismissed=float(np.mean([kind != REVIEW for kind in together])),
        reviews_in_distress=float(np.mean([kind == DISTRESS for kind in rule.kinds(every)])),
    )
