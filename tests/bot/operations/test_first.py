"""The trainer as a separate process; here a stand-in, which ends as ordered."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from bot.__main__ import main
from bot.errors import TrainingError
from bot.operations.first import train_first_checkpoint
from bot.operations.training import FOLDER
from tests.processes import with_sigint
from trainer.data import starter_texts
from trainer.model.checkpoint import CHECKPOINTS, serving_checkpoint
from trainer.model.files import PARTIAL_PREFIX
from trainer.model.unfinished import list_unfinished, metadata, state_file

CANCELLABLE = """\
import pathlib, signal, time
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupt)  # as the real one does
try:
    pathlib.Path("started").touch()
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path("interrupted").open("a").write("once ")
    raise SystemExit(130)
"""


REAL_TRAINER = """\
import os, pathlib, runpy, signal
del sys.modules["trainer"]
sys.path.remove(os.getcwd())
from trainer import events
from trainer.data import starter_texts
from trainer.training import state
starter_texts.KINDS_FILE = pathlib.Path({kinds!r})
state.STATE_SECONDS, state.MAX_SHARE = 0.0, 1.0
{before}
sys.argv += {options!r}
runpy.run_module("trainer", run_name="__main__", alter_sys=True)
"""
"""On a small data set and a tiny encoder; saves a state after every step."""

KILLED = """\
save = state.SavedState.save_if_due
def save_and_die(self, step, losses):
    save(self, step, losses)
    if step.number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
state.SavedState.save_if_due = save_and_die
"""
"""The machine restarts after a state was saved."""

FIRST_TRAINING = [
    sys.executable,
    "-P",  # this process needs the real package `trainer`, not that of the working directory
    "-c",
    "from bot.operations.first import train_first_checkpoint; train_first_checkpoint()",
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)


def _trainer(code: str) -> None:
    """`python -m trainer` of the working directory, which comes before the real one."""
    Path("trainer").mkdir()
    Path("trainer/__init__.py").touch()  # a folder without it comes after any package
    Path("trainer/__main__.py").write_text(f"import sys\nassert sys.argv[1] == 'fit'\n{code}")


def test_a_training_that_ends_well_raises_nothing() -> None:
    _trainer("")
    train_first_checkpoint()


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("sys.exit(2)", 2),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
    ],
)
def test_a_training_that_fails_passes_its_code_on(code: str, exit_code: int) -> None:
    _trainer(code)
    with pytest.raises(TrainingError, match="did not finish") as caught:
        train_first_checkpoint()
    assert caught.value.exit_code == exit_code


def test_a_folder_that_cannot_be_written_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    _trainer("")
    Path("state").touch()
    with pytest.raises(TrainingError) as caught:
        train_first_checkpoint()
    assert caught.value.exit_code == 2
    said = capfd.readouterr().err
    assert said.startswith("error: The training cannot be started: state")
    assert "let this user write there" in said


def test_the_trainer_does_not_get_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a-secret")
    _trainer("import os; sys.exit('a-secret' in str(os.environ))")
    train_first_checkpoint()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_trainer_once_and_it_ends_in_its_own_way(
    number: signal.Signals,
) -> None:
    _trainer(CANCELLABLE)

    def interrupt() -> None:
        while not Path("started").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(TrainingError) as caught:
        train_first_checkpoint()
    assert caught.value.exit_code == 130
    assert Path("interrupted").read_text() == "once "
    assert signal.getsignal(number) is before


def test_in_the_background_of_a_shell_a_sigterm_reaches_the_trainer() -> None:
    _trainer(CANCELLABLE)
    bot = subprocess.Popen(with_sigint(signal.SIG_IGN, FIRST_TRAINING), stderr=subprocess.DEVNULL)
    while not Path("started").exists():
        time.sleep(0.01)
    bot.terminate()
    bot.wait(20)
    assert Path("interrupted").read_text() == "once "


def test_a_trainer_that_outlived_its_bot_is_waited_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = """\
import json, pathlib, time
with open("trained", "a") as file:
    file.write("once ")
