"""Points discord.py at a loopback server, in this process or in one of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import discord

from .server import DiscordServer

_BOOT = """\
import runpy, sys
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL
Route.BASE = sys.argv.pop(1)
DiscordWebSocket.DEFAULT_GATEWAY = URL(sys.argv.pop(1))
runpy.run_module("bot", run_name="__main__", alter_sys=True)
"""


@contextmanager
def point_discord_py_at(server: DiscordServer) -> Iterator[None]:
    """Every discord.py client that starts within talks to this server instead of discord.com."""
    route, socket = discord.http.Route, discord.gateway.DiscordWebSocket
    before = route.BASE, socket.DEFAULT_GATEWAY
    route.BASE, socket.DEFAULT_GATEWAY = server.api_base, server.gateway_url
    try:
        yield
    finally:
        route.BASE, socket.DEFAULT_GATEWAY = before


def bot_process_argv(
    server: DiscordServer, *args: str, python: str | Path = sys.executable
) -> list[str]:
    """The command line of `python -m bot *args`, pointed at this server.

    To be run where `python` finds the bot; the token is the caller's to pass, as to the real bot.
    """
    return [str(python), "-c", _BOOT, server.api_base, str(server.gateway_url), *args]
