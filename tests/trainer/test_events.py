"""The events of a run, as lines that another process reads."""

import json
from pathlib import Path

import pytest

from trainer import events
from trainer.events import Event, Failed, Judging, Note, Plan, Saved, Score, Step, duration

STEP = Step(number=1, total=3, epoch=1, loss=0.5, tokens=7, seconds=2.0)
EVENTS = (
    Note("So."),
    Plan("films", "auto", {"negative": 1, "positive": 2}, 2, 3, "checkpoints/a"),
    STEP,
    Judging("test", 0, 9),
    Saved("checkpoints/a", serving=True, validation={"accuracy": 0.5}, test={}),
    Failed("It failed."),
)
COMPARED = {
    "checkpoint": "checkpoints/new",
    "accuracy": 0.9,
    "f1": 1,
    "split": "test",
    "reviews": 50,
    "against": {"checkpoint": "checkpoints/old", "accuracy": 0.8, "f1": 0.8, "loss": 0.1},
    "difference": 0.1,
    "interval": [-0.1, 0.3],
    "p_value": 0.2,
    "not_worse": True,
    "objection": "",
    "fixed": {"reviews": 100},
}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_what_is_written_is_read(event: Event) -> None:
    line = events.to_line(event)
    assert "\n" not in line
    assert events.parse_event(line.encode()) == event


def test_a_step_too_short_for_the_clock_can_be_read() -> None:
    line = events.to_line(Step(1, 1, 1, 0.5, 7, 1e-9))
    step = events.parse_event(line.encode())
    assert isinstance(step, Step)
    assert step.tokens_per_second == 7_000


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": 4},
        {"number": "1"},
        {"number": True},
        {"total": 0},
        {"total": 10**13},
        {"epoch": 0},
        {"seconds": 0},
        {"seconds": float("inf")},
        {"tokens": -1},
        {"loss": float("nan")},
        {"loss": 1e300},
        {"event": "steps"},
        {"event": ["step"]},
        {"event": None},
    ],
)
def test_a_step_that_is_none_is_passed_over(change: dict[str, object]) -> None:
    fields = json.loads(events.to_line(STEP))
    assert events.parse_event(json.dumps(fields).encode()) is not None
    assert events.parse_event(json.dumps({**fields, **change}).encode()) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[" * 100_000,
        b'{"event": "note", "message": ' + b"[" * 100_000,
        b'{"event": "note", "message": 1}',
        b'{"event": "note"}',
        b'{"event": "judging", "split": "test", "done": 3, "total": 2}',
        b'{"event": "step", "number": 1' + b"0" * 5_000 + b"}",
        b'{"event": "judging", "split": "' + b"x" * 41 + b'", "done": 1, "total": 2}',
        b"\xff",
        b"[]",
        b"3",
    ],
    ids=range(11),
)
def test_a_line_that_is_no_event_is_passed_over(line: bytes) -> None:
    assert events.parse_event(line) is None


def test_a_comparison_is_read_from_all_that_is_printed() -> None:
    compared = events.parse_compared(json.dumps(COMPARED))
    assert compared.against == Score(Path("checkpoints/old"), 0.8, 0.8)
    assert (compared.f1, compared.interval) == (1.0, (-0.1, 0.3))


@pytest.mark.parametrize(
    "change",
    [
        {"p_value": 1e300},
        {"accuracy": float("nan")},
        {"reviews": -1},
        {"not_worse": 1},
        {"split": "x" * 41},
        {"interval": [0, 3]},
    ],
)
def test_a_comparison_that_is_none_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"range|boolean"):
        events.parse_compared(json.dumps({**COMPARED, **change}))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (7500, "2 h 05 min")],
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said
