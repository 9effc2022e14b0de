"""`python -m bot http` and `http-key`, run as their users run them: as processes."""

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from bot.__main__ import main
from tests.bot.http_process import ROOT, environment, running
from tests.marker import marked
from trainer.model.checkpoint import promote

PRAISE, COMPLAINT = marked("what a wonderful film"), marked("such a boring plot indeed")


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """A working directory with a serving checkpoint and a second one."""
    for name in ("tiny", "other"):
        shutil.copytree(checkpoint, tmp_path / "checkpoints" / name)
    promote("tiny", tmp_path / "checkpoints")
    return tmp_path


def _tracing(sent: asyncio.Semaphore) -> aiohttp.TraceConfig:
    """Releases `sent` when the body of a request is sent."""

    async def release(*_: object) -> None:
        sent.release()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_chunk_sent.append(release)
    return tracing


async def _results(post: "AbstractAsyncContextManager[aiohttp.ClientResponse]") -> list[object]:
    async with post as response:
        assert response.status == 200, await response.text()
        results: list[object] = (await response.json())["results"]
        return results


async def test_a_server_answers_follows_a_promotion_and_finishes_requests(folder: Path) -> None:
    async with running(folder, HTTP_TEXTS_PER_SECOND="0") as server:
        address = (await server.read_until(r"Listening on (http://127\.0\.0\.1:\d+)$"))[1]
        async with aiohttp.ClientSession(address) as client:
            await server.read_until("Ready: tiny is serving")
            body = {"text": [PRAISE, COMPLAINT]}
            async with client.post("/v1/classify", json=body) as response:
                results = (await response.json())["results"]
            assert [each["label"] for each in results] == ["positive", "negative"]
            promote("other", folder / "checkpoints")
            await server.read_until("other was promoted elsewhere, and is serving now")
        sent = asyncio.Semaphore(0)
        async with aiohttp.ClientSession(address, trace_configs=[_tracing(sent)]) as client:
            # So many that they are not judged when the signal arrives.
            texts = [f"{PRAISE} {'such a lovely film ' * 50} {number}" for number in range(64)]
            posts = [client.post("/v1/classify", json={"text": texts}) for _ in range(4)]
            waiting = [asyncio.create_task(_results(post)) for post in posts]
            for _ in posts:
                await sent.acquire()
            async with client.get("/readyz") as response:  # the server has accepted those before
                assert response.status == 200
            code = asyncio.create_task(server.stop())
            assert [len(await each) for each in waiting] == [64] * 4
            assert await code == 0
    assert any("POST /v1/classify 200, " in line for line in server.lines)


