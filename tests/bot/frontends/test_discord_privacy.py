"""Customers' texts remain nowhere: not in a log, not in a file, with or without a crash."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from bot import logs
from bot.conversation.concierge import Concierge
from bot.engine import UnansweredError
from bot.frontends.discord import delivery
from bot.frontends.discord.delivery import Delivery
from bot.frontends.discord.reasons import BUTTON
from bot.sentences.responses import Responses
from tests.bot.frontends.loopback import POST_MESSAGE, serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import Attachment, DiscordServer, Posted
from tests.marker import MARKER


async def _through_every_way_in(server: DiscordServer, text: str) -> int:
    """Writes `text` in each way; returns how many answers that makes, where nothing fails."""
    mention = await server.say(server.channel, text)
    file = Attachment(f"{MARKER}.txt", MARKER.encode())
    await server.say(server.channel, text, attachments=[file])
    await server.dm(text)
    ours = next((m for m in server.messages if m.interaction is None), None)
    if ours is not None:
        await server.say(server.channel, text, reply_to=ours, mention_bot=False)
    await server.slash("review", {"text": text})
    await server.message_command("Judge this review", mention)
    return 5 + (ours is not None)


async def test_no_review_is_written_anywhere(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0.01,))
    logs.configure("DEBUG")
    asyncio.get_running_loop().set_exception_handler(logs.report_loop_error)
    async with serving(server, classifier, responses, log_level="DEBUG"):

        async def answered(text: str) -> None:
            before = len(_to_customers(server))
            expected = before + await _through_every_way_in(server, text)
            await server.wait_until(lambda: len(_to_customers(server)) >= expected)

        await answered(f"{MARKER} great")
        ours = next(m for m in server.messages if m.components)
        await server.press(ours, BUTTON)
        shown = await server.wait_for_message(lambda posted: MARKER in posted.content)
        assert shown.ephemeral  # to the one who asked, and to nobody else
        await answered(f"{MARKER} poison")  # the classifier quotes it in its exception

        # Discord refuses, or goes away.
        for trouble in ({"status": 400}, {"status": 403}, {"reset": True}):
            fault = server.fail(*POST_MESSAGE, times=4, **trouble)
            await server.say(server.channel, f"{MARKER} great")
            await server.say(server.channel, f"{MARKER} poison")
            await server.dm(MARKER)
            await server.dm(MARKER)
            await server.wait_until(lambda fault=fault: not fault.left)  # type: ignore[misc]

        # A bug in each part of the way, with the text in its exception.
        with monkeypatch.context() as patch:
            crashes = _crash(patch, Concierge, "explain")
            await server.press(ours, BUTTON)
            await server.wait_until(lambda: crashes)
        for where, name in ((Concierge, "answer"), (Delivery, "deliver")):
            with monkeypatch.context() as patch:
                crashes = _crash(patch, where, name)
                expected = await _through_every_way_in(server, f"{MARKER} great")
                await server.wait_until(lambda c=crashes, n=expected: len(c) >= n)  # type: ignore[misc]
        with monkeypatch.context() as patch:
            patch.setattr(classifier, "encode", lambda text: (_ for _ in ()).throw(KeyError(text)))
            await server.wait_for_reply(await server.dm(f"{MARKER} wonderful"))

    said = capfd.readouterr()
    assert "ValueError at tests/bot/stub.py" in said.err  # the crashes were told of
    assert "RuntimeError at tests/bot" in said.err
    assert MARKER not in said.out + said.err
    written = _files(tmp_path)
    assert written
    assert not [file for file in written if MARKER in file.name]
    assert not [file for file in written if MARKER.encode() in file.read_bytes()]
    assert [posted for posted in server.messages if MARKER in posted.content] == [shown]


def _crash(patch: pytest.MonkeyPatch, where: type, name: str) -> list[None]:
    """Lets this method fail with the marker in its message; returns a list of its calls."""
    calls: list[None] = []

    async def crash(*_: Any, **__: Any) -> None:
        calls.append(None)
        raise RuntimeError(f"cannot handle {MARKER}") from UnansweredError(MARKER)

    patch.setattr(where, name, crash)
    return calls


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def _to_customers(server: DiscordServer) -> list[Posted]:
    return [m for m in server.messages if m.channel.recipient is not server.owner]


def test_the_library_s_own_lines_hold_no_text() -> None:
    """On DEBUG, discord.py would log every message; it stays on INFO."""
    logs.configure("DEBUG")
    assert not logging.getLogger("discord.http").isEnabledFor(logging.DEBUG)
