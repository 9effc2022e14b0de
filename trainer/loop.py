"""The training loop, by hand: forward, loss, backward, step.

Nothing is hidden in a Trainer class. What a student should see of fine-tuning is on this page.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import CrossEntropyLoss
from torch.optim import AdamW
from torch.utils.data import DataLoader, Sampler

from trainer.config import LABELS
from trainer.errors import ConfigError
from trainer.progress import Step
from trainer.text import TextEncoder, Tokens, by_length

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Example = tuple[Tokens, int]
"""A tokenised review and its label."""


class Batch(NamedTuple):
    """What the model is fed in one step, padded to the longest review of the batch."""

    input_ids: torch.Tensor
    """(batch, length) int64."""
    attention_mask: torch.Tensor
    """(batch, length) int64; 1 on tokens, 0 on padding."""
    labels: torch.Tensor
    """(batch,) int64; 0 negative, 1 positive."""

    def to(self, device: torch.device) -> "Batch":
        """The batch on another device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class LengthGroupedBatches(Sampler[list[int]]):
    """Shuffled batches of reviews of like length: chat is uneven, and padding is wasted work.

    Each epoch shuffles all reviews, sorts within stretches of `_STRETCH` batches only, so that
    who meets whom stays random, and shuffles the batches.
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
    examples: Sequence[Example], encoder: TextEncoder, batch_size: int, seed: int
) -> "DataLoader[Example]":
    """Batches in an order that `seed` draws anew for every epoch."""

    def collate(members: Sequence[Example]) -> Batch:
        input_ids, attention_mask = encoder.pad([tokens for tokens, _ in members])
        labels = torch.tensor([label for _, label in members])
        return Batch(torch.from_numpy(input_ids), torch.from_numpy(attention_mask), labels)

    lengths = [len(tokens) for tokens, _ in examples]
    return DataLoader(
        examples,  # type: ignore[arg-type]  # any sequence serves as a map-style data set
        batch_sampler=LengthGroupedBatches(lengths, batch_size, seed),
        collate_fn=collate,
    )


def train(
    model: "PreTrainedModel",
    batches: "DataLoader[Example]",
    *,
    epochs: int,
    learning_rate: float,
    on_step: Callable[[Step], None],
) -> list[float]:
    """Fine-tunes `model` in place, on the device it is on.

    Returns:
        The loss of every step, in nats.

    Raises:
        ConfigError: the loss is no longer a number; the learning rate was too high.
    """
    device = model.device
    criterion = CrossEntropyLoss()
    # Fused: one pass over the optimiser's memory instead of a dozen; the same arithmetic.
    optimizer = AdamW(model.parameters(), lr=learning_rate, fused=True)
    losses: list[float] = []
    tokens = 0
    model.train()
    started = time.perf_counter()
    for epoch in range(1, epochs + 1):
        for batch in batches:
            tokens += int(batch.attention_mask.sum())
            batch = batch.to(device)

            logits = model(batch.input_ids, attention_mask=batch.attention_mask).logits
            loss = criterion(logits, batch.labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise ConfigError(
                    f"The loss became {losses[-1]} at step {len(losses)}: learning_rate is "
                    f"{learning_rate:g}, but must be lower for this encoder."
                )
            on_step(
                Step(
                    number=len(losses),
                    total=epochs * len(batches),
                    epoch=epoch,
                    loss=losses[-1],
                    tokens=tokens,
                    seconds=time.perf_counter() - started,
                )
            )
    return losses


def to_best_device(model: "PreTrainedModel") -> None:
    """Moves the model to the accelerator, if there is one."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    torch.nn.Module.to(model, accelerator or torch.device("cpu"))


def predict(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    sequences: Sequence[Tokens],
    *,
    batch_tokens: int = 8192,
    on_progress: Callable[[int], None] | None = None,
) -> torch.Tensor:
    """Class probabilities of tokenised reviews, by softmax over the logits.

    Batches hold reviews of like length, at most `batch_tokens` tokens with padding, and
    `on_progress` hears how many reviews are done after each. The model is left in the mode
    (training or not) that it came in.

    Returns:
        (reviews, classes) float32 on the CPU, in the order of `sequences`.
    """
    probabilities = torch.empty(len(sequences), len(LABELS))
    was_training = model.training
    model.train(False)
    done = 0
    with torch.inference_mode():
        for indices in _cut(by_length(sequences), sequences, batch_tokens):
            input_ids, attention_mask = encoder.pad([sequences[index] for index in indices])
            logits = model(
                torch.from_numpy(input_ids).to(model.device),
                attention_mask=torch.from_numpy(attention_mask).to(model.device),
            ).logits
            probabilities[indices] = logits.softmax(dim=-1).float().cpu()
            done += len(indices)
            if on_progress is not None:
                on_progress(done)
    model.train(was_training)
    return probabilities


def _cut(order: list[int], sequences: Sequence[Tokens], batch_tokens: int) -> Iterator[list[int]]:
    # Sorted from long to short, the first of a batch sets its width.
    while order:
        count = max(1, batch_tokens // len(sequences[order[0]]))
        yield order[:count]
        order = order[count:]
