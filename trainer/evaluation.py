"""How good a classifier is: the figures that go into `training.json`, and their picture."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trainer.config import LABELS
from trainer.errors import ReviewsError
from trainer.progress import Judging, Listener
from trainer.review_files import Review

if TYPE_CHECKING:
    from trainer.classifier import Classifier

Probabilities = npt.NDArray[np.floating[Any]]
"""(reviews, classes)"""

_REVIEWS_AT_ONCE = 256
"""Enough to sort by length within, few enough for the progress to move."""


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Precision, recall and F1 of one class; 0.0 where the denominator is 0."""

    precision: float
    """Right among the reviews that were called so."""
    recall: float
    """Found among the reviews that are so."""
    f1: float
    """Harmonic mean of the two."""
    reviews: int
    """Reviews that are so."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Accuracy and its kin on one set of reviews."""

    reviews: int
    accuracy: float
    """Share of reviews judged right."""
    precision: float
    """Of the positive class, as is usual for two classes; `per_class` has both."""
    recall: float
    """Of the positive class."""
    f1: float
    """Of the positive class."""
    confusion_matrix: list[list[int]]
    """Counts: row = true class, column = predicted class, in the order of `LABELS`."""
    per_class: dict[str, ClassFigures]
    loss: float
    """Mean cross-entropy, in nats."""

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def measure(probabilities: Probabilities, labels: Sequence[int]) -> Figures:
    """The figures of predicted probabilities (reviews, classes) against the true labels.

    Raises:
        ValueError: no reviews, or not one row of probabilities for each label.
    """
    truth = np.asarray(labels)
    if len(truth) == 0 or probabilities.shape != (len(truth), len(LABELS)):
        raise ValueError(f"{probabilities.shape} probabilities for {len(truth)} labels")
    predicted = probabilities.argmax(axis=1)
    matrix = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    per_class = {word: _class_figures(matrix, index) for index, word in enumerate(LABELS)}
    positive = per_class["positive"]
    chosen = probabilities[np.arange(len(truth)), truth]
    return Figures(
        reviews=len(truth),
        accuracy=float(np.mean(predicted == truth)),
        precision=positive.precision,
        recall=positive.recall,
        f1=positive.f1,
        confusion_matrix=matrix.tolist(),
        per_class=per_class,
        # A probability can underflow to 0 in float32; its logarithm must stay a number.
        loss=float(-np.log(np.maximum(chosen, 1e-12)).mean()),
    )


def judge(
    classifier: "Classifier", reviews: Sequence[Review], split: str, on_event: Listener
) -> Probabilities:
    """What a checkpoint makes of the reviews, in whatever runtime it is served by.

    Returns:
        (reviews, classes) probabilities, in the order of the reviews.

    Raises:
        ReviewsError: there are no reviews.
    """
    if not reviews:
        raise ReviewsError(f"There are no {split} reviews to judge by.")
    probabilities: list[list[float]] = []
    for start in range(0, len(reviews), _REVIEWS_AT_ONCE):
        texts = [review.text for review in reviews[start : start + _REVIEWS_AT_ONCE]]
        for verdict in classifier(texts):
            probabilities.append([verdict.probabilities[word] for word in LABELS])
        on_event(Judging(split, len(probabilities), len(reviews)))
    return np.array(probabilities)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two checkpoints on the same reviews: is the difference more than chance?"""

    difference: float
    """Accuracy of the first less that of the second."""
    interval: tuple[float, float]
    """95% confidence interval of the difference: Wald's for paired proportions, with half a
    review added to each cell (Agresti & Min 2005)."""
    p_value: float
    """McNemar's exact test, two-sided: how likely at least so uneven a split of the reviews on
    which just one of them is right would be, if both were equally good."""

    @property
    def not_worse(self) -> bool:
        """Whether the first holds up: not lower, or not significantly (5%) so."""
        return self.difference >= 0 or self.p_value >= 0.05

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON types."""
        return {**asdict(self), "not_worse": self.not_worse}


def compare(first: Probabilities, second: Probabilities, labels: Sequence[int]) -> Comparison:
    """Compares the probabilities (reviews, classes) of two checkpoints on the same reviews."""
    truth = np.asarray(labels)
    first_right = first.argmax(axis=1) == truth
    second_right = second.argmax(axis=1) == truth
    gains = int(np.sum(first_right & ~second_right))
    losses = int(np.sum(second_right & ~first_right))
    split = gains + losses
    tail = sum(math.comb(split, k) for k in range(min(gains, losses) + 1)) / 2**split
    # Each of the four cells gains a half, so the number of reviews gains two.
    centre = (gains - losses) / (len(truth) + 2)
    spread = split + 1 - (gains - losses) ** 2 / (len(truth) + 2)
    margin = 1.96 * math.sqrt(spread) / (len(truth) + 2)
    return Comparison(
        difference=(gains - losses) / len(truth),
        interval=(max(-1.0, centre - margin), min(1.0, centre + margin)),
        p_value=min(1.0, 2 * tail),
    )


def _class_figures(matrix: npt.NDArray[np.int64], index: int) -> ClassFigures:
    right = int(matrix[index, index])
    called = int(matrix[:, index].sum())
    actual = int(matrix[index].sum())
    precision = right / called if called else 0.0
    recall = right / actual if actual else 0.0
    f1 = 2 * right / (called + actual) if called + actual else 0.0
    return ClassFigures(precision, recall, f1, actual)


def draw(path: Path, losses: Sequence[float], epochs: int, figures: Figures, title: str) -> None:
    """Draws the loss curve beside the confusion matrix, as a PNG file."""
    # The object interface, not pyplot: it keeps no global state and needs no screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    curve, table = figure.subplots(1, 2, width_ratios=(1.5, 1))

    steps = np.arange(1, len(losses) + 1)
    curve.plot(steps, losses, color="#9ecae1", linewidth=1, label="each step")
    curve.plot(steps, _smooth(losses), color="#08519c", linewidth=2, label="running mean")
    for epoch in range(1, epochs):
        curve.axvline(epoch * len(losses) / epochs + 0.5, color="grey", linestyle=":", linewidth=1)
    curve.set(title="Training loss", xlabel="step", ylabel="cross-entropy (nats)")
    curve.set_ylim(bottom=0)
    curve.legend(frameon=False)

    matrix = np.asarray(figures.confusion_matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    table.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(len(LABELS)):
        for column in range(len(LABELS)):
            table.text(
                column,
                row,
                f"{matrix[row, column]:,}\n{shares[row, column]:.1%}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.5 else "black",
            )
    table.set_xticks(range(len(LABELS)), LABELS)
    table.set_yticks(range(len(LABELS)), LABELS, rotation=90, va="center")
    table.set(
        title=f"{figures.reviews:,} test reviews, accuracy {figures.accuracy:.1%}",
        xlabel="predicted",
        ylabel="true",
    )
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _smooth(losses: Sequence[float], decay: float = 0.9) -> list[float]:
    """Exponential running mean, corrected for its start (Kingma & Ba 2015, section 3)."""
    mean, smooth = 0.0, []
    for step, loss in enumerate(losses, start=1):
        mean = decay * mean + (1 - decay) * loss
        smooth.append(mean / (1 - decay**step))
    return smooth
