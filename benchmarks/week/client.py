"""The real bot in a process of its own; only its desk goes by the clock of a file."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import time

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.__main__ import app
from bot.desk import desk


def read_clock(file: Path) -> datetime:
    """The simulated time; the file has the seconds by which it is ahead of the real one."""
    return datetime.fromtimestamp(time() + float(file.read_text()), UTC)


def run(api: str, gateway: str, clock: Callable[[], datetime]) -> None:
    """`python -m bot` on the Discord at these addresses, with this clock of the desk."""
    Route.BASE = api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    # The command line imports it when it needs it.
    # mypy knows that a function is replaced
    setattr(desk, "open_desk", partial(desk.open_desk, clock=clock))  # noqa: B010
    sys.argv = ["bot"]
    app()


if __name__ == "__main__":
    _api, _gateway, _clock_file = sys.argv[1:]
    run(_api, _gateway, partial(read_clock, Path(_clock_file)))