async def test_the_examples_of_the_document_run(folder: Path) -> None:
    page = (ROOT / "docs" / "http.md").read_text()
    calls = [shlex.split(line, comments=True) for line in re.findall("^curl .*$", page, re.M)]
    blocks = re.findall(r"^```json\n(.*?)^```$", page, re.M | re.S)
    examples = [json.loads(line) for block in blocks for line in block.splitlines()]
    answers = []
    key = await asyncio.to_thread(_add_key, folder)
    async with running(folder) as server:
        address = (await server.read_until(r"Listening on (http://127\.0\.0\.1:\d+)$"))[1]
        await server.read_until("Ready")
        for call in calls:
            words = [w.replace("$KEY", key).replace(EXAMPLE_ADDRESS, address) for w in call[1:]]
            process = await asyncio.create_subprocess_exec(
                *("curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", *words),
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await asyncio.wait_for(process.communicate(), 60)
            assert process.returncode == 0, output
            answers.append(json.loads(output))
        assert await server.stop() == 0
    assert len(calls) == len(examples) == 7
    assert list(map(_shape, answers)) == list(map(_shape, examples))


EXAMPLE_ADDRESS = "http://127.0.0.1:8000"


def _add_key(folder: Path) -> str:
    command = [sys.executable, "-m", "bot", "http-key", "add", "website"]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _shape(value: object) -> object:
    """The names of fields, at each level."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items() if name != "probabilities"}
    return _shape(value[0]) if isinstance(value, list) and value else None


async def test_a_server_is_stopped_or_fails_while_it_loads(folder: Path) -> None:
    async with running(folder) as server:
        await server.read_until("Listening on")
        assert await server.stop() == 0
    (folder / "checkpoints" / "tiny" / "model.safetensors").write_bytes(b"damaged")
    async with running(folder, LOG_FORMAT="json") as server:
        line = (await server.read_until("^.*Listening on.*$"))[0]
        assert json.loads(line)["logger"] == "bot.frontends.http.server"
        assert await server.ended() == 5
    assert server.lines[-1].startswith("error: ")


async def test_what_it_cannot_serve_is_a_sentence(folder: Path) -> None:
    async with running(folder, HTTP_HOST="0.0.0.0") as server:
        assert await server.ended() == 2
    assert "python -m bot http-key add NAME" in server.lines[-1]
    async with running(folder, HTTP_HOST="example.com") as server:
        assert await server.ended() == 2
    assert "must be an IP address of this machine" in server.lines[-1]
    shutil.rmtree(folder / "checkpoints")
    async with running(folder) as server:
        assert await server.ended() == 5
    assert "There is no trained checkpoint yet" in server.lines[-1]


class Command:
    """`python -m bot http-key` in this process."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[bytes]
    ) -> None:
        self._monkeypatch, self._capture = monkeypatch, capture

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        self._monkeypatch.setattr(sys, "argv", ["bot", "http-key", *arguments])
        return subprocess.CompletedProcess(arguments, main(), *self._capture.readouterr())


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capsysbinary)


def test_a_key_is_shown_once_and_kept_as_a_hash(command: Command, tmp_path: Path) -> None:
    added = command("add", "website")
    secret = added.stdout.decode().strip()
    assert re.fullmatch(r"rc_[\w-]{43}", secret)
    assert b"cannot be shown again" in added.stderr
    kept = (tmp_path / "state" / "http_keys.json").read_text()
    assert secret not in kept
    assert len(json.loads(kept)["keys"][0]["sha256"]) == 64
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert command("add", "app").stdout.strip() != secret.encode()
    listed = command("list").stdout.decode()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d  website\n\d{4}-\d\d-\d\d  app\n", listed)
    assert command("remove", "website").returncode == 0
    assert "website" not in command("list").stdout.decode()
    command("remove", "app")
    assert b"There are no keys" in command("list").stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "two words"), "has up to 40 letters"),
        (("add", "x" * 41), "has up to 40 letters"),
        (("add", "website"), "There is a key website already"),
        (("remove", "nothing"), "There is no key of this name"),
    ],
)
def test_a_wrong_name_is_told(command: Command, arguments: tuple[str, ...], sentence: str) -> None:
    command("add", "website")
    result = command(*arguments)
    assert result.returncode == 8
    assert sentence in result.stderr.decode()
    assert result.stdout == b""


def test_a_damaged_or_foreign_file_of_keys_is_told(command: Command, tmp_path: Path) -> None:
    command("add", "website")
    file = tmp_path / "state" / "http_keys.json"
    file.write_text(file.read_text().replace("sha256", "md5"))
    for arguments in (("list",), ("add", "app"), ("remove", "website")):
        result = command(*arguments)
        assert result.returncode == 8
        assert b"http_keys.json is damaged" in result.stderr
    file.unlink()
    os.mkfifo(file)
    assert b"not a regular file" in command("list").stderr


def test_the_packages_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("trainer.extras.find_spec", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["bot", "http"])
    assert main() == 2
    said = capsysbinary.readouterr().err.decode()
    assert "The HTTP server needs the packages fastapi, uvicorn, prometheus_client" in said
    assert 'pip install "review-concierge[http]"' in said
