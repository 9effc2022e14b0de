"""The trainer's JSON lines, as they grow."""

import os
import tracemalloc
from pathlib import Path
from subprocess import CompletedProcess

from bot.operations.progress import MAX_LINE_BYTES, ProgressFile
from tests.conftest import call_trainer

STEP = '{"event": "step", "number": %d, "total": 9, "epoch": 1, "loss": 0.5, "tokens": 7, '
STEP += '"seconds": 2.0, "tokens_per_second": 3.5, "seconds_left": 7.0}\n'


def test_a_file_that_grows_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "fit.out"
    file = ProgressFile(path)
    assert file.read().step is None
    path.write_text(STEP % 1 + (STEP % 2)[:20])
    step = file.read().step
    assert step is not None
    assert step.number == 1
    with path.open("a") as growing:
        growing.write((STEP % 2)[20:])
    step = file.read().step
    assert step is not None
    assert (step.number, step.seconds_left) == (2, 7.0)


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "fit.out"
    lines = ["a warning", "{", "[]", "3", '{"event": "step"}', '{"event": "new"}', "\xff", "{}"]
    path.write_text("\n".join([*lines, '{"event": "note", "message": "So."}', ""]))
    progress = ProgressFile(path).read()
    assert (progress.notes, progress.step, progress.error) == (["So."], None, None)


def test_a_line_without_an_end_takes_no_memory_and_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fit.out"
    path.touch()
    os.truncate(path, 50 * MAX_LINE_BYTES)
    file = ProgressFile(path)
    tracemalloc.start()
    try:
        file.read()
        assert tracemalloc.get_traced_memory()[1] < 10 * MAX_LINE_BYTES
    finally:
        tracemalloc.stop()
    with path.open("a") as growing:
        growing.write("\n" + STEP % 1)
    assert file.read().step is not None


def test_it_understands_the_real_trainer(
    tmp_path: Path, json_fit: "CompletedProcess[str]", quick: list[str | Path]
) -> None:
    path = tmp_path / "fit.out"
    path.write_text(json_fit.stdout)
    progress = ProgressFile(path).read()
    assert progress.is_saved
    assert progress.error is None
    assert progress.plan is not None
    assert progress.step is not None
    assert progress.judging is not None
    assert progress.plan.epochs == progress.step.epoch == 2
    assert progress.plan.steps == progress.step.number == progress.step.total
    failed = call_trainer(*quick, "--progress", "json", "--fraction", "7", cwd=tmp_path)
    path.write_text(failed.stdout)
    assert "fraction is 7" in str(ProgressFile(path).read().error)
