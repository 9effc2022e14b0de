"""The last layer for the first token alone: the same numbers for less work."""

from pathlib import Path

import pytest
import torch

from trainer.training.encoder import load_encoder
from trainer.training.last_layer import first_token_only


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_logits_and_gradients_stay_the_same(tiny_encoder: Path, attention: str) -> None:
    model = load_encoder(str(tiny_encoder), 0).model
    model.set_attn_implementation(attention)
    ids = torch.randint(
        model.config.vocab_size, (4, 12), generator=torch.Generator().manual_seed(0)
    )
    mask = (torch.arange(12) < torch.tensor([[12], [7], [3], [1]])).long()

    def step() -> list[torch.Tensor]:
        model.zero_grad()
        logits = model(ids, attention_mask=mask).logits
        logits[:, 1].square().sum().backward()
        gradients = [p.grad for p in model.parameters()]
        return [logits, *(g if g is not None else torch.zeros(1) for g in gradients)]

    whole = step()
    with first_token_only(model):
        short = step()
        hidden = model.base_model(ids, attention_mask=mask).last_hidden_state
    assert hidden.shape[:2] == (4, 1)
    for expected, found in zip(whole, short, strict=True):
        assert torch.allclose(expected, found, atol=1e-6)
    assert model.base_model(ids, attention_mask=mask).last_hidden_state.shape[:2] == (4, 12)


def test_other_families_stay_as_they_are(families: dict[str, Path]) -> None:
    model = load_encoder(str(families["bert"]), 0).model
    ids = torch.randint(model.config.vocab_size, (2, 6), generator=torch.Generator().manual_seed(0))
    with first_token_only(model):
        assert model.base_model(ids).last_hidden_state.shape[:2] == (2, 6)
