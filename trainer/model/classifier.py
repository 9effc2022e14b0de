"""A checkpoint as a function: texts in, verdicts out.

The module imports no torch, and loading a checkpoint that carries an exported graph does not
either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.config import LABELS
from trainer.errors import CheckpointError
from trainer.extras import missing
from trainer.model.calibration import confident, require_temperature, require_threshold
from trainer.model.checkpoint import (
    CHECKPOINTS,
    graph_file,
    head_file,
    read_tokenizer,
    read_training,
    serving_checkpoint,
    verify,
)
from trainer.model.inference import FloatArray, Runtime, Scores, predict, softmax
from trainer.model.kinds import DISTRESS, REVIEW, KindRule
from trainer.model.marks import MARK_NEGATIVE, MARK_POSITIVE, Mark, margin
from trainer.model.runtime import OnnxRuntime, TorchRuntime, has_gpu
from trainer.model.runtime import RuntimeName as RuntimeName  # the bot takes it from here
from trainer.model.text import MOST_WINDOWS, TextEncoder

UNSURE = "unsure"
"""The label where neither class is likely enough to be given."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model makes of one text."""

    label: str
    """The likelier class, `negative` or `positive`; `unsure` where it is not likely enough."""
    confidence: float
    """The probability of the likelier class, 0.5 to 1."""
    probabilities: dict[str, float]
    """The probability of each class; they add up to 1."""
    kind: str = REVIEW
    """One of `KINDS`. The other fields describe the text as if it were a review."""

    @property
    def is_review(self) -> bool:
        """Whether the text is to be answered by its label."""
        return self.kind == REVIEW

    @classmethod
    def from_probabilities(
        cls, probabilities: Sequence[float], sure: bool = True, kind: str = REVIEW
    ) -> "Verdict":
        """The verdict for probabilities in the order of `LABELS`."""
        best = max(range(len(LABELS)), key=lambda index: probabilities[index])
        by_label = dict(zip(LABELS, probabilities, strict=True))
        label = LABELS[best] if sure else UNSURE
        return cls(label, probabilities[best], by_label, kind)


