"""The head that recognises kinds of message."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification

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
        encoder.model, text_encoder, reviews, lines, ["greeting"] * len(lines), bf16=False
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


@pytest.mark.parametrize(("bf16", "tolerance"), [(False, 1e-3), (True, 0.05)])
def test_only_the_layers_that_it_reads_are_computed(
    encoder: Encoder, bf16: bool, tolerance: float
) -> None:
    config = DistilBertConfig(**{**encoder.model.config.to_dict(), "n_layers": 6})
    torch.manual_seed(0)
    model = DistilBertForSequenceClassification(config)
    computed: list[tuple[int, torch.dtype]] = []
    transformer: Any = model.base_model.transformer
    for number, layer in enumerate(transformer.layer, start=1):
        layer.ffn.register_forward_hook(
            lambda *args, number=number: computed.append((number, args[-1].dtype))
        )
    text_encoder = replace(encoder, model=model).text_encoder(32)
    reviews = text_encoder([text for text, _ in separable_reviews()])
    lines, kinds = reviews[9:11], ["greeting"] * 2
    head, logits = fit_kind_head(model, text_encoder, reviews[:9], lines, kinds, bf16=bf16)
    dtype = torch.bfloat16 if bf16 else torch.float32
    assert set(computed) == {(number, dtype) for number in (1, 2, 3, 4)}
    # Afterwards the model is whole again, and the head has read what it computes.
    whole = TorchRuntime(model, head)(*text_encoder.pad([text[0] for text in reviews[:9]]))
    assert computed[-1] == (6, torch.float32)
    np.testing.assert_allclose(whole[:, -len(KINDS) :], logits, atol=tolerance)


def test_at_most_max_reviews_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_head, "MAX_REVIEWS", 20)
    for count, read in [(21, 20), (20, 20), (19, 19), (45, 20)]:
        indices = kind_head.evenly_spaced(count)
        assert len(set(indices)) == read
        assert set(indices) <= set(range(count))
