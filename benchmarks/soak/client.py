"""The real bot, whose engine's thread ends on SIGUSR1, and whose trainings do not give way."""

import gc
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from benchmarks.week import client
from bot.operations import background


def end_worker(*_: object) -> None:
    """Ends the thread of the engine, as an error in the pool's own code would."""
    for pool in gc.get_objects():
        if isinstance(pool, ThreadPoolExecutor) and pool._thread_name_prefix == "engine":
            pool._work_queue.put(SimpleNamespace(run=sys.exit))  # type: ignore[arg-type]


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, end_worker)
    # With the lowest priority, a training waits for all other work of this machine.
    setattr(background, "_give_way", lambda _pid: None)  # noqa: B010 (as in `benchmarks.week`)
    client.run(*sys.argv[1:])
