"""Processes that start as a shell starts them.

No Python runs between the fork and the exec, as it would with `preexec_fn` and `pexpect.spawn`. The
latter sets the size of the window there, and then the fork gets SIGWINCH: it was seen to crash, as
any signal may end a process that has run `test_benchmarks.py`.
"""

import os
import signal
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from pexpect.fdpexpect import fdspawn

_BECOME = "os.execv(sys.argv[1], sys.argv[1:])"


def with_sigint(
    action: signal.Handlers, argv: Sequence[str | Path], *, before: str = ""
) -> list[str]:
    """The command line of a process that sets SIGINT to this action, then becomes `argv`.

    A shell lets its background jobs ignore SIGINT, and so would what the tests start there.
    `before` is code that runs in between; it can use `fcntl`, `os` and `termios`.
    """
    code = (
        "import fcntl, os, signal, sys, termios\n"
        f"signal.signal(signal.SIGINT, signal.{action.name})\n{before}\n{_BECOME}"
    )
    return [sys.executable, "-I", "-S", "-c", code, *map(str, argv)]


class Terminal(fdspawn):  # type: ignore[misc]  # pexpect has no types
    """A process at a terminal of its own, for pexpect; to be closed, which kills the process."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: dict[str, str]) -> None:
        ours, theirs = os.openpty()
        termios.tcsetwinsize(ours, (40, 100))
        # Only the terminal that controls a process turns Ctrl-C into a signal.
        control = "fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
        self.process = subprocess.Popen(
            with_sigint(signal.SIG_DFL, argv, before=control),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
        os.close(theirs)
        super().__init__(ours, encoding="utf-8", timeout=60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        super().close()
