"""A training from the command line, by one process or by each of several."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.config import RECIPES, Loop, TrainingConfig
from trainer.data.mixture import load_sets
from trainer.errors import ConfigError, Interrupted, ProcessLost
from trainer.events import Listener
from trainer.model import checkpoint
from trainer.model.unfinished import find_unfinished
from trainer.processes import Place, this_process

if TYPE_CHECKING:
    from trainer.training.fit import FineTuned
    from trainer.training.parallel import Group

NOTHING_SAVED = "Nothing was saved, and the existing checkpoints are unchanged."


def fine_tune(config: TrainingConfig, on_event: Listener) -> "FineTuned | None":
    """Fine-tunes alone, or together with the other processes that `torchrun` or Ray Train started.

    Returns:
        The checkpoint; None in all processes but the first.

    Raises:
        TrainerError: as `fine_tune_model`; if it concerns one process, in all of them.
    """
    if (place := this_process()) is None:
        return _fine_tune(config, on_event, None)
    _require_shareable(config, place)
    # Where a process is lost, PyTorch logs how its C++ came to notice.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from trainer.training.parallel import join

    group = join(place)
    with group.failing_together():
        return _fine_tune(config, on_event, group)


def _fine_tune(
    config: TrainingConfig, on_event: Listener, group: "Group | None"
) -> "FineTuned | None":
    earlier = checkpoint.prepare_output(config.output, config.resume)
    sets = load_sets(config, RECIPES[config.recipe])
    path = earlier.output if earlier else config.output or checkpoint.dated_path(sets.name)
    # This imports torch, which takes seconds: only once the data sets are known to be usable.
    from trainer.training.fit import fine_tune_model, help_fine_tune

    config = replace(config, output=path)
    with _kept_state_named(path):
        if group is None or group.is_first:
            return fine_tune_model(config, sets=sets, on_event=on_event, group=group)
        help_fine_tune(config, sets, group)
    return None


def _require_shareable(config: TrainingConfig, place: Place) -> None:
    """Raises ConfigError for what several processes cannot train."""
    if config.loop is Loop.TRAINER:
        raise ConfigError(
            "Only the manual loop trains in several processes: start the loop 'trainer' without "
            "torchrun."
        )
    if config.batch_size < place.size:
        raise ConfigError(
            f"batch_size is {config.batch_size}, but must be at least {place.size}, the number of "
            f"processes: each takes its part of every batch."
        )


@contextmanager
def _kept_state_named(output: Path) -> Iterator[None]:
    """Adds how to continue, if an interrupted run has left a state."""
    try:
        yield
    except ProcessLost as error:
        raise ProcessLost(f"{error} {find_unfinished(output) or NOTHING_SAVED}") from error
    except KeyboardInterrupt:
        if (unfinished := find_unfinished(output)) is None:
            raise
        raise Interrupted(f"Interrupted. {unfinished}") from None
