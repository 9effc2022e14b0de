"""`torchrun -m trainer fit`: several processes train what one process trains."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import call_trainer, separable_reviews, trainer_argv, write_csv
from tests.processes import with_sigint
from trainer.config import TrainingConfig
from trainer.errors import ConfigError
from trainer.events import ignore
from trainer.model.unfinished import find_unfinished
from trainer.processes import Place, is_first, is_first_here, this_process
from trainer.training import fit
from trainer.training.encoder import Encoder, load_encoder
from trainer.training.loop import make_schedule
from trainer.training.run import fine_tune
from trainer.training.state import Done, ReadOnlyState, Unsaved

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--no-python"]
OUTPUT = Path("checkpoints") / "it"
EPOCHS = 3
EXACT = """\
from trainer.training import fit, state
load = fit.load_encoder
def load_in_float64(*arguments):
    encoder = load(*arguments)
    encoder.model.double()
    return encoder
fit.load_encoder = load_in_float64
state.STATE_SECONDS, state.MAX_SHARE = 0.0, 1.0
"""
"""Trains in float64, and saves a state after every step.

AdamW divides a gradient by its size, so that where it is zero but for rounding, rounding decides on
the direction of a whole step. In float64, what rounding leaves is far below AdamW's epsilon.
"""
INTERRUPTED = """\
import os, signal, time
save = state.SavedState.save_if_due
def interrupt(self, step, losses):
    save(self, step, losses)
    if step.number == 10:
        os.kill(os.getppid(), signal.SIGINT)  # as Ctrl-C does to torchrun
        time.sleep(60)
state.SavedState.save_if_due = interrupt
"""
LOST = """\
import os, signal
def die(self, step, losses):
    if step.number == 20:
        os.kill(os.getpid(), signal.SIGKILL)
state.ReadOnlyState.save_if_due = die
"""
EXCHANGES = """\
import torch
import torch.distributed
from trainer.errors import ReviewsError, TrainerError
from trainer.processes import this_process
from trainer.training.parallel import join

torch.distributed.init_process_group("gloo")  # as Ray Train does
for trial in range(3):
    group = join(this_process())
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0 + group.rank)
    try:
        with group.failing_together():
            if trial == 0 and group.rank == 1:
                raise ReviewsError("There is no file films.csv.")
            group.start(model, {"seed": group.rank if trial == 1 else 0, "epochs": 2})
            print(model.weight.item())
    except TrainerError as error:
        print(error)
    group.leave()
    del group
