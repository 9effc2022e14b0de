"""Confidence that means what it says: temperature, and the doubt below which nothing is decided.

Both are chosen by validation reviews and stored with the checkpoint; every runtime applies them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.config import LABELS
from trainer.model.inference import FloatArray

TARGET_PRECISION = 0.95
"""The verdicts on long reviews are to be right so often."""
SHORT_TARGET_PRECISION = 0.92
"""The same for reviews of one window. The validation reviews are harder than what people write in
a chat: there, so chosen, verdicts are right more often. With 0.94 three in ten of such messages are
unsure (`python -m benchmarks.strangers`)."""
LEANS_FROM = 0.65
"""The probability of the likelier class from which on an unsure review leans to it: the bot's
question then says so. Probabilities are calibrated, so it is wrong in one of three at most; `Doubt`
has what came of it."""
_LOWEST, _HIGHEST = 0.05, 20.0
_GOLDEN = (5**0.5 - 1) / 2
_LEAST_TEMPERATURE, _MOST_TEMPERATURE = 0.01, 100.0
"""Of those that are read: well beyond what is chosen here."""


def require_temperature(value: float) -> None:
    """Raises ValueError where `value` cannot divide logits.

    A negative one would turn verdicts round, and one near 0 overflow.
    """
    if not _LEAST_TEMPERATURE <= value <= _MOST_TEMPERATURE:  # NaN, neither
        raise ValueError(
            f"a temperature is {value}, but must be from {_LEAST_TEMPERATURE} to "
            f"{_MOST_TEMPERATURE:.0f}"
        )


def require_threshold(value: float) -> None:
    """Raises ValueError where no probability is compared with `value`.

    A float32 above 1 is the next one, which stands for "never".
    """
    if not 0 <= value <= float(np.nextafter(np.float32(1), np.float32(2))):
        raise ValueError(f"a threshold is {value}, but must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a confidence threshold does to some labelled reviews."""

    reviews: int
    unsure: float
    """Share of them on which no verdict is given."""
    right: float
    """Share of the verdicts given that are right; 1.0 where none is."""
    leans: float | None = None
    """Share of the unsure ones that lean to one side (`LEANS_FROM`); 0.0 where none is unsure.
    None, here and below: from before this was measured."""
    leans_right: float | None = None
    """Share of those that lean to the right side; 1.0 where none leans."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def fit_temperature(logits: FloatArray, labels: Sequence[int]) -> float:
    """The temperature T that makes softmax(logits / T) likeliest (Guo et al. 2017, section 4.2).

    The cross-entropy is convex in 1/T, so a golden-section search finds its one minimum. Its
    targets are not quite 1 (Platt 1999, section 2.2): n texts, all judged right, are no reason to
    be surer than (n + 1)/(n + 2). `logits` are (texts, classes), of two classes or more.
    """
    truth = np.asarray(labels)
    target = (len(truth) + 1) / (len(truth) + 2)
    wrong = np.ones(logits.shape, dtype=bool)
    wrong[np.arange(len(truth)), truth] = False

    def loss(inverse: float) -> float:
        scaled = logits.astype(np.float64) * inverse
        surprise = np.logaddexp.reduce(scaled, axis=1, keepdims=True) - scaled  # -log p
        rest = (1 - target) / (logits.shape[1] - 1)
        return float((np.where(wrong, rest, target) * surprise).sum(axis=1).mean())

    low, high = 1 / _HIGHEST, 1 / _LOWEST
    for _ in range(60):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return 2 / (low + high)


def choose_confidences(
    probabilities: FloatArray, labels: Sequence[int], target: float = TARGET_PRECISION
) -> tuple[float, float]:
    """For each class, the lowest confidence from which on the verdicts for it are right at least
    `target` of the time: thanks are to be right as often as apologies, and a model may lean to one.

    Where even the surest are not, the confidence of the surest, and 1 where there is none: nothing
    is decided lightly.
    """
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    right = predicted == np.asarray(labels)
    negative, positive = (
        _lowest_confidence(confidence[mine], right[mine], target)
        for mine in (predicted == label for label in range(len(LABELS)))
    )
    return negative, positive


def _lowest_confidence(
    confidence: FloatArray, right: npt.NDArray[np.bool_], target: float
) -> float:
    if len(confidence) == 0:
        return 1.0
    order = np.argsort(-confidence)
    shares = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(shares >= target)
    return float(confidence[order[enough[-1] if len(enough) else 0]])


def confident(
    probabilities: FloatArray, least: Sequence[float] | FloatArray
) -> npt.NDArray[np.bool_]:
    """(reviews,), whether the likelier class of each has the confidence that is asked of it.

    `least` is that confidence, (classes,) or (reviews, classes).
    """
    asked = np.broadcast_to(np.asarray(least, dtype=np.float32), probabilities.shape)
    rows, predicted = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    return np.asarray(probabilities[rows, predicted] >= asked[rows, predicted])


def doubt(probabilities: FloatArray, labels: Sequence[int], sure: npt.NDArray[np.bool_]) -> Doubt:
    """What it comes to when verdicts are given on the reviews that are `sure` alone."""
    right = probabilities.argmax(axis=1) == np.asarray(labels)
    leaning = ~sure & (probabilities.max(axis=1) >= LEANS_FROM)
    return Doubt(
        reviews=len(sure),
        unsure=float(np.mean(~sure)),
        right=float(np.mean(right[sure])) if sure.any() else 1.0,
        leans=float(leaning.sum() / max(1, (~sure).sum())),
        leans_right=float(np.mean(right[leaning])) if leaning.any() else 1.0,
    )
