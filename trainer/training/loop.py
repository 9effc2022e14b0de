"""The training loop, by hand: forward, loss, backward, clip, step.

Nothing is hidden in a Trainer class: this page shows all of fine-tuning.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import CrossEntropyLoss
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Sampler

from trainer.config import LABELS, Precision, Recipe
from trainer.errors import ConfigError
from trainer.events import Step
from trainer.model.text import TextEncoder, Windows
from trainer.training.last_layer import first_token_only
from trainer.training.parallel import Group
from trainer.training.state import RunState, Unsaved

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Example = tuple[Windows, float]
"""A tokenised review and the probability that it is positive: its label, or 0.5 if it is mixed."""

WEIGHT_DECAY = 0.01
"""AdamW's, as in Devlin et al. 2019 (appendix A.2)."""


class Batch(NamedTuple):
    """The model's input in one step, padded to the longest window of the batch."""

    input_ids: torch.Tensor
    """(windows, length) int64."""
    attention_mask: torch.Tensor
    """(windows, length) int64; 1 on tokens, 0 on padding."""
    review: torch.Tensor
    """(windows,) int64; the index in the batch of each window's review."""
    targets: torch.Tensor
    """(reviews, classes) float32; the probability of each class."""

    def to(self, device: torch.device) -> "Batch":
        """The batch on another device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class LengthGroupedBatches(Sampler[list[int]]):
    """Shuffled batches of reviews of similar length: chat varies in length, and padding is waste.

    Each epoch shuffles all reviews, sorts only within stretches of `_STRETCH` batches, so that
    batch composition stays random, and shuffles the batches.
    """

    _STRETCH = 32

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return math.ceil(len(self._lengths) / self._batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = self._permutation(len(self._lengths))
        stretch = self._STRETCH * self._batch_size
        batches = []
        for start in range(0, len(order), stretch):
            members = sorted(order[start : start + stretch], key=self._lengths.__getitem__)
            batches += [
                members[first : first + self._batch_size]
                for first in range(0, len(members), self._batch_size)
            ]
        yield from (batches[index] for index in self._permutation(len(batches)))

    def _permutation(self, size: int) -> list[int]:
        return [int(index) for index in torch.randperm(size, generator=self._generator)]


def make_batches(
    examples: Sequence[Example],
    encoder: TextEncoder,
    batch_size: int,
    seed: int,
    windows: int = 1,
) -> "DataLoader[Example]":
    """Batches in an order that `seed` draws anew for every epoch.

    If a review has more than `windows` windows, that many are drawn, anew in every epoch: over
    time the model sees all of it, at a fraction of the cost.
    """
    rng = random.Random(seed)

    def collate(members: Sequence[Example]) -> Batch:
        drawn = [
            review if len(review) <= windows else rng.sample(review, windows)
            for review, _ in members
        ]
        ids, mask = encoder.pad([window for review in drawn for window in review])
        owners = [number for number, review in enumerate(drawn) for _ in review]
        targets = torch.tensor([[1.0 - positive, positive] for _, positive in members])
        return Batch(torch.from_numpy(ids), torch.from_numpy(mask), torch.tensor(owners), targets)

    lengths = [len(review[0]) * min(len(review), windows) for review, _ in examples]
    return DataLoader(
        examples,  # type: ignore[arg-type]  # any sequence serves as a map-style data set
        batch_sampler=LengthGroupedBatches(lengths, batch_size, seed),
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),  # copies to a GPU then overlap with the step
    )


def train(
    model: "PreTrainedModel",
    batches: "DataLoader[Example]",
    recipe: Recipe,
    *,
    epochs: int,
    learning_rate: float,
    precision: Precision = Precision.AUTO,
    on_step: Callable[[Step], None],
    state: RunState | None = None,
    group: Group | None = None,
) -> list[float]:
    """Fine-tunes `model` in place, on the device it is on.

    `state` saves the run now and then, and continues an interrupted one. None: neither.
    `group` is of the processes that train together. None: this one alone.

    Returns:
        The loss of every step, in nats.

    Raises:
        ConfigError: the loss became NaN or infinite; the learning rate was too high.
    """
    device = model.device
    bf16 = uses_bf16(device, precision, recipe)
    total = epochs * len(batches)
    criterion = CrossEntropyLoss()
    state, group = state or Unsaved(), group or Group()
    with prepared(model, recipe, bf16):
        optimizer = make_optimizer(model, recipe, learning_rate)
        scheduler = make_schedule(optimizer, recipe.warmup, total)
        losses, tokens, seconds = state.restore(model, optimizer, scheduler)
        started = time.perf_counter() - seconds
        for epoch in range(1, epochs + 1):
            for batch in state.skip_done(batches):
                tokens += int(batch.attention_mask.sum())
                batch, share = group.part(batch)
                batch = batch.to(device)

                with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                    logits = model(batch.input_ids, attention_mask=batch.attention_mask).logits
                loss = criterion(mean_by_review(logits.float(), batch.review), batch.targets)
                loss.backward()
                loss = group.add_up(model, loss, share)
                if recipe.clip is not None:
                    clip_grad_norm_(model.parameters(), recipe.clip)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad(set_to_none=True)

                losses.append(loss.item())
                if not math.isfinite(losses[-1]):
                    raise diverged(losses, learning_rate)
                seconds = time.perf_counter() - started
                step = Step(len(losses), total, epoch, losses[-1], tokens, seconds)
                on_step(step)
                state.save_if_due(step, losses)
    return losses


def mean_by_review(logits: torch.Tensor, review: torch.Tensor) -> torch.Tensor:
    """(windows, classes) to (reviews, classes): a review's logits are the mean of its windows'."""
    counts = torch.bincount(review)
    sums = logits.new_zeros(len(counts), len(LABELS)).index_add(0, review, logits)
    return sums / counts[:, None]


def make_optimizer(model: "PreTrainedModel", recipe: Recipe, learning_rate: float) -> AdamW:
    """AdamW over the parameters that are not frozen."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [p for p in trained if recipe.decays_all or p.ndim > 1]
    exempt = [p for p in trained if not recipe.decays_all and p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": WEIGHT_DECAY},
        {"params": exempt, "weight_decay": 0.0},
    ]
    # Fused: one pass over the optimiser's memory instead of a dozen; the same arithmetic.
    return AdamW(groups, lr=learning_rate, fused=True)


