"""A process that stays out of the bot's way, outlives it, and is found again when it starts.

The process holds a lock on a file for as long as it lives: the kernel gives the lock back however
it ends. So whether it runs is known without doubt, also to a bot that did not start it, where a
process id alone might by then be somebody else's.
"""

import asyncio
import fcntl
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

STOP_SECONDS = 15.0
"""For ending in its own way after SIGTERM; then it is killed."""

LOWEST_PRIORITY = 19
"""Of nice(1): it gets the time that nobody else wants."""

_POLL_SECONDS = 0.1
_SECRETS = ("DISCORD_TOKEN",)


class Background:
    """One process at a time; its lock and what it writes are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = folder / "lock"
        self._child: int | None = None

    def output(self, name: str) -> Path:
        """Where the standard output of the process called `name` goes."""
        return self._folder / f"{name}.out"

    def errors(self, name: str) -> Path:
        """Where its standard error goes."""
        return self._folder / f"{name}.err"

    def start(self, name: str, command: list[str]) -> int:
        """Starts `command` and returns its process id.

        Raises BlockingIOError where one is running already, and OSError where it cannot start.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            # In a session of its own, so that what ends the bot does not end it: Ctrl-C, or a
            # terminal that is closed. Not by subprocess.Popen, which wants to see its end.
            self._child = os.posix_spawn(
                command[0],
                command,
                _environment(),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, self.output(name), write, 0o600),
                    (os.POSIX_SPAWN_OPEN, 2, self.errors(name), write, 0o600),
                    (os.POSIX_SPAWN_DUP2, lock, 3),
                ],
                setsid=True,
            )
        finally:
            os.close(lock)
        _give_way(self._child)
        return self._child

    def is_running(self) -> bool:
        """Whether a process of this folder lives, whoever started it."""
        if self._child is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._child, os.WNOHANG)  # so that it does not stay as a zombie
        try:
            lock = os.open(self._lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    async def stop(self, pid: int) -> None:
        """Asks the running process to end, kills it after STOP_SECONDS, returns when it is gone.

        `pid` is its process id, which `start` gave.
        """
        for stop in (_ask_to_end, _kill):
            if self.is_running():
                with suppress(ProcessLookupError):
                    stop(pid)
            for _ in range(round(STOP_SECONDS / _POLL_SECONDS)):
                if not self.is_running():
                    return
                await asyncio.sleep(_POLL_SECONDS)


def _ask_to_end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def _kill(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)  # and what it has started itself


def _environment() -> dict[str, str]:
    """The bot's, without its secrets, and leaving the bot a processor."""
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in _SECRETS}
    return {**inherited, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) - 1))}


def _give_way(pid: int) -> None:
    with suppress(OSError):  # it has ended already, or the system forbids it
        os.setpriority(os.PRIO_PROCESS, pid, LOWEST_PRIORITY)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        # Where the kernel shares out time by session first (sched_autogroup), a session of its own
        # would get as much as the bot's, and the priority count only within it.
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(LOWEST_PRIORITY), encoding="ascii")
