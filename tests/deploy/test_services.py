"""compose.yaml and the unit of systemd: what they name exists in the program."""

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import BotError
from bot.frontends.discord.client import CLOSING_SECONDS
from bot.frontends.http.service import ANSWER_SECONDS
from bot.settings import load_settings
from tests.deploy.files import ROOT, SCRIPTS, SETTINGS, is_command, of_kind, stages

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BOTS = {name: each for name, each in SERVICES.items() if each["image"] == "review-concierge"}
UNIT = ROOT / "deploy" / "review-concierge.service"

MAX_EXPOSURE = 15
"""Tenths of the score of `systemd-analyze security`, which is 0 to 10: it speaks to the network."""


def test_the_bots_run_commands_that_exist_with_settings_that_exist() -> None:
    assert BOTS.keys() == {"discord", "http"}
    for bot in BOTS.values():
        assert bot.get("entrypoint", ["review-concierge"])[0] in SCRIPTS
        assert is_command(bot.get("command", []))
        assert bot["environment"].keys() <= SETTINGS
        assert bot["env_file"] == ".env"
        assert bot["read_only"]
        assert bot["cap_drop"] == ["ALL"]
    # Where ENTRYPOINT is replaced, the image's CMD does not count; elsewhere it would.
    assert "entrypoint" in BOTS["discord"]
    assert "command" not in BOTS["discord"]


def test_the_settings_of_compose_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for bot in BOTS.values():
        for name, value in bot["environment"].items():
            monkeypatch.setenv(name, re.sub(r"\$\{(\w+)[^}]*\}", "x1", value))
    assert load_settings().http_host == "0.0.0.0"
    assert load_settings().http_port == 8000


def test_ports_are_published_on_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []
    assert of_kind(stages()[-1], "EXPOSE") == [SERVICES["http"]["ports"][0].rpartition(":")[2]]


def test_names_within_compose_and_files_that_it_mounts_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_dir()
        assert set(service.get("networks", [])) <= COMPOSE["networks"].keys()
        assert set(service.get("depends_on", [])) <= SERVICES.keys()
    (folder,) = of_kind(stages()[-1], "VOLUME")
    assert all(f"data:{folder}" in bot["volumes"] for bot in BOTS.values())


def test_a_stop_waits_for_what_is_in_flight() -> None:
    seconds = max(ANSWER_SECONDS, CLOSING_SECONDS)
    assert all(int(bot["stop_grace_period"].rstrip("s")) > seconds for bot in BOTS.values())
    assert int(_unit()["Service"]["TimeoutStopSec"]) > seconds


def _unit() -> RawConfigParser:
    """Of a key that is repeated, the last value."""
    parser = RawConfigParser(strict=False)
    parser.read(UNIT, "utf-8")
    return parser


def test_the_unit_starts_a_command_of_the_package_as_its_own_user() -> None:
    service = _unit()["Service"]
    program, *words = service["ExecStart"].split()
    assert Path(program).name in SCRIPTS
    assert is_command(words)
    assert service["User"] not in ("root", "0", "")
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"


def test_the_unit_does_not_start_again_what_a_start_cannot_mend() -> None:
    codes = {int(code) for code in _unit()["Service"]["RestartPreventExitStatus"].split()}
    assert codes <= {2} | {error.exit_code for error in BotError.__subclasses__()}
    # A bug, and a Discord that cannot be reached, may be gone at the next start.
    assert codes.isdisjoint({0, 1, 7})


def _systemd_analyze(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Debian's package systemd)")
    command = ["systemd-analyze", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_unit_is_one_that_systemd_accepts(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    # The program and the user exist only where it is installed.
    text = re.sub(r"^(ExecStart)=.*", r"\1=/bin/sh", UNIT.read_text(), flags=re.MULTILINE)
    unit.write_text(re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE))
    done = _systemd_analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_confined() -> None:
    done = _systemd_analyze("security", "--offline=true", f"--threshold={MAX_EXPOSURE}", UNIT)
    assert done.returncode == 0, done.stdout
