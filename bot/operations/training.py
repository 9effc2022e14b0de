"""Runs the trainer as a separate process, in the background.

The run outlives the bot. Its state is a file, so that a starting bot finds the run again, or learns
how it ended. A run consists of the operator's settings and of numbers: nothing else from the chat
reaches the trainer.
"""

import asyncio
import errno
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.errors import UnusableCheckpointError
from bot.files import STATE, write_state
from bot.logs import whereabouts
from bot.operations.background import Background
from bot.operations.models import Models
from bot.operations.progress import MAX_SENTENCE_CHARACTERS, Progress, ProgressFile
from bot.operations.runs import Cancelled, Failed, Order, Outcome, Run, Trained
from trainer.errors import YamlError
from trainer.events import parse_compared
from trainer.model.checkpoint import CheckpointError, dated_path, read_training, serving_checkpoint
from trainer.model.checks import FILE as CHECKS_FILE
from trainer.model.checks import read_checks
from trainer.model.files import open_regular, read_regular
from trainer.model.unfinished import discard_state, find_unfinished

log = logging.getLogger(__name__)

FOLDER = STATE / "training"
"""The folder of a run's state and output, relative to the working directory."""

MAX_STATE_BYTES = 1_048_576
"""For a file that this bot or its trainer wrote: far more than either writes."""

LOOK_SECONDS = 2.0
"""Between two looks at a run, and so between two edits of its message."""

MAX_RESUMED = 3
"""How often a run is continued after its process was killed: too little memory kills it again."""

MAX_COMPARED = 5_000
"""Reviews for comparing two checkpoints: with this many, the 95% interval of the difference is
about one point to either side."""

_FIT, _COMPARE = "fit", "compare"

_BREAKS_CHECKS = (
    "It was not promoted automatically, because it breaks sentences under test that the serving "
    "checkpoint keeps."
)

_INTERRUPTED = "The training was interrupted, and continues from its saved state."

_ERROR = "error: "
"""Prefix of the trainer's last line if it fails."""


