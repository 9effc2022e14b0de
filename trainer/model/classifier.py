"""A checkpoint as a function: texts in, verdicts out.

The module does not import torch, nor does loading a checkpoint with an exported graph.
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
    translate_load_errors,
    verify,
    words_file,
)
from trainer.model.inference import FloatArray, Runtime, predict
from trainer.model.judgement import UNSURE as UNSURE
from trainer.model.judgement import Judgement as Judgement
from trainer.model.judgement import Scale as Scale
from trainer.model.judgement import Verdict as Verdict
from trainer.model.kind_words import KindWords
from trainer.model.openvino_runtime import OpenVinoRuntime
from trainer.model.runtime import OnnxRuntime, TorchRuntime, has_gpu
from trainer.model.runtime import RuntimeName as RuntimeName  # the bot takes it from here
from trainer.model.text import MAX_WINDOWS, TextEncoder
from trainer.model.text import Encoding as Encoding

_UNKNOWN_WORDS = "\U000e0001 \u4dff qzxj"
"""In no vocabulary: a tokenizer without an unknown token fails now, not on a message."""


class Classifier:
    """A loaded checkpoint. Calls block, and one instance serves one thread at a time."""

    def __init__(
        self,
        name: str,
        runtime: Runtime,
        encoder: TextEncoder,
        judgement: Judgement,
        words: KindWords | None = None,
    ) -> None:
        self.name = name
        """The checkpoint's name."""
        self._words = words
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

        `threads` work on one batch on the processor; None: one per core.

        Raises:
            CheckpointError: it is missing, incomplete, changed, of an earlier version, or cannot be
            loaded; or a graph is required and it has none; or PyTorch or OpenVINO is needed and not
            installed.
        """
        verify(path)
        training = read_training(path)
        asked = training.hyperparameters
        require_positions(path, asked.max_length)
        tokenizer = read_tokenizer(path)
        with translate_load_errors(path):
            encoder = TextEncoder(
                tokenizer,
                asked.max_length,
                training.pad_id,
                MAX_WINDOWS if asked.whole_review else 1,
                asked.marks,
            )
            encoder([_UNKNOWN_WORDS])
            if not 0 <= training.pad_id < tokenizer.get_vocab_size():
                raise ValueError("the vocabulary has no such token to pad a batch with")
        loaded = _load_runtime(path, runtime, threads)
        return cls(path.resolve().name, loaded, encoder, training.judgement, read_words(path))

    def __call__(self, texts: Sequence[str]) -> list[Verdict]:
        """Judges the texts, in order."""
        return self.judge(self._encoder.encode(texts))

    def features(self, texts: Sequence[str]) -> FloatArray:
        """(texts, width) float32, what the middle layers make of each text, in order.

        Similar texts have similar features. The checkpoint must be loaded with PyTorch.
        """
        assert isinstance(self._runtime, TorchRuntime)
        # The outputs behind the logits of the classes are not those of kinds here.
        return predict(self._runtime.before_head(), self._encoder, self._encoder(texts)).kinds

    def encode(self, text: str) -> Encoding:
        """The text as the model reads it; thread-safe."""
        return self._encoder.encode([text])[0]

    def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
        """The verdicts on texts from `encode`, in order."""
        windows = [encoding.windows for encoding in encodings]
        scores = predict(self._runtime, self._encoder, windows)
        if self._words is not None:
            scores = self._words.add_to(scores, windows)
        return self._judgement.verdicts(
            scores,
            [encoding.mark for encoding in encodings],
            [encoding.outright for encoding in encodings],
        )


def read_words(path: Path) -> KindWords | None:
    """What words say of the kind, in the checkpoint at `path`; None: it has no such file.

    Raises CheckpointError: the file cannot be used.
    """
    file = words_file(path)
    if not file.exists():
        return None
    with translate_load_errors(file):
        return KindWords.load(file)


def _load_runtime(path: Path, name: RuntimeName, threads: int | None) -> Runtime:
    graph = graph_file(path)
    no_torch = missing(f"Serving {path.name} by PyTorch", "torch", "transformers")
    if name is RuntimeName.AUTO:
        # If PyTorch can use a GPU, it beats any processor; otherwise an exported graph is fastest.
        use_graph = graph.exists() and (no_torch or not has_gpu())
        name = RuntimeName.ONNX if use_graph else RuntimeName.TORCH
    if name is RuntimeName.TORCH:
        if no_torch:
            raise CheckpointError(no_torch)
        with translate_load_errors(path):
            return TorchRuntime.load(path, head_file(path), threads)
    if not graph.exists():
        raise CheckpointError(
            f"{path.name} has no graph for ONNX Runtime or OpenVINO; the reason is in its "
            f"training.json. Serve it with the runtime torch, or auto."
        )
    made = OpenVinoRuntime if name is RuntimeName.OPENVINO else OnnxRuntime
    with translate_load_errors(graph):
        return made(graph, threads)


def predict_sentiment(text: str, checkpoint: Path | None = None) -> Verdict:
    """Judges one review, with the serving checkpoint unless another is given.

    A checkpoint is loaded on first use and kept.

    Raises:
        ValueError: the text is blank.
        CheckpointError: there is no checkpoint yet, or it is damaged.
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
