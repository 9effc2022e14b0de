"""Which commands are registered with Discord, and when."""

import asyncio
import logging

import pytest
from pydantic import SecretStr

from bot.__main__ import register
from bot.errors import BotError, RateLimitedError, RefusedRequestError, RefusedTokenError
from bot.frontends.discord import restart_point
from bot.frontends.discord.sync import STATE_FILE
from bot.sentences.responses import Responses
from tests.bot.frontends.loopback import serving
from tests.bot.stub import KeywordClassifier, settings
from tests.discord_server import DiscordServer

SYNC = ("PUT", "/applications/{application_id}/commands")


def _syncs(server: DiscordServer) -> int:
    return sum((request.method, request.route) == SYNC for request in server.requests)


async def _start(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    """Starts the bot, sees that it answers, and stops it."""
    async with serving(server, classifier, responses):
        await server.wait_for_reply(await server.say(server.channel, "great"))
        await asyncio.sleep(0.2)  # time for a sync, though none may be wanted


async def test_only_changes_are_sent(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    await _start(server, classifier, responses)
    commands = {command["name"] for command in server.commands[None]}
    assert {"review", "Judge this review", "help", "privacy", "responses"} <= commands
    told = STATE_FILE.read_bytes()
    await _start(server, classifier, responses)
    assert _syncs(server) == 1
    for other in (b'{"hash": "of another tree"}', b"[]", b"\xff"):
        STATE_FILE.write_bytes(other)
        await _start(server, classifier, responses)
        assert STATE_FILE.read_bytes() == told
    assert _syncs(server) == 4
    files = {file.name for file in STATE_FILE.parent.iterdir()}
    assert files == {STATE_FILE.name, restart_point.STATE_FILE.name}
    assert server.violations == server.unknown_requests == []


# A PUT is safe to repeat, so aiohttp itself tries again after the first reset.
@pytest.mark.parametrize(
    "trouble",
    [{"status": 400}, {"status": 429, "retry_after": 3_600}, {"reset": True, "times": 2}],
    ids=str,
)
async def test_without_its_commands_the_bot_still_answers(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
    trouble: dict[str, int],
) -> None:
    server.fail(*SYNC, **trouble)  # type: ignore[arg-type]
    await _start(server, classifier, responses)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    (line,) = [record.getMessage() for record in warnings if record.name.startswith("bot")]
    cannot_be_reached = "Discord cannot be reached" in line
    assert line.startswith("The commands may be missing. Discord ")
    assert cannot_be_reached is ("reset" in trouble)
    assert not STATE_FILE.exists()
    await _start(server, classifier, responses)
    assert _syncs(server) == trouble.get("times", 1) + 1


async def test_on_request_commands_are_registered_in_any_case_and_without_a_model(
    server: DiscordServer,
) -> None:
    for number in (1, 2):
        count = await _register(server.token)
        assert count == len(server.commands[None])
        assert _syncs(server) == number
    assert not server.identifies
    assert STATE_FILE.exists()


async def test_on_request_a_failure_is_reported(server: DiscordServer) -> None:
    troubles: list[tuple[dict[str, float], type[BotError], str]] = [
        ({"status": 400}, RefusedRequestError, "status 400, code 50035"),
        ({"status": 403}, RefusedRequestError, "status 403"),
        ({"status": 429, "retry_after": 3_600}, RateLimitedError, "for 3,600 s"),
    ]
    for trouble, error, words in troubles:
        server.fail(*SYNC, **trouble)  # type: ignore[arg-type]
        with pytest.raises(error, match=words):
            await _register(server.token)
    with pytest.raises(RefusedTokenError):
        await _register("not.the.token")


async def _register(token: str) -> int:
    """As `python -m bot sync` does."""
    return await register(settings(token), SecretStr(token))
