"""The HTTP front end through a real server on loopback: verdicts, conversations, errors, limits."""

import asyncio
import json
import logging
import os
import re
import signal
import threading
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.conversation.throttle import Throttle
from bot.engine import Engine
from bot.errors import InputError, SettingsError
from bot.frontends.http import gate, keys, service
from bot.frontends.http.server import serve
from bot.sentences.responses import Responses
from tests.bot.frontends.http_server import JSON, http_settings, opened, served, until_ready
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from tests.marker import MARKER, marked

GREAT, DULL, HALF = marked("a great film"), marked("a dull film"), marked("half great, half dull")


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def _post(
    client: aiohttp.ClientSession,
    path: str,
    body: Any,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Any:
    """What comes back for a body, which must have this status."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with client.post(path, data=data, headers={**JSON, **(headers or {})}) as response:
        said = await response.text()
        assert response.status == status, said
        assert MARKER not in said or path == "/v1/explain"
        if status != 200:
            _require_problem(response, said)
        return json.loads(said)


async def _probe(client: aiohttp.ClientSession, path: str) -> int:
    """The status of a GET."""
    async with client.get(path) as response:
        await response.read()
        return response.status


def _require_problem(response: aiohttp.ClientResponse, said: str) -> None:
    assert response.content_type == "application/problem+json"
    problem = json.loads(said)
    assert problem["status"] == response.status
    assert problem["detail"]
    assert "Traceback" not in said
    if response.status in (429, 503):
        assert int(response.headers["Retry-After"]) >= 1


async def test_one_text_or_several_are_judged_in_order(concierge: Concierge) -> None:
    texts = [GREAT, "", HALF, marked(OTHER_KINDS["greeting"]), marked("poison"), DULL]
    async with served(concierge) as client:
        one = await _post(client, "/v1/classify", {"text": GREAT})
        several = (await _post(client, "/v1/classify", {"text": texts}))["results"]
    assert one["results"] == several[:1]
    assert several[0] == {
        "label": "positive",
        "confidence": 0.9,
        "probabilities": {"negative": pytest.approx(0.1), "positive": 0.9},
        "kind": "positive",
        "reply": "a positive sentence",
    }
    kinds = ["positive", "empty", "unsure", "greeting", "failure", "negative"]
    assert [each["kind"] for each in several] == kinds
    labels = ["positive", None, "unsure", None, None, "negative"]
    assert [each["label"] for each in several] == labels


async def test_a_conversation_is_held_for_each_id_and_key(concierge: Concierge) -> None:
    concierge.responses = Responses.load(Path(__file__).parents[3] / "responses.yaml")
    secrets = [keys.add(name, date(2026, 1, 2)) for name in ("website", "app")]
    authorised = [{"Authorization": f"Bearer {secret}"} for secret in secrets]

    async with served(concierge) as client:

        async def say(text: str, conversation: str, key: int = 0) -> Any:
            body = {"text": text, "conversation": conversation}
            return await _post(client, "/v1/answer", body, headers=authorised[key])

        asked = await say(marked("rather great"), "maria")
        assert (asked["kind"], asked["question"]) == ("leans_positive", True)
        assert (await say("yes", "jonas"))["kind"] != "positive"
        assert (await say("yes", "maria", key=1))["kind"] != "positive"
        answered = await say("yes", "maria")
        assert (answered["kind"], answered["question"]) == ("positive", False)
        corrected = await say("no, I hated it", "maria")
        assert corrected["kind"] == "corrected_negative"
        assert corrected["withdrawn"]


async def test_a_verdict_is_explained_and_other_messages_are_not(concierge: Concierge) -> None:
    async with served(concierge) as client:
        why = await _post(client, "/v1/explain", {"text": "such a great film"})
        other = await _post(client, "/v1/explain", {"text": OTHER_KINDS["distress"]})
        failed = await _post(client, "/v1/explain", {"text": "poison"})
    assert why["label"] == "positive"
    assert [word["text"] for word in why["words"]] == ["such", "a", "great", "film"]
    assert why["words"][2] == {"text": "great", "weight": 4.3944, "mark": "strong"}
    assert why["reply"] is None
    assert other["reply"] == "a distress sentence"
    assert failed["reply"] == "a failure sentence"
    assert other["words"] == failed["words"] == []


ERRORS: list[tuple[str, Any, int, str]] = [
    (f"/{MARKER}", {}, 404, "nothing at this address"),
    ("/livez", {}, 405, "takes only GET"),
    ("/v1/classify", MARKER.encode(), 400, "must be JSON"),
    ("/v1/classify", b'{"text": "\xff"}', 400, "in UTF-8"),
    ("/v1/classify", b'{"text": "a", "text": "b"}', 400, "only once"),
    ("/v1/classify", b'{"text": NaN}', 400, "must be JSON"),
    ("/v1/classify", b"[" * 200_000, 400, "must be JSON"),
    ("/v1/classify", b"", 422, "must be a JSON object"),
    ("/v1/classify", [MARKER], 422, "must be a JSON object"),
    ("/v1/classify", {}, 422, "`text` is missing: it must be Unicode"),
    ("/v1/classify", {"text": []}, 422, "1 to 64"),
    ("/v1/classify", {"text": [MARKER] * 65}, 422, "1 to 64"),
    ("/v1/classify", {"text": {MARKER: MARKER}}, 422, "`text` must be"),
    ("/v1/classify", {"text": MARKER * 3000}, 422, "32,768"),
    ("/v1/classify", {"text": "x", MARKER: MARKER}, 422, "does not know"),
    ("/v1/classify", b'{"text": "\\ud800"}', 422, "`text` must be Unicode"),
    ("/v1/classify", {"text": "x" * 300_000}, 413, "larger than 262,144"),
    ("/v1/answer", {"text": "x", "conversation": f"{MARKER} ü"}, 422, "`conversation` must be"),
    ("/v1/answer", {"text": 5, "conversation": 5}, 422, "`text` .* `conversation` "),
    ("/v1/explain", {"text": "x", "together": "yes"}, 422, "`together` must be true or false"),
]


async def test_an_error_is_a_sentence_that_quotes_nothing(concierge: Concierge) -> None:
    async with served(concierge) as client:
        for path, body, status, sentence in ERRORS:
            problem = await _post(client, path, body, status)
            assert MARKER not in str(problem)
            assert re.search(sentence, problem["detail"]), problem


async def test_other_methods_and_types_are_refused_and_no_other_site_is_let_in(
    concierge: Concierge,
) -> None:
    preflight = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    async with served(concierge) as client:
        await _post(client, "/v1/classify", {"text": "x"}, 415, {"Content-Type": "text/plain"})
        async with client.options("/v1/classify", headers=preflight) as response:
            _require_problem(response, await response.text())
            assert response.status == 405
            assert response.headers["Allow"] == "POST"
            assert not [name for name in response.headers if name.startswith("Access-Control")]
        async with client.get("/openapi.json", headers=preflight) as response:
            assert not [name for name in response.headers if name.startswith("Access-Control")]
        problem = await _post(
            client, "/v1/classify", {"text": "x"}, 421, {"Host": "example.com:80"}
        )
        assert "no keys" in problem["detail"]
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:80", "[::1]"):
            await _post(client, "/v1/classify", {"text": "x"}, headers={"Host": host})


async def test_a_bug_is_logged_by_its_place(
    concierge: Concierge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(text: str, **_: Any) -> Reply:
        raise ValueError(f"cannot read {text}")

    monkeypatch.setattr(concierge, "answer", fail)
    async with served(concierge) as client:
        problem = await _post(client, "/v1/classify", {"text": GREAT}, 500)
    assert "report it" in problem["detail"]
    assert "A request failed: ValueError at tests/bot/frontends/test_http.py" in caplog.text
    assert MARKER not in caplog.text


async def test_the_log_of_requests_has_no_words_of_a_client(
    concierge: Concierge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = keys.add("website", date(2026, 1, 2))
    async with served(concierge, key=secret) as client:
        await _post(client, f"/v1/classify?text={MARKER}", {"text": GREAT})
        await _post(client, f"/v1/{MARKER}?{MARKER}={MARKER}", {"text": GREAT}, 404)
        await _post(
            client, "/v1/classify", {"text": GREAT}, 401, {"Authorization": f"Bearer {MARKER}"}
        )
        async with client.request(MARKER, "/livez", headers={"User-Agent": MARKER}) as response:
            assert response.status == 405
    lines = [record.getMessage() for record in caplog.records if record.name == gate.log.name]
    assert any(line.startswith("POST /v1/classify 200, ") for line in lines)
    assert any(line.endswith("key website") for line in lines)
    assert any(line.startswith("POST (another path) 404, ") for line in lines)
    assert any(line.startswith("(another method) /livez 405, ") for line in lines)
    assert MARKER not in caplog.text
    assert secret not in caplog.text


async def test_figures_count_without_naming_what_a_client_made_up(concierge: Concierge) -> None:
    secret = keys.add("prometheus", date(2026, 1, 2))
    async with served(concierge, key=secret) as client:
        await _post(client, "/v1/classify", {"text": [GREAT, DULL, DULL, marked("poison")]})
        await _post(client, "/v1/classify", {}, 422)
        await _post(client, f"/{MARKER}", {}, 404)
        async with client.get("/metrics") as response:
            assert response.content_type == "text/plain"
            said = await response.text()
        async with client.get("/metrics", headers={"Authorization": ""}) as response:
            assert response.status == 401
    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(said)
        for sample in family.samples
    }
    assert figures["concierge_messages_total", "negative"] == 2
    assert figures["concierge_messages_total", "failure"] == 1
    assert figures["concierge_verdicts_total", "positive"] == 1
    assert figures["concierge_requests_total", "/v1/classify", "200"] == 1
    assert figures["concierge_requests_total", "/v1/classify", "422"] == 1
    assert figures["concierge_requests_total", "(another path)", "404"] == 1
    assert figures["concierge_request_seconds_count", "/v1/classify"] == 2
    assert figures["concierge_queue_tokens",] == 0
    assert figures["concierge_model", "stub"] == figures["concierge_ready",] == 1
    assert MARKER not in said


# Readiness


async def test_it_is_ready_once_a_model_is_loaded(concierge: Concierge) -> None:
    loaded = asyncio.Event()
    async with served(concierge, loaded=loaded) as client:
        assert await _probe(client, "/livez") == 200
        async with client.get("/readyz") as response:
            assert response.status == 503
            _require_problem(response, said := await response.text())
            assert "No model is loaded yet" in said
        await _post(client, "/v1/classify", {"text": GREAT}, 503)
        async with client.get("/metrics") as response:
            assert "concierge_ready 0.0" in await response.text()
        loaded.set()
        await until_ready(client)
        await _post(client, "/v1/classify", {"text": GREAT})


async def test_it_is_not_ready_while_the_model_hangs(
    concierge: Concierge, classifier: KeywordClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engine.STUCK_SECONDS", 0.1)
    monkeypatch.setattr(service, "ANSWER_SECONDS", 0.3)
    async with served(concierge) as client:
        classifier.gate.clear()
        problem = await _post(client, "/v1/classify", {"text": GREAT}, 503)
        assert "has not answered within" in problem["detail"]
        async with client.get("/readyz") as response:
            assert response.status == 503
            _require_problem(response, said := await response.text())
            assert "its worker hangs" in said
        assert await _probe(client, "/livez") == 200
        await _post(client, "/v1/classify", {"text": GREAT}, 503)
        classifier.gate.set()
        await until_ready(client)
        await _post(client, "/v1/classify", {"text": GREAT})


async def test_it_is_not_ready_once_the_worker_cannot_be_started(concierge: Concierge) -> None:
    async with served(concierge) as client:
        with pytest.MonkeyPatch.context() as patch:

            def refuse(_: threading.Thread) -> None:
                raise RuntimeError("can't start new thread")

            patch.setattr(threading.Thread, "start", refuse)
            answer = await _post(client, "/v1/classify", {"text": GREAT})
            assert answer["results"][0]["kind"] == "failure"
        async with client.get("/readyz") as response:
            assert response.status == 503
            assert "worker could not be started" in await response.text()
        await _post(client, "/v1/classify", {"text": GREAT})
        assert await _probe(client, "/readyz") == 200


async def test_a_model_that_cannot_be_loaded_ends_the_server() -> None:
    class Failing:
        async def __aenter__(self) -> Any:
            raise InputError("No model today.")

        async def __aexit__(self, *_: object) -> None:
            raise AssertionError("it was never entered")

    with pytest.raises(InputError, match="No model today"):
        await asyncio.wait_for(serve(http_settings(), Failing()), 10)


async def test_requests_in_flight_are_answered_at_the_end(
    concierge: Concierge, classifier: KeywordClassifier
) -> None:
    chosen = http_settings()
    async with served(concierge, chosen) as client:
        classifier.gate.clear()
        waiting = asyncio.create_task(_post(client, "/v1/classify", {"text": GREAT}))
        await asyncio.to_thread(classifier.entered.wait, 10)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.3)
        assert not waiting.done()
        classifier.gate.set()
        assert (await waiting)["results"][0]["kind"] == "positive"
        with pytest.raises(aiohttp.ClientConnectionError):
            await _probe(client, "/livez")


async def test_changes_are_looked_for_and_a_failing_look_is_logged(
    concierge: Concierge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.frontends.http.server.LOOK_SECONDS", 0.01)
    looked = asyncio.Event()

    async def fail() -> None:
        raise ValueError(MARKER)

    async def look() -> InputError:
        looked.set()
        return InputError("The file is wrong.")

    async with served(concierge, looks=[fail, look]):
        await asyncio.wait_for(looked.wait(), 10)
        await asyncio.sleep(0.05)
    assert "Looking for changes failed: ValueError" in caplog.text
    assert "The sentences stay as they were. The file is wrong." in caplog.text
    assert MARKER not in caplog.text


# Keys


async def test_the_document_says_whether_a_key_is_needed(concierge: Concierge) -> None:
    needed = []
    for name in ("website", "app"):
        async with served(concierge) as client, client.get("/openapi.json") as response:
            document = await response.json()
            needed.append("security" in document["paths"]["/v1/classify"]["post"])
        keys.add(name, date(2026, 1, 2))
    assert needed == [False, True]


async def test_a_key_is_needed_once_there_is_one_and_changes_take_effect_at_once(
    concierge: Concierge, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"text": GREAT}
    secret = keys.add("website", date(2026, 1, 2))
    async with served(concierge) as client:
        for wrong in ("", "Bearer", "Bearer x", f"Basic {secret}", f"Bearer {secret}x", secret):
            refused = {"Authorization": wrong} if wrong else {}
            problem = await _post(client, "/v1/classify", body, 401, refused)
            assert secret not in str(problem)
        async with client.post("/v1/classify", json=body) as response:
            assert response.headers["WWW-Authenticate"] == "Bearer"
        authorised = {"Authorization": f"bearer {secret}"}
        await _post(client, "/v1/classify", body, headers={"Host": "example.com", **authorised})
        other = keys.add("app", date(2026, 1, 2))
        await _post(client, "/v1/classify", body, headers={"Authorization": f"Bearer {other}"})
        keys.remove("website")
        await _post(client, "/v1/classify", body, 401, authorised)
        keys.remove("app")
        await _post(client, "/v1/classify", body, 401)
        keys.FILE.write_text("{")
        await _post(client, "/v1/classify", body, 503, authorised)
        for probe in ("/livez", "/readyz", "/openapi.json"):
            assert await _probe(client, probe) == 200
    assert "http_keys.json is damaged" in caplog.text


async def test_without_a_key_it_listens_on_this_machine_only(concierge: Concierge) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(SettingsError, match=r"no key.*python -m bot http-key add NAME"):
            await serve(http_settings(http_host=host), opened(concierge))


async def test_an_address_that_cannot_be_used_is_a_sentence(concierge: Concierge) -> None:
    chosen = http_settings(messages_per_second=0)
    async with served(concierge, chosen):
        with pytest.raises(SettingsError, match=r"cannot listen on .*\(Address already in use\)"):
            await serve(chosen, opened(concierge))
    keys.add("website", date(2026, 1, 2))
    with pytest.raises(SettingsError, match=r"HTTP_HOST 192\.0\.2\.1"):
        await serve(http_settings(http_host="192.0.2.1"), opened(concierge))


# Limits


async def test_a_key_and_a_conversation_have_a_rate(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    chosen = http_settings(messages_per_second=0.5, http_texts_per_second=10)
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(chosen.messages_per_second))
        async with served(concierge, chosen) as client:
            body = {"text": GREAT, "conversation": "maria"}
            await _post(client, "/v1/answer", body)
            problem = await _post(client, "/v1/answer", body, 429)
            assert (problem["kind"], problem["reply"]) == ("haste", "a haste sentence")
            await _post(client, "/v1/answer", {**body, "conversation": "jonas"})
            await _post(client, "/v1/classify", {"text": [GREAT] * 64})  # one more is allowed
            async with client.post("/v1/classify", json={"text": GREAT}) as response:
                assert response.status == 429
                _require_problem(response, said := await response.text())
                assert "HTTP_TEXTS_PER_SECOND" in said
                assert 5 <= int(response.headers["Retry-After"]) <= 7


async def test_a_full_queue_is_busy_at_once(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    engine = Engine(classifier, queue_tokens=40)
    async with engine, served(Concierge(engine, responses)) as client:
        body = {"text": [f"{GREAT} {number}" for number in range(20)]}
        problem = await _post(client, "/v1/classify", body, 503)
        assert (problem["kind"], problem["reply"]) == ("busy", "a busy sentence")
        await _post(client, "/v1/classify", {"text": GREAT})


async def test_explanations_are_made_one_at_a_time_for_each_conversation(
    concierge: Concierge, classifier: KeywordClassifier
) -> None:
    async with served(concierge) as client:
        classifier.gate.clear()
        body = {"text": "a great film", "conversation": "maria"}
        first = asyncio.create_task(_post(client, "/v1/explain", body))
        await asyncio.to_thread(classifier.entered.wait, 10)
        problem = await _post(client, "/v1/explain", body, 429)
        assert problem["kind"] == "haste"
        second = asyncio.create_task(_post(client, "/v1/explain", {"text": "a great film"}))
        await asyncio.sleep(0.1)
        classifier.gate.set()
        assert (await first)["label"] == (await second)["label"] == "positive"


async def test_requests_at_once_are_bounded(
    concierge: Concierge, classifier: KeywordClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MAX_REQUESTS", 1)
    async with served(concierge) as client:
        classifier.gate.clear()
        first = asyncio.create_task(_post(client, "/v1/classify", {"text": GREAT}))
        await asyncio.to_thread(classifier.entered.wait, 10)
        await _post(client, "/v1/classify", {"text": GREAT}, 503)
        assert await _probe(client, "/livez") == 200
        classifier.gate.set()
        await first


async def test_a_body_that_does_not_arrive_is_given_up(
    concierge: Concierge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(gate, "DISCARD_SECONDS", 0.1)
    chosen = http_settings()
    head = "POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    async with served(concierge, chosen):
        reader, writer = await asyncio.open_connection("127.0.0.1", chosen.http_port)
        writer.write(f'{head}Content-Length: 100\r\n\r\n{{"text": "{MARKER}'.encode())
        said = (await asyncio.wait_for(reader.read(), 10)).decode()
        assert said.startswith("HTTP/1.1 408 ")
        assert "did not arrive" in said
        writer.close()
        await writer.wait_closed()
        # Without a length, in parts that together are too long.
        reader, writer = await asyncio.open_connection("127.0.0.1", chosen.http_port)
        part = f"10000\r\n{'x' * 65_536}\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n{part * 5}".encode())
        said = (await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)).decode()
        assert said.startswith("HTTP/1.1 413 ")
        writer.close()
        await writer.wait_closed()
