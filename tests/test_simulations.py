"""The week and the soak in their short forms: the bot as a process, which must lose no message."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak.rig import Row


def _simulate(module: str, home: Path, *options: str) -> str:
    """The output of a benchmark that drives the bot as a process, and finds nothing wrong."""
    outcome = subprocess.run(
        [sys.executable, "-m", module, "--home", home, *options],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


@pytest.mark.slow
def test_a_week_of_the_desk_agrees_with_what_people_saw(checkpoint: Path) -> None:
    home = checkpoint.parent.parent
    said = _simulate("benchmarks.week", home, "--no-training", "--messages", "60")
    assert "messages with a reply" in said


@pytest.mark.slow
def test_no_fault_of_the_short_soak_costs_a_message(checkpoint: Path) -> None:
    said = _simulate("benchmarks.soak", checkpoint.parent.parent, "--quick")
    assert "kill -9 of the bot in a burst" in said
    assert "WRONG" not in said


def test_a_lost_message_is_wrong_in_the_soak() -> None:
    assert Row("a fault", injected=1, sent=5, once=5).is_right
    for wrong in (Row("", lost=1), Row("", doubled=1), Row("", wrong=["a candidate"])):
        assert not wrong.is_right
