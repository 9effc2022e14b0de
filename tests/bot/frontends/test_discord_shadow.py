"""A candidate that judges live messages silently, from the button to the result, over sockets."""

# ruff: noqa: ASYNC240 - a test may look at its own files
import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.operations import shadow
from bot.operations.models import Models
from bot.sentences.responses import Responses
from tests.bot import fake_trainer
from tests.bot.frontends.loopback import serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, Interaction, Posted
from trainer.model.classifier import Encoding, Verdict

DATASETS = {"films": "/srv/films.csv"}
PATIENCE = 60.0
STATE = Path("state/shadow.json")
LOAD = Models.load


class Candidate(KeywordClassifier):
    """Finds "great" mixed, and cannot read "broken"."""

    name = "candidate"

    def judge(self, encodings: "list[Encoding]") -> list[Verdict]:  # type: ignore[override]
        verdicts = super().judge(encodings)
        texts = ["".join(map(chr, encoding.windows[0])) for encoding in encodings]
        if any("broken" in text for text in texts):
            raise ValueError(f"cannot read {texts}")
        unsure = Verdict("unsure", 0.5, {"negative": 0.5, "positive": 0.5})
        return [
            unsure if "great" in text else verdict
            for text, verdict in zip(texts, verdicts, strict=True)
        ]


@pytest.fixture
def candidate() -> Candidate:
    return Candidate()


