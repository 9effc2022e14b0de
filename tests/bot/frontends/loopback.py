"""The bot in this process, connected to the loopback Discord."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.conversation.concierge import Concierge
from bot.conversation.throttle import Throttle
from bot.desk.desk import Desk
from bot.engine import Engine
from bot.frontends import discord as front_end
from bot.frontends.discord.client import Monitor
from bot.operations.actions import Operations
from bot.sentences.responses import Responses
from bot.settings import Settings
from tests.bot.stub import KeywordClassifier, settings
from tests.discord_server import DiscordServer, Posted

OPENAPI = Path(
    os.environ.get(
        "DISCORD_OPENAPI", Path(__file__).parents[4] / "shared" / "discord" / "openapi.json"
    )
)
"""Discord's own API document, against which all traffic is checked where it is there."""

POST_MESSAGE = ("POST", "/channels/{channel_id}/messages")
SUPPRESS_EMBEDS = 1 << 2


async def serve(
    concierge: Concierge,
    chosen: Settings,
    desk: Desk | None = None,
    monitor: Monitor | None = None,
) -> None:
    """This concierge on Discord, as the command line puts it together."""
    assert chosen.discord_token is not None
    operations = Operations(concierge, chosen)
    shards = front_end.shards_of(chosen, desk)
    await front_end.serve(concierge, operations, chosen.discord_token, desk, monitor, shards)


def environment(server: DiscordServer) -> dict[str, str]:
    """Of a bot in a process of its own: this process's, with the token and no other setting."""
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    root = Path(__file__).parents[3]
    return {**kept, "PYTHONPATH": str(root), "DISCORD_TOKEN": server.token}


@asynccontextmanager
async def serving(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    desk: Desk | None = None,
    **others: Any,
) -> "AsyncIterator[asyncio.Task[None]]":
    """The bot with these further settings; at the end, stopped by SIGTERM as by a service manager.

    By default nobody is too fast, as tests write faster than people, and there is no desk.
    """
    chosen = settings(server.token, **{"messages_per_second": 0, **others})
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(chosen.messages_per_second))
        async with connected(server, concierge, chosen, desk) as task:
            yield task


@asynccontextmanager
async def connected(
    server: DiscordServer,
    concierge: Concierge,
    chosen: Settings,
    desk: Desk | None = None,
    monitor: Monitor | None = None,
) -> "AsyncIterator[asyncio.Task[None]]":
    """This concierge on Discord; stopped as above."""
    task = asyncio.create_task(serve(concierge, chosen, desk, monitor))
    await server.ready(timeout=15)
    try:
        yield task
    finally:  # also after a failed test: a bot that goes on keeps the loop from closing
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 15)
        await _end_waiting_for_guilds()


async def _end_waiting_for_guilds() -> None:
    """Ends discord.py's wait for guilds (2 s from READY on), which outlives a closed client.

    Left to the end of the test's loop, it could begin event handlers there that never run.
    """
    names = ("_delay_ready", "_delay_shard_ready")
    waiting = [t for t in asyncio.all_tasks() if any(n in repr(t.get_coro()) for n in names)]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.sleep(0)


async def nothing_more(server: DiscordServer, *replies: Posted) -> None:
    """Checks that these are all that the bot said: it answers in the order of its questions."""
    last = await server.dm("a great last one")
    final = await server.wait_for_reply(last)
    assert server.messages == [*replies, final]
    assert server.unknown_requests == []
    assert server.violations == []
