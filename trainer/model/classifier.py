"""A checkpoint as a function: texts in, verdicts out.

The module imports no torch, and loading a checkpoint that carries an exported graph does not
either.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from trainer.errors import CheckpointError
from trainer.extras import missing
from trainer.model.checkpoint import (
    CHECKPOINTS,
    graph_file,
    head_file,
    read_tokenizer,
    read_training,
    require_positions,
    serving_checkpoint,
    unusable_named,
    verify,
)
from trainer.model.inference import Runtime, predict
from trainer.model.judgement import UNSURE as UNSURE
from trainer.model.judgement import Judgement as Judgement
from trainer.model.judgement import Scale as Scale
from trainer.model.judgement import Verdict as Verdict
from trainer.model.openvino_runtime import OpenVinoRuntime
from trainer.model.runtime import OnnxRuntime, TorchRuntime, has_gpu
from trainer.model.runtime import RuntimeName as RuntimeName  # the bot takes it from here
from trainer.model.text import MOST_WINDOWS, TextEncoder
from trainer.model.text import Encoding as Encoding

_UNKNOWN_WORDS = "\U000e0001 \u4dff qzxj"
"""No vocabulary has them: a tokenizer without a token for such fails now, not at a message."""


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
                cannot be loaded; or its graph is asked for and it carries none; or PyTorch or
                OpenVINO is needed and not installed.
        """
        verify(path)
        training = read_training(path)
        asked = training.hyperparameters
        require_positions(path, asked.max_length)
        tokenizer = read_tokenizer(path)
        with unusable_named(path):
            encoder = TextEncoder(
                tokenizer,
                asked.max_length,
                training.pad_id,
                MOST_WINDOWS if asked.whole_review else 1,
                asked.marks,
            )
            encoder([_UNKNOWN_WORDS])
            if not 0 <= training.pad_id < tokenizer.get_vocab_size():
                raise ValueError("the vocabulary has no such token to fill up a batch with")
        loaded = _load_runtime(path, runtime, threads)
        return cls(path.resolve().name, loaded, encoder, training.judgement)

    def __call__(self, texts: Sequence[str]) -> list[Verdict]:
        """Judges the texts, in their order."""
        return self.judge(self._encoder.encode(texts))

    def encode(self, text: str) -> Encoding:
        """The text as the model gets it; safe in any thread."""
        return self._encoder.encode([text])[0]

    def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
        """The verdicts on texts that `encode` gave, in their order."""
        windows = [encoding.windows for encoding in encodings]
        scores = predict(self._runtime, self._encoder, windows)
        return self._judgement.verdicts(
            scores,
            [encoding.mark for encoding in encodings],
            [encoding.outright for encoding in encodings],
        )


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
        with unusable_named(path):
            return TorchRuntime.load(path, head_file(path), threads)
    if not graph.exists():
        raise CheckpointError(
            f"{path.name} carries no graph for ONNX Runtime or OpenVINO; its training.json says "
            f"why. Serve it with the runtime torch, or auto."
        )
    made = OpenVinoRuntime if name is RuntimeName.OPENVINO else OnnxRuntime
    with unusable_named(graph):
        return made(graph, threads)


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
