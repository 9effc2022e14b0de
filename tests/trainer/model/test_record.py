"""`training.json` as one record: read whole, or refused with a sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import call_trainer
from trainer.errors import CheckpointError
from trainer.model.checkpoint import list_checkpoints, promote, read_training
from trainer.model.record import SCHEMA, RecordError, TrainingRecord
from trainer.training.report import model_card


@pytest.fixture
def text(checkpoint: Path) -> str:
    return (checkpoint / "training.json").read_text()


def _changed(text: str, change: Callable[[dict[str, Any]], object]) -> str:
    data = json.loads(text)
    change(data)
    return json.dumps(data)


def test_what_is_written_is_what_is_read(text: str) -> None:
    record = TrainingRecord.from_json(text)
    assert record.schema == SCHEMA
    assert record.to_json() == text
    assert record.hyperparameters.max_length == 16
    assert record.evaluation["test"].per_class["positive"].reviews > 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data.clear(), "did not record its judgement"),
        (lambda data: data.pop("pad_id"), "did not record its pad_id"),
        (lambda data: data["hyperparameters"].pop("marks"), "its hyperparameters.marks"),
        (lambda data: data["judgement"]["kinds"].pop("dismissal"), "did not record its dismissal"),
        (lambda data: data.update(schema=SCHEMA + 1), "later version of the trainer"),
        (lambda data: data.update(schema="x" * 1000), "later version of the trainer"),
        (lambda data: data.update(pad_id="a review"), "pad_id: Input should be a valid integer"),
        (lambda data: data.update(judgement=[]), "does not hold what was written"),
        (lambda data: data.update(datasets=[]), "it names no data set"),
        (lambda data: data["evaluation"].pop("test"), "no figures for test"),
        (lambda data: data["losses"].append(float("nan")), "holds NaN, which is not JSON"),
        (lambda data: data["hyperparameters"].update(max_length=-1), "max_length is -1"),
        (lambda data: data.update(seconds="Infinity"), "does not hold what was written"),
        (lambda data: data.update(created="yesterday"), "Invalid isoformat string"),
        (lambda data: data.update(versions={"\x1b[31m": 1}), r"versions\.\\x1b\[31m"),
        (lambda data: data["judgement"]["kinds"].update(distress=1e308), "a threshold is 1e"),
        (lambda data: data["judgement"]["kinds"].update(temperature=1e-40), "a temperature is 1e"),
    ],
)
def test_what_is_none_is_refused_with_a_sentence(
    text: str, change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    with pytest.raises(RecordError, match=sentence) as caught:
        TrainingRecord.from_json(_changed(text, change))
    assert "a review" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("number", ["1e999", "1" + "0" * 400])
def test_a_number_that_no_float_holds_is_refused(text: str, number: str) -> None:
    before = json.dumps(json.loads(text)["seconds"])
    with pytest.raises(RecordError, match="too large"):
        TrainingRecord.from_json(text.replace(f'"seconds": {before}', f'"seconds": {number}'))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, "1"])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(RecordError):
        TrainingRecord.from_json(text)


def test_an_older_file_is_read_where_it_holds_what_is_needed(text: str) -> None:
    def make_older(data: dict[str, Any]) -> None:
        del data["schema"], data["fixed"]
        (data["dataset"],) = data.pop("datasets")

    record = TrainingRecord.from_json(_changed(text, make_older))
    assert (record.schema, record.fixed) == (0, None)
    assert [each.name for each in record.datasets] == ["reviews.csv"]


def test_bounds_of_strength_are_read_as_they_were_written(text: str) -> None:
    bounds: Any = [[0.92, 0.95], [0.94, 0.98]]

    def store(data: dict[str, Any]) -> None:
        data["judgement"]["several_windows"]["strengths"] = bounds

    record = TrainingRecord.from_json(_changed(text, store))
    assert record.judgement.several_windows.strengths == ((0.92, 0.95), (0.94, 0.98))
    assert TrainingRecord.from_json(record.to_json()) == record
    for wrong in (5, [], [[0.9]], [[0.9, 2], [0.9, 0.95]], [[0.9, None], [0.9, 0.95]], "no"):
        bounds = wrong
        with pytest.raises(RecordError):
            TrainingRecord.from_json(_changed(text, store))


def test_of_an_older_file_the_card_leaves_out_what_was_not_measured(text: str) -> None:
    def make_older(data: dict[str, Any]) -> None:
        for doubt in data["doubt"].values():
            del doubt["leans"], doubt["leans_right"]
        for scale in ("one_window", "several_windows"):
            del data["judgement"][scale]["strengths"]

    assert "| right of those that lean |" in model_card(TrainingRecord.from_json(text))
    card = model_card(TrainingRecord.from_json(_changed(text, make_older)))
    assert "| right of the verdicts given |" in card
    assert "lean" not in card


@pytest.mark.parametrize("content", [b"{}", b"[]", b"\xff", b"{" * 9_000])
def test_one_broken_record_breaks_no_listing(
    checkpoint: Path, tmp_path: Path, content: bytes
) -> None:
    root = tmp_path / "checkpoints"
    for name in ("good", "bad"):
        shutil.copytree(checkpoint, root / name)
    (root / "bad" / "training.json").write_bytes(content)
    assert [row.name for row in list_checkpoints(root)] == ["good"]
    with pytest.raises(CheckpointError, match=r"training\.json"):
        read_training(root / "bad")
    promote("good", root)
    shown = call_trainer("checkpoints", cwd=tmp_path)
    assert shown.returncode == 0
    assert "good" in shown.stdout
    assert shown.stderr.startswith("Skipped: ")
    assert "bad" in shown.stderr
