"""The log never carries an exception's message."""

import asyncio
import json
import logging
from datetime import datetime, timedelta

import pytest

from bot import logs

PRIVATE = "what a customer wrote"


def test_an_exception_is_reported_by_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    try:
        raise ValueError(PRIVATE)
    except ValueError:
        logging.getLogger("some.library").exception("It failed")
    printed = capsys.readouterr().err
    assert "It failed" in printed
    assert "ValueError at tests/bot/test_logs.py:" in printed
    assert PRIVATE not in printed


def test_json_has_the_same_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", as_json=True)
    logging.getLogger("bot").info("%s\n\x1b[31mü", "two lines", extra={"fields": {"status": 200}})
    try:
        raise ValueError(PRIVATE)
    except ValueError:
        logging.getLogger("some.library").exception("It failed")
    printed = capsys.readouterr().err
    assert printed.isascii()
    assert PRIVATE not in printed
    said, failed = map(json.loads, printed.splitlines())
    assert (said["message"], said["status"]) == ("two lines\n\x1b[31mü", 200)
    assert (failed["level"], failed["logger"]) == ("ERROR", "some.library")
    assert failed["error"].startswith("ValueError at tests/bot/test_logs.py:")
    assert datetime.fromisoformat(failed["time"]).utcoffset() == timedelta(0)


def test_the_library_s_debug_lines_stay_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG")
    logging.getLogger("bot.engine").debug("ours")
    logging.getLogger("discord.http").debug(PRIVATE)
    logging.getLogger("discord.gateway").info("theirs")
    printed = capsys.readouterr().err
    assert "ours" in printed
    assert "theirs" in printed
    assert PRIVATE not in printed


async def test_a_task_that_is_not_awaited_does_not_leak(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.report_loop_error)

    async def fail() -> None:
        raise ValueError(PRIVATE)

    task = loop.create_task(fail())
    await asyncio.wait({task})
    del task
    printed = capsys.readouterr().err
    assert "ValueError at tests/bot/test_logs.py:" in printed
    assert PRIVATE not in printed


def test_the_calls_that_led_to_a_fault_are_listed_innermost_first() -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        json.loads(PRIVATE)

    with pytest.raises(ValueError) as caught:  # noqa: PT011
        deep(1)
    told = logs.whereabouts(caught.value)
    places = told.removeprefix("JSONDecodeError at ").split(", called from ")
    assert places[0].startswith("json/decoder.py:")
    assert [place.split(":")[0] for place in places[-3:]] == ["tests/bot/test_logs.py"] * 3
    assert PRIVATE not in told


def test_a_fault_of_many_calls_is_one_short_line() -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        raise ValueError(PRIVATE)

    with pytest.raises(ValueError) as caught:  # noqa: PT011
        deep(50)
    told = logs.whereabouts(caught.value)
    assert told.endswith(", and 44 more")
    assert told.count("called from") == logs.MAX_FRAMES - 1


def test_the_operating_system_s_words_are_kept() -> None:
    assert logs.whereabouts(OSError(28, "No space left on device")) == (
        "OSError (No space left on device)"
    )


def test_what_happens_over_and_over_is_said_once_a_minute_with_its_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times = [0.0, 1.0, 59.0, 60.0, 61.0, 200.0]
    clock = iter([*times, times[-1]])
    seldom = logs.SeldomLog(logging.getLogger("bot"), clock=lambda: next(clock))
    for _ in times:
        seldom.log(logging.WARNING, "Full")
    seldom.log(logging.WARNING, "Broken")
    assert [record.getMessage() for record in caplog.records] == [
        "Full",
        "Full (and 2 times since it was last said)",
        "Full (and once more since it was last said)",
        "Broken",
    ]


def test_a_name_forges_no_line_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logging.getLogger("bot").info("Ready as %s", "x\n2026-01-01 ERROR bot: forged\x1b[31m\u202e")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("Ready as x")
    assert second == "    2026-01-01 ERROR bot: forged\\x1b[31m\\u202e"
