"""What kind of message is a text? Small networks on the middle layers of the encoder.

The sentiment classes say nothing of it: "what time is it" is neither praise nor complaint, yet one
of the two is always the likelier. The head is fitted after the fine-tuning, on the reviews that
were trained on and on `starter_kinds.csv`, lines of every kind written for this project.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from trainer.model.inference import FloatArray, predict
from trainer.model.kinds import KINDS, REVIEW, head_layers
from trainer.model.runtime import TorchRuntime
from trainer.model.text import TextEncoder, Windows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MAX_REVIEWS = 12_000
"""Reviews that were trained on of which so many are read again: a small head needs no more, and to
read all of IMDb takes a core minutes."""
_TEXTS_AT_ONCE = 2_000
"""To read texts takes several times the memory of their features."""
REVIEW_WEIGHT = 3.0
"""Reviews weigh as much as this many other kinds: most messages are reviews. Half of it is that of
the reviews that were trained on, which are many and easy; half that of the lines that are reviews,
which are few, and short or easily mistaken for another kind, as in a chat."""
_MEMBERS = 3
"""Networks that are fitted apart and averaged: one alone is now and then sure of a wrong kind, and
the thresholds, above all that of distress, are set by the few reviews where it is."""
_HIDDEN = 256
"""Units of each."""
UNITS = _MEMBERS * _HIDDEN
"""Hidden units of the head."""
_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _WEIGHT_DECAY = 8, 128, 1e-3, 0.05
_DROPOUT = (0.2, 0.5)
"""Of the features, and of the hidden units."""


def evenly_spaced(reviews: int) -> list[int]:
    """Which of so many reviews the head is fitted on: `MAX_REVIEWS` of them, or all."""
    count = min(reviews, MAX_REVIEWS)
    return [index * reviews // count for index in range(count)]


def fit_kind_head(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    reviews: Sequence[Windows],
    lines: Sequence[Windows],
    kinds: Sequence[str],
    *,
    bf16: bool,
) -> tuple[nn.Sequential, FloatArray]:
    """Fits the head. Of each text only the first window is read. `kinds` are those of the `lines`.
    `bf16`: the texts are read in bf16, as the loop does; the head is fitted in fp32.

    Returns:
        The head, (layers x 2 x width) to (kinds), a logit for each of `KINDS`; and the logits of
        the reviews that it was fitted on, (reviews, kinds).
    """
    with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
        features = torch.cat([_features(model, encoder, texts) for texts in (reviews, lines)])
    targets, weights = targets_and_weights(len(reviews), kinds)
    # More than nothing: the embeddings of [CLS] and [SEP] make some maxima nearly constant.
    mean, spread = features.mean(dim=0), features.std(dim=0) + 1e-2
    first, second = _fit((features - mean) / spread, targets, weights)
    head = nn.Sequential(first, nn.ReLU(), second).requires_grad_(False)
    with torch.no_grad():  # for features as they come
        first.weight /= spread
        first.bias.sub_(first.weight @ mean)
        return head, head(features[: len(reviews)]).numpy()


def targets_and_weights(reviews: int, kinds: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """For so many reviews and then lines of these kinds, both (texts,): what each is, an index of
    `KINDS`, and how much it counts."""
    targets = torch.tensor([KINDS.index(kind) for kind in (*[REVIEW] * reviews, *kinds)])
    return targets, _weights(targets, reviews)


def _weights(targets: torch.Tensor, reviews: int) -> torch.Tensor:
    """(texts,), how much each text counts, 1 on average; the first so many are `reviews`.

    Kinds weigh the same, however many lines there are of each.
    """
    groups = targets + 1
    groups[:reviews] = 0
    shares = torch.ones(len(KINDS) + 1)
    shares[[0, KINDS.index(REVIEW) + 1]] = REVIEW_WEIGHT / 2
    shares *= len(targets) / shares.sum() / torch.bincount(groups, minlength=len(shares)).clamp(1)
    return shares[groups]


def _fit(
    features: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> tuple[nn.Linear, nn.Linear]:
    """Fits the two layers of a head on standardised features (texts, layers x width).

    The members stand side by side in the first layer. Each has an output layer and a loss of its
    own; in the end their outputs are averaged, which one layer can do.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of the layers and the dropout, whatever was drawn before
        first, second = nn.Linear(features.shape[1], UNITS), nn.Linear(UNITS, len(KINDS))
        outputs = [nn.Linear(_HIDDEN, len(KINDS)) for _ in range(_MEMBERS)]
        before, between = (nn.Dropout(share) for share in _DROPOUT)
        hidden = nn.Sequential(before, first, nn.ReLU(), between)
        optimizer = torch.optim.AdamW(
            [each for layer in (first, *outputs) for each in layer.parameters()],
            lr=_LEARNING_RATE,
            weight_decay=_WEIGHT_DECAY,
            fused=True,
        )
        steps = _EPOCHS * math.ceil(len(targets) / _BATCH_SIZE)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
        for _ in range(_EPOCHS):
            order = torch.randperm(len(targets), generator=generator)
            for batch in torch.split(order, _BATCH_SIZE):
                parts = hidden(features[batch]).split(_HIDDEN, dim=1)
                logits = torch.cat([each(part) for each, part in zip(outputs, parts, strict=True)])
                truth = targets[batch].repeat(_MEMBERS)
                errors = nn.functional.cross_entropy(logits, truth, reduction="none")
                # Summed over the members: none learns more slowly for standing beside others.
                loss = (errors * weights[batch].repeat(_MEMBERS)).sum() / len(batch)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        second.weight.copy_(torch.cat([each.weight for each in outputs], dim=1) / _MEMBERS)
        second.bias.copy_(torch.stack([each.bias for each in outputs]).mean(dim=0))
    return first, second


def _features(
    model: "PreTrainedModel", encoder: TextEncoder, texts: Sequence[Windows]
) -> torch.Tensor:
    """(texts, layers x 2 x width), what the head reads of the first window of each text."""
    runtime = TorchRuntime(model).before_head()
    windows = [text[:1] for text in texts]
    with _upper_layers_skipped(model):
        parts = [
            predict(runtime, encoder, windows[start : start + _TEXTS_AT_ONCE]).kinds
            for start in range(0, len(windows), _TEXTS_AT_ONCE)
        ]
    return torch.from_numpy(np.concatenate(parts))


@contextmanager
def _upper_layers_skipped(model: "PreTrainedModel") -> Iterator[None]:
    """Within it, the layers of `model` above all that the head reads return their input: a third
    of the work in a network of six layers. Models of other families are unchanged."""
    if model.config.model_type != "distilbert":
        yield
        return
    transformer: Any = model.base_model.transformer
    skipped = transformer.layer[max(head_layers(len(transformer.layer))) :]
    for layer in skipped:
        layer.forward = _same
    try:
        yield
    finally:
        for layer in skipped:
            del layer.forward


def _same(hidden: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return hidden
