"""Runs the trainer as a process of its own, in the background.

The run outlives the bot. Its state is a file, so that a bot that starts finds the run again, or
learns how it ended. A run is made of the operator's settings and of numbers: nothing else that is
said in a chat reaches the trainer.
"""

import asyncio
import errno
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.errors import UnusableCheckpointError
from bot.files import STATE, write_state
from bot.logs import whereabouts
from bot.operations.background import Background
from bot.operations.models import Models
from bot.operations.progress import LONGEST_SENTENCE, Progress, ProgressFile
from bot.operations.runs import Cancelled, Failed, Order, Outcome, Run, Trained
from trainer.events import parse_compared
from trainer.model.checkpoint import CheckpointError, dated_path, read_training, serving_checkpoint
from trainer.model.files import read_regular

log = logging.getLogger(__name__)

FOLDER = STATE / "training"
"""Where a run's state and output are, seen from the working directory."""

MAX_STATE_BYTES = 1_048_576
"""Of a file that this bot or its trainer wrote: far more than either writes."""

LOOK_SECONDS = 2.0
"""Between two looks at a run, and so between two edits of the message that shows it."""

MAX_COMPARED = 5_000
"""Reviews on which two checkpoints are compared: with so many the 95% interval of the difference is
about a point to either side."""

_FIT, _COMPARE = "fit", "compare"

_ERROR = "error: "
"""Begins the trainer's last line, where it fails."""