"""

Options = list[str | Path]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Options:
    """A run without dropout: two windows of each review, and one review in the last batch."""
    folder = tmp_path_factory.mktemp("data")
    encoder = Path(shutil.copytree(tiny_encoder, folder / "encoder"))
    config = json.loads((encoder / "config.json").read_text())
    (encoder / "config.json").write_text(
        json.dumps(config | {"dropout": 0.0, "attention_dropout": 0.0})
    )
    texts = separable_reviews()
    rows = [
        (f"{text} and {other} and {text}", label)
        for (text, label), (other, _) in zip(texts, texts[3:] + texts[:3], strict=True)
    ]
    return [
        *("fit", "--dataset", write_csv(folder / "reviews.csv", rows), "--base-model", encoder),
        *("--fraction", "1", "--max-length", "8", "--windows", "2", "--batch-size", "21"),
        *("--epochs", str(EPOCHS), "--learning-rate", "1e-3", "--output", OUTPUT),
        *("--progress", "json"),
    ]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _both(commands: list[list[str]], cwd: Path) -> list[subprocess.CompletedProcess[str]]:
    """Runs two processes that train together, without torchrun, which ends one with the other."""
    shared = {
        **{"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())},
    }
    processes = [
        subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, command in enumerate(commands)
    ]
    said = [process.communicate(timeout=240) for process in processes]
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *each)
        for process, each in zip(processes, said, strict=True)
    ]


def _by_torchrun(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same with torchrun."""
    return subprocess.run(
        with_sigint(signal.SIG_DFL, [*TORCHRUN, *command]),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def _steps(stdout: str) -> list[int]:
    events = [json.loads(line) for line in stdout.splitlines()]
    return [event["number"] for event in events if event["event"] == "step"]


def test_two_processes_train_what_one_trains_though_interrupted_and_though_one_is_lost(
    tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One story, because every process takes seconds for its imports."""
    # Ctrl-C
    result = _by_torchrun(trainer_argv(*options, before=EXACT + INTERRUPTED), tmp_path)
    assert result.returncode != 0
    assert _steps(result.stdout) == list(range(1, 11))
    # torchrun adds its own report.
    (sentence,) = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert sentence.startswith("error: Interrupted. The training of checkpoints/it is unfinished")
    assert "after step 10 of" in sentence

    # A process is killed.
    command = trainer_argv(*options, "--resume", before=EXACT + LOST)
    first, second = _both([command, command], tmp_path)
    assert (first.returncode, second.returncode) == (130, -signal.SIGKILL)
    assert _steps(first.stdout)[0] == 11
    assert second.stdout == second.stderr == ""
    assert first.stderr.startswith("error: Another process of this training has ended")
    assert "The training of checkpoints/it is unfinished" in first.stderr
    assert json.loads(first.stdout.splitlines()[-1])["is_interrupted"] is True
    left = find_unfinished(tmp_path / OUTPUT)
    assert left is not None
    assert left.step == 20

    # The rest
    command = trainer_argv(*options, "--resume", before=EXACT)
    first, second = _both([command, command], tmp_path)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert _steps(first.stdout) == list(range(21, left.total + 1))
    assert second.stdout == second.stderr == ""

    # The same in one process
    def load_in_float64(name: str, seed: int) -> Encoder:
        encoder = load_encoder(name, seed)
        torch.nn.Module.double(encoder.model)
        return encoder

    alone = tmp_path / "alone"
    alone.mkdir()
    monkeypatch.setattr(fit, "load_encoder", load_in_float64)
    assert call_trainer(*options, cwd=alone).returncode == 0
    records = [
        json.loads((home / OUTPUT / "training.json").read_text()) for home in (tmp_path, alone)
    ]
    assert [record["processes"] for record in records] == [2, 1]
    assert [record["tokens"] for record in records] == [records[0]["tokens"]] * 2
    # Logits and losses are float32, with 24 bits: 6e-8 of a loss near 0.7.
    assert records[0]["losses"] == pytest.approx(records[1]["losses"], abs=1e-6)
    weights = [load_file(home / OUTPUT / "model.safetensors") for home in (tmp_path, alone)]
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], rtol=0, atol=1e-6), name


def test_all_begin_with_the_same_or_all_say_what_is_wrong(tmp_path: Path) -> None:
    first, second = _both([[sys.executable, "-c", EXCHANGES]] * 2, tmp_path)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    differing = (
        "The processes would not train on the same: seed is 0 in the one of rank 0, and 1 in that "
        "of rank 1. Give all of them the same files, packages and options."
    )
    missing = "There is no file films.csv."
    assert first.stdout.splitlines() == [
        f"The process of rank 1 cannot train. {missing}",
        differing,
        "1.0",
    ]
    assert second.stdout.splitlines() == [missing, differing, "1.0"]


class TestPlace:
    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
            monkeypatch.delenv(name, raising=False)

    def _set(self, monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        for name, value in zip(names, values, strict=False):
            monkeypatch.setenv(name, value)

    def test_one_process_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert this_process() is None
        self._set(monkeypatch, "0", "1", "0", "1")  # torchrun --nproc-per-node 1
        assert this_process() is None
        assert is_first()
        assert is_first_here()

    def test_the_first_of_another_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._set(monkeypatch, "2", "4", "0", "2")
        assert this_process() == Place(2, 4, 0, 2)
        assert not is_first()
        assert is_first_here()

    @pytest.mark.parametrize("values", [("", "2"), ("2", "2", "0", "1"), ("one", "2", "0", "1")])
    def test_an_impossible_one_is_said(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, values: tuple[str, ...]
    ) -> None:
        self._set(monkeypatch, *values)
        result = call_trainer("fit", "--dataset", "starter", cwd=tmp_path)
        assert result.returncode == 2
        assert "Start them with torchrun, or unset WORLD_SIZE" in result.stderr

    @pytest.mark.parametrize(
        ("config", "sentence"),
        [
            (TrainingConfig(batch_size=1), "batch_size is 1, but must be at least 2"),
            (TrainingConfig(loop="trainer"), "Only the manual loop"),  # type: ignore[arg-type]
        ],
    )
    def test_what_several_processes_cannot_train(
        self, monkeypatch: pytest.MonkeyPatch, config: TrainingConfig, sentence: str
    ) -> None:
        self._set(monkeypatch, "0", "2", "0", "2")
        with pytest.raises(ConfigError, match=sentence):
            fine_tune(config, ignore)

    def test_processes_that_do_not_find_each_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._set(monkeypatch, "0", "2", "0", "2")
        monkeypatch.delenv("MASTER_ADDR", raising=False)
        with pytest.raises(ConfigError, match="The 2 processes do not find each other"):
            fine_tune(TrainingConfig(), ignore)

    def test_a_comparison_is_refused(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self._set(monkeypatch, "0", "2", "0", "2")
        result = call_trainer("compare", "--dataset", "starter", cwd=tmp_path)
        assert result.stderr == (
            "error: A comparison runs in one process: start it without torchrun.\n"
        )


class _Continued(Unsaved):
    """A run that was interrupted after its first step."""

    def restore(self, *_: object) -> Done:
        return Done([0.7], 0, 0.0)


def test_each_process_drops_other_units_and_the_same_ones_after_an_interruption() -> None:
    def drawn(state: Unsaved, rank: int, steps: int) -> list[float]:
        read = ReadOnlyState(state, seed=0, rank=rank)
        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.AdamW([weight])
        read.restore(Mock(), optimizer, make_schedule(optimizer, None, 3))
        return [torch.rand(1).item() for _ in read.skip_done(range(steps))]

    first, second = drawn(Unsaved(), 1, 3), drawn(Unsaved(), 2, 3)
    assert len({*first, *second}) == 6
    assert drawn(_Continued(), 1, 2) == first[1:]
