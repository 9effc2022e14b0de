"""The trainer as a separate process; here a stand-in, which ends as ordered."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.errors import TrainingError
from bot.operations.first import train_first_checkpoint

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
    Path("trainer/__main__.py").write_text(f"import sys\nassert sys.argv[1:] == ['fit']\n{code}")


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
    bot = subprocess.Popen(
        FIRST_TRAINING,
        # What such a shell does.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        stderr=subprocess.DEVNULL,
    )
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
