"""Runs ordered by operators: one at a time, shown by a front end from start to finish."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from bot.logs import whereabouts
from bot.operations.progress import Progress
from bot.operations.runs import Order, Outcome, Run
from bot.operations.training import Training
from bot.sources import split_source
from trainer.config import MAX_EPOCHS, MAX_SEED, MIN_FRACTION
from trainer.extras import TRAINING, missing

log = logging.getLogger(__name__)

_OUT_OF_RANGE = (
    f"The fraction must be from {MIN_FRACTION} to 1, the epochs a whole number from 1 to "
    f"{MAX_EPOCHS}, and the seed one from 0 to {MAX_SEED}."
)


CORRECTIONS = "corrections"
"""The data set that an operator writes into `CORRECTIONS_FILE`."""

CORRECTIONS_FILE = Path("corrections.csv")
"""In the working directory. The bot never writes it."""

STARTER = "starter"
"""The trainer's name for the starter reviews, which are trained on with the corrections: those are
too few to train on alone."""


class CannotShowError(Exception):
    """The front end cannot show a run where it was ordered; str(error) gives the reason."""


class Display(Protocol):
    """How a front end shows runs. The place is in a run's `origin`."""

    async def show(self, run: Run, progress: Progress) -> None:
        """Shows the progress; called every few seconds."""

    async def conclude(self, run: Run, outcome: Outcome) -> None:
        """Shows the outcome; called once."""

    async def withdraw(self, origin: str) -> None:
        """Removes the announcement of a run that did not start."""

    async def tell_operators(self, text: str) -> None:
        """Sends them a private message."""


@dataclass(frozen=True, slots=True)
class Request:
    """An operator's order. None leaves a number to the trainer."""

    dataset: str
    """The label of one of the data sets in the settings."""
    fraction: float | None = None
    epochs: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The run has started."""


@dataclass(frozen=True, slots=True)
class Occupied:
    """Another run is in progress, so none was started."""

    run: Run
    progress: Progress


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run has ended, and the front end has shown the outcome."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was done."""

    reason: str
    """A complete sentence."""


class Trainings:
    """Starts, follows and stops runs; at most one at a time.

    `datasets` are those of the settings, by label: only a label comes from the chat. The operator's
    corrections are added, if there are any and the settings do not use their label.
    """

    def __init__(self, training: Training, datasets: dict[str, str]) -> None:
        self.datasets = dict(datasets)
        if CORRECTIONS_FILE.exists():
            self.datasets.setdefault(CORRECTIONS, str(CORRECTIONS_FILE))
        self._training = training
        self._changing = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    async def train(
        self,
        request: Request,
        by: str,
        announce: Callable[[str], Awaitable[str]],
        display: Display,
    ) -> Begun | Occupied | Refused:
        """Starts a run, unless one is in progress.

        `announce` gets the data set's label, posts the message that will show the run and returns
        its origin; it may raise CannotShowError.
        """
        if request.dataset not in self.datasets:
            return Refused(f"The data sets are: {', '.join(self.datasets)}.")
        try:
            order = self._order(request)
        except ValidationError:
            return Refused(_OUT_OF_RANGE)
        async with self._changing:
            if (run := self._training.run) is not None:
                return Occupied(run, self._training.progress)
            if problem := missing("Training", *TRAINING):
                return Refused(problem)
            if (malformed := await asyncio.to_thread(self._training.problem)) is not None:
                return Refused(f"Nothing was started. {malformed}.")
            try:
                origin = await announce(order.label)
            except CannotShowError as error:
                return Refused(
                    f"Nothing was started, because I cannot write in this channel: {error}."
                )
            try:
                await self._training.start(order, started_by=by, origin=origin)
            except OSError as error:
                await display.withdraw(origin)
                return Refused(f"The training could not be started: {error.strerror}.")
            self.resume(display)
            return Begun()

    async def cancel(self, by: str) -> Stopped | Refused:
        """Stops the run, and returns once its outcome has been shown."""
        async with self._changing:
            following = self._following
            if self._training.run is None or following is None:
                return Refused("No training is running.")
            try:
                await self._training.cancel(by)
            except OSError as error:
                return Refused(f"The training could not be stopped: {error.strerror}.")
            await asyncio.wait({following})
            return Stopped()

    def find(self, *, leads: bool) -> None:
        """As `Training.find`."""
        self._training.find(leads=leads)

    def resume(self, display: Display) -> None:
        """Follows the run in progress, even from an earlier start, unless it is already
        followed."""
        if self._training.run is not None and self._following is None:
            self._following = asyncio.create_task(self._follow(self._training.run, display))

    def stop_following(self) -> None:
        """The run continues; the next start finds it."""
        if self._following is not None:
            self._following.cancel()
            self._following = None

    def _order(self, request: Request) -> Order:
        source, columns = split_source(self.datasets[request.dataset])
        return Order(
            label=request.dataset,
            dataset=source,
            columns=columns,
            beside=(STARTER,) if source == str(CORRECTIONS_FILE) else (),
            fraction=request.fraction,
            epochs=request.epochs,
            seed=request.seed,
        )

    async def _follow(self, run: Run, display: Display) -> None:
        try:
            outcome = await self._training.follow(partial(display.show, run))
            await display.conclude(run, outcome)
        except Exception as error:  # a bug: the operators are informed, and may train again
            log.error("Following the training failed: %s", whereabouts(error))
            await display.tell_operators("The training ended, but its result is in the log only.")
        self._training.forget()
        self._following = None