while not pathlib.Path("let-go").exists():
    time.sleep(0.01)
pathlib.Path("checkpoints/first").mkdir(parents=True)
pathlib.Path("checkpoints/serving.json").write_text('{"serving": "first", "earlier": []}')
"""
    _trainer(code)
    killed = subprocess.Popen(FIRST_TRAINING)
    while not Path("trained").exists():
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    threading.Timer(0.3, Path("let-go").touch).start()
    train_first_checkpoint()
    assert Path("trained").read_text() == "once "
    assert "waiting for it to end" in capfd.readouterr().err


def test_a_trainer_that_outlived_its_bot_is_stopped() -> None:
    _trainer(CANCELLABLE)
    killed = subprocess.Popen(FIRST_TRAINING)
    while not Path("started").exists():
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(TrainingError) as caught:
        train_first_checkpoint()
    assert caught.value.exit_code == 130
    assert Path("interrupted").read_text() == "once "


def _real_trainer(options: list[str | Path], before: str = "") -> None:
    shutil.rmtree("trainer", ignore_errors=True)
    kinds, words = str(starter_texts.KINDS_FILE), [*map(str, options[1:])]
    _trainer(REAL_TRAINER.format(kinds=kinds, before=before, options=words))


def _left_behind(name: str) -> Path:
    """What an interrupted first training leaves; returns its output."""
    output = CHECKPOINTS / name
    folder = CHECKPOINTS / f"{PARTIAL_PREFIX}x"
    folder.mkdir(parents=True)
    run = {"output": name, "step": 3, "total": 10}
    save_file({}, state_file(folder), metadata(run))
    FOLDER.mkdir(parents=True)
    (FOLDER / "first").write_text(str(output))
    return output


def test_a_start_after_an_interruption_continues_the_training(quick: list[str | Path]) -> None:
    _real_trainer(quick, KILLED)
    killed = subprocess.run(FIRST_TRAINING, capture_output=True, text=True)
    assert killed.returncode == 1
    (left,) = list_unfinished(CHECKPOINTS)
    assert left.step == 3
    _real_trainer(quick)
    again = subprocess.run(FIRST_TRAINING, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert (
        f"The first training was interrupted after step 3 of {left.total}, and continues from its "
        "saved state."
    ) in again.stderr
    assert "Continued after step 3" in again.stderr
    assert serving_checkpoint() == left.output
    assert list_unfinished(CHECKPOINTS) == []
    assert not (FOLDER / "first").exists()


def test_a_first_training_that_cannot_be_continued_begins_anew(
    capfd: pytest.CaptureFixture[str],
) -> None:
    output = _left_behind("2026-11-26-063735-first")
    _trainer("print(sys.argv[2:]); sys.exit(2 * ('--resume' in sys.argv))")
    train_first_checkpoint()
    said = capfd.readouterr()
    continued, anew = said.out.splitlines()
    assert continued == f"['--resume', '--output={output}']"
    assert str(output) not in anew
    assert said.err.splitlines()[-1] == "It cannot be continued, so it begins anew."


@pytest.mark.parametrize("note", [None, b"\xff\x00", b"checkpoints/another", b"", b"/" * 2_000])
def test_the_unfinished_training_of_another_command_is_left_alone(
    note: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    _left_behind("mine")
    if note is None:
        (FOLDER / "first").unlink()
    else:
        (FOLDER / "first").write_bytes(note)
    _trainer("sys.exit('--resume' in sys.argv)")
    train_first_checkpoint()
    assert "continues" not in capfd.readouterr().err


def test_start_trains_first_where_nothing_serves(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _trainer("print('learning'); sys.exit(3)")
    monkeypatch.setattr(sys, "argv", ["bot", "start"])
    assert main() == 3
    said = capfd.readouterr()
    assert said.err.startswith("There is no checkpoint yet")
    assert said.out == "learning\n"
    assert "error: The training did not finish" in said.err
