"""What the words of a text say of its kind, beside the head on the encoder's layers.

A linear model on which tokens, and which pairs of neighbours, a text has: "where is my refund"
needs no more. It errs on other texts than the head does, so the sum of both is right more often
than either. Needs NumPy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from trainer.model.inference import FloatArray, Scores
from trainer.model.text import IntArray, Tokens, Windows

_BITS = 17
BUCKETS = 1 << _BITS
"""Rows of the table. Tokens and pairs share them by a hash (Weinberger et al., 2009): a table of
all pairs would be larger than the encoder."""

_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: multiplied by it, neighbours lie far apart in the upper bits
(Knuth, The Art of Computer Programming, volume 3, section 6.4)."""
_UPPER = np.uint64(64 - _BITS)


@dataclass(frozen=True, slots=True)
class KindWords:
    """The model."""

    table: FloatArray
    """(BUCKETS, kinds)"""
    bias: FloatArray
    """(kinds,)"""

    def add_to(self, scores: Scores, reviews: Sequence[Windows]) -> Scores:
        """The scores of these reviews, with this model's logits added to those of the kinds.

        Those of a network without a head for kinds stay as they are.
        """
        if scores.kinds.shape[1] == 0:
            return scores
        return replace(scores, kinds=scores.kinds + self.logits(reviews))

    def logits(self, reviews: Sequence[Windows]) -> FloatArray:
        """(reviews, kinds), the mean over the windows of each."""
        logits = np.empty((len(reviews), len(self.bias)), dtype=np.float32)
        for row, windows in enumerate(reviews):
            logits[row] = np.mean([self._of(window) for window in windows], axis=0)
        return logits

    def _of(self, window: Tokens) -> FloatArray:
        """(kinds,)"""
        used = buckets(window)
        logits: FloatArray = self.table[used].sum(axis=0) * share(used) + self.bias
        return logits

    def save(self, file: Path) -> None:
        """Writes the model as safetensors."""
        save_file({"table": self.table, "bias": self.bias}, file)

    @classmethod
    def load(cls, file: Path) -> "KindWords":
        """Reads what `save` wrote."""
        tensors = load_file(file)
        return cls(tensors["table"], tensors["bias"])


def buckets(window: Tokens) -> IntArray:
    """The rows of the table for the tokens of a window and their pairs, each row once.

    The marks of the start and the end are tokens too, so a pair also says how a text begins.
    """
    tokens = np.asarray(window, dtype=np.uint64)
    pairs = (tokens[:-1] + np.uint64(1)) * np.uint64(1 << 32) + tokens[1:]
    mixed = np.concatenate([tokens, pairs]) * _MIX
    return np.unique((mixed >> _UPPER).astype(np.int64))


def share(used: IntArray) -> np.float32:
    """What each row of a window counts: their vector has the length 1, however long the text."""
    return np.float32(1 / np.sqrt(max(1, len(used))))
