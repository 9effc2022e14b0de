"""Two steps around the loop, so that the encoder keeps what it knew of texts unlike the training's.

Fine-tuning makes an encoder better at the training reviews, and in part worse at others.
- Before the loop, the new classification head is trained alone. A head with random weights sends
  gradients through the encoder that distort its features (Kumar et al. 2022, "Fine-Tuning can
  Distort Pretrained Features and Underperform Out-of-Distribution").
- After it, each weight of the encoder goes part of the way back to its pre-trained value (Wortsman
  et al. 2022, "Robust fine-tuning of zero-shot models"). This takes no time.

`docs/ABLATION.md` has the figures that chose the shares.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader

from trainer.config import Precision, Recipe
from trainer.training.loop import Example, train

if TYPE_CHECKING:
    from transformers import PreTrainedModel

HEAD_BATCH_SIZE = 64
HEAD_LEARNING_RATE = 1e-3
"""Both as in the comparison of `docs/ABLATION.md`; other values were not tried."""


def train_head(
    model: "PreTrainedModel", batches: "DataLoader[Example]", recipe: Recipe, precision: Precision
) -> None:
    """Trains the classification head of `model` in place, by one pass of the loop over `batches`.

    Raises:
        ConfigError: the loss became NaN or infinite.
    """
    with _frozen(model.base_model):
        train(
            model,
            batches,
            recipe,
            epochs=1,
            learning_rate=HEAD_LEARNING_RATE,
            precision=precision,
            on_step=lambda _step: None,
        )


@contextmanager
def _frozen(encoder: torch.nn.Module) -> Iterator[None]:
    encoder.requires_grad_(False)
    try:
        yield
    finally:
        encoder.requires_grad_(True)


def encoder_weights(model: "PreTrainedModel") -> dict[str, torch.Tensor]:
    """Copies of the encoder's weights, without those of the classification head."""
    named = model.base_model.named_parameters()
    return {name: weight.detach().clone() for name, weight in named}


def interpolate(
    model: "PreTrainedModel", before: Mapping[str, torch.Tensor], kept_change: float
) -> None:
    """Keeps the share `kept_change`, from 0 to 1, of the encoder's change since `before`."""
    with torch.no_grad():
        for name, weight in model.base_model.named_parameters():
            weight.copy_(before[name].lerp(weight, kept_change))
