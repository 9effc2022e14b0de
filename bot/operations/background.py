"""A process in the background that outlives the bot, which finds it again when it starts.

The process holds a lock on a file while it lives, and the kernel releases the lock however it ends.
So even a bot that did not start it can tell whether it is running; a process id alone might belong
to another process by then.

The process writes its id into that file itself, before it becomes the requested program: however
its parent ends, the holder of the lock can be found and stopped.
"""

import asyncio
import errno
import fcntl
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.files import make_private_folder
from trainer.model.files import read_regular

STOP_SECONDS = 15.0
"""For ending cleanly after SIGTERM; then it is killed."""
KILL_SECONDS = 15.0
"""For the system to end a killed process."""

MAX_LOCK_BYTES = 100
"""Of the file with a process id."""

LOWEST_PRIORITY = 19
"""For nice(1): it gets only processor time that is not needed otherwise."""

_POLL_SECONDS = 0.1
_SHELL = "/bin/sh"
_LOCK_DESCRIPTOR = 3
_NOTE_PID = (_SHELL, "-c", f'echo $$ >&{_LOCK_DESCRIPTOR} && exec "$@"', _SHELL)
"""Writes the process's id into the lock file, and becomes the command."""

# The variables that a trainer may need. All others, such as the bot's token, stay in this process.
_PASSED_ON = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|TZ|TERM|COLORTERM|COLUMNS|LINES|NO_COLOR"
    r"|TMPDIR|TEMP|TMP|VIRTUAL_ENV|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|(?:HTTP|HTTPS|ALL|NO)_PROXY|PYTHON\w*|MPL\w+"
    r"|(?:LC|LD|DYLD|XDG|MALLOC|PYTORCH|TORCH|ATEN|CUDA|CUBLAS|NVIDIA|ROCR|HIP|HSA)_\w+"
    r"|(?:OMP|GOMP|KMP|MKL|OPENBLAS|ONEDNN|DNNL|HF|HUGGINGFACE|TRANSFORMERS|TOKENIZERS)_\w+",
    re.IGNORECASE,
)


class Background:
    """One process at a time; its lock and its output are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = folder / "lock"
        self._child: int | None = None

    def output(self, name: str) -> Path:
        """The file of the standard output of the process `name`."""
        return self._folder / f"{name}.out"

    def errors(self, name: str) -> Path:
        """The file of its standard error."""
        return self._folder / f"{name}.err"

    def start(self, name: str, command: list[str]) -> int:
        """Starts `command` and returns its process id.

        Raises BlockingIOError if one is running already, and OSError if it cannot start.
        """
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with self._locked(command) as lock:
            # In its own session, so that Ctrl-C, or closing the terminal, ends the bot but not this
            # process. Not with subprocess.Popen, which would wait for its end.
            self._child = os.posix_spawn(
                _SHELL,
                [*_NOTE_PID, *command],
                trainer_environment() | {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) - 1))},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, self.output(name), write, 0o600),
                    (os.POSIX_SPAWN_OPEN, 2, self.errors(name), write, 0o600),
                    (os.POSIX_SPAWN_DUP2, lock, _LOCK_DESCRIPTOR),
                ],
                setsid=True,
            )
        _give_way(self._child)
        return self._child

    def start_here(self, command: list[str]) -> int:
        """Starts `command` on this terminal, in its own process group, as a child that the caller
        waits for; returns its process id. Raises like `start`."""
        with self._locked(command) as lock:
            return os.posix_spawn(
                _SHELL,
                [*_NOTE_PID, *command],
                trainer_environment(),
                file_actions=[(os.POSIX_SPAWN_DUP2, lock, _LOCK_DESCRIPTOR)],
                setpgroup=0,
            )

    @contextmanager
    def _locked(self, command: list[str]) -> Iterator[int]:
        """The lock, which a process started within continues to hold."""
        if shutil.which(command[0]) is None:  # the shell would only print a message
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
        make_private_folder(self._folder)
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(lock, 0)  # no id, rather than that of an ended process
            yield lock
        finally:
            os.close(lock)

    def pid(self) -> int | None:
        """The id of the running process; None if there is none, or if it is just starting."""
        if not self.is_running():
            return None
        try:
            return int(read_regular(self._lock, MAX_LOCK_BYTES))
        except (OSError, ValueError):
            return None

    def is_running(self) -> bool:
        """Whether a process of this folder is running, whichever process started it."""
        if self._child is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._child, os.WNOHANG)  # so that it does not stay a zombie
        try:
            lock = os.open(self._lock, os.O_RDWR | os.O_NONBLOCK)
        except OSError:  # there is none, or it is no file: then no process could start, either
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    async def stop(self) -> None:
        """Asks the running process to end, kills it after STOP_SECONDS, and returns when it has
        ended.

        Raises TimeoutError if it cannot be stopped.
        """
        for stop, seconds in ((_ask_to_end, STOP_SECONDS), (_kill, KILL_SECONDS)):
            is_asked = False
            for _ in range(round(seconds / _POLL_SECONDS)):
                if not self.is_running():
                    return
                if not is_asked and (pid := self.pid()) is not None:
                    is_asked = True
                    with suppress(ProcessLookupError):
                        stop(pid)
                await asyncio.sleep(_POLL_SECONDS)
        if self.is_running():
            raise TimeoutError(errno.ETIMEDOUT, "the process does not end")


def _ask_to_end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def _kill(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)  # also its own children


def trainer_environment() -> dict[str, str]:
    """The variables of this environment that a trainer needs, without the bot's secrets."""
    return {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}


def _give_way(pid: int) -> None:
    with suppress(OSError):  # it has ended already, or the system forbids it
        os.setpriority(os.PRIO_PROCESS, pid, LOWEST_PRIORITY)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        # If the kernel shares time by session first (sched_autogroup), a separate session would get
        # as much as the bot's, and the priority would count only within it.
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(LOWEST_PRIORITY), encoding="ascii")