class Training:
    """The current run; there is at most one."""

    def __init__(
        self,
        models: Models,
        base_model: str,
        checks: Path = Path(CHECKS_FILE),
        folder: Path = FOLDER,
    ) -> None:
        self._models = models
        self._base_model = base_model
        self._checks = checks
        """The file of sentences under test, which need not exist."""
        self._process = Background(folder)
        self._changing = asyncio.Lock()
        self._state = folder / "run.json"
        self._file = ProgressFile(self._process.output(_FIT))
        self.run = self._read_state()
        """The run in progress, or one whose outcome is still to be reported."""

    def find(self, *, leads: bool) -> None:
        """Reads which run is in progress; none if another process leads, and follows it."""
        self.run = self._read_state() if leads else None

    @property
    def progress(self) -> Progress:
        """The run's progress at the last look."""
        return self._file.progress

    async def start(self, order: Order, *, started_by: str, origin: str) -> None:
        """Starts a run, which `follow` completes.

        Raises OSError if the process cannot be started.
        """
        assert self.run is None
        if self._process.is_running():
            raise OSError(errno.EBUSY, "another run is in progress")
        self._process.output(_COMPARE).unlink(missing_ok=True)
        self.run = Run(
            **order.model_dump(),
            base_model=self._base_model,
            checks=str(self._checks),
            output=dated_path(order.label),
            started_by=started_by,
            origin=origin,
        )
        try:
            await self._fit()
        except OSError:
            self.forget()
            raise

    def problem(self) -> str | None:
        """Why no candidate could be compared: the sentences under test are malformed; blocks."""
        if not self._checks.exists():
            return None
        try:
            read_checks(self._checks)
        except YamlError as error:
            return str(error).replace(str(self._checks), CHECKS_FILE)
        return None

    async def follow(self, show: Callable[[Progress], Awaitable[None]]) -> Outcome:
        """Follows the run to its end, whichever bot started it; calls `show` at every look.

        A candidate is compared with the serving checkpoint, and promoted if it is not worse. The
        run ends with `forget`, once its outcome has been reported.
        """
        assert self.run is not None
        if not self._process.output(_COMPARE).exists():
            await self._wait(show)
            while await self._resume():
                await self._wait(show)
            if not self.progress.is_saved:
                if self.run.cancelled_by is not None:
                    await asyncio.to_thread(discard_state, self.run.output)
                    return Cancelled(self.run.cancelled_by)
                reason = self.progress.error or self._last_words(_FIT)
                left = await asyncio.to_thread(find_unfinished, self.run.output)
                if left is not None and str(left) not in reason:
                    reason = f"{reason} {left}"
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
        """Stops the run, and returns when its process has ended; `follow` returns the outcome.

        Raises OSError if that cannot be recorded, or if the process cannot be stopped.
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

    async def _fit(self, *more: str) -> None:
        """Starts the training of the run, whose progress is then read from its beginning."""
        assert self.run is not None
        self._process.output(_FIT).unlink(missing_ok=True)
        self._file = ProgressFile(self._process.output(_FIT))
        await self._begin(_FIT, "fit", "--progress=json", *self.run.options(), *more)

    async def _resume(self) -> bool:
        """Continues the training, if its process ended before it did and a state was saved.

        Not after an error of the trainer, which would only come again, and at most `MAX_RESUMED`
        times.
        """
        assert self.run is not None
        progress = self.progress
        has_failed = progress.error is not None and not progress.is_interrupted
        if progress.is_saved or has_failed or self.run.cancelled_by is not None:
            return False
        if self.run.resumed >= MAX_RESUMED:
            return False
        if (left := await asyncio.to_thread(find_unfinished, self.run.output)) is None:
            return False
        log.warning(
            "The training on %s was interrupted, and continues after step %d of %d: %s",
            *(self.run.label, left.step, left.total, self._last_words(_FIT)),
        )
        # Not from before the wait above: it may have been cancelled meanwhile.
        self.run = self.run.model_copy(update={"resumed": self.run.resumed + 1})
        try:
            await self._fit("--resume")
        except OSError as error:
            log.warning("It cannot be continued: %s", error.strerror)
            return False
        self.progress.notes.append(_INTERRUPTED)
        return True

    async def _wait(self, show: Callable[[Progress], Awaitable[None]]) -> None:
        """Waits until the present process has ended."""
        while self._process.is_running():
            await show(await asyncio.to_thread(self._file.read))
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(self._file.read)

    async def _compare(self, run: Run) -> None:
        """Starts the comparison of the candidate with the serving checkpoint, on the same
        reviews."""
        serving = await asyncio.to_thread(serving_checkpoint)
        if serving is None:
            raise CheckpointError("there is no serving checkpoint.")
        await self._begin(
            _COMPARE,
            *("evaluate", "--json", f"--dataset={run.dataset}", f"--limit={MAX_COMPARED}"),
            *run.columns,
            *([f"--checks={self._checks}"] if self._checks.exists() else []),
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
            problem = f"It was not promoted automatically. {comparison.objection}"
            return Trained(name, comparison, problem=problem)
        if comparison.checks is not None and comparison.checks.lost:
            return Trained(name, comparison, problem=_BREAKS_CHECKS)
        try:
            warning = (await asyncio.to_thread(read_training, run.output)).warning
        except CheckpointError as error:
            return Trained(name, comparison, problem=str(error))
        if warning:
            return Trained(
                name, comparison, problem=f"It was not promoted automatically. {warning}"
            )
        try:
            await self._models.promote(name)
        except UnusableCheckpointError as error:
            return Trained(name, comparison, problem=str(error))
        return Trained(name, comparison, is_promoted=True)

    async def _begin(self, name: str, *arguments: str) -> None:
        """Records the run, and starts `python -m trainer` for it."""

        def begin(run: Run) -> None:
            # In this order, so that no later failure leaves a process without its record.
            write_state(self._state, run.model_dump_json())
            self._process.start(name, [sys.executable, "-m", "trainer", *arguments])

        async with self._changing:
            assert self.run is not None
            if self.run.cancelled_by is None:
                await asyncio.to_thread(begin, self.run)

    def _last_words(self, name: str) -> str:
        """The trainer's last sentence on standard error."""
        try:
            with open_regular(self._process.errors(name)) as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - MAX_STATE_BYTES))
                lines = file.read(MAX_STATE_BYTES).decode("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        errors = [line for line in lines if line.startswith(_ERROR)]
        if errors:
            return errors[-1].removeprefix(_ERROR)[:MAX_SENTENCE_CHARACTERS]
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
            log.warning("%s is ignored: %s", self._state, whereabouts(error))
            return None
