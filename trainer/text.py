"""Review text to token ids: the same code in training and in serving.

Nothing else in the project cleans, truncates or pads a review, so a model is always asked in the
way it was taught. Needs `tokenizers` and NumPy only: a serving process imports no torch for it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Tokens = list[int]
IntArray = npt.NDArray[np.int64]

# IMDb's reviews were scraped from HTML and still hold line breaks as tags.
_BREAK_TAG = re.compile(r"<\s*br\s*/?\s*>", re.IGNORECASE)
_WHITESPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """The review with HTML line breaks and runs of white space read as one space."""
    # Half of a surrogate pair, which JSON can carry, is no character and no tokenizer takes it.
    text = text.encode(errors="replace").decode()
    return _WHITESPACE.sub(" ", _BREAK_TAG.sub(" ", text)).strip()


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """Cleans, tokenises and truncates reviews for one encoder."""

    tokenizer: "Tokenizer"
    """The fast tokenizer; it adds the special tokens of its family."""
    max_length: int
    """The longest sequence, in tokens, special tokens included."""
    pad_id: int
    """The token that fills up a batch; masked, so its choice changes no result."""

    def __post_init__(self) -> None:
        # Once, not at each call: changing a tokenizer that another thread reads is an error.
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.max_length)

    def __call__(self, texts: Sequence[str]) -> list[Tokens]:
        """Token ids of each text, each at most `max_length` long, unpadded."""
        encodings = self.tokenizer.encode_batch_fast([clean(text) for text in texts])
        # A family without special tokens (GPT-2) turns an empty text into an empty sequence,
        # and no model can read one: it gets a single padding token.
        return [encoding.ids or [self.pad_id] for encoding in encodings]

    def pad(self, sequences: Sequence[Tokens]) -> tuple[IntArray, IntArray]:
        """One batch, padded on the right to its longest sequence and no further.

        Returns:
            `input_ids` and `attention_mask`, both (batch, length) int64; the mask is 1 on tokens.
        """
        lengths = [len(sequence) for sequence in sequences]
        shape = (len(sequences), max(lengths))
        input_ids = np.full(shape, self.pad_id, dtype=np.int64)
        attention_mask = np.zeros(shape, dtype=np.int64)
        for row, sequence in enumerate(sequences):
            input_ids[row, : len(sequence)] = sequence
            attention_mask[row, : len(sequence)] = 1
        return input_ids, attention_mask


def by_length(sequences: Sequence[Tokens]) -> list[int]:
    """Indices of the sequences from long to short: batches cut from it hold little padding."""
    return sorted(range(len(sequences)), key=lambda index: -len(sequences[index]))
