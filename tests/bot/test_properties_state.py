"""No state file stops a start: hypothesis looks for exceptions, and a few starts are whole."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.summary import Votes
from bot.engine import Engine
from bot.errors import UnusableCheckpointError
from bot.frontends.discord import restart_point, sync
from bot.frontends.discord.models import _card, _table
from bot.frontends.discord.reports import ended, occupied, result, standing
from bot.operations.models import Models
from bot.operations.progress import ProgressFile
from bot.operations.runs import Failed, Run, Trained
from bot.operations.training import FOLDER, Training
from bot.sentences.responses import MAX_CHARACTERS
from tests.bot.frontends.loopback import environment
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, bot_process_argv
from tests.mutations import (
    bounded,
    json_values,
    mutated_bytes,
    mutated_json,
    refused_with_a_sentence,
    state_files,
)
from trainer.events import Failed as TrainerFailed
from trainer.events import Judging, Note, Plan, Step, to_line
from trainer.model.checkpoint import list_checkpoints

RUN: dict[str, Any] = {
    "label": "starter",
    "dataset": "/srv/reviews.csv",
    "columns": ["--text-column=body"],
    "base_model": "auto",
    "output": "checkpoints/2026-11-23-181500-starter",
    "started_by": "Ada",
    "cancelled_by": None,
    "channel": 1,
    "message": 2,
}
COMPARISON: dict[str, Any] = {
    "checkpoint": "checkpoints/second",
    "accuracy": 0.9,
    "f1": 0.9,
    "split": "test",
    "reviews": 100,
    "against": {"checkpoint": "checkpoints/tiny", "accuracy": 0.8, "f1": 0.8},
    "difference": 0.1,
    "interval": [0.05, 0.15],
    "p_value": 0.01,
    "not_worse": True,
    "objection": "",
}
EVENTS: list[dict[str, Any]] = [
    json.loads(to_line(event))
    for event in (
        Plan("starter", "auto", {"negative": 20, "positive": 20}, 2, 20, "checkpoints/it"),
        Step(3, 20, 1, 0.5, 1_000, 12.0),
        Judging("test", 1, 2),
        Note("A sentence."),
        TrainerFailed("A sentence."),
    )
]
"""Not `Saved`: a process would compare the candidate, for each example."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoint.parent, "checkpoints")
    FOLDER.mkdir(parents=True)


def _lines(events: list[Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


outputs = (
    mutated_json(EVENTS).map(lambda events: events if isinstance(events, list) else [events])
    | st.lists(json_values, max_size=3)
).map(_lines) | mutated_bytes(_lines(EVENTS))


async def _nothing(_: object) -> None:
    """Where the standing would be shown."""


async def _start() -> None:
    """What a bot does with the run that it finds: shows it, sees it through, tells the outcome."""
    async with Engine(KeywordClassifier()) as engine:
        training = Training(Models(engine), "auto")
        run = training.run
        if run is None:
            return
        assert len(occupied(run, training.progress)) <= MAX_CHARACTERS
        outcome = await training.follow(_nothing)
        assert len(standing(run, training.progress)) <= MAX_CHARACTERS
        assert len(ended(run, outcome)) <= MAX_CHARACTERS
        if isinstance(outcome, Failed | Trained):
            assert len(result(run, outcome)) <= MAX_CHARACTERS
        training.forget()


@pytest.mark.timeout(120)
@bounded
@given(run=state_files(RUN), output=outputs, errors=st.binary(max_size=100))
def test_any_run_is_ignored_or_reported(run: bytes, output: bytes, errors: bytes) -> None:
    (FOLDER / "run.json").write_bytes(run)
    (FOLDER / "fit.out").write_bytes(output)
    (FOLDER / "fit.err").write_bytes(b"error: " + errors)
    (FOLDER / "compare.out").unlink(missing_ok=True)
    asyncio.run(_start())


@pytest.mark.timeout(120)
@bounded
@given(run=state_files(RUN) | st.just(json.dumps(RUN).encode()), comparison=state_files(COMPARISON))
def test_any_comparison_is_read(run: bytes, comparison: bytes) -> None:
    (FOLDER / "run.json").write_bytes(run)
    (FOLDER / "fit.out").write_bytes(b'{"event": "saved"}\n')
    (FOLDER / "compare.out").write_bytes(comparison)
    asyncio.run(_start())


@pytest.mark.timeout(120)
@bounded
@given(content=outputs, share=st.floats(0, 1))
def test_any_output_of_a_trainer_is_shown(content: bytes, share: float) -> None:
    file = FOLDER / "fit.out"
    file.write_bytes(content[: int(share * len(content))])  # a look amid a line
    growing = ProgressFile(file)
    growing.read()
    file.write_bytes(content)
    progress = growing.read()
    assert progress == ProgressFile(file).read()
    run = Run.model_validate(RUN)
    assert len(standing(run, progress)) <= MAX_CHARACTERS
    assert len(occupied(run, progress)) <= MAX_CHARACTERS


@pytest.mark.timeout(120)
@bounded
@given(content=state_files({"hash": "0" * 64}) | st.binary(max_size=80))
def test_any_other_state_is_passed_over(content: bytes) -> None:
    sync.STATE_FILE.write_bytes(content)
    sync._last_hash()
    restart_point.STATE_FILE.write_bytes(content)
    restart_point.read()
    (FOLDER / "lock").write_bytes(content)

    async def find_lock() -> None:
        async with Engine(KeywordClassifier()) as engine:
            await Training(Models(engine), "auto")._process.stop()

    asyncio.run(find_lock())


@pytest.mark.timeout(120)
@bounded
@given(data=st.data())
def test_any_record_is_shown_or_left_out(data: st.DataObject) -> None:
    file = Path("checkpoints/tiny/training.json")
    content = file.read_bytes()
    spoilt = mutated_json(json.loads(content)).map(json.dumps).map(str.encode)
    file.write_bytes(data.draw(spoilt | mutated_bytes(content)))
    try:
        rows = list_checkpoints()
        assert len(_table(rows, {})) <= MAX_CHARACTERS
        assert all(len(_card(row, Votes())) <= MAX_CHARACTERS for row in rows)
    finally:
        file.write_bytes(content)


@pytest.mark.timeout(120)
@bounded
@given(content=state_files({"serving": "tiny", "earlier": ["second"]}))
def test_any_pointer_leaves_the_model_that_answers(content: bytes) -> None:
    pointer = Path("checkpoints/serving.json")

    async def look() -> None:
        async with Engine(KeywordClassifier()) as engine:
            models = Models(engine)
            await asyncio.to_thread(pointer.write_bytes, content)
            await models.look()
            for change in (models.rollback(), models.discard("tiny"), models.promote("second")):
                with refused_with_a_sentence(UnusableCheckpointError):
                    await change

    asyncio.run(look())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state/training/run.json", b"[" * 100_000),
        ("state/training/run.json", json.dumps({**RUN, "base_model": "\0"}).encode()),
        ("state/training/lock", b"\xff"),
        ("state/last_message", b"9" * 5_000),
        ("state/commands.json", b'{"hash": [[]]}'),
    ],
)
async def test_a_bot_starts_whatever_its_state(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    async with DiscordServer() as server:
        process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            bot_process_argv(server), env=environment(server), stderr=subprocess.PIPE
        )
        try:
            await server.ready(timeout=60)
            await server.wait_for_reply(await server.dm("great"))
        finally:
            process.terminate()
            _, said = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert b"This is a bug" not in said
