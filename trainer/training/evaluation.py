"""How good a classifier is: the figures in `training.json`, and their picture."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trainer.config import LABELS
from trainer.data.fixed_reviews import fixed_reviews
from trainer.data.review_files import Review
from trainer.errors import ReviewsError
from trainer.events import Judging, Listener, ignore
from trainer.model.calibration import measure_selective
from trainer.model.record import Bin as Bin
from trainer.model.record import ClassFigures
from trainer.model.record import Figures as Figures

if TYPE_CHECKING:
    from trainer.model.classifier import Classifier

Probabilities = npt.NDArray[np.floating[Any]]
"""(reviews, classes)"""

_REVIEWS_AT_ONCE = 256
"""Enough for sorting by length to help, few enough for the progress bar to move."""


def measure(probabilities: Probabilities, labels: Sequence[int]) -> Figures:
    """The figures of predicted probabilities (reviews, classes) against the true labels.

    Raises:
        ValueError: there are no reviews, or the numbers of rows and labels differ.
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
        # A probability can underflow to 0 in float32; its logarithm must stay finite.
        loss=float(-np.log(np.maximum(chosen, 1e-12)).mean()),
        calibration_error=calibration_error(probabilities, labels),
    )


def beats_chance(figures: Figures) -> bool:
    """Whether the accuracy is significantly above that of always predicting the majority class: a
    one-sided test of a proportion at 5%, by the normal approximation."""
    commoner = max(each.reviews for each in figures.per_class.values()) / figures.reviews
    spread = math.sqrt(commoner * (1 - commoner) / figures.reviews)
    return figures.accuracy > commoner + 1.645 * spread


def below_chance(figures: Figures) -> bool:
    """Whether the classes are confused significantly more often than by chance: a one-sided test
    at 5% that positive reviews are called positive less often than negative ones are."""
    negative, positive = (figures.per_class[word] for word in LABELS)
    if not (negative.reviews and positive.reviews):
        return figures.accuracy < 0.5 - 1.645 * 0.5 / math.sqrt(figures.reviews)
    called = sum(row[1] for row in figures.confusion_matrix) / figures.reviews
    variance = called * (1 - called) * (1 / negative.reviews + 1 / positive.reviews)
    return positive.recall - (1 - negative.recall) < -1.645 * math.sqrt(variance)


def calibration_error(probabilities: Probabilities, labels: Sequence[int], bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017, section 2).

    Reviews are sorted by confidence into `bins` bins of equal width from 0 to 1. The error is the
    mean, over all reviews, of the gap between their bin's accuracy and its mean confidence.
    """
    rows = reliability(probabilities, labels, bins)
    return float(sum(row.share * abs(row.accuracy - row.confidence) for row in rows))


def reliability(probabilities: Probabilities, labels: Sequence[int], bins: int = 15) -> list[Bin]:
    """The bins that are not empty, in order of confidence."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(labels)
    # Bins are open below and closed above, as in the paper; 1.0 belongs to the last.
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        Bin(float(np.mean(mine)), float(confidence[mine].mean()), float(right[mine].mean()))
        for mine in (number == index for index in range(bins))
        if mine.any()
    ]


@dataclass(frozen=True, slots=True)
class Judged:
    """A checkpoint's verdicts on some reviews, in order."""

    probabilities: Probabilities
    sure: npt.NDArray[np.bool_]
    """(reviews,), False if the verdict is `unsure`."""

    def figures(self, labels: Sequence[int]) -> dict[str, Any]:
        """Accuracy and related figures, and those of abstention, as JSON types."""
        selective = measure_selective(self.probabilities.astype(np.float32), labels, self.sure)
        return self.measure(labels).as_dict() | {"doubt": selective.as_dict()}

    def measure(self, labels: Sequence[int]) -> Figures:
        """Accuracy and related figures."""
        return measure(self.probabilities, labels)


def judge(
    classifier: "Classifier", reviews: Sequence[Review], split: str, on_event: Listener
) -> Judged:
    """Judges the reviews with a checkpoint, in the runtime that serves it.

    Raises:
        ReviewsError: there are no reviews.
    """
    if not reviews:
        raise ReviewsError(f"There are no {split} reviews to judge by.")
    probabilities: list[list[float]] = []
    sure: list[bool] = []
    for start in range(0, len(reviews), _REVIEWS_AT_ONCE):
        texts = [review.text for review in reviews[start : start + _REVIEWS_AT_ONCE]]
        for verdict in classifier(texts):
            probabilities.append([verdict.probabilities[word] for word in LABELS])
            sure.append(verdict.label in LABELS)
        on_event(Judging(split, len(probabilities), len(reviews)))
    return Judged(np.array(probabilities), np.array(sure))


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two checkpoints on the same reviews: is the difference significant?"""

    difference: float
    """Accuracy of the first minus that of the second."""
    interval: tuple[float, float]
    """95% confidence interval of the difference: Wald's for paired proportions, with half a
    review added to each cell (Agresti & Min 2005)."""
    p_value: float
    """McNemar's exact test, two-sided: the probability of a split at least this uneven, of the
    reviews on which exactly one of them is right, if both were equally good."""

    @property
    def not_worse(self) -> bool:
        """Whether the first is not lower, or not significantly (5%) lower."""
        return self.difference >= 0 or self.p_value >= 0.05

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON types."""
        return {**asdict(self), "not_worse": self.not_worse}


def compare(first: Probabilities, second: Probabilities, labels: Sequence[int]) -> PairedTest:
    """Compares the probabilities (reviews, classes) of two checkpoints on the same reviews, or
    their logits: only the order of the classes matters."""
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
    return PairedTest(
        difference=(gains - losses) / len(truth),
        interval=(max(-1.0, centre - margin), min(1.0, centre + margin)),
        p_value=min(1.0, 2 * tail),
    )


