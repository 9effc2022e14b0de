"""`trainer fit --resume`: an interrupted run continues, and ends as if nothing had happened."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.conftest import call_trainer, separable_reviews, trainer_argv, write_csv
from tests.processes import with_sigint
from trainer.config import TrainingConfig
from trainer.errors import ConfigError
from trainer.events import Step
from trainer.model.unfinished import (
    KEPT_DAYS,
    find_unfinished,
    list_unfinished,
    locked,
    metadata,
    read_run,
    state_file,
)
from trainer.training import state as states

AT_ONCE = "from trainer.training import state; state.STATE_SECONDS, state.MAX_SHARE = 0.0, 1.0"
"""Makes a process save a state after every step."""
OUTPUT = Path("checkpoints") / "it"
EPOCHS = 8

Options = list[str | Path]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Options:
    """A run with all that is random: reviews of several windows, dropout, order."""
    folder = tmp_path_factory.mktemp("data")
    texts = separable_reviews()
    rows = [
        (f"{text} and {other} and {text}", label)
        for (text, label), (other, _) in zip(texts, texts[3:] + texts[:3], strict=True)
    ]
    return [
        *("fit", "--dataset", write_csv(folder / "reviews.csv", rows)),
        *("--base-model", tiny_encoder, "--fraction", "1", "--max-length", "8"),
        *("--epochs", str(EPOCHS), "--learning-rate", "1e-2", "--output", OUTPUT),
        *("--progress", "json"),
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, options: Options) -> Path:
    """The checkpoint of a run that nothing interrupts."""
    home = tmp_path_factory.mktemp("whole")
    assert call_trainer(*options, cwd=home).returncode == 0
    return home / OUTPUT


def _start(options: Options, home: Path) -> "subprocess.Popen[str]":
    """A run that has saved a state in the middle of its second epoch or later."""
    process = subprocess.Popen(
        with_sigint(signal.SIG_DFL, trainer_argv(*options, before=AT_ONCE)),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step" and 3 * event["number"] > event["total"]:
            return process
    raise AssertionError(process.communicate()[1])


def _same(one: Path, other: Path) -> bool:
    names = ("model.safetensors", "pooled_kinds.safetensors", "kind_words.safetensors")
    losses = [json.loads((path / "training.json").read_text())["losses"] for path in (one, other)]
    return losses[0] == losses[1] and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names
    )


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_continues_to_the_same_weights(
    tmp_path: Path, options: Options, whole: Path, end: signal.Signals
) -> None:
    process = _start(options, tmp_path)
    process.send_signal(end)
    output, errors = process.communicate(timeout=60)
    left = find_unfinished(tmp_path / OUTPUT)
    assert left is not None
    assert left.total // 3 <= left.step < left.total
    if end is signal.SIGINT:
        assert process.returncode == 130
        assert errors.startswith("error: Interrupted. The training of checkpoints/it is unfinished")
        assert "To continue: python -m trainer fit --resume --output checkpoints/it" in errors
        assert json.loads(output.splitlines()[-1])["is_interrupted"] is True
    assert [path.name for path in left.folder.iterdir()] == [state_file(left.folder).name]

    result = call_trainer(*options, "--resume", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    steps = [event["number"] for event in events if event["event"] == "step"]
    assert steps == list(range(left.step + 1, left.total + 1))
    notes = [event["message"] for event in events if event["event"] == "note"]
    assert f"Continued after step {left.step} of {left.total}, from the saved state." in notes
    assert _same(tmp_path / OUTPUT, whole)
    names = {path.name for path in (tmp_path / OUTPUT).iterdir()}
    assert names == {path.name for path in whole.iterdir()}
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"it", "serving.json"}


@pytest.fixture
def unfinished(tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of an interrupted run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(states, "STATE_SECONDS", 0.0)
    monkeypatch.setattr(states, "MAX_SHARE", 1.0)
    _interrupt(monkeypatch, at=5)
    assert call_trainer(*options, cwd=tmp_path).returncode == 130
    assert [each.output.name for each in list_unfinished(Path("checkpoints"))] == ["it"]
    return tmp_path


def _interrupt(monkeypatch: pytest.MonkeyPatch, *, at: int) -> None:
    """Lets the next run in this process be interrupted after the step of this number."""
    save = states.SavedState.save_if_due

    def interrupted(state: states.SavedState, step: Step, losses: Sequence[float]) -> None:
        save(state, step, losses)
        if step.number == at:
            monkeypatch.setattr(states.SavedState, "save_if_due", save)
            raise KeyboardInterrupt

    monkeypatch.setattr(states.SavedState, "save_if_due", interrupted)


def test_it_may_be_interrupted_again_and_its_name_left_out(
    unfinished: Path, options: Options, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_output = [option for option in options if option not in ("--output", OUTPUT)]
    _interrupt(monkeypatch, at=60)
    assert call_trainer(*without_output, "--resume", cwd=unfinished).returncode == 130
    assert call_trainer(*without_output, "--resume", cwd=unfinished).returncode == 0
    assert _same(OUTPUT, whole)


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (("--epochs", "9"), f"epochs was {EPOCHS}, and is 9"),
        (("--batch-size", "8"), "batch_size was 16, and is 8"),
        (("--seed", "1"), "seed was 0, and is 1"),
        (("--recipe", "plain"), "recipe was best, and is plain"),
    ],
)
def test_other_options_are_refused_by_name(
    unfinished: Path, options: Options, changed: tuple[str, str], difference: str
) -> None:
    result = call_trainer(*options, *changed, "--resume", cwd=unfinished)
    assert result.returncode == 2
    assert difference in result.stderr
    assert result.stderr.startswith("error: The training of checkpoints/it cannot be continued")
    assert find_unfinished(OUTPUT) is not None


def test_changed_reviews_and_versions_are_refused_by_name(
    unfinished: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(options[2])
    before = file.read_text()
    try:
        file.write_text(before.replace("and", "or"))
        result = call_trainer(*options, "--resume", cwd=unfinished)
    finally:
        file.write_text(before)
    assert "the data set reviews.csv was " in result.stderr
    assert "what a" not in result.stderr
    monkeypatch.setattr("trainer.training.report.version", lambda _: "0.1")
    result = call_trainer(*options, "--resume", cwd=unfinished)
    assert f"the version of torch was {torch.__version__.split('+')[0]}" in result.stderr
    assert find_unfinished(OUTPUT) is not None


def test_it_is_not_begun_again_by_accident(unfinished: Path, options: Options) -> None:
    result = call_trainer(*options, cwd=unfinished)
    assert result.returncode == 2
    left = find_unfinished(OUTPUT)
    assert left is not None
    assert f"To begin again, delete {left.folder}." in result.stderr


def test_of_several_one_must_be_named(unfinished: Path, options: Options) -> None:
    (left,) = list_unfinished(Path("checkpoints"))
    other = left.folder.with_name(f"{left.folder.name}2")
    other.mkdir()
    state = load_file(state_file(left.folder))
    run = {"output": "other", "step": 5, "total": 10}
    save_file(state, state_file(other), metadata(run))
    without_output = [option for option in options if option not in ("--output", OUTPUT)]
    result = call_trainer(*without_output, "--resume", cwd=unfinished)
    assert "There are 2 unfinished trainings in checkpoints." in result.stderr
    assert "checkpoints/it, checkpoints/other" in result.stderr


def test_the_list_of_checkpoints_names_it(unfinished: Path) -> None:
    result = call_trainer("checkpoints", cwd=unfinished)
    assert "The training of checkpoints/it is unfinished" in result.stderr


def test_nothing_to_continue_is_said(tmp_path: Path, options: Options) -> None:
    result = call_trainer(*options, "--resume", cwd=tmp_path)
    assert result.returncode == 2
    assert "There is no unfinished training of checkpoints/it to continue" in result.stderr
    result = call_trainer("fit", "--resume", cwd=tmp_path)
    assert "There is no unfinished training in checkpoints to continue" in result.stderr


def test_two_processes_do_not_continue_the_same_run(unfinished: Path, options: Options) -> None:
    left = find_unfinished(OUTPUT)
    assert left is not None
    with locked(left.folder):
        result = call_trainer(*options, "--resume", cwd=unfinished)
    assert result.returncode == 2
    assert "checkpoints/it is being trained by another process" in result.stderr


@pytest.mark.parametrize(("days", "kept"), [(KEPT_DAYS - 1, True), (KEPT_DAYS + 1, False)])
def test_other_runs_leave_a_state_alone_for_some_days(
    unfinished: Path, options: Options, days: int, kept: bool
) -> None:
    left = find_unfinished(OUTPUT)
    assert left is not None
    (left.folder / "model.onnx").write_bytes(b"half")
    then = time.time() - days * 86_400
    os.utime(state_file(left.folder), (then, then))
    other = ("--output", "checkpoints/other", "--epochs", "1")
    result = call_trainer(*options, *other, cwd=unfinished)
    assert result.returncode == 0, result.stderr
    assert ("The training of checkpoints/it is unfinished" in result.stdout) is kept
    assert (find_unfinished(OUTPUT) is not None) is kept
    assert not (left.folder / "model.onnx").exists()


@pytest.mark.parametrize("damage", [b"", b"garbage"])
def test_a_damaged_state_is_no_state(unfinished: Path, options: Options, damage: bytes) -> None:
    left = find_unfinished(OUTPUT)
    assert left is not None
    state_file(left.folder).write_bytes(damage)
    result = call_trainer(*options, "--resume", cwd=unfinished)
    assert "There is no unfinished training" in result.stderr
    assert call_trainer(*options, "--epochs", "1", cwd=unfinished).returncode == 0
    assert not left.folder.exists()


def test_a_state_without_its_weights_is_refused(unfinished: Path, options: Options) -> None:
    left = find_unfinished(OUTPUT)
    assert left is not None
    run = read_run(left.folder)
    assert run is not None
    save_file({"losses": torch.zeros(5)}, state_file(left.folder), metadata(run))
    result = call_trainer(*options, "--resume", cwd=unfinished)
    assert result.returncode == 2
    assert f"Delete {left.folder}, and start without --resume." in result.stderr


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("where", ["save_file", "disk_usage"])
def test_a_full_disk_costs_the_state_and_not_the_run(
    tmp_path: Path, options: Options, whole: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(states, "STATE_SECONDS", 0.0)
    if where == "save_file":
        monkeypatch.setattr(states, "save_file", _no_space)
    else:
        full = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
        monkeypatch.setattr("trainer.model.checkpoint.require_space", lambda *_: None)
    result = call_trainer(*options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    notes = [
        event["message"]
        for event in map(json.loads, result.stdout.splitlines())
        if event["event"] == "note" and "state" in event["message"]
    ]
    assert notes == [
        "The state of this run cannot be saved: No space left on device. The training goes on, but "
        "if it is interrupted it begins again."
    ]
    assert _same(tmp_path / OUTPUT, whole)


def test_a_full_disk_at_the_end_keeps_the_state(
    unfinished: Path, options: Options, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("trainer.model.checkpoint.write_report", _no_space)
        result = call_trainer(*options, "--resume", cwd=unfinished)
    assert result.returncode == 2
    assert "checkpoints/it cannot be written: No space left on device." in result.stderr
    assert "To continue: python -m trainer fit --resume" in result.stderr
    assert call_trainer(*options, "--resume", cwd=unfinished).returncode == 0
    assert _same(OUTPUT, whole)


def test_a_run_that_diverges_leaves_no_state(
    tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "STATE_SECONDS", 0.0)
    save_if_due = states.SavedState.save_if_due

    def diverge(state: states.SavedState, *arguments: Any) -> None:
        save_if_due(state, *arguments)
        raise ConfigError("The loss became nan.")

    monkeypatch.setattr(states.SavedState, "save_if_due", diverge)
    assert call_trainer(*options, cwd=tmp_path).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_state_is_saved_once_a_minute_or_less_often_if_it_takes_long(
    tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock on which a step takes ten seconds, and saving a state two."""
    now = 0.0
    saved: list[float] = []
    save_if_due = states.SavedState.save_if_due

    def step(*arguments: Any) -> None:
        nonlocal now
        now += 10.0
        save_if_due(*arguments)

    def save(*_: object) -> None:
        nonlocal now
        saved.append(now)
        now += 2.0

    monkeypatch.setattr(states, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(states.SavedState, "save_if_due", step)
    monkeypatch.setattr(states.SavedState, "_save", save)
    assert call_trainer(*options, cwd=tmp_path).returncode == 0
    assert saved[0] == states.STATE_SECONDS
    gaps = [later - earlier for earlier, later in pairwise(saved)]
    assert len(gaps) > 1
    assert all(200 <= gap < 212 for gap in gaps)  # 1% of the time


def test_the_trainer_s_loop_cannot_resume() -> None:
    with pytest.raises(ConfigError, match="Only the manual loop saves states"):
        TrainingConfig(loop="trainer", resume=True)  # type: ignore[arg-type]