@pytest.fixture(autouse=True)
def _waiting_candidates(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, candidate: Candidate
) -> None:
    """Every training ends in one that waits; when it is tried, `candidate` judges."""
    fake_trainer.install(checkpoint, monkeypatch, not_worse=False)
    monkeypatch.setattr(Models, "load", lambda _self, _name: candidate)
    monkeypatch.setattr(shadow, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(shadow, "SAVE_SECONDS", 0.0)


async def _trained(server: DiscordServer) -> tuple[Posted, str]:
    """The message about a candidate, and its name."""
    before = {path.name for path in Path("checkpoints").iterdir()}
    await server.slash("train", {"dataset": "films"}, author=server.owner)
    result = await server.wait_for_message(
        lambda posted: posted.content.startswith("**Trained on films") and posted.id not in _seen,
        PATIENCE,
    )
    _seen.add(result.id)
    (name,) = {path.name for path in Path("checkpoints").iterdir()} - before
    return result, name


_seen: set[int] = set()


async def _press(server: DiscordServer, on: Posted, decision: str, name: str) -> Interaction:
    return await server.press(on, f"candidate:{decision}:{name}", author=server.owner)


async def _begun(server: DiscordServer) -> tuple[Posted, str]:
    result, name = await _trained(server)
    await _press(server, result, "shadow", name)
    await server.wait_until(lambda: "It answers no one" in result.content, PATIENCE)
    return result, name


async def _answered(server: DiscordServer, *texts: str) -> None:
    for text in texts:
        reply = await server.wait_for_reply(await server.dm(text), PATIENCE)
        assert reply.content.endswith("sentence")


def _sums() -> dict[str, Any]:
    return dict(json.loads(STATE.read_text()))


async def _judged(server: DiscordServer, count: int) -> None:
    await server.wait_until(lambda: _sums()["judged"] >= count, PATIENCE)


async def test_only_sums_of_what_it_takes_for_something_else_are_kept(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result, name = await _begun(server)
        test_figures = result.content.split("\n**Tried")[0]
        assert "beside `stub`, until <t:" in result.content
        assert "or until it has judged 1,000" in result.content
        await _answered(server, "great one", "great two", "so dull", "all broken", "hello there")
        await _judged(server, 5)
        assert _sums()["differences"] == [
            {"serving": "positive", "candidate": "unsure", "messages": 2},
            {"serving": "negative", "candidate": "failure", "messages": 1},
        ]
        stored = STATE.read_text()
        assert not any(word in stored for word in ("great", "dull", "broken", "hello"))
        await _press(server, result, "stop", name)
        await server.wait_until(lambda: "It ended because" in result.content, PATIENCE)
        # Beside the test, in place of the line before.
        assert result.content == (
            f"{test_figures}\n**Tried silently on live messages**, beside `stub`: 5 judged, 3 of "
            "them differently (60.0%). It ended because Olga stopped it.\n"
            "- positive → unsure: 2\n- negative → failure: 1"
        )
        await server.wait_until(lambda: not STATE.exists(), PATIENCE)
        again = result.component(f"candidate:shadow:{name}")
        assert again["label"] == "Try silently"
    assert "cannot read" not in caplog.text
    assert server.unknown_requests == server.violations == []


async def test_it_goes_on_after_a_restart(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    candidate: Candidate,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result, name = await _begun(server)
        await _answered(server, "great one")
        await _judged(server, 1)
        # discord.py stumbles over a client that is closed before it is ready.
        await server.wait_until(lambda: "Ready as" in caplog.text, PATIENCE)
    until = _sums()["until"]
    before = len(candidate.batches)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        while len(candidate.batches) == before:
            await _answered(server, "great again")  # it is loaded only once the bot is ready
            await asyncio.sleep(0.1)
        await _judged(server, 2)
        assert _sums()["until"] == until
        await _press(server, result, "stop", name)
        await server.wait_until(lambda: "It ended because" in result.content, PATIENCE)
        assert f": {_counted(result)} judged, {_counted(result)} of them" in result.content


def _counted(result: Posted) -> int:
    return int(result.content.split("- positive → unsure: ")[1])


@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [
        ("MAX_MESSAGES", 2, "it has judged 2 messages."),
        ("MAX_SECONDS", 0.5, "its time is over."),
    ],
)
async def test_it_ends_by_itself(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: float,
    why: str,
) -> None:
    monkeypatch.setattr(shadow, limit, value)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result, name = await _trained(server)
        await _press(server, result, "shadow", name)
        if limit == "MAX_MESSAGES":
            await server.wait_until(lambda: "It answers no one" in result.content, PATIENCE)
            await _answered(server, "great one", "so dull")
        await server.wait_until(lambda: f"because {why}" in result.content, PATIENCE)
        await server.wait_until(lambda: not STATE.exists(), PATIENCE)
        await _answered(server, "great three")


@pytest.mark.parametrize("decision", ["promote", "discard"])
async def test_a_decision_on_the_candidate_ends_it_and_the_result_stays(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses, decision: str
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result, name = await _begun(server)
        await _answered(server, "great one")
        await _judged(server, 1)
        await _press(server, result, decision, name)
        await server.wait_until(lambda: f"Olga {decision}" in result.content, PATIENCE)
        assert not result.components
        was = f"{name} was promoted" if decision == "promote" else "it was discarded"
        assert f"1 judged, 1 of them differently (100.0%). It ended because {was}." in (
            result.content
        )
        assert result.content.splitlines()[-1].startswith(f"Olga {decision}")
        await server.wait_until(lambda: not STATE.exists(), PATIENCE)


async def test_another_serving_checkpoint_ends_it(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result, _ = await _begun(server)
        await server.slash("model promote", {"name": "tiny"}, author=server.owner)
        await server.wait_until(lambda: "because tiny was promoted." in result.content, PATIENCE)


async def test_one_is_tried_at_a_time_and_only_by_operators(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        first, name = await _trained(server)
        pressed = await server.press(first, f"candidate:shadow:{name}", author=server.member)
        answer = await server.wait_for_message(lambda m: m.interaction_id == pressed.id, PATIENCE)
        assert answer.ephemeral
        assert "Only those who run this bot" in answer.content
        assert not STATE.exists()
        await _press(server, first, "shadow", name)
        await server.wait_until(lambda: "It answers no one" in first.content, PATIENCE)
        second, other = await _trained(server)
        refused = await _press(server, second, "shadow", other)
        answer = await server.wait_for_message(lambda m: m.interaction_id == refused.id, PATIENCE)
        assert answer.ephemeral
        assert f"{name} is being tried already." in answer.content.replace("\\", "")
        assert "Tried silently" not in second.content


async def test_a_candidate_on_disk_is_loaded_and_tried(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Models, "load", LOAD)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result, name = await _trained(server)
        config = Path("checkpoints") / name / "config.json"
        content = config.read_text()
        config.write_text("{}")
        refused = await _press(server, result, "shadow", name)
        answer = await server.wait_for_message(lambda m: m.interaction_id == refused.id, PATIENCE)
        assert answer.ephemeral
        assert "was changed since training" in answer.content
        assert not STATE.exists()
        config.write_text(content)
        await _press(server, result, "shadow", name)
        await server.wait_until(lambda: "It answers no one" in result.content, PATIENCE)
        await _answered(server, "what a great and wonderful film", "what a dreadful film")
        await _judged(server, 2)
        assert classifier.judged == ["what a great and wonderful film", "what a dreadful film"]
        await _press(server, result, "stop", name)
        await server.wait_until(lambda: "2 judged, " in result.content, PATIENCE)


async def test_customers_never_wait_for_it(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    candidate: Candidate,
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result, name = await _begun(server)
        candidate.gate.clear()  # from here on it hangs
        count = shadow.MAX_WAITING + 4
        await _answered(server, *(f"great {number}" for number in range(count)))
        candidate.gate.set()
        await _judged(server, shadow.MAX_WAITING + 1)
        await _press(server, result, "stop", name)
        await server.wait_until(lambda: "It ended because" in result.content, PATIENCE)
        assert "3 left out, as customers came first" in result.content


async def test_a_state_file_that_is_none_is_ignored(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    STATE.parent.mkdir()
    STATE.write_text('{"candidate": "../x"}')
    async with serving(server, classifier, responses):
        await _answered(server, "great one")
    assert "state/shadow.json is ignored" in caplog.text
