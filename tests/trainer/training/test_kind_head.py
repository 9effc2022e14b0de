"""The head that recognises kinds of message."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import separable_reviews
from trainer.model.kinds import KINDS, REVIEW
from trainer.model.runtime import TorchRuntime
from trainer.training import kind_head
from trainer.training.encoder import Encoder, load_encoder
from trainer.training.kind_head import fit_kind_head


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> Encoder:
    return load_encoder(str(tiny_encoder), 0)


def test_a_head_tells_kinds_apart_and_draws_no_random_numbers_of_others(
    encoder: Encoder,
) -> None:
    text_encoder = encoder.text_encoder(32)
    praise, complaint = (
        [text for text, label in separable_reviews() if label == side]
        for side in ("positive", "negative")
    )
    reviews = text_encoder(praise * 4)
    lines = text_encoder(complaint * 4)
    state = torch.get_rng_state()
    head, logits = fit_kind_head(
        encoder.model, text_encoder, reviews, lines, ["greeting"] * len(lines)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert logits.shape == (len(reviews), len(KINDS))
    runtime = TorchRuntime(encoder.model, head)
    found = [
        runtime(*text_encoder.pad([text[0] for text in texts]))[:, -len(KINDS) :]
        for texts in (reviews, lines)
    ]
    np.testing.assert_allclose(found[0], logits, atol=1e-3)
    margins = [
        np.mean(each[:, KINDS.index(REVIEW)] - each[:, KINDS.index("greeting")]) for each in found
    ]
    assert margins[0] > margins[1] + 1


def test_at_most_max_reviews_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_head, "MAX_REVIEWS", 20)
    for count, read in [(21, 20), (20, 20), (19, 19), (45, 20)]:
        indices = kind_head.evenly_spaced(count)
        assert len(set(indices)) == read
        assert set(indices) <= set(range(count))
