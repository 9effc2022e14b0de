"""Fits what words say of the kind of a text (`trainer.model.kind_words`)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from trainer.model.kind_words import BUCKETS, KindWords, buckets, share
from trainer.model.kinds import KINDS
from trainer.model.text import IntArray, Windows
from trainer.training.kind_head import targets_and_weights

_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _WEIGHT_DECAY = 12, 256, 0.05, 0.05
"""Chosen by lines of the starter kinds that were held back, as was that pairs are read and triples
are not."""


def fit_kind_words(
    reviews: Sequence[Windows], lines: Sequence[Windows], kinds: Sequence[str]
) -> KindWords:
    """Fits the model. Of each text only the first window is read. `kinds` are those of the `lines`.

    The texts weigh what they do for the head.
    """
    texts = [buckets(text[0]) for text in (*reviews, *lines)]
    targets, weights = targets_and_weights(len(reviews), kinds)
    table = nn.EmbeddingBag(
        BUCKETS, len(KINDS), mode="sum", _weight=torch.zeros(BUCKETS, len(KINDS))
    )
    bias = nn.Parameter(torch.zeros(len(KINDS)))
    optimizer = torch.optim.AdamW(
        [table.weight, bias],
        lr=_LEARNING_RATE,
        weight_decay=_WEIGHT_DECAY,
        fused=True,
    )
    steps = _EPOCHS * math.ceil(len(texts) / _BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    generator = torch.Generator().manual_seed(0)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(texts), generator=generator)
        for batch in torch.split(order, _BATCH_SIZE):
            logits = table(*_bag([texts[index] for index in batch.tolist()])) + bias
            errors = nn.functional.cross_entropy(logits, targets[batch], reduction="none")
            (errors * weights[batch]).mean().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
    return KindWords(table.weight.detach().numpy(), bias.detach().numpy())


def _bag(texts: Sequence[IntArray]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What `nn.EmbeddingBag` takes: all rows, where each text begins, what each row counts."""
    lengths = [len(text) for text in texts]
    starts = np.cumsum([0, *lengths[:-1]])
    counts = np.repeat(np.array([share(text) for text in texts], dtype=np.float32), lengths)
    return (
        torch.from_numpy(np.concatenate(texts)),
        torch.from_numpy(starts),
        torch.from_numpy(counts),
    )
