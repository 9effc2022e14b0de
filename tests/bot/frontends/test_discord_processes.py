"""Shards over several processes, each as on a machine of its own, on one database."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.desk.store import Claim, Store, open_store
from bot.settings import Settings
from tests.bot.desk.conftest import new_postgres_database, postgres, postgres_program, sqlite_url
from tests.bot.frontends.loopback import environment
from tests.bot.frontends.shard_process import IDENTIFY_SECONDS
from tests.discord_server import DiscordServer

__all__ = ["postgres"]
"""A fixture of the desk's tests."""

START_SECONDS = 60.0


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(identify_seconds=IDENTIFY_SECONDS - 0.25) as server:
        yield server


@pytest.fixture
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """DATABASE_URL of an empty database: on PostgreSQL where it is installed."""
    if postgres_program("initdb") is None:
        return sqlite_url(tmp_path)
    return await new_postgres_database(request.getfixturevalue("postgres"))


class Process:
    """A process that serves one of two shards, in a folder of its own."""

    def __init__(self, server: DiscordServer, url: str, folder: Path, shard: int) -> None:
        folder.mkdir()
        self._log = folder / "log"
        own = {"DATABASE_URL": url, "SHARD_COUNT": "2", "SHARD_IDS": str(shard)}
        places = [server.api_base, str(server.gateway_url)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.bot.frontends.shard_process", *places],
                cwd=folder,
                env=environment(server) | own,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> int:
        return await asyncio.to_thread(self._process.wait, 30)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@asynccontextmanager
async def _running(*processes: Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.end()


async def test_each_message_is_answered_once_though_a_process_is_killed(
    server: DiscordServer, url: str, tmp_path: Path
) -> None:
    """The spare of shard 0 also gets the direct messages, and leads."""
    home = (server.guild.id >> 22) % 2
    far = server.world.add_channel(
        "far", server.world.add_guild("Far away", server.member, shard=(1 - home, 2))
    )
    places = [server.channel, far] if home == 0 else [far, server.channel]
    killed, other = (Process(server, url, tmp_path / str(shard), shard) for shard in (0, 1))
    async with _running(killed, other), open_store(_settings(url)) as store:
        await server.wait_until(lambda: "This process serves" in killed.log, START_SECONDS)
        spare = Process(server, url, tmp_path / "spare", 0)
        async with _running(spare):
            await server.wait_until(lambda: server.shards == {0, 1}, START_SECONDS)
            await server.wait_until(lambda: "Waiting for shard 0" in spare.log, START_SECONDS)
            asked = [await server.say(place, "great") for place in places]
            asked.append(await server.dm("great"))
            for question in asked:
                await server.wait_for_reply(question, timeout=30)
            await _until_left(store, asked[-1])
            # Stopped, it reads the messages no more than one that has crashed.
            killed.send(signal.SIGSTOP)
            lost = [await server.say(place, "so dull") for place in places]
            lost.append(await server.dm("so dull"))
            killed.send(signal.SIGKILL)
            for question in lost:
                await server.wait_for_reply(question, timeout=30)
            asked += [*lost, await server.say(places[0], "great"), await server.dm("great")]
            for question in asked:
                await server.wait_for_reply(question, timeout=30)
            assert Counter(posted.reply_to for posted in server.messages) == Counter(asked)
            for process in (spare, other):
                process.send(signal.SIGTERM)
                assert await process.ended() == 0
    assert server.refused_identifies == 0


def _settings(url: str) -> Settings:
    return Settings(database_url=url)  # type: ignore[arg-type]


async def _until_left(store: Store, message: int) -> None:
    """Waits until the process that serves shard 0 has noted that it has read this message."""
    async with asyncio.timeout(30):
        while True:
            left = await store.left(Claim(("shard-0",), "test", 1.0))
            if left and left[0][0] >= message - 1 and left[0][1:]:
                return
            await asyncio.sleep(0.05)
