"""Prometheus's configuration, its alerts and the dashboard: what they ask for is there."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.sentences.kinds import Kind
from tests.bot.frontends.loopback import environment
from tests.bot.http_process import running
from tests.deploy.files import ROOT
from tests.deploy.test_image import is_healthy
from tests.discord_server import DiscordServer, bot_process_argv
from tests.marker import marked
from trainer.model.checkpoint import promote

PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/review-concierge.json").read_text())
EXPRESSIONS = [
    *(rule["expr"] for rule in ALERTS),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
]
OF_PROMETHEUS = {"up"}
"""What it says of each target itself."""


def _series(exposed: str) -> dict[str, set[str]]:
    """The names of series, with the names of their labels."""
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", exposed, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


async def _figures_of_discord(folder: Path) -> str:
    """What /metrics says in the process of the bot on Discord, after a message and a vote."""
    async with DiscordServer() as discord:
        settings = {"METRICS_PORT": "0", "LOG_LEVEL": "INFO"}
        process = await asyncio.create_subprocess_exec(
            *bot_process_argv(discord),
            cwd=folder,
            env={**environment(discord), **settings},
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            while found := (await asyncio.wait_for(process.stderr.readline(), 60)).decode():
                if address := re.search(r"figures are on (http://127\.0\.0\.1:(\d+))", found):
                    break
            assert address is not None
            await discord.ready(timeout=60)
            text = marked("what a wonderful film")
            sent = await discord.wait_for_reply(await discord.say(discord.channel, text), 30)
            await discord.react(sent.id, "👍")
            code, said = await asyncio.to_thread(is_healthy, METRICS_PORT=address[2], HTTP_PORT="1")
            assert (code, said) == (0, '{"status":"ok"}\n')
            async with aiohttp.ClientSession(address[1]) as client, asyncio.timeout(20):
                exposed = ""
                while 'concierge_votes{checkpoint="tiny",vote="up"} 1.0' not in exposed:
                    async with client.get("/metrics") as response:
                        exposed = await response.text()
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 30) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return exposed


async def _figures_of_http(folder: Path) -> str:
    async with running(folder) as server:
        address = (await server.read_until(r"Listening on (http://127\.0\.0\.1:\d+)"))[1]
        await server.read_until("Ready")
        async with aiohttp.ClientSession(address) as client:
            await client.post("/v1/classify", json={"text": marked("what a wonderful film")})
            async with client.get("/metrics") as response:
                exposed = await response.text()
        assert await server.stop() == 0
    return exposed


@pytest.fixture(scope="module")
def series(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of all series of two running bots, with the names of their labels."""
    folder = tmp_path_factory.mktemp("monitored")
    shutil.copytree(checkpoint, folder / "checkpoints" / "tiny")
    promote("tiny", folder / "checkpoints")

    async def exposed() -> str:
        return await _figures_of_discord(folder) + await _figures_of_http(folder)

    return _series(asyncio.run(exposed()))


def test_each_expression_asks_for_series_and_labels_that_exist(
    series: dict[str, set[str]],
) -> None:
    added = {"front_end", "job", "instance"}  # by Prometheus
    for expression in EXPRESSIONS:
        names = set(re.findall(r"\b(?:concierge|process)_\w+|\bup\b", expression))
        assert names, expression
        assert names <= series.keys() | OF_PROMETHEUS, expression
        asked = set(re.findall(r"(\w+)=~?\"", expression))
        for labels in re.findall(r"(?:by|on|ignoring) \(([\w, ]*)\)", expression):
            asked |= set(labels.split(", "))
        known = set().union(added, *(series.get(name, set()) for name in names))
        assert asked <= known, expression


def test_each_series_that_is_shown_has_a_place_on_the_dashboard(
    series: dict[str, set[str]],
) -> None:
    shown = " ".join(EXPRESSIONS)
    own = {name for name in series if name.startswith("concierge_")}
    measured = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in own}
    hidden = {name for name in measured if name not in shown}
    assert hidden == {"concierge_queue_texts"}  # beside the tokens, which are what is limited


def test_the_kinds_that_are_asked_for_exist() -> None:
    kinds = re.findall(r'kind="(\w+)"', " ".join(EXPRESSIONS))
    assert kinds
    assert set(kinds) <= set(Kind)


def test_what_prometheus_asks_are_the_ports_of_compose() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    (job,) = config["scrape_configs"]
    assert config["rule_files"] == ["alerts.yml"]
    targets = [each for group in job["static_configs"] for each in group["targets"]]
    settings = {name: services[name]["environment"] for name in ("http", "discord")}
    assert targets == [
        f"http:{settings['http']['HTTP_PORT']}",
        f"discord:{settings['discord']['METRICS_PORT']}",
    ]
    # The key is in the folder that compose.yaml mounts, which git and the image leave out.
    assert job["authorization"]["credentials_file"] == "key"
    assert "/deploy/prometheus/key" in (ROOT / ".gitignore").read_text().splitlines()


def test_each_alert_is_tried_and_says_what_is_wrong() -> None:
    tried = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text("utf-8"))["tests"]
    fired = {
        case["alertname"]
        for test in tried
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in ALERTS}
    assert all(rule["annotations"]["summary"].endswith(".") for rule in ALERTS)
    assert {rule["labels"]["severity"] for rule in ALERTS} == {"page", "ticket"}


@pytest.fixture
def promtool() -> str:
    found = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not installed (Debian's package prometheus); or set PROMTOOL")
    return found


def _promtool(*words: str | Path, cwd: Path = PROMETHEUS) -> None:
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_rules_and_each_fires_when_it_must(
    promtool: str, tmp_path: Path
) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "key").write_text("rc_key")
    _promtool(promtool, "check", "config", "prometheus.yml", cwd=tmp_path)
    _promtool(promtool, "test", "rules", "alerts_test.yml")


def test_promtool_can_read_each_expression_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    (tmp_path / "panels.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    )
    _promtool(promtool, "check", "rules", "panels.yml", cwd=tmp_path)


def test_the_panels_do_not_overlap_and_name_their_source() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["datasource"]["uid"] == "${source}"
        assert panel["description"].endswith(".")
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
