"""What the tests of the front ends share."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sentences.responses import Responses
from tests.bot.frontends.loopback import OPENAPI, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, point_discord_py_at


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a working directory of its own: what the bot writes lies there."""
    monkeypatch.chdir(tmp_path)


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
