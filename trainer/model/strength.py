"""The strength of a verdict: a rave or a like, a grumble or a furious complaint.

A rating in the review decides ("10/10" is a rave, "7/10" a like). Without one, the verdict's
confidence decides, by bounds that are chosen on validation reviews at training time.

The limits of this: the training sets have two labels, praise and complaint, and no strength, so
the model does not learn how much somebody liked a film. For each class, the third of the verdicts
on the validation reviews with the highest confidence counts as strong and the third with the lowest
as mild. A confidence measures how sure the model is, which correlates with clear words; it does not
measure the strength itself.
"""

import re
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from trainer.config import LABELS
from trainer.model.inference import FloatArray

MILD_SHARE, STRONG_SHARE = 1 / 3, 1 / 3
"""Shares of the verdicts on the validation reviews."""

MIN_VERDICTS = 100
"""For each class, to choose bounds. With fewer, no verdict has a strength."""

STRONG_PRAISE, MILD_PRAISE = 0.9, 0.8
"""A rating of at least the first is a rave, one below the second a like: 9/10, 8/10."""
STRONG_COMPLAINT, MILD_COMPLAINT = 0.2, 0.3
"""A rating of at most the first is a furious complaint, one above the second a grumble."""

_EMPHASIS = re.compile("[!\N{FULLWIDTH EXCLAMATION MARK}]{3}")

Bounds = tuple[float, float]
"""The confidence below which a verdict is mild, and that above which it is strong."""


class Strength(StrEnum):
    """From weakest to strongest."""

    MILD = "mild"
    PLAIN = "plain"
    STRONG = "strong"


def choose_bounds(
    probabilities: FloatArray, given: npt.NDArray[np.bool_]
) -> tuple[Bounds, Bounds] | None:
    """The bounds for each class, in the order of `LABELS`, chosen on validation reviews.

    `probabilities` are (reviews, classes), and `given` (reviews,) marks those with a verdict. None
    if a class has fewer than `MIN_VERDICTS`.
    """
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    by_class = [confidence[given & (predicted == label)] for label in range(len(LABELS))]
    if min(map(len, by_class)) < MIN_VERDICTS:
        return None
    negative, positive = (
        (float(low), float(high))
        for low, high in (np.quantile(each, (MILD_SHARE, 1 - STRONG_SHARE)) for each in by_class)
    )
    return negative, positive


def strength_of(label: str, confidence: float, bounds: Bounds, rating: float | None) -> Strength:
    """The strength of a verdict; `rating` is the rating in the review, 0 to 1, if any."""
    if rating is None:
        low, high = bounds
        is_strong, is_mild = confidence > high, confidence < low
    elif label == "positive":
        is_strong, is_mild = rating >= STRONG_PRAISE, rating < MILD_PRAISE
    else:
        is_strong, is_mild = rating <= STRONG_COMPLAINT, rating > MILD_COMPLAINT
    return Strength.STRONG if is_strong else Strength.MILD if is_mild else Strength.PLAIN


def emphasised(strength: Strength | None, text: str) -> Strength | None:
    """One step stronger if the text has three or more exclamation marks in a row.

    None, for a checkpoint without bounds, stays None.
    """
    if strength is None or _EMPHASIS.search(text) is None:
        return strength
    return Strength.PLAIN if strength is Strength.MILD else Strength.STRONG
