"""Tokenised reviews to probabilities, whatever runs the network: the one path of every verdict.

A review is read window by window, and its logits are the mean over its windows. Needs NumPy only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trainer.text import IntArray, TextEncoder, Tokens, Windows, by_length

FloatArray = npt.NDArray[np.float32]


class Runtime(Protocol):
    """What runs the network: PyTorch, or ONNX Runtime."""

    def __call__(self, input_ids: IntArray, attention_mask: IntArray) -> FloatArray:
        """One batch of windows, both (batch, length) int64.

        Returns:
            (batch, 3) float32: the logits of the two classes, and that of being a review at all.
        """


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network makes of some reviews, in their order."""

    logits: FloatArray
    """(reviews, classes), the mean over the windows of each."""
    relevance: FloatArray
    """(reviews,), the logit of being a review at all; the mean over the windows of each."""
    windows: IntArray
    """(reviews,), how many windows each has."""

    def evidence(self) -> FloatArray:
        """(reviews, classes), the logits times the square root of the number of windows.

        The standard error of a mean falls with that root, so a mean of many windows says more than
        an equal one of few. Validation reviews bear it out: ranked by it, 77 to 84% of them can be
        judged with 95% right; by the mean alone, 74 to 84% (`docs/ABLATION.md`).
        """
        return (self.logits * np.sqrt(self.windows)[:, None]).astype(np.float32)

    def probabilities(self) -> FloatArray:
        """(reviews, classes), by softmax over the logits."""
        return softmax(self.logits)


def softmax(logits: FloatArray) -> FloatArray:
    """Over the last axis."""
    # Less the largest: the exponential of a large logit is no number.
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def predict(
    runtime: Runtime,
    encoder: TextEncoder,
    reviews: Sequence[Windows],
    *,
    batch_tokens: int = 4096,
    on_progress: Callable[[int], None] | None = None,
) -> Scores:
    """Runs the network over all windows of the reviews.

    Batches hold windows of like length, at most `batch_tokens` tokens with padding, and
    `on_progress` hears after each how many reviews' worth of windows is done.
    """
    windows = [window for review in reviews for window in review]
    outputs = np.empty((len(windows), 3), dtype=np.float32)
    done = 0
    for indices in _cut(by_length(windows), windows, batch_tokens):
        outputs[indices] = runtime(*encoder.pad([windows[index] for index in indices]))
        done += len(indices)
        if on_progress is not None:
            on_progress(len(reviews) * done // len(windows))
    counts = np.array([len(review) for review in reviews], dtype=np.int64)
    starts = np.cumsum(counts) - counts
    if len(reviews) == 0:
        return Scores(outputs[:, :2], outputs[:, 2], counts)
    sums = np.add.reduceat(outputs, starts, axis=0)
    means = (sums / counts[:, None]).astype(np.float32)
    return Scores(means[:, :2], means[:, 2], counts)


def _cut(order: list[int], windows: Sequence[Tokens], batch_tokens: int) -> Iterator[list[int]]:
    # Sorted from long to short, the first of a batch sets its width.
    while order:
        count = max(1, batch_tokens // len(windows[order[0]]))
        yield order[:count]
        order = order[count:]
