"""The processes of a run: each computes the gradient of its part of a batch, and they add them up.

Every process draws the same batches, and has the same weights: after each step they have added the
same gradient. So the result is that of one process, except for rounding and for the dropout, which
each process draws for its own reviews.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from trainer.errors import ConfigError, ProcessLost, TrainerError
from trainer.processes import Place

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from trainer.training.loop import Batch

_REPORTING = timedelta(seconds=10)
"""How long the other processes wait for the first to report an error."""


class Group:
    """The processes that train together: here, this one alone."""

    rank = 0
    size = 1

    @property
    def is_first(self) -> bool:
        """Whether this process reports, saves and assesses."""
        return self.rank == 0

    def start(self, model: "PreTrainedModel", made_of: dict[str, Any]) -> None:
        """Waits until all processes can begin, and gives them the weights of the first.

        `made_of` says by name, in JSON types, what the result depends on.

        Raises:
            TrainerError: a process has failed, or is to train on something else.
        """

    def part(self, batch: "Batch") -> tuple["Batch", float]:
        """The reviews of this process, and their share of the batch's, from 0 to 1."""
        return batch, 1.0

    def add_up(self, _model: "PreTrainedModel", loss: torch.Tensor, _share: float) -> torch.Tensor:
        """Replaces the gradients, which are of this process's part, by those of the whole batch.

        Returns:
            The loss of the whole batch.
        """
        return loss

    def leave(self) -> None:
        """Ends the exchange; from here on, the processes do not need each other."""


class Processes(Group):
    """Several, on one machine or more."""

    def __init__(self, place: Place) -> None:
        self.rank, self.size = place.rank, place.size
        self._is_ours = not dist.is_initialized()
        self._has_begun = False
        gpus = torch.cuda.device_count()
        if gpus:
            torch.cuda.set_device(place.local_rank % gpus)
        if self._is_ours:
            dist.init_process_group("gloo")
        self._control = dist.new_group(backend="gloo")
        has_own_gpu = torch.tensor(int(place.local_size <= gpus))
        dist.all_reduce(has_own_gpu, dist.ReduceOp.MIN, self._control)
        self._by_nccl = bool(has_own_gpu)  # it takes one process for each GPU
        self._data = dist.new_group(backend="nccl") if self._by_nccl else self._control

    @contextmanager
    def failing_together(self) -> Iterator[None]:
        """Within it, an error of one process before it begins to train is raised in all."""
        try:
            yield
        except TrainerError as error:
            if not self._has_begun:
                self._exchange(str(error), {})
            if not self.is_first:
                self._await_report()
            raise

    def start(self, model: "PreTrainedModel", made_of: dict[str, Any]) -> None:
        """As `Group.start`."""
        self._exchange(None, made_of)
        with torch.no_grad(), _lost_processes_named():
            for weight in model.parameters():
                sent = self._sendable(weight)
                dist.broadcast(sent, 0, self._data)
                weight.copy_(sent)

    def part(self, batch: "Batch") -> tuple["Batch", float]:
        """Contiguous parts of equal size, or differing by one review."""
        reviews = len(batch.targets)
        first, end = self.rank * reviews // self.size, (self.rank + 1) * reviews // self.size
        share = (end - first) / reviews
        if not share:  # fewer reviews than processes: it computes on one, which counts nothing
            first, end = 0, 1
        start, stop = torch.searchsorted(batch.review, torch.tensor([first, end])).tolist()
        part = batch._replace(
            input_ids=batch.input_ids[start:stop],
            attention_mask=batch.attention_mask[start:stop],
            review=batch.review[start:stop] - first,
            targets=batch.targets[first:end],
        )
        return part, share

    def add_up(self, model: "PreTrainedModel", loss: torch.Tensor, share: float) -> torch.Tensor:
        """As `Group.add_up`. The mean over the batch is the sum of the means over the parts, each
        times its share."""
        gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
        flat = torch.cat([each.flatten() for each in (*gradients, loss.detach())]) * share
        sizes = [each.numel() for each in (*gradients, loss)]
        *wholes, whole_loss = torch.split(self._sum(flat), sizes)
        for gradient, whole in zip(gradients, wholes, strict=True):
            gradient.copy_(whole.view_as(gradient))
        return whole_loss

    def leave(self) -> None:
        """As `Group.leave`."""
        # Ray Train has a group of its own, and needs it afterwards.
        for group in [None] if self._is_ours else {self._control, self._data}:
            dist.destroy_process_group(group)
        del self._control, self._data  # what is referred to stays connected

    def _sum(self, vector: torch.Tensor) -> torch.Tensor:
        """The sum of the vectors of all processes, to the last bit the same in each."""
        sent = self._sendable(vector)
        with _lost_processes_named():
            dist.all_reduce(sent, group=self._data)
        return sent.to(vector.device)

    def _sendable(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor where the backend takes it: gloo works on the processor."""
        tensor = tensor.detach()
        return tensor if self._by_nccl else tensor.cpu()

    def _exchange(self, problem: str | None, made_of: dict[str, Any]) -> None:
        """Says to all processes what this one found, and hears what the others found.

        Raises:
            TrainerError: another process has a problem, or is to train on something else.
        """
        self._has_begun = True
        found = [json.loads(text) for text in self._gather(json.dumps([problem, made_of]))]
        failed = {rank: sentence for rank, (sentence, _) in enumerate(found) if sentence}
        differing = [] if failed else [rank for rank, each in enumerate(found) if each != found[0]]
        if failed and self.rank not in failed:
            rank = min(failed)
            raise ConfigError(f"The process of rank {rank} cannot train. {failed[rank]}")
        if differing:
            rank = differing[0]
            raise ConfigError(_difference(rank, found[0][1], found[rank][1]))

    def _gather(self, text: str) -> list[str]:
        """The texts of all processes, by rank. PyTorch's own way unpickles them."""
        sent = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with _lost_processes_named():
            dist.all_gather(sizes, torch.tensor([len(sent)]), self._control)
            longest = int(max(sizes))
            texts = [torch.zeros(longest, dtype=torch.uint8) for _ in sizes]
            padded = torch.nn.functional.pad(sent, (0, longest - len(sent)))
            dist.all_gather(texts, padded, self._control)
        return [
            bytes(received[: int(size)].tolist()).decode()
            for received, size in zip(texts, sizes, strict=True)
        ]

    def _await_report(self) -> None:
        """Waits until the first process closes its connection, having reported an error: torchrun
        ends all processes as soon as one has failed."""
        with suppress(RuntimeError):
            if receiving := dist.irecv(torch.empty(1), 0, self._control):
                receiving.wait(_REPORTING)


def join(place: Place) -> Processes:
    """Waits for the other processes.

    Raises:
        ConfigError: they cannot be reached.
    """
    try:
        return Processes(place)
    except (RuntimeError, ValueError, OSError) as error:
        raise ConfigError(
            f"The {place.size} processes do not find each other ({type(error).__name__}): this "
            f"one, of rank {place.rank}, cannot reach the others. Start them with torchrun, with "
            f"the same --rdzv-endpoint on all machines."
        ) from error


@contextmanager
def _lost_processes_named() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise ProcessLost(
            "Another process of this training has ended or cannot be reached, so this one ends too."
        ) from error


def _difference(rank: int, first: dict[str, Any], other: dict[str, Any]) -> str:
    name = next(name for name in {**first, **other} if first.get(name) != other.get(name))
    return (
        f"The processes would not train on the same: {name} is {first.get(name)} in the one of "
        f"rank 0, and {other.get(name)} in that of rank {rank}. Give all of them the same "
        f"files, packages and options."
    )
