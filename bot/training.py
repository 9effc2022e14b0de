"""Runs the trainer as a process of its own."""

import signal
import subprocess
import sys
from types import FrameType

from bot.errors import TrainingError


def train_first_checkpoint() -> None:
    """Trains with the defaults; the trainer talks to the user on this process's own terminal.

    Raises TrainingError, with the trainer's exit code.
    """
    # In a process group of its own, the trainer hears of Ctrl-C only from here, and once: whether
    # it came from the terminal, from `kill`, or as a service manager's SIGTERM. It ends cleanly
    # on an interrupt, and says what was kept.
    trainer = subprocess.Popen([sys.executable, "-m", "trainer", "fit"], process_group=0)

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        trainer.send_signal(signal.SIGINT)

    previous = {number: signal.signal(number, interrupt) for number in _STOP}
    try:
        code = trainer.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if code:
        # A process that died of signal n has the code -n, which a shell calls 128 + n.
        raise TrainingError(code if code > 0 else 128 - code)


_STOP = (signal.SIGINT, signal.SIGTERM)