@dataclass(frozen=True, slots=True)
class Scale:
    """How sure logits are."""

    temperature: float = 1.0
    """Logits are divided by it (`trainer.model.calibration.fit_temperature`)."""
    confidences: tuple[float, float] = (0.0, 0.0)
    """For each class, in the order of `LABELS`, the confidence from which on a verdict for it is
    given (`trainer.model.calibration.choose_confidences`)."""

    def __post_init__(self) -> None:
        require_temperature(self.temperature)
        if len(self.confidences) != len(LABELS):
            raise ValueError(f"there are {len(self.confidences)} confidences, not one a class")
        for confidence in self.confidences:
            require_threshold(confidence)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How logits become verdicts; chosen by validation reviews, stored in `training.json`.

    Texts of one window and of several have each their own scale: what one of them says is, in a
    chat, all there is, and in a long review a part.
    """

    one_window: Scale = Scale()
    several_windows: Scale = Scale()
    kinds: KindRule = field(default_factory=KindRule)
    """By default every text is a review."""

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Judgement":
        """What `dataclasses.asdict` made of one."""
        one, several = (
            Scale(stored[name]["temperature"], tuple(stored[name]["confidences"]))
            for name in ("one_window", "several_windows")
        )
        return cls(one, several, KindRule(**stored["kinds"]))

    def weigh(
        self, scores: Scores, marks: Sequence[Mark | None] = ()
    ) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """What is made of some reviews, of the words and of the `marks` (ratings) in them.

        Returns:
            The probabilities (reviews, classes), and whether each is given a verdict (reviews,).
        """
        several = scores.windows > 1
        scales = self.several_windows, self.one_window
        temperatures = np.where(several, *(scale.temperature for scale in scales))
        probabilities = softmax(scores.evidence() / temperatures.astype(np.float32)[:, None])
        asked = np.where(several[:, None], *(scale.confidences for scale in scales))
        sure = confident(probabilities, asked)
        for row, mark in enumerate(marks):
            if mark is not None:
                probabilities[row], sure[row] = _with_mark(
                    probabilities[row], bool(sure[row]), mark, asked[row]
                )
        return probabilities, sure

    def verdicts(self, scores: Scores, marks: Sequence[Mark | None] = ()) -> list[Verdict]:
        """The verdicts on some reviews, in their order."""
        kinds = self.kinds.kinds(scores.kinds)
        for row, mark in enumerate(marks):
            if mark is not None and (mark.alone or kinds[row] not in _KINDS_WITH_MARKS):
                kinds[row] = REVIEW
        return [
            Verdict.from_probabilities(row.tolist(), bool(sure), kind)
            for row, sure, kind in zip(*self.weigh(scores, marks), kinds, strict=True)
        ]


_KINDS_WITH_MARKS = ("service", "person", "correction", DISTRESS)
"""Messages of other kinds that hold a rating are reviews: "question for you: is 3/10 harsh?"."""


def _with_mark(
    probabilities: FloatArray, sure: bool, mark: Mark, asked: FloatArray
) -> tuple[FloatArray, bool]:
    """Probabilities (classes,) and certainty of the words with those of the rating beside them.

    As the words are read without the rating, a better rating can only turn the verdict one way.
    """
    stated = margin(mark.share)
    decided = mark.share >= MARK_POSITIVE or mark.share <= MARK_NEGATIVE
    words = float(np.log(probabilities[1]) - np.log(probabilities[0]))
    if mark.alone:
        total, certain = stated, decided
    elif sure and decided and words * stated < 0:
        total, certain = 0.0, False  # "loved it, 1/10": a slip, or irony
    else:
        total = words + stated
        certain = decided and total * stated > 0
    combined = softmax(np.array([[0.0, total]], dtype=np.float32))
    sure_enough = bool(confident(combined, asked)[0]) and not mark.alone and total != 0
    return combined[0], certain or sure_enough


class Classifier:
    """A loaded checkpoint. Calls block, and one instance serves one thread at a time."""

    def __init__(
        self, name: str, runtime: Runtime, encoder: TextEncoder, judgement: Judgement
    ) -> None:
        self.name = name
        """The checkpoint's name."""
        self._runtime = runtime
        self._encoder = encoder
        self._judgement = judgement

    @classmethod
    def load(
        cls,
        path: Path,
        runtime: RuntimeName = RuntimeName.AUTO,
        threads: int | None = None,
    ) -> "Classifier":
        """Verifies and loads the checkpoint at `path`.

        `threads` work on one batch on the processor; None: one a core.

        Raises:
            CheckpointError: it is missing, incomplete, was changed, is of an earlier version, or
                cannot be loaded; or ONNX Runtime is asked for and it carries no graph; or PyTorch
                is needed and not installed.
        """
        verify(path)
        training = read_training(path)
        try:
            hyperparameters = training["hyperparameters"]
            max_length, pad_id = hyperparameters["max_length"], training["pad_id"]
            most_windows = MOST_WINDOWS if hyperparameters["whole_review"] else 1
            judgement = Judgement.from_dict(training["judgement"])
        except KeyError as error:
            raise CheckpointError(
                f"{path.name} was made by an earlier version of the trainer, which did not note "
                f"its {error.args[0]}. Train again: python -m trainer fit"
            ) from error
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                f"{path.name} cannot judge by what its training.json says: {error}. Serve another "
                f"checkpoint: python -m trainer checkpoints"
            ) from error
        try:
            tokenizer = read_tokenizer(path)
            loaded = _load_runtime(path, runtime, threads)
            encoder = TextEncoder(
                tokenizer, max_length, pad_id, most_windows, hyperparameters["marks"]
            )
        except CheckpointError:
            raise
        except Exception as error:  # whatever the libraries raise about a file of another kind
            raise CheckpointError(
                f"{path.name} is as it was written, but its tokenizer or its network cannot be "
                f"loaded ({type(error).__name__}). Serve another checkpoint: "
                f"python -m trainer checkpoints"
            ) from error
        return cls(path.resolve().name, loaded, encoder, judgement)

    def __call__(self, texts: Sequence[str]) -> list[Verdict]:
        """Judges the texts, in their order."""
        read = [self._encoder.read(text) for text in texts]
        windows = self._encoder.windows([words for words, _ in read])
        scores = predict(self._runtime, self._encoder, windows)
        return self._judgement.verdicts(scores, [mark for _, mark in read])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of each text the model reads: what a text costs. Safe in any thread."""
        return [sum(map(len, windows)) for windows in self._encoder(texts)]


def _load_runtime(path: Path, name: RuntimeName, threads: int | None) -> Runtime:
    graph = graph_file(path)
    no_torch = missing(f"Serving {path.name} by PyTorch", "torch", "transformers")
    if name is RuntimeName.AUTO:
        # A GPU, where PyTorch can use it, beats any processor; without one, an exported graph does.
        use_graph = graph.exists() and (no_torch or not has_gpu())
        name = RuntimeName.ONNX if use_graph else RuntimeName.TORCH
    if name is RuntimeName.TORCH:
        if no_torch:
            raise CheckpointError(no_torch)
        return TorchRuntime.load(path, head_file(path), threads)
    if not graph.exists():
        raise CheckpointError(
            f"{path.name} carries no graph for ONNX Runtime; its training.json says why. Serve it "
            f"with the runtime torch, or auto."
        )
    return OnnxRuntime(graph, threads)


def predict_sentiment(text: str, checkpoint: Path | None = None) -> Verdict:
    """Judges one review, by the serving checkpoint unless another is given.

    A checkpoint is loaded at its first use and kept.

    Raises:
        ValueError: the text is blank.
        CheckpointError: nothing was trained yet, or the checkpoint is damaged.
    """
    if not text.strip():
        raise ValueError("The text is empty: there is nothing to judge.")
    path = checkpoint or serving_checkpoint()
    if path is None:
        raise CheckpointError(
            f"There is no checkpoint in {CHECKPOINTS}/ yet. Train one with: python -m trainer fit"
        )
    return _loaded(path.resolve())([text])[0]


@lru_cache(maxsize=1)
def _loaded(path: Path) -> Classifier:
    return Classifier.load(path)
