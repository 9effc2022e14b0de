"""Trains the first checkpoint in the foreground, on the user's terminal.

`state/training/first` has the path of that checkpoint until it is complete: a start after an
interruption continues the training, if the trainer has saved a state of it.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from bot.errors import TrainingError, UnusableCheckpointError
from bot.files import write_state
from bot.operations.background import Background
from bot.operations.training import FOLDER
from trainer.model.checkpoint import CHECKPOINTS, CheckpointError, dated_path, serving_checkpoint
from trainer.model.files import read_regular
from trainer.model.unfinished import Unfinished, find_unfinished

_STOP = (signal.SIGINT, signal.SIGTERM)
_EARLIER_SECONDS = 0.2
INTERRUPTED = 130
NOT_STARTED = 2
"""As the trainer itself ends where the disk refuses."""
REFUSED = 2
"""The trainer's exit code for input that it cannot use, such as the state of another run."""

_LABEL = "first"
"""In the name of the checkpoint, and the name of the file with its path."""
_MAX_PATH_BYTES = 1_000


def train_first_checkpoint(folder: Path = FOLDER) -> None:
    """Trains with the defaults; the trainer prints to this process's own terminal.

    Continues an interrupted first training of which a state was saved. If the trainer of an earlier
    start is still running, waits for it instead.

    Raises TrainingError, with the trainer's exit code.
    """
    trainer = _Trainer(Background(folder))
    previous = {number: signal.signal(number, trainer.stop) for number in _STOP}
    try:
        code = _train(trainer, folder / _LABEL)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if code:
        # A process killed by signal n has the code -n, which a shell reports as 128 + n.
        raise TrainingError(code if code > 0 else 128 - code)


class _Trainer:
    """The trainer's process on this terminal."""

    def __init__(self, process: Background) -> None:
        self._process = process
        self._pid: int | None = None
        self.is_stopped = False

    # In its own process group, the trainer gets Ctrl-C only through this handler, whether it came
    # from the terminal, from `kill`, or as a service manager's SIGTERM. It ends cleanly on SIGTERM,
    # and says what was kept. SIGINT would not work: background processes of a shell ignore it.
    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Asks it to end."""
        self.is_stopped = True
        _terminate(self._pid or self._process.pid())

    def wait_for_earlier(self) -> bool:
        """Waits until no trainer runs in the folder: two would compete for processors and memory.

        Returns:
            Whether there was one.
        """
        if not self._process.is_running():
            return False
        _say(
            "A training that was started earlier is still running; waiting for it to end. "
            "To stop it: Ctrl-C"
        )
        while self._process.is_running():
            time.sleep(_EARLIER_SECONDS)
        return True

    def start(self, *options: str) -> bool:
        """Starts `trainer fit`; returns whether no other start was faster.

        Raises TrainingError if it cannot be started.
        """
        try:
            self._pid = self._process.start_here([sys.executable, "-m", "trainer", "fit", *options])
        except BlockingIOError:
            return False
        except OSError as error:
            _say(
                f"error: The training cannot be started: {error.filename}: {error.strerror}. Free "
                "space, or let this user write there"
            )
            raise TrainingError(NOT_STARTED) from None
        if self.is_stopped:  # during the start
            _terminate(self._pid)
        return True

    def wait(self) -> int:
        """Its exit code; negative if a signal killed it."""
        assert self._pid is not None
        _, status = os.waitpid(self._pid, 0)
        self._pid = None
        return os.waitstatus_to_exitcode(status)


def _train(trainer: _Trainer, note: Path) -> int:
    """The exit code of the training, whose output is noted in a file until it is complete."""
    is_refused = False
    while not trainer.is_stopped:
        if trainer.wait_for_earlier() and not trainer.is_stopped and _is_served():
            return 0
        if trainer.is_stopped:
            break
        left = None if is_refused else _find_left(note)
        if left is not None:
            _say(
                f"The first training was interrupted after step {left.step:,} of {left.total:,}, "
                "and continues from its saved state."
            )
        output = left.output if left is not None else dated_path(_LABEL)
        if not trainer.start(*(["--resume"] if left is not None else []), f"--output={output}"):
            continue  # that of another start is waited for
        with suppress(OSError):  # on a full disk, the training itself says so
            write_state(note, str(output))
        code = trainer.wait()
        if code == 0:
            note.unlink(missing_ok=True)
        if left is None or code != REFUSED or trainer.is_stopped:
            return code
        _say("It cannot be continued, so it begins anew.")
        is_refused = True
    return INTERRUPTED


def _find_left(note: Path) -> Unfinished | None:
    """The first training of an earlier start, if a state of it is left."""
    try:
        output = Path(read_regular(note, _MAX_PATH_BYTES).decode())
    except (OSError, ValueError):
        return None
    # The file may have been changed: no other folder is read.
    return find_unfinished(CHECKPOINTS / output.name)


def _terminate(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _is_served() -> bool:
    try:
        return serving_checkpoint() is not None
    except CheckpointError as error:
        raise UnusableCheckpointError(str(error)) from None


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