def judge_on_fixed_reviews(
    classifiers: Sequence["Classifier"], serving_on_new: Figures
) -> dict[str, Any]:
    """Any objection to promoting the first of two classifiers over the second, which serves, and
    their figures on the fixed reviews, as JSON types. `serving_on_new` are the figures of the
    serving one on the reviews of the new set."""
    reviews = fixed_reviews()
    labels = [review.label for review in reviews]
    judged = [judge(each, reviews, "fixed", ignore) for each in classifiers]
    candidate, serving = (each.measure(labels) for each in judged)
    difference = compare(judged[0].probabilities, judged[1].probabilities, labels)
    return {
        "fixed": {
            "reviews": len(reviews),
            "accuracy": candidate.accuracy,
            "against": serving.accuracy,
            **difference.as_dict(),
        },
        "objection": objection(serving_on_new, (candidate, serving), difference),
    }


def objection(serving: Figures, fixed: tuple[Figures, Figures], difference: PairedTest) -> str:
    """Why a candidate must not be promoted automatically; empty if there is no reason.

    `serving` are the figures of the serving checkpoint on the reviews of the new set; `fixed` those
    of the candidate and of the serving one on `trainer.data.fixed_reviews`, and `difference`
    compares these two.
    """
    candidate, other = fixed
    if below_chance(serving):
        return (
            f"The labels of this data set look inverted: the serving checkpoint agrees with "
            f"{serving.accuracy:.1%} of {serving.reviews:,} of them, fewer than by chance. Check "
            f"which label means praise."
        )
    on_fixed = (
        f"of the {candidate.reviews:,} fixed reviews that come with this project it judges "
        f"{candidate.accuracy:.1%} right"
    )
    if below_chance(candidate):
        return (
            f"Its training labels look inverted: {on_fixed}, fewer than by chance. "
            f"Check which label means praise."
        )
    if not difference.not_worse:
        return (
            f"Some of its training labels look inverted, or its training reviews are unlike short "
            f"ones: {on_fixed}, the serving checkpoint {other.accuracy:.1%}, which is more than "
            f"chance. Check the data set."
        )
    return ""


def _class_figures(matrix: npt.NDArray[np.int64], index: int) -> ClassFigures:
    right = int(matrix[index, index])
    called = int(matrix[:, index].sum())
    actual = int(matrix[index].sum())
    precision = right / called if called else 0.0
    recall = right / actual if actual else 0.0
    f1 = 2 * right / (called + actual) if called + actual else 0.0
    return ClassFigures(precision, recall, f1, actual)


def draw(
    path: Path,
    losses: Sequence[float],
    epochs: int,
    figures: Figures,
    bins: Sequence[Bin],
    title: str,
) -> None:
    """Draws the loss curve, the confusion matrix and the reliability diagram, as a PNG file."""
    # The object interface, not pyplot: it keeps no global state and needs no screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    curve, table, diagram = figure.subplots(1, 3, width_ratios=(1.5, 1, 1))
    _draw_curve(curve, losses, epochs)
    _draw_matrix(table, figures)
    _draw_reliability(diagram, figures, bins)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _draw_curve(axes: Any, losses: Sequence[float], epochs: int) -> None:
    steps = np.arange(1, len(losses) + 1)
    axes.plot(steps, losses, color="#9ecae1", linewidth=1, label="each step")
    axes.plot(steps, _smooth(losses), color="#08519c", linewidth=2, label="running mean")
    for epoch in range(1, epochs):
        axes.axvline(epoch * len(losses) / epochs + 0.5, color="grey", linestyle=":", linewidth=1)
    axes.set(title="Training loss", xlabel="step", ylabel="cross-entropy (nats)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _draw_matrix(axes: Any, figures: Figures) -> None:
    matrix = np.asarray(figures.confusion_matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(len(LABELS)):
        for column in range(len(LABELS)):
            axes.text(
                column,
                row,
                f"{matrix[row, column]:,}\n{shares[row, column]:.1%}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.5 else "black",
            )
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS, rotation=90, va="center")
    axes.set(
        title=f"{figures.reviews:,} test reviews, accuracy {figures.accuracy:.1%}",
        xlabel="predicted",
        ylabel="true",
    )


def _draw_reliability(axes: Any, figures: Figures, bins: Sequence[Bin]) -> None:
    """How often verdicts are right (bars) against how sure they are (the diagonal)."""
    confidence = [row.confidence for row in bins]
    axes.bar(confidence, [row.accuracy for row in bins], width=0.028, color="#9ecae1")
    axes.plot([0.5, 1], [0.5, 1], color="black", linewidth=1, label="perfectly calibrated")
    # A bar for few reviews means little: the line shows how many there are.
    axes.plot(
        confidence,
        [row.share for row in bins],
        color="#e6550d",
        marker="o",
        markersize=3,
        label="share of the reviews",
    )
    axes.set_xlim(0.48, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set(
        title=f"Calibration error {figures.calibration_error:.3f}",
        xlabel="confidence",
        ylabel="right",
    )
    axes.legend(frameon=False, loc="upper left")


def _smooth(losses: Sequence[float], decay: float = 0.9) -> list[float]:
    """Exponential running mean, corrected for its start (Kingma & Ba 2015, section 3)."""
    mean, smooth = 0.0, []
    for step, loss in enumerate(losses, start=1):
        mean = decay * mean + (1 - decay) * loss
        smooth.append(mean / (1 - decay**step))
    return smooth
