"""What is no file in the place of a file of a run keeps no start waiting."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.operations import shadow
from bot.operations.actions import Operations
from bot.operations.models import Models
from bot.operations.progress import MAX_SENTENCE_CHARACTERS
from bot.operations.runs import Failed, Outcome
from bot.operations.training import FOLDER, Training
from tests.bot.stub import KeywordClassifier, settings

RUN = {
    "label": "starter",
    "dataset": "starter",
    "base_model": "auto",
    "output": "checkpoints/2026-11-23-181500-starter",
    "started_by": "Ada",
    "origin": "1:2",
}


TALLY = {"candidate": "b", "serving": "a", "origin": "discord:1:2", "until": 2e9}


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


async def test_of_several_processes_only_the_leader_finds_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concierge: Concierge
) -> None:
    """Also long after its start, as it may have waited for another one to fail."""
    monkeypatch.chdir(tmp_path)
    training = Training(Models(concierge.engine), "auto")
    operations = Operations(concierge, settings("x"))
    FOLDER.mkdir(parents=True)
    (FOLDER / "run.json").write_text(json.dumps(RUN))
    shadow.FILE.write_text(json.dumps(TALLY))
    for leads in (True, False):
        training.find(leads=leads)
        operations.begin(leads=leads)
        assert (training.run is not None) == (operations.shadow.tally is not None) == leads
    await operations.shadow.pause()  # as it stops: it saves nothing over what the leader counts
    assert json.loads(shadow.FILE.read_text()) == TALLY


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
