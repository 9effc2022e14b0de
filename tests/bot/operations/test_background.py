"""Processes that outlive the bot."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.operations import background
from bot.operations.background import Background

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


def _until(probe: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not probe():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def process(tmp_path: Path) -> Background:
    return Background(tmp_path / "new" / "folder")


def _start(process: Background, code: str) -> int:
    return process.start("it", [sys.executable, "-c", code])


def test_what_it_writes_goes_to_files(process: Background) -> None:
    assert not process.is_running()
    _start(process, "import sys; print('said'); print('complained', file=sys.stderr)")
    _until(lambda: not process.is_running())
    assert process.output("it").read_text() == "said\n"
    assert process.errors("it").read_text() == "complained\n"
    assert process.output("it").stat().st_mode & 0o077 == 0


async def test_it_has_a_session_of_its_own_and_the_lowest_priority(process: Background) -> None:
    pid = _start(process, SLEEP)
    assert os.getsid(pid) == pid
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    if sys.platform == "linux":
        assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    await process.stop()
    assert not process.is_running()


def test_it_knows_no_token_and_leaves_a_processor(
    process: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISCORD_TOKEN", "discord_token", "AWS_SECRET_ACCESS_KEY", "SLACK_TOKEN"):
        monkeypatch.setenv(name, "a-secret")
    monkeypatch.setenv("HF_HOME", "kept")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    _start(process, "import os; print(dict(os.environ))")
    _until(lambda: not process.is_running())
    said = process.output("it").read_text()
    assert "a-secret" not in said
    assert "'HF_HOME': 'kept'" in said
    assert "'PATH': " in said
    assert "'OMP_NUM_THREADS': '7'" in said


async def test_another_bot_finds_it_and_stops_it(process: Background, tmp_path: Path) -> None:
    pid = _start(process, SLEEP)
    _until(process.pid)
    assert process.pid() == pid
    other = Background(tmp_path / "new" / "folder")
    assert other.is_running()
    with pytest.raises(BlockingIOError):
        _start(other, SLEEP)
    await other.stop()
    assert not other.is_running()
    assert not process.is_running()


async def test_what_does_not_end_when_asked_is_killed(
    process: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "STOP_SECONDS", 0.3)
    _start(process, STUBBORN)
    _until(lambda: process.output("it").read_text())
    await process.stop()
    _until(lambda: not process.is_running())


def test_a_program_that_is_not_there_leaves_nothing_running(process: Background) -> None:
    with pytest.raises(FileNotFoundError):
        process.start("it", ["/no/such/program"])
    assert not process.is_running()


async def test_what_cannot_be_found_is_given_up(
    process: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of an earlier version, which has written no id."""
    for name in ("STOP_SECONDS", "KILL_SECONDS"):
        monkeypatch.setattr(background, name, 0.2)
    pid = _start(process, SLEEP)
    _until(process.pid)
    lock = process.output("it").with_name("lock")
    lock.write_text("")
    with pytest.raises(TimeoutError, match="does not end"):
        await process.stop()
    os.kill(pid, signal.SIGKILL)
    _until(lambda: not process.is_running())
    assert process.pid() is None
