"""The steps around the loop: the head first, and part of the way back at the end."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from trainer.config import RECIPES, Precision, RecipeName
from trainer.training.encoder import load_encoder
from trainer.training.loop import make_batches
from trainer.training.robust import encoder_weights, interpolate, train_head

TEXTS = [("a wonderful film", 1.0), ("a dreadful film", 0.0)] * 40


@pytest.mark.parametrize("family", ["distilbert", "bert", "gpt2"])
def test_only_the_head_learns_first(families: dict[str, Path], family: str) -> None:
    encoder = load_encoder(str(families[family]), 0)
    text_encoder = encoder.text_encoder(16, 1, True)
    examples = [(text_encoder([text])[0], target) for text, target in TEXTS]
    before = {name: weight.detach().clone() for name, weight in encoder.model.named_parameters()}
    recipe = replace(RECIPES[RecipeName.BEST], dropout=False)
    train_head(encoder.model, make_batches(examples, text_encoder, 8, 0), recipe, Precision.FP32)
    of_encoder = {id(weight) for weight in encoder.model.base_model.parameters()}
    changed = {
        name: id(weight) in of_encoder
        for name, weight in encoder.model.named_parameters()
        if not torch.equal(weight, before[name])
    }
    assert changed
    assert not any(changed.values())
    assert all(weight.requires_grad for weight in encoder.model.parameters())


@pytest.mark.parametrize("kept_change", [0.0, 0.25, 1.0])
def test_a_share_of_the_encoders_change_is_kept(tiny_encoder: Path, kept_change: float) -> None:
    model = load_encoder(str(tiny_encoder), 0).model
    before = encoder_weights(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1.0)
    head = {
        name: weight.detach().clone()
        for name, weight in model.named_parameters()
        if not name.startswith(model.base_model_prefix)
    }
    interpolate(model, before, kept_change)
    for name, weight in model.base_model.named_parameters():
        assert torch.allclose(weight, before[name] + kept_change, atol=1e-5)
    assert head
    for name, unchanged in head.items():
        assert torch.equal(model.get_parameter(name), unchanged)
