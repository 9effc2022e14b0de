"""The engine in the bot against replicas that answer, refuse, die, and come back."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.engine import BusyError, Engine, UnansweredError
from bot.errors import ServeError
from bot.serving import remote as remote_module
from bot.serving.remote import RemoteEngine
from bot.serving.replica import CHECKPOINT, Replica, respond
from tests.bot.http_process import running
from tests.bot.serving.loopback import free_port, served
from tests.bot.stub import KeywordClassifier
from tests.marker import MARKER, marked
from trainer.model.checkpoint import promote
from trainer.model.classifier import RuntimeName

GREAT, DULL = marked("a great film"), marked("a dull film")


class Elsewhere(KeywordClassifier):
    """The model of the replicas."""

    name = "elsewhere"


class Here(KeywordClassifier):
    """The model in the bot."""

    name = "here"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(remote_module, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def there() -> AsyncIterator[Engine]:
    """The engine of a replica."""
    async with Engine(Elsewhere()) as engine:
        yield engine


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - the engine has no event for it
            await asyncio.sleep(0.01)


async def _judged_by(remote: RemoteEngine, name: str) -> None:
    """Until a text is judged by this checkpoint."""
    async with asyncio.timeout(10):
        while (await remote.classify_by(GREAT))[1] != name:
            pass


async def test_replicas_judge_as_the_engine_does(there: Engine, port: int) -> None:
    texts = [GREAT, DULL, marked("half a film"), "I want to die", "strong words, great", "\ud83d"]
    seen: list[str] = []
    async with served(partial(respond, there), port) as url, RemoteEngine(url, None) as remote:
        assert remote.checkpoint == "elsewhere"
        remote.on_verdict = lambda text, _: seen.append(text)
        asked = [remote.classify_by(text) for text in texts]
        assert remote.trouble is None
        for text, (verdict, name) in zip(texts, await asyncio.gather(*asked), strict=True):
            assert (verdict, name) == await there.classify_by(text)
        await remote.classify(GREAT, background=True)
        assert sorted(seen) == sorted(texts)
        assert (remote.waiting_texts, remote.waiting_tokens) == (0, 0)


async def test_errors_are_those_of_the_engine(port: int) -> None:
    classifier = Elsewhere()
    async with (
        Engine(classifier, queue_tokens=10) as there,
        served(partial(respond, there), port) as url,
        RemoteEngine(url, Engine(Here())) as remote,
    ):
        with pytest.raises(UnansweredError) as failed:
            await remote.classify("poison")
        assert "ValueError at tests/bot/stub.py" in str(failed.value)
        assert "poison" not in str(failed.value)
        with pytest.raises(BusyError):
            await remote.classify(GREAT * 100)
        assert await remote.classify_by("great") == (await there.classify("great"), "elsewhere")


async def test_the_engine_here_judges_until_replicas_answer_again(
    there: Engine, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    url = f"http://127.0.0.1:{port}"
    async with RemoteEngine(url, Engine(Here())) as remote:
        for _ in range(3):
            assert (await remote.classify_by(GREAT))[1] == remote.checkpoint == "here"
        before = remote.swaps
        async with served(partial(respond, there), port):
            await _judged_by(remote, "elsewhere")
            assert remote.checkpoint == "elsewhere"
            assert remote.swaps == before + 1  # explanations are made anew
        assert (await remote.classify_by(GREAT))[1] == "here"
        assert remote.trouble is None
    said = [record.getMessage() for record in caplog.records if record.name.startswith("bot")]
    assert [line.partition(" (")[0] for line in said] == [
        "Ray Serve does not answer",
        "Ray Serve answers again, and judges with elsewhere",
        "Ray Serve does not answer",
    ]
    assert MARKER not in caplog.text


async def test_without_an_engine_here_customers_are_asked_to_come_back(
    there: Engine, port: int
) -> None:
    with pytest.raises(ServeError, match=f"SERVE_URL http://127.0.0.1:{port} .* bot serve"):
        async with RemoteEngine(f"http://127.0.0.1:{port}", None):
            pass
    async with served(partial(respond, there), port) as url:
        remote = await RemoteEngine(url, None).__aenter__()
    with pytest.raises(BusyError):
        await remote.classify(GREAT)
    assert remote.trouble is not None
    async with served(partial(respond, there), port):
        await _until(lambda: remote.trouble is None)
        await remote.classify(GREAT)
        await remote.aclose()


async def test_no_text_is_lost_with_a_replica_that_dies(there: Engine, port: int) -> None:
    """It has received them; another then listens at its place."""
    entered = asyncio.Semaphore(0)
    never = asyncio.Event()

    async def hold(request: Request) -> Response:
        if request.method == "POST":
            entered.release()
            await never.wait()
        return await respond(there, request)

    async with RemoteEngine(f"http://127.0.0.1:{port}", Engine(Here())) as remote:
        async with served(hold, port):
            await _until(lambda: remote.checkpoint == "elsewhere")
            texts = [marked(f"great {number}") for number in range(20)]
            asked = [asyncio.create_task(remote.classify_by(text)) for text in texts]
            for _ in texts:
                await entered.acquire()
        async with served(partial(respond, there), port):
            names = {name for _, name in await asyncio.gather(*asked)}
            assert names <= {"elsewhere", "here"}
            await _judged_by(remote, "elsewhere")


async def test_a_text_that_waits_for_long_is_judged_here_and_ray_serve_left_if_it_hangs(
    there: Engine, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(remote_module, "PRESENCE_SECONDS", 0.2)
    questions: list[str] = []
    hanging = {"POST"}

    async def hang(request: Request) -> Response:
        questions.append(request.method)
        if request.method in hanging:
            await asyncio.sleep(10)
        return await respond(there, request)

    async with served(hang, port) as url, RemoteEngine(url, Engine(Here())) as remote:
        assert (await remote.classify_by(GREAT))[1] == "here"
        assert questions == ["GET", "POST", "GET"]  # it is not sent again
        assert remote.checkpoint == "elsewhere"
        hanging.add("GET")
        assert (await remote.classify_by(GREAT))[1] == "here"
        assert remote.checkpoint == "here"
        asked = questions.count("POST")
        assert (await remote.classify_by(GREAT))[1] == "here"
        assert questions.count("POST") == asked


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"checkpoint": 1}', "[]"])
async def test_what_is_no_replica_is_not_believed(port: int, content: str) -> None:
    async def answer(_: Request) -> Response:
        return Response(content)

    async with served(answer, port) as url, RemoteEngine(url, Engine(Here())) as remote:
        assert (await remote.classify_by(GREAT))[1] == "here"


async def test_a_replica_refuses_what_is_no_question(
    there: Engine, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(partial(respond, there), port) as url, aiohttp.ClientSession() as client:
        for body in (f'{{"text": ["{MARKER}"]}}', MARKER, f'{{"text": "x", "{MARKER}": 1}}'):
            async with client.post(url, data=body) as response:
                assert response.status == 400
                assert await response.text() == ""
    assert MARKER not in caplog.text


async def test_closing_finishes_the_texts_in_flight(there: Engine, port: int) -> None:
    async with served(partial(respond, there), port) as url:
        remote = RemoteEngine(url, Engine(Here()))
        async with remote:
            asked = [asyncio.create_task(remote.classify_by(f"great {n}")) for n in range(8)]
            await asyncio.sleep(0)
            idle = asyncio.create_task(remote.idle())
        assert {name for _, name in await asyncio.gather(*asked)} == {"elsewhere"}
        await idle
        with pytest.raises(BusyError):
            await remote.classify("great")


async def test_a_promotion_loses_nothing_and_a_broken_checkpoint_changes_nothing(
    checkpoint: Path, tmp_path: Path, port: int
) -> None:
    for name in ("old", "new", "broken"):
        shutil.copytree(checkpoint, tmp_path / name)
    (tmp_path / "broken" / "model.onnx").write_bytes(b"")
    replica = Replica(RuntimeName.ONNX, 1)
    await replica.reconfigure({CHECKPOINT: str(tmp_path / "old")})
    async with served(replica.__call__, port) as url, RemoteEngine(url, None) as remote:
        done = asyncio.Event()

        async def ask() -> list[str]:
            names = []
            while not done.is_set():
                names.append((await remote.classify_by(GREAT))[1])
            return names

        asking = [asyncio.create_task(ask()) for _ in range(8)]
        await _judged_by(remote, "old")
        await replica.reconfigure({CHECKPOINT: str(tmp_path / "new")})
        await _judged_by(remote, "new")
        await replica.reconfigure({CHECKPOINT: str(tmp_path / "broken")})
        assert await replica.checkpoint() == "new"
        await _judged_by(remote, "new")
        done.set()
        for names in await asyncio.gather(*asking):
            assert names == sorted(names, reverse=True)  # old, then new
    with pytest.raises(Exception, match=r"model\.onnx"):
        await Replica(RuntimeName.ONNX, 1).reconfigure({CHECKPOINT: str(tmp_path / "broken")})


async def test_the_http_interface_uses_it_by_one_setting(
    there: Engine, checkpoint: Path, tmp_path: Path, port: int
) -> None:
    """With a checkpoint of its own, and without one."""
    async with served(partial(respond, there), port) as url:
        async with running(tmp_path, SERVE_URL=url) as server:
            address = (await server.read_until(r"Listening on (http://127\.0\.0\.1:\d+)$"))[1]
            await server.read_until("Ready: elsewhere is serving")
            async with (
                aiohttp.ClientSession() as client,
                client.post(f"{address}/v1/classify", json={"text": DULL}) as response,
            ):
                assert (await response.json())["results"][0]["label"] == "negative"
            assert await server.stop() == 0
        shutil.copytree(checkpoint, tmp_path / "checkpoints" / "tiny")
        promote("tiny", tmp_path / "checkpoints")
    async with running(tmp_path, SERVE_URL=url) as server:
        await server.read_until("does not answer .*, so the engine here judges until it does")
        await server.read_until("Ready: tiny is serving")
        assert await server.stop() == 0
