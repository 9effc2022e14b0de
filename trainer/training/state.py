"""The state of a run, saved now and then, from which an interrupted run continues exactly.

It is one safetensors file with the weights, AdamW's moments, the learning rates, torch's random
generators (which draw the dropout), the losses, and what the run was made of. The order of batches
and the windows drawn from long reviews follow from the seed: `skip_done` draws the batches that are
done again, and leaves them out.

If several processes train together, the first one saves the state, and all continue from it.
"""

import errno
import json
import os
import random
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from trainer.errors import CheckpointError, ConfigError
from trainer.events import Listener, Note, Step
from trainer.model.files import disk_problem, replacing
from trainer.model.unfinished import metadata, read_run, state_file

if TYPE_CHECKING:
    from transformers import PreTrainedModel

STATE_SECONDS = 60.0
"""At least this long between two states: what an interruption may cost."""
MAX_SHARE = 0.01
"""Of the run's time, for saving states: after one that took long, the next is later."""

_MAX_DIFFERENCES = 5
"""In one error message."""

Drawn = TypeVar("Drawn")


class Done(NamedTuple):
    """The steps of a run before it was interrupted; none for a new run."""

    losses: list[float]
    tokens: int
    seconds: float


class RunState(Protocol):
    """What the loop asks of a state."""

    def restore(self, model: "PreTrainedModel", optimizer: AdamW, scheduler: LambdaLR) -> Done:
        """Puts the three where the run was interrupted."""

    def skip_done(self, batches: Iterable[Drawn]) -> Iterable[Drawn]:
        """Of one epoch's batches, those that were not trained on before the interruption."""

    def save_if_due(self, step: Step, losses: Sequence[float]) -> None:
        """Saves the state after `step`, if the last one is old enough."""


class Unsaved:
    """The state of a run that begins at its beginning and is not saved."""

    def restore(self, *_: object) -> Done:
        """Changes nothing."""
        return Done([], 0, 0.0)

    def skip_done(self, batches: Iterable[Drawn]) -> Iterable[Drawn]:
        """All of them."""
        return batches

    def save_if_due(self, *_: object) -> None:
        """Saves nothing."""


class SavedState:
    """A state in the temporary folder of the run's checkpoint."""

    def __init__(
        self,
        folder: Path,
        output: Path,
        made_of: dict[str, Any],
        reserve: int,
        on_event: Listener,
    ) -> None:
        """Continues from the state in `folder`, if there is one.

        `made_of` says by name, in JSON types, what the result depends on. `reserve` is the space in
        bytes that a state must leave for the checkpoint.

        Raises:
            ConfigError: the state is of a run that was made of something else.
        """
        self._file = state_file(folder)
        self._run = {"output": output.name, "made_of": made_of, "threads": torch.get_num_threads()}
        self._reserve = reserve
        self._on_event = on_event
        self._generators: dict[str, torch.Tensor] = {}
        self._to_skip = 0
        self._last_saved: int | None = None
        self._has_failed = False
        self._earlier = read_run(folder)
        if self._earlier is not None:
            _refuse_differences(output, self._earlier.get("made_of"), made_of)

    def restore(self, model: "PreTrainedModel", optimizer: AdamW, scheduler: LambdaLR) -> Done:
        """Puts the three where the run was interrupted.

        Raises:
            CheckpointError: the state cannot be read.
        """
        self._model, self._optimizer, self._scheduler = model, optimizer, scheduler
        self._due = time.perf_counter() + STATE_SECONDS
        if self._earlier is None:
            return Done([], 0, 0.0)
        try:
            return self._load(self._earlier)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                f"{self._file} cannot be read ({type(error).__name__}). Delete "
                f"{self._file.parent}, and start without --resume."
            ) from error

    def skip_done(self, batches: Iterable[Drawn]) -> Iterator[Drawn]:
        """Of one epoch's batches, those that were not trained on before the interruption."""
        for batch in batches:
            if not self._to_skip:
                yield batch
                continue
            self._to_skip -= 1
            if not self._to_skip:  # only now: drawing batches changes the generators
                _set_generators(self._model.device, self._generators)

    def save_if_due(self, step: Step, losses: Sequence[float]) -> None:
        """Saves the state after `step`, if the last one is old enough. A disk that takes no state
        costs the state, and not the run."""
        began = time.perf_counter()
        if began < self._due or step.number == step.total:
            return
        try:
            self._save(step, losses)
        except (OSError, SafetensorError) as error:
            self._report(disk_problem(error))
        else:
            self._last_saved, self._has_failed = step.number, False
        spent = time.perf_counter() - began
        self._due = began + max(STATE_SECONDS, spent / MAX_SHARE)

    def discard(self) -> None:
        """Deletes the state: continuing from it would end in the same error."""
        self._file.unlink(missing_ok=True)

    def _save(self, step: Step, losses: Sequence[float]) -> None:
        tensors = self._tensors(losses)
        size = sum(tensor.nbytes for tensor in tensors.values())
        if shutil.disk_usage(self._file.parent).free < size + self._reserve:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        run = {
            **self._run,
            "step": step.number,
            "total": step.total,
            "tokens": step.tokens,
            "seconds": step.seconds,
            "learning_rates": [group["lr"] for group in self._optimizer.param_groups],
            "scheduler": _numbers(self._scheduler),
        }
        with replacing(self._file) as temporary:
            save_file(tensors, temporary, metadata(run))

    def _tensors(self, losses: Sequence[float]) -> dict[str, torch.Tensor]:
        weights = {f"model.{n}": weight for n, weight in self._model.named_parameters()}
        moments = {
            f"optimizer.{number}.{name}": tensor
            for number, of_weight in self._optimizer.state_dict()["state"].items()
            for name, tensor in of_weight.items()
        }
        tensors = weights | moments | _get_generators(self._model.device)
        tensors["losses"] = torch.tensor(losses, dtype=torch.float64)
        return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}

    def _load(self, run: dict[str, Any]) -> Done:
        tensors = load_file(self._file)
        with torch.no_grad():
            for name, weight in self._model.named_parameters():
                weight.copy_(tensors[f"model.{name}"])
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".")
                state.setdefault(int(number), {})[name] = tensor
        groups = self._optimizer.state_dict()["param_groups"]
        for group, rate in zip(groups, run["learning_rates"], strict=True):
            group["lr"] = rate
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        self._scheduler.load_state_dict({**run["scheduler"], "lr_lambdas": [None] * len(groups)})
        self._generators = {name: tensors[name] for name in tensors if name.startswith(_GENERATOR)}
        self._to_skip = self._last_saved = int(run["step"])
        message = f"Continued after step {run['step']:,} of {run['total']:,}, from the saved state."
        if run["threads"] != self._run["threads"]:
            message += (
                f" It began with {run['threads']} threads and continues with "
                f"{self._run['threads']}: the result may differ by rounding."
            )
        self._on_event(Note(message))
        return Done(tensors["losses"].tolist(), int(run["tokens"]), float(run["seconds"]))

    def _report(self, reason: str) -> None:
        """Says once that no state can be saved; the training goes on."""
        if self._has_failed:
            return
        self._has_failed = True
        then = "begins again" if self._last_saved is None else f"repeats step {self._last_saved:,}"
        self._on_event(
            Note(
                f"The state of this run cannot be saved: {reason}. The training goes on, but if it "
                f"is interrupted it {then}."
            )
        )


