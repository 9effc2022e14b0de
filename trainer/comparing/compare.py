"""Compares several base models and training loops: the same reviews, the same budget.

Every run is a complete `fit`, and its checkpoint is loaded and timed as in the bot. The checkpoints
are in a temporary folder next to the table, on the disk that the user has chosen, and are deleted
once measured: a comparison leaves only a table.
"""

import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import median

from trainer.comparing.comparison import Comparison, cannot_be_written
from trainer.comparing.rows import Row, Run
from trainer.config import RECIPES, Loop, TrainingConfig
from trainer.data.mixture import ReviewSets, load_sets
from trainer.errors import ConfigError, EncoderError
from trainer.events import Event, Listener, Note, Saved, duration
from trainer.model.checkpoint import read_size, read_training
from trainer.model.classifier import Classifier
from trainer.model.record import TrainingRecord
from trainer.model.unfinished import scratch_folder
from trainer.training.fit import fine_tune_model, require_accelerate

MESSAGES = (
    "Watched it twice, what an ending!",
    "not my thing tbh",
    "The plot made no sense and the jokes were older than I am.",
    "10/10 would cry again",
    "Two hours of my life that I would like to have back, please.",
)
"""The messages for measuring latency: short, as in a chat, and the same for every model."""
_WARM_UP, _REPEATS = 2, 20
"""How often each message is judged: the same number for warm-up and for timing."""


def compare(
    budget: TrainingConfig,
    base_models: Sequence[str],
    loops: Sequence[Loop],
    seeds: int,
    on_event: Listener,
    *,
    folder: Path,
) -> Generator[Comparison]:
    """Trains each base model with each loop, for the seeds from 0, and yields the results so far.

    The seed is the outer loop: a comparison that is stopped early has results for every model.
    `budget` sets everything but base model, loop, seed and output. The error of a base model is put
    into its row, and the others continue. The checkpoints are in a temporary folder in `folder`.

    Yields:
        The comparison after each run, whether it failed or not.

    Raises:
        TrainerError: the reviews, the disk or the environment cannot be used for any of them.
    """
    if Loop.TRAINER in loops:
        require_accelerate()
    sets = load_sets(budget, RECIPES[budget.recipe])
    rows = [Row(name, loop) for name, loop in product(base_models, loops)]
    comparison = Comparison(rows, planned=seeds * len(rows))
    on_event_of_run = _for_several_runs(on_event)
    # One folder for all runs, so that whatever an interrupted run leaves is deleted with it.
    with _scratch(folder) as scratch:
        for number, (seed, row) in enumerate(product(range(seeds), rows), start=1):
            if row.error:
                continue
            which = f"{row.base_model}, loop {row.loop}, seed {seed}"
            on_event(Note(f"Run {number} of {comparison.planned}: {which}."))
            config = replace(
                budget,
                base_model=row.base_model,
                loop=row.loop,
                seed=seed,
                output=scratch / str(number),
            )
            try:
                run, training = _run(config, sets, on_event_of_run)
            except (ConfigError, EncoderError) as error:
                row.error = str(error)
                on_event(Note(f"Failed: {error}"))
            else:
                row.runs.append(run)
                row.base_model = training.base_model.name  # the resolved name of `auto`
                comparison.set_conditions(training)
                on_event(Note(f"Accuracy {run.accuracy:.3f} after {duration(run.seconds)}."))
            yield comparison


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    with ExitStack() as stack:
        try:
            scratch = stack.enter_context(scratch_folder(folder))
        except OSError as error:
            raise cannot_be_written(folder, error) from error
        yield scratch


def _run(
    config: TrainingConfig, sets: ReviewSets, on_event: Listener
) -> tuple[Run, TrainingRecord]:
    """Trains and measures; returns the figures and the training record of the run."""
    fitted = fine_tune_model(config, sets=sets, on_event=on_event)
    training = read_training(fitted.path)
    size, parameters = read_size(fitted.path)
    run = Run(
        seed=config.seed,
        accuracy=fitted.test.accuracy,
        f1=fitted.test.f1,
        calibration_error=fitted.test.calibration_error,
        seconds=training.seconds,
        tokens_per_second=training.tokens_per_second,
        megabytes=size / 1e6,
        parameters=parameters,
        latency=_latency(Classifier.load(fitted.path)),
    )
    shutil.rmtree(fitted.path)  # the checkpoints of many runs would fill the disk
    return run, training


def _latency(classifier: Classifier) -> float:
    """The median time for one message at a time, in milliseconds, including tokenisation."""
    for message in _WARM_UP * MESSAGES:
        classifier([message])
    milliseconds = []
    for message in _REPEATS * MESSAGES:
        started = time.perf_counter()
        classifier([message])
        milliseconds.append(1000 * (time.perf_counter() - started))
    return median(milliseconds)


def _for_several_runs(on_event: Listener) -> Listener:
    """Passes on new events only: no repeated note, no checkpoint that will be deleted."""
    seen: set[str] = set()

    def listen(event: Event) -> None:
        match event:
            case Saved():
                return
            case Note(message):
                if message in seen:
                    return
                seen.add(message)
        on_event(event)

    return listen
