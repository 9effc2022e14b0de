"""Is a text a review at all? A logistic regression on an early layer of the encoder.

The sentiment classes say nothing of it: "what time is it" is neither praise nor complaint, yet one
of the two is always the likelier. The regression is fitted after the fine-tuning, on the starter
reviews and the reviews that were trained on against `starter_others.csv`, messages that are none,
written for this project.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from trainer.inference import FloatArray
from trainer.runtime import early_mean
from trainer.text import TextEncoder, Windows, by_length

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MOST_REJECTED = 0.02
"""Share of short validation reviews that may be taken for something else: to be asked for a review
after having written one is worse for a customer than to be thanked for saying hello."""
MOST_REVIEWS = 6_000
"""So many of the reviews that were trained on are read again: a line through a few hundred numbers
needs no more, and to read all of IMDb takes a core minutes."""
_DECAY = 0.01
"""L2 penalty on the weights of standardised features; validation found 0.001 no better."""


def fit_relevance(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    reviews: Sequence[Windows],
    others: Sequence[Windows],
) -> torch.nn.Linear:
    """Fits the regression; of each text only the first window is read, and of more than
    `MOST_REVIEWS` reviews at most so many, evenly spaced.

    Returns:
        A layer (width -> 1): the logit of being a review.
    """
    reviews = reviews[:: math.ceil(len(reviews) / MOST_REVIEWS)]
    features = torch.cat([_features(model, encoder, texts) for texts in (reviews, others)])
    targets = torch.cat([torch.ones(len(reviews)), torch.zeros(len(others))])
    # Both sides weigh the same, however many texts there are of each.
    weights = torch.where(targets > 0, 0.5 / len(reviews), 0.5 / len(others))
    mean, spread = features.mean(dim=0), features.std(dim=0) + 1e-6
    standardised = (features - mean) / spread
    layer = torch.nn.Linear(features.shape[1], 1)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=200)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        errors = torch.nn.functional.binary_cross_entropy_with_logits(
            layer(standardised)[:, 0], targets, weights, reduction="sum"
        )
        value = errors + _DECAY / 2 * layer.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():  # for features as they come
        layer.weight /= spread
        layer.bias.sub_(layer.weight @ mean)
    return layer.requires_grad_(False)


def _features(
    model: "PreTrainedModel", encoder: TextEncoder, texts: Sequence[Windows]
) -> torch.Tensor:
    windows = [review[0] for review in texts]
    order = by_length(windows)
    model.train(False)
    rows = []
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            ids, mask = encoder.pad([windows[index] for index in order[start : start + 64]])
            inputs = torch.from_numpy(ids).to(model.device), torch.from_numpy(mask).to(model.device)
            hidden = model(
                inputs[0], attention_mask=inputs[1], output_hidden_states=True
            ).hidden_states
            rows.append(early_mean(hidden, inputs[1]).cpu())
    features = torch.empty(len(order), rows[0].shape[1])
    features[order] = torch.cat(rows)
    return features


@dataclass(frozen=True, slots=True)
class RelevanceFigures:
    """How well texts that are no reviews are told from those that are, on texts held back."""

    threshold: float
    """Texts whose logit is lower count as something else than a review."""
    others: int
    others_recognised: float
    """Share of the texts that are no reviews."""
    reviews: int
    reviews_rejected: float
    """Share of the short validation reviews: those of one window, or all where those are few."""


def choose_threshold(reviews: FloatArray, others: FloatArray) -> RelevanceFigures:
    """The highest threshold that rejects at most `MOST_REJECTED` of the reviews."""
    threshold = float(np.quantile(reviews, MOST_REJECTED, method="lower"))
    return RelevanceFigures(
        threshold=threshold,
        others=len(others),
        others_recognised=float(np.mean(others < threshold)),
        reviews=len(reviews),
        reviews_rejected=float(np.mean(reviews < threshold)),
    )
