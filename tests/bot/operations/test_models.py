"""Exchanging the checkpoint that answers while it answers."""

import asyncio
import hashlib
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bot.engine import Engine
from bot.errors import UnusableCheckpointError
from bot.operations.models import Models
from tests.bot.stub import KeywordClassifier
from trainer.model.checkpoint import list_checkpoints, promote, serving_checkpoint
from trainer.model.classifier import Classifier

CHECKPOINTS = Path("checkpoints")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> None:
    """`tiny` serves, and `second` could."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoint.parent, CHECKPOINTS)
    shutil.copytree(checkpoint, CHECKPOINTS / "second")


def _serving() -> str | None:
    path = serving_checkpoint()
    return path.name if path else None


def _spoil(name: str) -> None:
    weights = CHECKPOINTS / name / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")


async def test_a_promotion_changes_the_pointer_and_the_model(classifier: KeywordClassifier) -> None:
    async with Engine(classifier) as engine:
        models = Models(engine)
        await models.promote("second")
        assert _serving() == "second"
        await engine.classify("what a wonderful film")
        assert classifier.judged == []
        assert await models.rollback() == "tiny"
        assert _serving() == "tiny"


async def test_all_checkpoints_are_loaded_by_the_same_thread(
    classifier: KeywordClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one of several, the memory grew by several times that of a model."""
    loaders: set[int] = set()
    load = Classifier.load

    def noted(*arguments: Any) -> Classifier:
        loaders.add(threading.get_ident())
        time.sleep(0.05)  # meanwhile other work occupies other threads
        return load(*arguments)

    monkeypatch.setattr(Classifier, "load", noted)
    async with Engine(classifier) as engine:
        models = Models(engine)
        for name in ("second", "tiny"):
            others = (asyncio.to_thread(time.sleep, 0.02) for _ in range(3))
            await asyncio.gather(models.promote(name), *others)
        await models.rollback()
    assert len(loaders) == 1
    assert threading.get_ident() not in loaders


async def test_a_promotion_under_load_answers_everybody_once(
    classifier: KeywordClassifier,
) -> None:
    async with Engine(classifier) as engine:
        promotion = asyncio.create_task(Models(engine).promote("second"))
        asked: list[str] = []
        while not promotion.done():
            texts = [f"great {len(asked) + number}" for number in range(20)]
            asked += texts
            verdicts = await asyncio.gather(*map(engine.classify, texts))
            assert len(verdicts) == len(texts)
        await promotion
        # The old model judged the first ones, once each. The new one judged those after the swap,
        # which the promotion outlasts by as long as its files take.
        old = len(classifier.judged)
        assert old >= 20
        assert classifier.judged == asked[:old]
        await engine.classify("great afterwards")
        assert len(classifier.judged) == old


async def test_a_text_in_hand_is_finished_on_the_old_model(classifier: KeywordClassifier) -> None:
    classifier.gate.clear()
    async with Engine(classifier) as engine:
        waiting = asyncio.create_task(engine.classify("great"))
        await asyncio.to_thread(classifier.entered.wait, 10)
        await Models(engine).promote("second")
        assert not waiting.done()
        classifier.gate.set()
        assert (await waiting).confidence == 0.9


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("second", "was changed since training"),
        ("missing", "no checkpoint at checkpoints/missing"),
        ("../checkpoints/tiny", "not the name of a checkpoint"),
        ("..", "not the name of a checkpoint"),
    ],
)
async def test_what_fails_its_checks_is_refused(
    classifier: KeywordClassifier, name: str, reason: str
) -> None:
    _spoil("second")
    async with Engine(classifier) as engine:
        with pytest.raises(UnusableCheckpointError, match=reason):
            await Models(engine).promote(name)
        await engine.classify("great")
    assert _serving() == "tiny"
    assert classifier.judged == ["great"]


async def test_what_cannot_be_loaded_is_refused_without_its_words(
    classifier: KeywordClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("words of whatever kind")

    monkeypatch.setattr("trainer.model.classifier.Classifier.__call__", fail)
    async with Engine(classifier) as engine:
        with pytest.raises(UnusableCheckpointError, match=r"cannot be used \(ValueError at "):
            await Models(engine).promote("second")
    assert _serving() == "tiny"


async def test_a_rollback_that_fails_changes_nothing(
    classifier: KeywordClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Engine(classifier) as engine:
        models = Models(engine)
        with pytest.raises(UnusableCheckpointError, match="no earlier checkpoint"):
            await models.rollback()
        await models.promote("second")
        pointer = json.loads((CHECKPOINTS / "serving.json").read_text())

        def fail(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("trainer.model.classifier.Classifier.__call__", fail)
        with pytest.raises(UnusableCheckpointError, match="cannot be used"):
            await models.rollback()
    assert json.loads((CHECKPOINTS / "serving.json").read_text()) == pointer


@pytest.mark.parametrize("damaged", [False, True])
async def test_a_rollback_moves_the_pointer_only_after_loading(
    classifier: KeywordClassifier, *, damaged: bool
) -> None:
    """A graph that is as it was written, but cannot be loaded, or one that is not."""
    async with Engine(classifier) as engine:
        models = Models(engine)
        await models.promote("second")
        pointer = (CHECKPOINTS / "serving.json").read_text()
        graph = CHECKPOINTS / "tiny" / "model.onnx"
        graph.write_bytes(b"nothing of the kind")
        if not damaged:
            checksums = graph.with_name("checksums.sha256")
            lines = checksums.read_text().splitlines()
            digest = hashlib.sha256(graph.read_bytes()).hexdigest()
            kept = [line for line in lines if not line.endswith(graph.name)]
            checksums.write_text("\n".join([*kept, f"{digest}  {graph.name}"]))
        with pytest.raises(UnusableCheckpointError, match=r"model\.onnx|cannot be used"):
            await models.rollback()
        assert (CHECKPOINTS / "serving.json").read_text() == pointer
        await engine.classify("great")
        assert classifier.judged == []  # `second` goes on answering


async def test_a_promotion_elsewhere_is_taken(classifier: KeywordClassifier) -> None:
    async with Engine(classifier) as engine:
        models = Models(engine)
        await models.look()
        await engine.classify("great")
        assert classifier.judged == ["great"]  # nothing has changed, so nothing is loaded
        promote("second")
        await models.look()
        await engine.classify("great afterwards")
        assert classifier.judged == ["great"]


async def test_a_promotion_elsewhere_of_what_is_damaged_is_logged_once(
    classifier: KeywordClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    async with Engine(classifier) as engine:
        models = Models(engine)
        promote("second")
        _spoil("second")
        await models.look()
        await models.look()
        await engine.classify("great")
    assert classifier.judged == ["great"]
    assert caplog.text.count("second was promoted elsewhere, but cannot be used") == 1


async def test_a_candidate_is_discarded_but_never_the_one_that_answers(
    classifier: KeywordClassifier,
) -> None:
    async with Engine(classifier) as engine:
        models = Models(engine)
        with pytest.raises(UnusableCheckpointError, match="is serving and cannot be deleted"):
            await models.discard("tiny")
        await models.discard("second")
        with pytest.raises(UnusableCheckpointError, match="is already deleted"):
            await models.discard("second")
        with pytest.raises(UnusableCheckpointError, match="not the name"):
            await models.discard("../checkpoints")
    assert [row.name for row in list_checkpoints()] == ["tiny"]
