"""Review text to token ids: the same code in training and in serving.

Nothing else in the project cleans, truncates or pads a review, so a model always reads texts as it
did in training. Needs only `tokenizers` and NumPy: a serving process does not import torch for it.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trainer.model.distress import speaks_of_distress
from trainer.model.marks import Mark, normalise, read_mark

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Tokens = list[int]
"""One window: the tokens that a model reads at once."""
Windows = list[Tokens]
"""All windows of a review that are read, in order; never empty."""
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encoding:
    """One text as a model reads it. Only the classifier that made it can judge it."""

    windows: Windows
    mark: Mark | None
    """The rating in the text."""
    tokens: int
    """In all windows: the cost of judging the text."""
    outright: bool = False
    """Whether its words speak of distress outright (`trainer.model.distress`)."""


MAX_WINDOWS = 16
"""About 1,500 words: longer than any chat message, and a limit on the cost of a text."""

# IMDb's reviews were scraped from HTML and still contain line breaks as tags. The repetitions are
# possessive: otherwise two that can match the same blanks take quadratic time.
_BREAK_TAG = re.compile(r"<\s*+br\s*+/?+\s*+>", re.IGNORECASE)
_WHITESPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """The review with HTML line breaks and runs of white space replaced by one space."""
    # Half of a surrogate pair, possible in JSON, is not a character, and tokenizers refuse it.
    text = text.encode(errors="replace").decode()
    return _WHITESPACE.sub(" ", _BREAK_TAG.sub(" ", text)).strip()


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """Cleans and tokenises reviews for one encoder, and cuts them into windows."""

    tokenizer: "Tokenizer"
    """The fast tokenizer; it knows the special tokens of its family."""
    max_length: int
    """The longest window, in tokens, including special tokens."""
    pad_id: int
    """The padding token; masked, so it does not affect results."""
    most_windows: int = MAX_WINDOWS
    """Maximum windows of a review that are read. 1: only its beginning; else all of it, or the two
    ends of a longer one."""
    marks: bool = True
    """Whether ratings ("7/10") are removed and emoji turned into words before the model reads."""
    _specials: tuple[Tokens, Tokens] = field(init=False, repr=False)
    """The tokens before and after the words of every window."""

    def __post_init__(self) -> None:
        # Only once: changing a tokenizer that another thread reads is an error.
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        probe = self.tokenizer.encode("film")
        words = [index for index, special in enumerate(probe.special_tokens_mask) if not special]
        specials = probe.ids[: words[0]], probe.ids[words[-1] + 1 :]
        object.__setattr__(self, "_specials", specials)

    def __call__(self, texts: Sequence[str]) -> list[Windows]:
        """Token ids of each text, in one or more windows of at most `max_length` each, unpadded."""
        return [encoding.windows for encoding in self.encode(texts)]

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """The texts as the model reads them; takes 10 ms for one of 4,000 characters."""
        read = [self.read(text) for text in texts]
        encodings = self.encode_words([words for words, _ in read])
        return [
            replace(encoding, mark=mark)
            for encoding, (_, mark) in zip(encodings, read, strict=True)
        ]

    def read(self, text: str) -> tuple[str, Mark | None]:
        """The words of a text as the model reads them, and the rating among them."""
        if not self.marks:
            return clean(text), None
        words, mark = read_mark(clean(text))
        return clean(normalise(words)), mark

    def encode_words(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodes texts from `read`, without their ratings."""
        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        windows = [self._windows(encoding.ids) for encoding in encodings]
        return [
            Encoding(each, None, sum(map(len, each)), speaks_of_distress(text))
            for each, text in zip(windows, texts, strict=True)
        ]

    def _windows(self, tokens: Tokens) -> Windows:
        before, after = self._specials
        room = self.max_length - len(before) - len(after)
        if self.most_windows == 1:
            tokens = tokens[:room]
        # Of equal length: a last window of three words would weigh as much as a full one.
        count = max(1, math.ceil(len(tokens) / room))
        size = max(1, math.ceil(len(tokens) / count))
        cuts = [tokens[start : start + size] for start in range(0, max(1, len(tokens)), size)]
        if len(cuts) > self.most_windows:
            half = self.most_windows // 2
            cuts = [*cuts[:half], *cuts[half - self.most_windows :]]
        # A family without special tokens (GPT-2) turns an empty text into an empty window, which no
        # model can read: it gets a single padding token.
        return [[*before, *cut, *after] or [self.pad_id] for cut in cuts]

    def pad(self, sequences: Sequence[Tokens]) -> tuple[IntArray, IntArray]:
        """One batch, padded on the right to its longest sequence.

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
    """Indices of the sequences from long to short: batches in this order need little padding."""
    return sorted(range(len(sequences)), key=lambda index: -len(sequences[index]))
