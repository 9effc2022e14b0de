"""What is no file in the place of a file of a run keeps no start waiting."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from bot.engine import Engine
from bot.operations.models import Models
from bot.operations.progress import MAX_SENTENCE_CHARACTERS
from bot.operations.runs import Failed, Outcome
from bot.operations.training import FOLDER, Training
from tests.bot.stub import KeywordClassifier

RUN = {
    "label": "starter",
    "dataset": "starter",
    "base_model": "auto",
    "output": "checkpoints/2026-11-23-181500-starter",
    "started_by": "Ada",
    "origin": "1:2",
}


async def _nothing(_: object) -> None:
    """Where the progress would be shown."""


async def _start() -> Outcome | None:
    """What a bot does with the run that it finds: sees it through to its outcome."""
    async with Engine(KeywordClassifier()) as engine:
        training = Training(Models(engine), "auto")
        return None if training.run is None else await training.follow(_nothing)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("fit.err", f"error: {'x' * 5_000}"),
        ("fit.out", json.dumps({"event": "error", "message": "x" * 5_000}) + "\n"),
    ],
)
def test_a_trainer_s_error_fits_into_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir(parents=True)
    (FOLDER / "run.json").write_text(json.dumps(RUN))
    (FOLDER / name).write_text(content)
    outcome = asyncio.run(_start())
    assert isinstance(outcome, Failed)
    assert outcome.reason == "x" * MAX_SENTENCE_CHARACTERS


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize("name", ["run.json", "fit.out", "fit.err", "compare.out", "lock"])
def test_what_is_no_file_keeps_no_start_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir(parents=True)
    (FOLDER / "run.json").write_text(json.dumps(RUN))
    file = FOLDER / name
    file.unlink(missing_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "folder":
            file.mkdir()
    asyncio.run(_start())
