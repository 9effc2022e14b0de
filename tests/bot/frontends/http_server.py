"""The HTTP front end on loopback, in this process, with a classifier that a test controls."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from bot.conversation.concierge import Concierge
from bot.frontends.http.server import Look, serve
from bot.settings import Settings

JSON = {"Content-Type": "application/json"}


def http_settings(**others: Any) -> Settings:
    """The settings for a free port, and none from a .env file."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return Settings(_env_file=None, **{"http_port": port, **others})  # type: ignore[call-arg]


@asynccontextmanager
async def opened(
    concierge: Concierge, loaded: asyncio.Event | None = None, looks: Sequence[Look] = ()
) -> AsyncIterator[tuple[Concierge, list[Look]]]:
    """Loads a model until `loaded`."""
    if loaded is not None:
        await loaded.wait()
    yield concierge, list(looks)


@asynccontextmanager
async def served(
    concierge: Concierge,
    chosen: Settings | None = None,
    *,
    key: str | None = None,
    loaded: asyncio.Event | None = None,
    looks: Sequence[Look] = (),
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a server, which stops at the end."""
    chosen = chosen or http_settings(messages_per_second=0, http_texts_per_second=0)
    serving = asyncio.create_task(serve(chosen, opened(concierge, loaded, looks)))
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    base = f"http://127.0.0.1:{chosen.http_port}"
    try:
        async with aiohttp.ClientSession(base, headers=headers) as client:
            await _until_listening(client, serving)
            if loaded is None:
                await until_ready(client)
            yield client
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def _until_listening(client: aiohttp.ClientSession, serving: "asyncio.Task[None]") -> None:
    while not serving.done():
        with suppress(aiohttp.ClientConnectionError):
            async with client.get("/livez"):
                return
        await asyncio.sleep(0.01)
    await serving


async def until_ready(client: aiohttp.ClientSession) -> None:
    """Waits until texts can be judged."""
    while True:
        async with client.get("/readyz") as response:
            if response.status == 200:
                return
        await asyncio.sleep(0.01)
