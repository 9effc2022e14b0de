"""The page, the widget and what visitors without a key may do, as far as it takes no browser."""

import asyncio
import json
import logging
import re
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.conversation.concierge import Concierge
from bot.conversation.throttle import Throttle
from bot.engine import Engine
from bot.errors import SettingsError
from bot.frontends.http import keys, pages
from bot.frontends.http.access import Access
from bot.frontends.http.server import serve
from bot.sentences.responses import Responses
from tests.bot.frontends.http_server import http_settings, opened, served
from tests.bot.stub import KeywordClassifier
from tests.marker import marked

GREAT, RATHER = marked("a great film"), marked("rather great")
SENTENCES = Path(__file__).parents[3] / "responses.yaml"
SITE = "https://www.example.com"
UNLIMITED = {"messages_per_second": 0, "http_texts_per_second": 0}


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Headers = dict[str, str]


async def _get(
    client: aiohttp.ClientSession,
    path: str,
    status: int = 200,
    method: str = "GET",
    headers: Headers | None = None,
) -> tuple[aiohttp.ClientResponse, str]:
    async with client.request(method, path, headers=headers) as response:
        said = await response.text()
        assert response.status == status, said
        return response, said


async def _post(
    client: aiohttp.ClientSession,
    path: str,
    body: Any,
    status: int = 200,
    headers: Headers | None = None,
) -> Any:
    async with client.post(path, json=body, headers=headers) as response:
        answer = await response.json(content_type=None)
        assert response.status == status, answer
        return answer


def _answer(text: str = GREAT, conversation: str = "maria") -> dict[str, str]:
    return {"text": text, "conversation": conversation}


# The files


async def test_the_files_are_served_with_their_types_and_only_when_they_changed(
    concierge: Concierge,
) -> None:
    types = {
        "/": "text/html",
        "/page.css": "text/css",
        "/page.js": "text/javascript",
        "/icon.svg": "image/svg+xml",
        "/widget.js": "text/javascript",
    }
    assert set(types) == set(pages.PATHS)
    chosen = http_settings(http_widget_origins=(SITE,), **UNLIMITED)
    async with served(concierge, chosen) as client:
        for path, media_type in types.items():
            response, said = await _get(client, path)
            assert response.content_type == media_type
            assert response.charset == "utf-8" or media_type == "image/svg+xml"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            tag = response.headers["ETag"]
            for known in (tag, f"W/{tag}", f'"other", {tag}'):
                same, nothing = await _get(client, path, 304, headers={"If-None-Match": known})
                assert nothing == ""
                assert same.headers["ETag"] == tag
                assert same.headers["Cache-Control"] == response.headers["Cache-Control"]
            await _get(client, path, headers={"If-None-Match": '"other"'})
            head, nothing = await _get(client, path, method="HEAD")
            assert nothing == ""
            assert head.headers["Content-Length"] == str(len(said.encode()))
            refused, _ = await _get(client, path, 405, "POST")
            assert refused.content_type == "application/problem+json"
        document = json.loads((await _get(client, "/openapi.json"))[1])
    assert not document["paths"].keys() & types.keys()


async def test_the_page_takes_nothing_from_elsewhere_and_no_html_from_text(
    concierge: Concierge,
) -> None:
    async with served(concierge) as client:
        response, page = await _get(client, "/")
    policy = dict(
        each.strip().split(" ", 1)
        for each in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in response.headers
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page) == []
    for path in pages.FOLDER.iterdir():
        source = re.sub(r"^// .*$", "", path.read_text(), flags=re.M)
        assert re.findall(r"""(?:src|href|url|import|fetch)[\s(=]*["'`]?https?:""", source) == []
        assert re.findall(r"innerHTML|localStorage|sessionStorage|indexedDB|cookie", source) == []


