"""How scores become verdicts: temperature, confidence, kinds of message, ratings and words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.config import LABELS
from trainer.model.calibration import confident, require_temperature, require_threshold
from trainer.model.inference import FloatArray, Scores, softmax
from trainer.model.kinds import DISTRESS, REVIEW, KindRule, Messages
from trainer.model.marks import MARK_NEGATIVE, MARK_POSITIVE, Mark, margin
from trainer.model.strength import Bounds, Strength, strength_of

UNSURE = "unsure"
"""The label if neither class is probable enough."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The model's verdict on one text."""

    label: str
    """The more probable class, `negative` or `positive`; `unsure` if it is not probable enough."""
    confidence: float
    """The probability of the more probable class, 0.5 to 1."""
    probabilities: dict[str, float]
    """The probability of each class; they add up to 1."""
    kind: str = REVIEW
    """One of `KINDS`. The other fields describe the text as if it were a review."""
    strength: Strength | None = None
    """Of praise or complaint. None: `unsure`, or the checkpoint has no bounds for it."""

    @property
    def is_review(self) -> bool:
        """Whether the text should be answered by its label."""
        return self.kind == REVIEW

    @property
    def outcome(self) -> str:
        """What the text is taken for: the `label` of a review, the `kind` of anything else."""
        return self.label if self.is_review else self.kind

    @classmethod
    def from_probabilities(
        cls,
        probabilities: Sequence[float],
        sure: bool = True,
        kind: str = REVIEW,
        *,
        bounds: tuple[Bounds, Bounds] | None = None,
        rating: float | None = None,
    ) -> "Verdict":
        """The verdict for probabilities in the order of `LABELS`.

        `bounds` are those of the strength, for each class; `rating` is the rating in the review.
        """
        best = max(range(len(LABELS)), key=lambda index: probabilities[index])
        by_label = dict(zip(LABELS, probabilities, strict=True))
        label = LABELS[best] if sure else UNSURE
        strength = None
        if sure and bounds is not None:
            strength = strength_of(label, probabilities[best], bounds[best], rating)
        return cls(label, probabilities[best], by_label, kind, strength)


@dataclass(frozen=True, slots=True)
class Scale:
    """How logits become confidences, and confidences verdicts."""

    temperature: float = 1.0
    """Logits are divided by it (`trainer.model.calibration.fit_temperature`)."""
    confidences: tuple[float, float] = (0.0, 0.0)
    """For each class, in the order of `LABELS`, the minimum confidence of a verdict
    (`trainer.model.calibration.choose_confidences`)."""
    strengths: tuple[Bounds, Bounds] | None = None
    """For each class, the bounds of its strength (`trainer.model.strength.choose_bounds`). None: an
    older checkpoint, or one with too few validation reviews."""

    def __post_init__(self) -> None:
        require_temperature(self.temperature)
        if len(self.confidences) != len(LABELS):
            raise ValueError(f"there are {len(self.confidences)} confidences, not one per class")
        for confidence in self.confidences:
            require_threshold(confidence)
        if self.strengths is not None:
            if len(self.strengths) != len(LABELS):
                raise ValueError(f"there are {len(self.strengths)} bounds, not a pair per class")
            for low, high in self.strengths:
                require_threshold(low)
                require_threshold(high)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Scale":
        """The inverse of `dataclasses.asdict`."""
        strengths: Any = stored.get("strengths")
        if strengths is not None:
            strengths = tuple((float(low), float(high)) for low, high in strengths)
        return cls(stored["temperature"], tuple(stored["confidences"]), strengths)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How logits become verdicts; chosen on validation reviews, stored in `training.json`.

    Texts of one window and of several have separate scales: a single window is the whole of a chat
    message, but only a part of a long review.
    """

    one_window: Scale = Scale()
    several_windows: Scale = Scale()
    kinds: KindRule = field(default_factory=KindRule)
    """By default every text is a review."""

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Judgement":
        """The inverse of `dataclasses.asdict`."""
        one, several = (Scale.from_dict(stored[name]) for name in ("one_window", "several_windows"))
        kinds = stored["kinds"]
        rule = KindRule(
            kinds["temperature"], kinds["dismissal"], kinds["distress"], kinds.get("outright")
        )
        return cls(one, several, rule)

    def weigh(
        self, scores: Scores, marks: Sequence[Mark | None] = ()
    ) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Weighs the words of some reviews and the `marks` (ratings) in them.

        Returns:
            The probabilities (reviews, classes), and whether each review gets a verdict (reviews,).
        """
        several = scores.windows > 1
        scales = self.several_windows, self.one_window
        temperatures = np.where(several, *(scale.temperature for scale in scales))
        logits = scores.evidence() / temperatures.astype(np.float32)[:, None]
        probabilities = softmax(logits)
        asked = np.where(several[:, None], *(scale.confidences for scale in scales))
        sure = confident(probabilities, asked)
        for row, mark in enumerate(marks):
            if mark is not None:
                probabilities[row], sure[row] = _with_mark(
                    float(logits[row, 1] - logits[row, 0]), bool(sure[row]), mark, asked[row]
                )
        return probabilities, sure

    def verdicts(
        self,
        scores: Scores,
        marks: Sequence[Mark | None] = (),
        outright: Sequence[bool] = (),
    ) -> list[Verdict]:
        """The verdicts on some reviews, in order.

        `outright` says which of them speak of distress outright; without it none does.
        """
        speaking = np.array(list(outright) or [False] * len(scores.kinds), dtype=bool)
        kinds = self.kinds.kinds(Messages(scores.kinds, speaking))
        for row, mark in enumerate(marks):
            if mark is not None and (mark.alone or kinds[row] not in _KINDS_WITH_MARKS):
                kinds[row] = REVIEW
        probabilities, sure = self.weigh(scores, marks)
        stated = list(marks) or [None] * len(kinds)
        return [
            Verdict.from_probabilities(
                probabilities[row].tolist(),
                bool(sure[row]),
                kind,
                bounds=(self.several_windows if windows > 1 else self.one_window).strengths,
                rating=None if mark is None else mark.share,
            )
            for row, (kind, windows, mark) in enumerate(
                zip(kinds, scores.windows, stated, strict=True)
            )
        ]


_KINDS_WITH_MARKS = ("service", "person", "correction", DISTRESS)
"""Messages of other kinds that contain a rating are reviews: "question for you: is 3/10 harsh?"."""


def _with_mark(words: float, sure: bool, mark: Mark, asked: FloatArray) -> tuple[FloatArray, bool]:
    """Combines the words' probabilities (classes,) and certainty with those of the rating.

    `words` is the log-odds of praise by the words, and `sure` whether they would get a verdict
    without the rating. The words are read without it, so a better rating can only make a verdict
    more positive.
    """
    stated = margin(mark.share)
    decided = mark.share >= MARK_POSITIVE or mark.share <= MARK_NEGATIVE
    total = stated if mark.alone else words + stated
    contradicts = not mark.alone and sure and decided and words * stated < 0
    if contradicts and total * stated < 0:
        total = 0.0
    combined = softmax(np.array([[0.0, total]], dtype=np.float32))
    if contradicts:  # "loved it, 1/10": a slip, or irony; at most it leans to the rating
        return combined[0], False
    certain = decided and total * stated > 0
    sure_enough = bool(confident(combined, asked)[0]) and not mark.alone and total != 0
    return combined[0], certain or sure_enough
