"""Traces: which spans a message has, and that nothing of a customer is in them."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot import logs, tracing
from bot.conversation.concierge import Concierge
from bot.errors import SettingsError
from bot.sentences.responses import Responses
from bot.settings import load_settings
from tests.bot.frontends.http_server import served
from tests.bot.frontends.loopback import serving
from tests.bot.http_process import ROOT, running
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, point_discord_py_at
from tests.marker import MARKER, marked
from trainer.model.checkpoint import promote


@pytest.fixture
def spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """All spans that have ended."""
    monkeypatch.chdir(tmp_path)
    exporter = InMemorySpanExporter()
    tracing.start(SimpleSpanProcessor(exporter))
    yield exporter
    tracing.stop()


def _tree(spans: InMemorySpanExporter) -> list[tuple[str, list[str]]]:
    """Each span without a parent, with the names of those within it by their beginning."""
    found = sorted(spans.get_finished_spans(), key=lambda each: each.start_time or 0)
    for each in found:
        _require_nothing_of_a_customer(each)
    assert all(each.start_time <= each.end_time for each in found)  # type: ignore[operator]
    return [
        (
            root.name,
            [
                each.name
                for each in found
                if each.parent and each.parent.span_id == root.context.span_id
            ],
        )
        for root in found
        if root.parent is None
    ]


ATTRIBUTES = {"front_end", "address", "status", "kind", "texts", "tokens", "checkpoint"}


def _require_nothing_of_a_customer(span: ReadableSpan) -> None:
    assert MARKER not in span.to_json()
    assert span.attributes is not None
    assert set(span.attributes) <= {f"concierge.{name}" for name in ATTRIBUTES}
    # An id of Discord has 17 digits or more.
    assert not [each for each in span.attributes.values() if len(str(each)) > 16]
    assert not span.events  # where exceptions would be


async def test_a_message_on_discord_has_a_span_for_each_step(
    spans: InMemorySpanExporter, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with DiscordServer() as server:
        with point_discord_py_at(server):
            async with serving(server, classifier, responses):
                await server.wait_for_reply(await server.say(server.channel, "great"))
                await server.wait_for_reply(await server.say(server.channel, "poison"))
    steps = ["wait", "batch", "judge", "reply"]
    assert _tree(spans) == [("receive", steps), ("receive", steps)]
    attributes = [dict(each.attributes or {}) for each in spans.get_finished_spans()]
    assert {"concierge.kind": "positive"} in attributes
    assert {"concierge.kind": "failure"} in attributes
    assert {"concierge.front_end": "discord"} in attributes
    judged = {"concierge.checkpoint": "stub", "concierge.texts": 1, "concierge.tokens": 2}
    assert judged in attributes


async def test_a_request_over_http_has_those_of_each_text(
    spans: InMemorySpanExporter, concierge: Concierge
) -> None:
    async with served(concierge) as client:
        body = {"text": [marked("great"), marked("so dull")]}
        async with client.post("/v1/classify", json=body) as response:
            assert response.status == 200
        async with client.post("/v1/classify", json={"text": 1}) as response:
            assert response.status == 422
        async with client.get("/metrics") as response:
            assert response.status == 200
    first, second = _tree(spans)
    assert first[0] == second[0] == "receive"
    assert sorted(first[1]) == ["batch", "batch", "judge", "judge", "reply", "wait", "wait"]
    assert second[1] == ["reply"]
    judged = [each.attributes for each in spans.get_finished_spans() if each.name == "judge"]
    assert [each["concierge.texts"] for each in judged if each] == [2, 2]


def test_without_an_address_nothing_is_traced_or_imported() -> None:
    tracing.configure(None)
    assert tracing.span("receive") is tracing.span("reply", kind="positive")
    program = (
        "import sys; import bot.engine, bot.frontends.discord, bot.tracing; "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"


def test_the_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> None:
        if "." in name:
            raise ModuleNotFoundError  # as where the package around it is missing

    monkeypatch.setattr("trainer.extras.find_spec", find)
    with pytest.raises(SettingsError, match=r'opentelemetry\.sdk.* "review-concierge\[otel\]"'):
        tracing.configure("http://127.0.0.1:4318")


@pytest.mark.parametrize("address", ["localhost:4318", "ftp://user:pass-word@host", "http://"])
def test_an_address_that_is_none_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    with pytest.raises(SettingsError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT must be") as caught:
        load_settings()
    assert "pass-word" not in str(caught.value)


@asynccontextmanager
async def _collector(received: list[bytes]) -> AsyncIterator[str]:
    """A collector on loopback, which keeps what is sent to it."""

    async def take(request: web.Request) -> web.Response:
        received.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def test_a_server_sends_its_last_spans_before_it_ends(
    checkpoint: Path, tmp_path: Path
) -> None:
    received: list[bytes] = []
    async with _collector(received) as address:
        await _serve_one_text(checkpoint, tmp_path, address)
    (sent,) = received
    for name in (b"receive", b"wait", b"batch", b"judge", b"reply", b"review-concierge"):
        assert name in sent
    assert MARKER.encode() not in sent


def test_a_collector_that_does_not_answer_holds_up_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()

    class Deaf(SimpleSpanProcessor):
        def shutdown(self) -> None:
            never.wait(20)

    monkeypatch.setattr(tracing, "STOP_SECONDS", 0.05)
    tracing.start(Deaf(InMemorySpanExporter()))
    began = time.monotonic()
    tracing.stop()
    assert time.monotonic() - began < 5
    never.set()


def test_a_collector_that_is_away_is_logged_seldom(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    log = logging.getLogger("opentelemetry.exporter")
    for _ in range(3):
        log.warning("Transient error")
        log.error("Failed to export")
    assert capsys.readouterr().err.count("Failed to export") == 1


async def _serve_one_text(checkpoint: Path, folder: Path, collector: str) -> None:
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "tiny").symlink_to(checkpoint)
    promote("tiny", folder / "checkpoints")
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "NO_PROXY": "*"}
    async with running(folder, **settings) as server:
        found = await server.read_until(r"Listening on (http://127\.0\.0\.1:\d+)")
        await server.read_until("Ready")
        async with aiohttp.ClientSession(found[1]) as client:
            body = {"text": marked("what a wonderful film")}
            async with client.post("/v1/classify", json=body) as response:
                assert json.loads(await response.text())["results"][0]["label"] == "positive"
        assert await server.stop() == 0