def make_schedule(optimizer: Optimizer, warmup: float | None, total: int) -> LambdaLR:
    """The learning rate as a share of its peak, at each of `total` steps (see `Recipe.warmup`)."""
    if warmup is None:
        return LambdaLR(optimizer, lambda _step: 1.0)
    rising = max(1, round(warmup * total))

    def share(step: int) -> float:
        return min((step + 1) / rising, max(0.0, (total - step) / max(1, total - rising)))

    return LambdaLR(optimizer, share)


def uses_bf16(device: torch.device, precision: Precision, recipe: Recipe) -> bool:
    """Whether the loop runs in bf16.

    Without instructions for it a processor emulates bf16, 20 to 30 times slower than fp32.
    """
    if precision is not Precision.AUTO:
        return precision is Precision.BF16
    if device.type == "cuda":
        return recipe.bf16 and torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return recipe.bf16 and any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


@contextmanager
def prepared(model: "PreTrainedModel", recipe: Recipe, bf16: bool) -> Iterator[None]:
    """Sets the model up as the recipe trains it; afterwards restores all but its weights."""
    frozen = [model.get_input_embeddings()] if recipe.frozen_words else []
    frozen += lowest_layers(model, recipe.frozen_layers)
    for module in frozen:
        module.requires_grad_(False)
    dropouts = [m for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    before = [dropout.p for dropout in dropouts]
    attention = model.config._attn_implementation
    if not recipe.dropout:
        for dropout in dropouts:
            dropout.p = 0.0
    if bf16 and model.device.type == "cpu":
        # PyTorch's fused attention is slower here: its backward pass does not use bf16.
        model.set_attn_implementation("eager")
    model.train()
    try:
        with first_token_only(model):
            yield
    finally:
        model.set_attn_implementation(attention)
        for dropout, probability in zip(dropouts, before, strict=True):
            dropout.p = probability
        for module in frozen:
            module.requires_grad_(True)


def lowest_layers(model: "PreTrainedModel", count: int) -> list[torch.nn.Module]:
    """The embeddings and the lowest `count` layers of the encoder, but never its last; empty if
    `count` is 0 or the family's layers have unknown names."""
    # DistilBERT, BERT and RoBERTa, GPT-2
    families = ("transformer.layer", "embeddings"), ("encoder.layer", "embeddings"), ("h", "wpe")
    modules = dict(model.base_model.named_modules())
    for layers, embeddings in families:
        if count and layers in modules and embeddings in modules:
            return [modules[embeddings], *list(modules[layers].children())[:-1][:count]]
    return []


def diverged(losses: Sequence[float], learning_rate: float) -> ConfigError:
    """The error for a run whose last loss is NaN or infinite."""
    return ConfigError(
        f"The loss became {losses[-1]} at step {len(losses)}: learning_rate is "
        f"{learning_rate:g}, but must be lower for this encoder."
    )