class ReadOnlyState:
    """The state in a process other than the first: it is continued from, and never saved.

    Its random generators are not in the state. They are set at each step, by its number, to other
    numbers than those of the other processes.
    """

    def __init__(self, state: RunState, seed: int, rank: int) -> None:
        self._state = state
        self._seed = f"{seed} {rank}"
        self._step = 0

    def restore(self, model: "PreTrainedModel", optimizer: AdamW, scheduler: LambdaLR) -> Done:
        """Puts the three where the run was interrupted."""
        done = self._state.restore(model, optimizer, scheduler)
        self._step = len(done.losses)
        return done

    def skip_done(self, batches: Iterable[Drawn]) -> Iterator[Drawn]:
        """Of one epoch's batches, those that were not trained on before the interruption."""
        for batch in self._state.skip_done(batches):
            self._step += 1
            torch.manual_seed(random.Random(f"{self._seed} {self._step}").getrandbits(63))
            yield batch

    def save_if_due(self, *_: object) -> None:
        """Saves nothing."""


_GENERATOR = "generator."


def _get_generators(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of torch's random generators, for the processor and for the accelerator."""
    states = {f"{_GENERATOR}cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[f"{_GENERATOR}device"] = torch.get_device_module(device).get_rng_state()
    return states


def _set_generators(device: torch.device, states: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(states[f"{_GENERATOR}cpu"])
    if device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[f"{_GENERATOR}device"])


def _numbers(scheduler: LambdaLR) -> dict[str, Any]:
    """The schedule's state without its functions, which the recipe gives."""
    return {name: value for name, value in scheduler.state_dict().items() if name != "lr_lambdas"}


def _refuse_differences(output: Path, then: Any, now: dict[str, Any]) -> None:
    """Raises ConfigError if the run was made of something else."""
    before = then if isinstance(then, dict) else {}
    after = json.loads(json.dumps(now))
    names = [name for name in {**after, **before} if after.get(name) != before.get(name)]
    if not names:
        return
    differences = "; ".join(
        f"{name} was {_short(before.get(name))}, and is {_short(after.get(name))}"
        for name in names[:_MAX_DIFFERENCES]
    )
    more = f"; and {len(names) - _MAX_DIFFERENCES} more" if names[_MAX_DIFFERENCES:] else ""
    raise ConfigError(
        f"The training of {output} cannot be continued, because it would not give the same result: "
        f"{differences}{more}. Restore that, or start without --resume for a new one."
    )


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