def test_texts_and_controls_have_enough_contrast() -> None:
    style = (pages.FOLDER / "page.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    assert light.keys() == dark.keys()
    for scheme in (light, dark):
        for text in ("text", "faint", "accent"):
            for ground in ("ground", "surface", "problem"):
                assert _contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
        for verdict in ("positive", "negative", "unsure"):
            for ground in ("surface", "own", "ground"):
                assert _contrast(scheme[verdict], scheme[ground]) >= 4.5, (verdict, ground)
        assert _contrast(scheme["text"], scheme["own"]) >= 4.5
        assert _contrast(scheme["on-accent"], scheme["accent"]) >= 4.5
        for ground in ("ground", "surface"):
            assert _contrast(scheme["control"], scheme[ground]) >= 3


def _contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    lighter, darker = sorted(map(_luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_the_widget_exists_only_for_the_websites_that_are_named(concierge: Concierge) -> None:
    async with served(concierge) as client:
        _, said = await _get(client, "/widget.js", 404)
        assert "HTTP_WIDGET_ORIGINS" in json.loads(said)["detail"]
    origins = (SITE, "http://localhost:5500")
    async with served(concierge, http_settings(http_widget_origins=origins)) as client:
        script, _ = await _get(
            client, "/widget.js", headers={"Origin": "https://elsewhere.example"}
        )
        assert script.headers["Cache-Control"] == "public, max-age=3600"
        assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Access-Control-Allow-Origin" not in script.headers  # a <script> does not need it
        page, _ = await _get(client, "/")
        assert f"frame-ancestors {' '.join(origins)};" in page.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in page.headers
        assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        # The chat itself speaks from the server's own origin: no other one is let in.
        preflight = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
        async with client.options("/v1/answer", headers=preflight) as response:
            assert response.status == 405
            assert not [name for name in response.headers if name.startswith("Access-Control")]


# Who may use it


async def test_who_may_use_the_page_is_decided_once(concierge: Concierge) -> None:
    pages_seen = {}
    for name, chosen in (
        ("local", http_settings(**UNLIMITED)),
        ("keys", http_settings(**UNLIMITED)),
        ("public", http_settings(http_public_page=True, **UNLIMITED)),
    ):
        if name == "keys":
            keys.add("website", date(2026, 1, 2))
        async with served(concierge, chosen) as client:
            pages_seen[name] = (await _get(client, "/"))[1]
            await _post(client, "/v1/answer", _answer(), 401 if name == "keys" else 200)
            await _post(client, "/v1/classify", {"text": GREAT}, 200 if name == "local" else 401)
    attributes = {
        name: re.findall(r' data-[\w-]+="(\w+)"', page) for name, page in pages_seen.items()
    }
    assert attributes == {
        "local": ["false", "false", "32768"],
        "keys": ["true", "false", "32768"],
        "public": ["false", "true", "4000"],
    }


async def test_a_server_without_keys_is_not_reached_through_a_proxy(concierge: Concierge) -> None:
    async with served(concierge) as client:
        forwarded = {"X-Forwarded-For": "192.0.2.7"}
        problem = await _post(client, "/v1/answer", _answer(), 421, forwarded)
        assert "not through a proxy" in problem["detail"]


async def test_a_widget_that_its_visitors_could_not_use_is_refused(concierge: Concierge) -> None:
    public = http_settings(http_host="0.0.0.0", http_public_page=True)
    assert Access.of(public, has_keys=False).needs_key
    keys.add("website", date(2026, 1, 2))
    with pytest.raises(SettingsError, match="set HTTP_PUBLIC_PAGE=yes too"):
        await serve(http_settings(http_widget_origins=(SITE,)), opened(concierge))


async def test_a_visitor_talks_and_does_nothing_else(
    concierge: Concierge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    concierge.responses = Responses.load(SENTENCES)
    secret = keys.add("website", date(2026, 1, 2))
    with_key = {"Authorization": f"Bearer {secret}"}
    async with served(concierge, http_settings(http_public_page=True, **UNLIMITED)) as client:
        body = {"text": GREAT, "conversation": "maria"}
        assert (await _post(client, "/v1/answer", _answer(RATHER)))["question"]
        # The holder of a key has conversations of their own.
        assert (await _post(client, "/v1/answer", _answer("yes"), headers=with_key))[
            "kind"
        ] != "positive"
        assert (await _post(client, "/v1/answer", _answer("yes")))["kind"] == "positive"
        assert (await _post(client, "/v1/explain", body))["label"] == "positive"
        assert await _post(client, "/v1/choose", {"choice": "both", "conversation": "maria"})
        await _post(client, "/v1/answer", _answer(), 401, {"Authorization": "Bearer x"})
        await _post(client, "/v1/classify", {"text": GREAT}, 401)
        await _get(client, "/metrics", 401)
        long = marked("great ") * 800
        for path in ("/v1/answer", "/v1/explain"):
            problem = await _post(client, path, _answer(long), 422)
            assert "up to 4,000 characters" in problem["detail"]
            await _post(client, path, _answer(long), headers=with_key)
        paths = json.loads((await _get(client, "/openapi.json"))[1])["paths"]
    optional = {
        path for path, each in paths.items() if {} in each.get("post", {}).get("security", [])
    }
    assert optional == {"/v1/answer", "/v1/choose", "/v1/explain"}
    names = {record.getMessage().rpartition("key ")[2] for record in caplog.records}
    assert {"(visitor)", "website", "-"} <= names
    assert "127.0.0.1" not in "".join(record.getMessage() for record in caplog.records[1:])


async def test_visitors_are_limited_by_their_address(
    classifier: KeywordClassifier, responses: Responses, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = http_settings(
        http_public_page=True, messages_per_second=0.5, http_proxies=("127.0.0.0/8",)
    )

    async def say(client: aiohttp.ClientSession, address: str, name: str, status: int) -> Any:
        return await _post(
            client, "/v1/answer", _answer(conversation=name), status, {"X-Forwarded-For": address}
        )

    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(chosen.messages_per_second))
        async with served(concierge, chosen) as client:
            # The last address is the proxy's own word; what stands before it, the visitor's.
            await say(client, "192.0.2.1, 192.0.2.7", "a", 200)
            problem = await say(client, "192.0.2.2, 192.0.2.7", "b", 429)
            assert problem["reply"] == "a haste sentence"
            await say(client, "192.0.2.8", "192.0.2.9", 200)
            await say(client, "192.0.2.9", "c", 200)  # not the conversation of that name
            await say(client, "2001:db8::1", "d", 200)
            await say(client, "2001:db8::ffff:1", "e", 429)
            await say(client, "2001:db8:0:1::1", "f", 200)
            await say(client, "::ffff:192.0.2.7", "g", 429)
            await say(client, "nonsense", "h", 200)
            await say(client, "unknown", "i", 429)
            assert "HTTP_PROXIES" not in caplog.text
        concierge = Concierge(engine, responses, Throttle(chosen.messages_per_second))
        unnamed = http_settings(http_public_page=True, messages_per_second=0.5)
        async with served(concierge, unnamed) as client:
            await say(client, "192.0.2.7", "a", 200)
            await say(client, "192.0.2.8", "b", 429)
            assert "a reverse proxy that HTTP_PROXIES does not name" in caplog.text


async def test_a_visitor_gets_one_explanation_at_a_time(
    concierge: Concierge, classifier: KeywordClassifier
) -> None:
    async with served(concierge, http_settings(http_public_page=True, **UNLIMITED)) as client:
        classifier.gate.clear()
        first = asyncio.create_task(_post(client, "/v1/explain", _answer()))
        await asyncio.to_thread(classifier.entered.wait, 10)
        await _post(client, "/v1/explain", _answer(conversation="another"), 429)
        classifier.gate.set()
        assert (await first)["label"] == "positive"


# Buttons below a question


async def test_a_question_is_answered_by_a_button(concierge: Concierge) -> None:
    concierge.responses = Responses.load(SENTENCES)
    async with served(concierge) as client:
        for choice in ("positive", "negative", "both"):
            asked = await _post(client, "/v1/answer", _answer(RATHER, choice))
            assert asked["question"]
            body = {"choice": choice, "conversation": choice}
            settled = await _post(client, "/v1/choose", body)
            assert (settled["kind"], settled["question"]) == (choice, False)
            assert settled["label"] is None
        # It may be corrected like any other, and it counts where nothing is held, too.
        corrected = await _post(client, "/v1/answer", _answer("no, I hated it", "positive"))
        assert corrected["kind"] == "corrected_negative"
        fresh = await _post(client, "/v1/choose", {"choice": "negative", "conversation": "new"})
        assert fresh["kind"] == "negative"
        for wrong in ({"choice": "perhaps"}, {"choice": 1}, {}):
            problem = await _post(client, "/v1/choose", {"conversation": "x", **wrong}, 422)
            assert "must be positive, negative or both" in problem["detail"]


async def test_buttons_count_for_the_rate_of_a_conversation(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    chosen = http_settings(messages_per_second=0.5)
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(chosen.messages_per_second))
        async with served(concierge, chosen) as client:
            body = {"choice": "both", "conversation": "maria"}
            await _post(client, "/v1/choose", body)
            assert (await _post(client, "/v1/choose", body, 429))["kind"] == "haste"
