"""Calibrated confidence: the temperature, and the thresholds below which a verdict is `unsure`.

Both are chosen on validation reviews and stored with the checkpoint; every runtime applies them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.config import LABELS
from trainer.model.inference import FloatArray

TARGET_PRECISION = 0.95
"""The target share of right verdicts on long reviews."""
SHORT_TARGET_PRECISION = 0.93
"""The same for reviews of one window. The validation reviews are harder than chat messages: in a
chat, thresholds chosen this way give a higher share. With 0.92 the checkpoint of the starter
reviews gets 4.8% of such messages wrong, with 0.93 3.3% (`python -m benchmarks.strangers`)."""
LEANS_FROM = 0.65
"""An unsure review leans to its more probable class from this probability on: the bot's question
then names the class. Probabilities are calibrated, so this is wrong in at most one of three;
`SelectiveFigures` has the measured share."""
_LOWEST, _HIGHEST = 0.05, 20.0
_GOLDEN = (5**0.5 - 1) / 2
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.01, 100.0
"""For temperatures that are read: well beyond any chosen here."""


def require_temperature(value: float) -> None:
    """Raises ValueError if logits cannot be divided by `value`.

    A negative temperature would reverse verdicts, and one near 0 overflow.
    """
    if not _MIN_TEMPERATURE <= value <= _MAX_TEMPERATURE:  # also refuses NaN
        raise ValueError(
            f"a temperature is {value}, but must be from {_MIN_TEMPERATURE} to "
            f"{_MAX_TEMPERATURE:.0f}"
        )


def require_threshold(value: float) -> None:
    """Raises ValueError if `value` is not a threshold for probabilities.

    The next float32 above 1 is allowed: it means "never".
    """
    if not 0 <= value <= float(np.nextafter(np.float32(1), np.float32(2))):
        raise ValueError(f"a threshold is {value}, but must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class SelectiveFigures:
    """The effect of confidence thresholds on labelled reviews."""

    reviews: int
    unsure: float
    """Share of the reviews without a verdict."""
    right: float
    """Share of the verdicts that are right; 1.0 if there are none."""
    leans: float | None = None
    """Share of the unsure reviews that lean to one side (`LEANS_FROM`); 0.0 if none is unsure.
    None, here and below: a record from before this was measured."""
    leans_right: float | None = None
    """Share of the leaning reviews that lean to the right side; 1.0 if none leans."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def fit_temperature(logits: FloatArray, labels: Sequence[int]) -> float:
    """The temperature T that maximises the likelihood of softmax(logits / T) (Guo et al. 2017,
    section 4.2).

    The cross-entropy is convex in 1/T, so a golden-section search finds its only minimum. The
    targets are slightly below 1 (Platt 1999, section 2.2): n texts, all judged right, justify a
    confidence of at most (n + 1)/(n + 2). `logits` are (texts, classes), of two classes or more.
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
    """For each class, the lowest confidence at which at least the share `target` of its verdicts
    is right: thanks should be right as often as apologies, and a model may favour one class.

    If no confidence reaches the target, the highest one in the class; 1 if the class is empty. So
    no class is decided without evidence.
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
    probabilities: FloatArray, minimum: Sequence[float] | FloatArray
) -> npt.NDArray[np.bool_]:
    """(reviews,), whether the more probable class of each reaches the required confidence.

    `minimum` is that confidence, (classes,) or (reviews, classes).
    """
    asked = np.broadcast_to(np.asarray(minimum, dtype=np.float32), probabilities.shape)
    rows, predicted = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    return np.asarray(probabilities[rows, predicted] >= asked[rows, predicted])


def measure_selective(
    probabilities: FloatArray, labels: Sequence[int], sure: npt.NDArray[np.bool_]
) -> SelectiveFigures:
    """The figures if verdicts are given only on the reviews that are `sure`."""
    right = probabilities.argmax(axis=1) == np.asarray(labels)
    leaning = ~sure & (probabilities.max(axis=1) >= LEANS_FROM)
    return SelectiveFigures(
        reviews=len(sure),
        unsure=float(np.mean(~sure)),
        right=float(np.mean(right[sure])) if sure.any() else 1.0,
        leans=float(leaning.sum() / max(1, (~sure).sum())),
        leans_right=float(np.mean(right[leaning])) if leaning.any() else 1.0,
    )
