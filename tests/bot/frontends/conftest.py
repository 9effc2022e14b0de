"""What the tests of the front ends share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.desk.desk import Desk, open_desk
from bot.desk.store import ServerSettings
from bot.frontends.discord.references import reference
from bot.sentences.responses import Responses
from bot.settings import Settings
from tests.bot.desk.conftest import MovableClock, sqlite_url
from tests.bot.frontends.desk import Start
from tests.bot.frontends.loopback import OPENAPI, serving
from tests.bot.frontends.synced import repeat_on_simcord
from tests.bot.stub import KeywordClassifier
from tests.discord_server import Channel, DiscordServer, point_discord_py_at


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a working directory of its own: what the bot writes lies there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _repeated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "simcord_env" in request.fixturenames:
        repeat_on_simcord(monkeypatch)


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(openapi=OPENAPI if OPENAPI.exists() else None) as server:
        with point_discord_py_at(server):
            yield server


@pytest.fixture
async def bot(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> "AsyncIterator[asyncio.Task[None]]":
    async with serving(server, classifier, responses) as task:
        yield task


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def staff(server: DiscordServer) -> Channel:
    """The staff channel."""
    return server.world.add_channel("staff")


@pytest.fixture
def start(
    server: DiscordServer,
    staff: Channel,
    classifier: KeywordClassifier,
    responses: Responses,
    clock: MovableClock,
    tmp_path: Path,
) -> Start:
    @asynccontextmanager
    async def starting(**chosen: object) -> AsyncIterator[Desk]:
        settings = Settings(database_url=sqlite_url(tmp_path))  # type: ignore[arg-type]
        async with open_desk(settings, clock) as desk:
            assert desk is not None
            values = {"staff_channel": reference(staff.id), **chosen}
            await desk.store.set_settings(
                reference(server.guild.id),
                ServerSettings(**values),  # type: ignore[arg-type]
            )
            async with serving(server, classifier, responses, desk):
                yield desk

    return starting
