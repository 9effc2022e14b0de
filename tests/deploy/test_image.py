"""The Dockerfile: what it copies and names exists, and what it starts runs as it asks for.

No engine builds the image here; tests/test_wheel.py runs its steps of installation.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.bot.http_process import running
from tests.deploy.files import (
    ROOT,
    SCRIPTS,
    SETTINGS,
    exec_form,
    is_command,
    is_in_context,
    of_kind,
    stages,
    variables,
)
from tests.marker import marked
from trainer.model.checkpoint import promote

BUILD, FINAL = stages()
HEALTHCHECK = ROOT / "deploy" / "healthcheck.py"
OF_PYTHON = {"PATH", "PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK"} | {
    f"PYTHON{name}" for name in ("DONTWRITEBYTECODE", "UNBUFFERED")
}

READ_ONLY = (
    'mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,ro,bind /'
    ' && shift && exec "$@"'
)
"""Makes all but one folder read-only, for one process and those that it starts."""


def test_what_is_copied_exists_and_is_sent_to_the_engine() -> None:
    sources = [
        source
        for stage in (BUILD, FINAL)
        for rest in of_kind(stage, "COPY")
        if not rest.startswith("--from=build /opt/venv ")
        for source in rest.split()[:-1]
    ]
    assert {"bot", "trainer", "pyproject.toml", "responses.yaml"} < set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if not is_in_context(source)] == []
    assert is_in_context("bot/frontends/http/app.py")


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/pip",
        "bot/__pycache__/engine.pyc",
        "checkpoints/tiny/model.safetensors",
        "corrections.csv",
        "deploy/prometheus/key",
        "state/desk.sqlite3",
    ],
)
def test_secrets_and_data_are_not_sent(path: str) -> None:
    assert not is_in_context(path)


def test_the_files_that_the_wheel_is_built_of_are_copied() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    named = re.findall(r'^(?:readme|path) = "([\w./]+)"', project, re.MULTILINE)
    copied = " ".join(of_kind(BUILD, "COPY")).split()
    for file in [*named, "LICENSE", "responses.yaml"]:
        assert file.split("/")[0] in copied


def test_variables_are_settings_and_the_port_is_the_usual_one() -> None:
    names = variables(BUILD).keys() | variables(FINAL).keys()
    assert names <= SETTINGS | OF_PYTHON
    (port,) = of_kind(FINAL, "EXPOSE")
    assert variables(FINAL)["HTTP_PORT"] == port == "8000"


def test_it_runs_a_command_of_the_package_and_not_as_root() -> None:
    (entrypoint,), (command,) = of_kind(FINAL, "ENTRYPOINT"), of_kind(FINAL, "CMD")
    (program,) = exec_form(entrypoint)
    assert program in SCRIPTS
    assert is_command(exec_form(command))
    (user,) = of_kind(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    (folder,) = of_kind(FINAL, "WORKDIR")
    assert of_kind(FINAL, "VOLUME") == [folder]


def test_pytorch_is_installed_only_for_training() -> None:
    runs = of_kind(BUILD, "RUN")
    assert of_kind(BUILD, "ARG") == ["TRAINING=no"]
    assert [run for run in runs if "torch" in run and not run.startswith("if [ ")] == []
    (training,) = [run for run in runs if "torch" in run]
    for answer, pips in (("no", 0), ("yes", 2)):
        shown = training.replace("pip --python", "echo pip --python")
        environment = {**os.environ, "TRAINING": answer}
        done = subprocess.run(
            ["sh", "-c", shown], env=environment, capture_output=True, text=True, check=True
        )
        assert len(done.stdout.splitlines()) == pips


def is_healthy(**variables: str) -> tuple[int, str]:
    """The exit code of the image's check, and what it printed."""
    words = exec_form(of_kind(FINAL, "HEALTHCHECK")[0])
    assert words[0] == "python"
    assert words[1:] == ["/opt/healthcheck.py"]  # where COPY puts it
    done = subprocess.run(
        [sys.executable, HEALTHCHECK],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def _may_mount() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
    )


async def test_the_server_runs_on_a_read_only_file_system_and_its_check_sees_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkpoint, tmp_path / "checkpoints" / "tiny")
    (tmp_path / "temporary").mkdir()
    promote("tiny", tmp_path / "checkpoints")
    within = ("unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(tmp_path))
    async with running(
        tmp_path,
        within=within if _may_mount() else (),
        TMPDIR=str(tmp_path / "temporary"),
        LOG_FORMAT=variables(FINAL)["LOG_FORMAT"],
    ) as server:
        address = (await server.read_until(r"Listening on (http://127\.0\.0\.1:\d+)"))[1]
        port = address.rpartition(":")[2]
        await server.read_until("Ready")
        code, said = await asyncio.to_thread(is_healthy, HTTP_PORT=port)
        assert (code, said) == (0, '{"status":"ok"}\n')
        async with aiohttp.ClientSession(address) as client:
            body = {"text": marked("what a wonderful film")}
            async with client.post("/v1/classify", json=body) as response:
                assert (await response.json())["results"][0]["label"] == "positive"
        assert await server.stop() == 0
    code, said = await asyncio.to_thread(is_healthy, HTTP_PORT=port)
    assert (code, said) == (1, f"No answer on port {port}: ConnectionRefusedError\n")
