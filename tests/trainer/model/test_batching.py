"""The one rule by which sequences become batches."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.model import checkpoint as files
from trainer.model.batching import PADDED_TOKENS, batches
from trainer.model.classifier import Classifier, Judgement
from trainer.model.inference import FloatArray
from trainer.model.runtime import OnnxRuntime
from trainer.model.text import IntArray, TextEncoder


@given(st.lists(st.integers(1, 200)), st.integers(1, 500))
def test_each_sequence_is_in_one_batch_and_batches_are_bounded(
    lengths: list[int], padded_tokens: int
) -> None:
    cut = list(batches(lengths, padded_tokens))
    order = [index for batch in cut for index in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[index] for index in order] == sorted(lengths)
    for batch in cut:
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or longest * len(batch) <= padded_tokens
    # No two neighbours would fit together.
    for batch, following in pairwise(cut):
        assert lengths[following[0]] * (len(batch) + 1) > padded_tokens


class _Recording(OnnxRuntime):
    """Notes the shape of each batch."""

    shapes: list[tuple[int, ...]]

    def __call__(self, input_ids: IntArray, attention_mask: IntArray) -> FloatArray:
        self.shapes.append(input_ids.shape)
        return super().__call__(input_ids, attention_mask)


@pytest.fixture
def runtime(checkpoint: Path) -> _Recording:
    runtime = _Recording(files.graph_file(checkpoint), threads=1)
    runtime.shapes = []
    return runtime


def test_a_classifier_cuts_batches_by_it(checkpoint: Path, runtime: _Recording) -> None:
    encoder = TextEncoder(files.read_tokenizer(checkpoint), 16, pad_id=0)
    classifier = Classifier("tiny", runtime, encoder, Judgement())
    texts = ["film " * (1 + number % 40) for number in range(300)]
    encodings = [classifier.encode(text) for text in texts]
    together = classifier.judge(encodings)
    lengths = [len(window) for encoding in encodings for window in encoding.windows]
    assert [shape[0] for shape in runtime.shapes] == [len(batch) for batch in batches(lengths)]
    assert max(rows * width for rows, width in runtime.shapes) <= PADDED_TOKENS
    assert [encoding.tokens for encoding in encodings] == [
        sum(len(window) for window in encoding.windows) for encoding in encodings
    ]
    for text, verdict in zip(texts[:40], together[:40], strict=True):
        (alone,) = classifier([text])
        assert alone.label == verdict.label
        assert alone.probabilities == pytest.approx(verdict.probabilities, abs=0.005)
