"""Trains the first checkpoint in the foreground, on the user's terminal."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from bot.errors import TrainingError, UnusableCheckpointError
from bot.operations.background import Background
from bot.operations.training import FOLDER
from trainer.model.checkpoint import CheckpointError, serving_checkpoint

_STOP = (signal.SIGINT, signal.SIGTERM)
_EARLIER_SECONDS = 0.2
INTERRUPTED = 130
NOT_STARTED = 2
"""As the trainer itself ends where the disk refuses."""


def train_first_checkpoint(folder: Path = FOLDER) -> None:
    """Trains with the defaults; the trainer prints to this process's own terminal.

    If the trainer of an earlier start is still running, waits for it instead.

    Raises TrainingError, with the trainer's exit code.
    """
    process = Background(folder)
    trainer: int | None = None
    is_stopped = False

    # In its own process group, the trainer gets Ctrl-C only through this handler, whether it came
    # from the terminal, from `kill`, or as a service manager's SIGTERM. It ends cleanly on SIGTERM,
    # and says what was kept. SIGINT would not work: background processes of a shell ignore it.
    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_stopped
        is_stopped = True
        _terminate(trainer or process.pid())

    previous = {number: signal.signal(number, stop) for number in _STOP}
    try:
        while trainer is None and not is_stopped:
            waited = _wait_for_earlier(process)
            if is_stopped:
                break
            if waited and _is_served():
                return
            trainer = _start(process)
        if trainer is None:
            raise TrainingError(INTERRUPTED)
        if is_stopped:  # during the start
            _terminate(trainer)
        _, status = os.waitpid(trainer, 0)
        code = os.waitstatus_to_exitcode(status)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if code:
        # A process killed by signal n has the code -n, which a shell reports as 128 + n.
        raise TrainingError(code if code > 0 else 128 - code)


def _start(process: Background) -> int | None:
    """The trainer's process id; None if another start was faster: then its trainer is waited for.

    Raises TrainingError if it cannot be started.
    """
    try:
        return process.start_here([sys.executable, "-m", "trainer", "fit"])
    except BlockingIOError:
        return None
    except OSError as error:
        print(
            f"error: The training cannot be started: {error.filename}: {error.strerror}. Free "
            "space, or let this user write there",
            file=sys.stderr,
            flush=True,
        )
        raise TrainingError(NOT_STARTED) from None


def _terminate(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _wait_for_earlier(process: Background) -> bool:
    """Waits until no trainer runs in the folder: two would compete for processors and memory.

    Returns:
        Whether there was one.
    """
    if not process.is_running():
        return False
    print(
        "A training that was started earlier is still running; waiting for it to end. "
        "To stop it: Ctrl-C",
        file=sys.stderr,
        flush=True,
    )
    while process.is_running():
        time.sleep(_EARLIER_SECONDS)
    return True


def _is_served() -> bool:
    try:
        return serving_checkpoint() is not None
    except CheckpointError as error:
        raise UnusableCheckpointError(str(error)) from None
