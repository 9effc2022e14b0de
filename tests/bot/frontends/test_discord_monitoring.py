"""METRICS_PORT: health and figures of the bot on Discord."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.__main__ import main
from bot.conversation.concierge import Concierge
from bot.desk.desk import Desk
from bot.desk.store import Request, Store
from bot.engine import Engine
from bot.errors import SettingsError, StoreError
from bot.frontends.discord.references import reference
from bot.frontends.http import keys
from bot.frontends.http.monitoring import monitoring
from tests.bot.frontends.desk import opened_desk
from tests.bot.frontends.loopback import connected
from tests.bot.stub import KeywordClassifier, settings
from tests.discord_server import DiscordServer
from tests.marker import MARKER

Figures = dict[tuple[str, ...], float]


class Probe:
    """What asks the addresses."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def status(self, path: str = "/readyz") -> tuple[int, str]:
        """The status, and the reason for a 503."""
        async with self._client.get(path) as response:
            said = json.loads(await response.text())
            return response.status, said.get("detail", "")

    async def until(self, status: int) -> str:
        """Waits until /readyz has this status; returns the reason."""
        async with asyncio.timeout(20):
            while True:
                found, reason = await self.status()
                if found == status:
                    return reason
                await asyncio.sleep(0.01)

    async def figures(self) -> Figures:
        async with self._client.get("/metrics") as response:
            said = await response.text()
        assert response.status == 200
        assert MARKER not in said
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(said)
            for sample in family.samples
        }


@asynccontextmanager
async def _watched(
    server: DiscordServer,
    concierge: Concierge,
    caplog: pytest.LogCaptureFixture,
    desk: Desk | None = None,
) -> AsyncIterator[Probe]:
    """The bot on the loopback Discord, and what asks for its health."""
    caplog.set_level(logging.INFO, "bot")
    chosen = settings(server.token, messages_per_second=0)
    async with monitoring("127.0.0.1", 0, concierge.engine, desk) as monitor:
        found = re.search(r"Health and figures are on (http://127\.0\.0\.1:\d+)", caplog.text)
        assert found is not None
        async with aiohttp.ClientSession(found[1]) as client:
            assert (await Probe(client).status())[0] == 503
            async with connected(server, concierge, chosen, desk, monitor):
                yield Probe(client)


async def test_it_is_ready_while_the_gateway_is_connected(
    server: DiscordServer,
    concierge: Concierge,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_return = asyncio.Event()

    async def wait(_client: object, _shard: object, *, initial: bool = False) -> None:
        if not initial:
            await may_return.wait()

    monkeypatch.setattr("discord.Client.before_identify_hook", wait)
    async with _watched(server, concierge, caplog) as probe:
        await probe.until(200)
        await server.invalidate_session()
        assert "not connected" in await probe.until(503)
        assert (await probe.status("/livez"))[0] == 200
        assert (await probe.figures())["concierge_connected",] == 0
        may_return.set()
        await probe.until(200)
        await server.close_gateway(1001)
        async with asyncio.timeout(20):
            while True:
                if (await probe.figures())["concierge_reconnects_total",] == 2:
                    break
                await asyncio.sleep(0.01)
        assert (await probe.until(200)) == ""


async def test_it_is_not_ready_while_the_worker_hangs_and_it_counts(
    server: DiscordServer,
    concierge: Concierge,
    classifier: KeywordClassifier,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.engine.STUCK_SECONDS", 0.05)
    async with _watched(server, concierge, caplog) as probe:
        await probe.until(200)
        classifier.gate.clear()
        waiting = await server.say(server.channel, "great")
        assert "its worker hangs" in await probe.until(503)
        assert (await probe.figures())["concierge_queue_texts",] == 1
        classifier.gate.set()
        await server.wait_for_reply(waiting)
        await server.wait_for_reply(await server.say(server.channel, "so dull"))
        await probe.until(200)
        found = await probe.figures()
        async with asyncio.timeout(5):
            assert (await probe.status("/v1/classify"))[0] == 404
    assert found["concierge_messages_total", "positive"] == 1
    assert found["concierge_verdicts_total", "negative"] == 1
    assert found["concierge_reply_seconds_count",] == 2
    assert found["concierge_batch_texts_count",] == found["concierge_batch_texts_sum",] == 2
    assert found["concierge_batch_seconds_count",] == 2
    assert found["concierge_queue_texts",] == 0
    assert found["concierge_model", "stub"] == found["concierge_ready",] == 1
    assert found["concierge_connected",] == 1
    assert found["process_resident_memory_bytes",] > 0


async def test_it_shows_votes_and_cards_without_whose_they_are(
    concierge: Concierge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        opened_desk(tmp_path) as desk,
        monitoring("127.0.0.1", 0, concierge.engine, desk) as monitor,
    ):
        server, now = reference(1), desk.clock()
        for number in range(3):
            await desk.store.open_card(Request(server, reference(1, 2, 3 + number), "person"))
        (card, *_) = await desk.store.open_cards()
        await desk.store.claim(card.id, reference(7))
        for person, up in enumerate((True, True, False)):
            await desk.store.vote(
                server,
                reference(2, 4),
                reference(10 + person),
                up=up,
                replied=now,
                kind="positive",
                checkpoint="tiny",
            )
        said = (await monitor.figures()).decode()
        assert 'concierge_cards{state="open"} 2.0' in said
        assert 'concierge_cards{state="claimed"} 1.0' in said
        assert 'concierge_votes{checkpoint="tiny",vote="up"} 2.0' in said
        assert 'concierge_votes{checkpoint="tiny",vote="down"} 1.0' in said

        async def fail(_store: Store) -> object:
            raise StoreError("The database is locked.")

        monkeypatch.setattr(Store, "vote_totals", fail)
        assert b"concierge_ready 0.0" in await monitor.figures()  # the platform is not connected


async def test_an_address_that_others_can_reach_takes_a_key(
    concierge: Concierge, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SettingsError, match=r"METRICS_HOST is 0\.0\.0\.0, which others can reach"):
        async with monitoring("0.0.0.0", 0, concierge.engine, None):
            pass
    secret = keys.add("prometheus", date(2026, 1, 2))
    caplog.set_level(logging.INFO, "bot")
    async with monitoring("127.0.0.1", 0, concierge.engine, None):
        port = re.findall(r"http://127\.0\.0\.1:(\d+)", caplog.text)[-1]
        with pytest.raises(SettingsError, match=f"METRICS_PORT {port}"):
            async with monitoring("127.0.0.1", int(port), concierge.engine, None):
                pass
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            for headers, status in (({}, 401), ({"Authorization": f"Bearer {secret}"}, 200)):
                async with client.get("/metrics", headers=headers) as response:
                    assert response.status == status


def test_the_packages_that_it_needs_are_named(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("trainer.extras.find_spec", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["bot"])
    monkeypatch.setenv("METRICS_PORT", "9464")
    monkeypatch.setenv("DISCORD_TOKEN", "x.y.z")
    assert main() == 2
    assert "METRICS_PORT needs the packages fastapi" in capsysbinary.readouterr().err.decode()


async def test_the_engine_reports_each_batch(classifier: KeywordClassifier) -> None:
    found: list[tuple[int, int]] = []
    async with Engine(classifier) as engine:
        engine.on_batch = lambda batch: found.append((batch.texts, batch.tokens))
        await asyncio.gather(engine.classify("so dull"), engine.classify("a great film"))
    assert found == [(2, 5)]
