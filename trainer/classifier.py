"""A checkpoint as a function: texts in, verdicts out.

The module imports no torch; loading a checkpoint does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.checkpoint import (
    CHECKPOINTS,
    read_tokenizer,
    read_training,
    serving_checkpoint,
    verify,
)
from trainer.config import LABELS
from trainer.errors import CheckpointError
from trainer.text import TextEncoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model makes of one review."""

    label: str
    """The likelier class: `negative` or `positive`."""
    confidence: float
    """The probability of that class, 0.5 to 1."""
    probabilities: dict[str, float]
    """The probability of each class; they add up to 1."""

    @classmethod
    def from_probabilities(cls, probabilities: Sequence[float]) -> "Verdict":
        """The verdict for probabilities in the order of `LABELS`."""
        best = max(range(len(LABELS)), key=lambda index: probabilities[index])
        by_label = dict(zip(LABELS, probabilities, strict=True))
        return cls(LABELS[best], probabilities[best], by_label)


class Classifier:
    """A loaded checkpoint. Calls block, and one instance serves one thread at a time."""

    def __init__(self, name: str, model: "PreTrainedModel", encoder: TextEncoder) -> None:
        self.name = name
        """The checkpoint's name."""
        self._model = model
        self._encoder = encoder

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Verifies and loads the checkpoint at `path`; takes seconds.

        Raises:
            CheckpointError: it is missing, incomplete or was changed.
        """
        verify(path)
        import torch
        from transformers import AutoModelForSequenceClassification
        from transformers.utils import logging as transformers_logging

        from trainer.loop import to_best_device

        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = AutoModelForSequenceClassification.from_pretrained(
            path, use_safetensors=True, dtype=torch.float32, local_files_only=True
        )
        to_best_device(model)
        model.train(False)
        max_length = read_training(path)["hyperparameters"]["max_length"]
        encoder = TextEncoder(read_tokenizer(path), max_length, model.config.pad_token_id)
        return cls(path.resolve().name, model, encoder)

    def __call__(self, texts: Sequence[str]) -> list[Verdict]:
        """Judges the texts, in their order."""
        from trainer.loop import predict

        probabilities = predict(self._model, self._encoder, self._encoder(texts))
        return [Verdict.from_probabilities(row) for row in probabilities.tolist()]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of each text the model reads: what a text costs. Safe in any thread."""
        return [len(tokens) for tokens in self._encoder(texts)]


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
