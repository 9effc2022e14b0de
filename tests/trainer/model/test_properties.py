"""Any record, any pointer is read or refused with a sentence: hypothesis looks for exceptions."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import call_trainer
from tests.mutations import (
    bounded,
    mutated_bytes,
    mutated_json,
    refused_with_a_sentence,
    require_sentence,
    state_files,
)
from trainer.errors import CheckpointError
from trainer.model import checkpoint as checkpoints
from trainer.model.classifier import Classifier
from trainer.model.inference import Scores
from trainer.model.judgement import Judgement
from trainer.model.kinds import KINDS
from trainer.model.record import RecordError, TrainingRecord
from trainer.model.runtime import RuntimeName


def _root_with(folder: Path, *sources: Path) -> Path:
    """A folder of checkpoints with copies of these, as new as if the test had just begun."""
    root = folder / "checkpoints"
    shutil.rmtree(root, ignore_errors=True)
    for number, source in enumerate(sources):
        shutil.copytree(source, root / f"copy{number}")
    return root


def _spoilt(content: bytes) -> st.SearchStrategy[bytes]:
    near = mutated_json(json.loads(content)).map(json.dumps).map(str.encode)
    return near | mutated_bytes(content)


def _seal(path: Path) -> None:
    """Writes checksums that fit: the owner of the folder may have put anything there."""
    names = [line.split("  ")[1] for line in (path / "checksums.sha256").read_text().splitlines()]
    lines = [f"{hashlib.sha256((path / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (path / "checksums.sha256").write_text("".join(lines))


@pytest.mark.timeout(120)
@bounded
@given(data=st.data())
def test_any_record_is_read_or_refused(checkpoint: Path, data: st.DataObject) -> None:
    text = (checkpoint / "training.json").read_text()
    spoilt = data.draw(_spoilt(text.encode())).decode("utf-8", "replace")
    with refused_with_a_sentence(RecordError):
        record = TrainingRecord.from_json(spoilt)
        assert TrainingRecord.from_json(record.to_json()) == record


@pytest.mark.timeout(120)
@bounded
@given(data=st.data())
def test_any_judgement_is_refused_or_gives_probabilities(
    checkpoint: Path, data: st.DataObject
) -> None:
    record = json.loads((checkpoint / "training.json").read_text())
    record["judgement"] = data.draw(mutated_json(record["judgement"]))
    try:
        judgement = TrainingRecord.from_json(json.dumps(record)).judgement
    except RecordError as error:
        require_sentence(error)
        return
    assert isinstance(judgement, Judgement)
    logits = np.array([[[1.0, -1.0]], [[-30.0, 30.0]]], dtype=np.float32)
    kinds = np.zeros((2, len(KINDS)), dtype=np.float32)
    scores = Scores(logits.mean(axis=1), kinds, np.array([1, 2]))
    for verdict in judgement.verdicts(scores):
        assert all(map(math.isfinite, verdict.probabilities.values()))
        assert math.isclose(sum(verdict.probabilities.values()), 1, abs_tol=1e-5)


@pytest.mark.timeout(120)
@bounded
@given(data=st.data())
def test_one_spoilt_record_breaks_no_listing(
    checkpoint: Path, tmp_path: Path, data: st.DataObject
) -> None:
    root = _root_with(tmp_path, checkpoint, checkpoint)
    file = root / "copy1" / "training.json"
    file.write_bytes(data.draw(_spoilt(file.read_bytes())))
    assert "copy0" in [row.name for row in checkpoints.list_checkpoints(root)]
    shown = call_trainer("checkpoints", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "copy0" in shown.stdout
    for line in (shown.stdout + shown.stderr).split("\n"):
        assert line.isprintable()


@pytest.mark.timeout(120)
@bounded
@given(data=st.data())
def test_a_spoilt_list_of_checksums_is_refused_or_makes_no_difference(
    checkpoint: Path, tmp_path: Path, data: st.DataObject
) -> None:
    root = _root_with(tmp_path, checkpoint)
    sums = root / "copy0" / "checksums.sha256"
    before = sums.read_bytes()
    sums.write_bytes(data.draw(mutated_bytes(before) | st.binary(max_size=100)))
    with refused_with_a_sentence(CheckpointError):
        checkpoints.verify(root / "copy0")
        assert set(before.splitlines()) <= set(sums.read_bytes().splitlines())


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["training.json", "config.json", "tokenizer.json"])
@bounded
@given(data=st.data())
def test_a_checkpoint_with_any_part_is_refused_or_reads(
    checkpoint: Path, tmp_path: Path, name: str, data: st.DataObject
) -> None:
    root = _root_with(tmp_path, checkpoint)
    file = root / "copy0" / name
    file.write_bytes(data.draw(_spoilt(file.read_bytes())))
    _seal(root / "copy0")
    with refused_with_a_sentence(CheckpointError):
        judge = Classifier.load(root / "copy0", RuntimeName.ONNX, threads=1)
        assert len(judge(["a wonderful film", "", "hm " * 200])) == 3


def _pointer_users(root: Path) -> list[Callable[[], object]]:
    return [
        lambda: checkpoints.serving_checkpoint(root),
        lambda: checkpoints.list_checkpoints(root),
        lambda: checkpoints.earlier_checkpoint(root),
        lambda: checkpoints.rollback(root),
        lambda: checkpoints.promote("copy0", root),
        lambda: checkpoints.discard("copy1", root),
    ]


@pytest.mark.timeout(120)
@bounded
@given(content=state_files({"serving": "copy0", "earlier": ["copy1", "copy0"]}))
def test_any_pointer_is_followed_or_refused(
    checkpoint: Path, tmp_path: Path, content: bytes
) -> None:
    root = _root_with(tmp_path, checkpoint, checkpoint)
    (root / "serving.json").write_bytes(content)
    for use in _pointer_users(root):
        with refused_with_a_sentence(CheckpointError):
            use()
    assert (root / "copy0").is_dir()