class Training:
    """The one run that may be on at a time."""

    def __init__(self, models: Models, base_model: str, folder: Path = FOLDER) -> None:
        self._models = models
        self._base_model = base_model
        self._process = Background(folder)
        self._changing = asyncio.Lock()
        self._state = folder / "run.json"
        self._file = ProgressFile(self._process.output(_FIT))
        self.run = self._read_state()
        """The run that is on, or whose end is still to be told."""

    @property
    def progress(self) -> Progress:
        """How the run stood at the last look."""
        return self._file.progress

    async def start(self, order: Order, *, started_by: str, origin: str) -> None:
        """Starts a run, which `follow` sees through.

        Raises OSError where the process cannot be started.
        """
        assert self.run is None
        if self._process.is_running():
            raise OSError(errno.EBUSY, "another run is in progress")
        for name in (_FIT, _COMPARE):
            self._process.output(name).unlink(missing_ok=True)
        self._file = ProgressFile(self._process.output(_FIT))
        numbers = {"fraction": order.fraction, "epochs": order.epochs, "seed": order.seed}
        self.run = Run(
            label=order.label,
            dataset=order.dataset,
            columns=order.columns,
            base_model=self._base_model,
            output=dated_path(order.label),
            started_by=started_by,
            origin=origin,
        )
        try:
            await self._begin(
                _FIT,
                *("fit", "--progress=json", f"--dataset={order.dataset}"),
                *order.columns,
                *(f"--base-model={self._base_model}", f"--output={self.run.output}"),
                *(f"--{name}={value}" for name, value in numbers.items() if value is not None),
            )
        except OSError:
            self.forget()
            raise

    async def follow(self, show: Callable[[Progress], Awaitable[None]]) -> Outcome:
        """Sees the run through, whichever bot began it; calls `show` at every look.

        A candidate is compared with the serving checkpoint, and promoted if it is not worse. The
        run is over with `forget`, once its outcome has been told.
        """
        assert self.run is not None
        if not self._process.output(_COMPARE).exists():
            await self._wait(show)
            if not self.progress.is_saved:
                if self.run.cancelled_by is not None:
                    return Cancelled(self.run.cancelled_by)
                reason = self.progress.error or self._last_words(_FIT)
                log.warning("The training on %s failed: %s", self.run.label, reason)
                return Failed(self.run.without_paths(reason))
            try:
                await self._compare(self.run)
            except (CheckpointError, OSError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                return Trained(self.run.output.name, problem=f"It was not compared: {why}")
        await self._wait(show)
        return await self._promote_if_not_worse(self.run)

    async def cancel(self, by: str) -> None:
        """Stops the run, and returns when its process is gone; `follow` tells the outcome.

        Raises OSError where that cannot be written down, or the process cannot be stopped.
        """
        async with self._changing:
            assert self.run is not None
            self.run = self.run.model_copy(update={"cancelled_by": by})
            await asyncio.to_thread(write_state, self._state, self.run.model_dump_json())
            await self._process.stop()

    def forget(self) -> None:
        """Ends the run: another may start."""
        self._state.unlink(missing_ok=True)
        self.run = None

    async def _wait(self, show: Callable[[Progress], Awaitable[None]]) -> None:
        """Until the present process has ended."""
        while self._process.is_running():
            await show(await asyncio.to_thread(self._file.read))
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(self._file.read)

    async def _compare(self, run: Run) -> None:
        """Begins to compare the candidate with the serving checkpoint, on the same reviews."""
        serving = await asyncio.to_thread(serving_checkpoint)
        if serving is None:
            raise CheckpointError("no checkpoint serves.")
        await self._begin(
            _COMPARE,
            *("evaluate", "--json", f"--dataset={run.dataset}", f"--limit={MAX_COMPARED}"),
            *run.columns,
            *(f"--checkpoint={run.output}", f"--against={serving}"),
        )

    async def _promote_if_not_worse(self, run: Run) -> Trained:
        name = run.output.name
        if run.cancelled_by is not None:
            return Trained(name, problem=f"{run.cancelled_by} stopped the comparison.")
        try:
            output = self._process.output(_COMPARE)
            text = await asyncio.to_thread(read_regular, output, MAX_STATE_BYTES)
            comparison = parse_compared(text)
        except (OSError, ValueError):
            reason = self._last_words(_COMPARE)
            log.warning("%s could not be compared: %s", name, reason)
            problem = f"It could not be compared: {run.without_paths(reason)}"
            return Trained(name, problem=problem)
        if not comparison.not_worse:
            return Trained(name, comparison)
        if comparison.objection:
            problem = f"It was not promoted by itself. {comparison.objection}"
            return Trained(name, comparison, problem=problem)
        try:
            warning = (await asyncio.to_thread(read_training, run.output)).warning
        except CheckpointError as error:
            return Trained(name, comparison, problem=str(error))
        if warning:
            return Trained(name, comparison, problem=f"It was not promoted by itself. {warning}")
        try:
            await self._models.promote(name)
        except UnusableCheckpointError as error:
            return Trained(name, comparison, problem=str(error))
        return Trained(name, comparison, is_promoted=True)

    async def _begin(self, name: str, *arguments: str) -> None:
        """Writes down that the run is on, and starts `python -m trainer` for it."""

        def begin(run: Run) -> None:
            # In this order: nothing that fails afterwards can leave a process without its run.
            write_state(self._state, run.model_dump_json())
            self._process.start(name, [sys.executable, "-m", "trainer", *arguments])

        async with self._changing:
            assert self.run is not None
            if self.run.cancelled_by is None:
                await asyncio.to_thread(begin, self.run)

    def _last_words(self, name: str) -> str:
        """The trainer's own last sentence on standard error."""
        try:
            lines = self._process.errors(name).read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        errors = [line for line in lines if line.startswith(_ERROR)]
        if errors:
            return errors[-1].removeprefix(_ERROR)[:LONGEST_SENTENCE]
        return (
            "The trainer was stopped without reporting an error: this machine may have been "
            "restarted, or may have run out of memory."
        )

    def _read_state(self) -> Run | None:
        try:
            return Run.model_validate_json(read_regular(self._state, MAX_STATE_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:  # of which pydantic's is one
            log.warning("%s is passed over: %s", self._state, whereabouts(error))
            return None
