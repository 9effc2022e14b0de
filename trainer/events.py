"""What a run reports, for both sides of it: `trainer` emits these, and `bot` reads them.

On the way between them an event is a line of JSON, with its name in `event`. A comparison of two
checkpoints is one such object without a name. No event carries the text of a review.

This module imports neither torch nor, until something is read, pydantic.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LARGEST = 10**12
"""Counts and seconds above this are no run's."""

LONGEST_NAME = 40
"""In characters: of the part of a data set that is judged."""

LEAST_SECONDS = 0.001
"""Times are written to the millisecond, and none as 0."""


@dataclass(frozen=True, slots=True)
class Note:
    """A plain sentence on a choice or an oddity."""

    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be trained."""

    dataset: str
    base_model: str
    reviews: dict[str, int]
    """How many of each class, by its name."""
    epochs: int
    steps: int
    output: str


@dataclass(frozen=True, slots=True)
class Step:
    """How training stands after one step."""

    number: int
    """Steps done, from 1."""
    total: int
    """Steps of the whole run."""
    epoch: int
    """The epoch this step belongs to, from 1."""
    loss: float
    """Mean cross-entropy of the step's batch, in nats."""
    tokens: int
    """Tokens trained on so far, padding not counted."""
    seconds: float
    """Since the first step began."""

    @property
    def tokens_per_second(self) -> float:
        """Mean throughput so far."""
        return self.tokens / self.seconds

    @property
    def seconds_left(self) -> float:
        """What remains at the mean pace so far."""
        return self.seconds / self.number * (self.total - self.number)


@dataclass(frozen=True, slots=True)
class Judging:
    """How far the evaluation on a split is, in reviews."""

    split: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Saved:
    """The checkpoint is on disk, complete."""

    path: str
    serving: bool
    """Whether it is the serving one: the first to be trained is."""
    validation: dict[str, Any] = field(repr=False)
    test: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended without a checkpoint."""

    message: str


Event = Note | Plan | Step | Judging | Saved | Failed
Listener = Callable[[Event], None]

_TYPES: dict[str, type[Event]] = {
    "note": Note,
    "plan": Plan,
    "step": Step,
    "judging": Judging,
    "saved": Saved,
    "error": Failed,
}
_NAMES = {of_type: name for name, of_type in _TYPES.items()}


@dataclass(frozen=True, slots=True)
class Score:
    """How good a checkpoint is, from 0 to 1."""

    checkpoint: Path
    accuracy: float
    f1: float


@dataclass(frozen=True, slots=True)
class Compared(Score):
    """A checkpoint beside the serving one, on the same reviews: `trainer evaluate --against`."""

    split: str
    reviews: int
    against: Score
    """The serving checkpoint's."""
    difference: float
    """In accuracy; above 0 where the first is better."""
    interval: tuple[float, float]
    """95% confidence interval of the difference."""
    p_value: float
    """McNemar's exact test."""
    not_worse: bool
    objection: str
    """Why it must not be promoted by itself: a complete sentence; empty where nothing is."""


def ignore(event: Event) -> None:
    """A listener that does nothing."""


def to_line(event: Event) -> str:
    """An event as a line of JSON, without its end."""
    fields = asdict(event)
    if isinstance(event, Step):
        fields["tokens_per_second"] = round(event.tokens_per_second, 1)
        fields["seconds_left"] = round(event.seconds_left, 1)
        fields["seconds"] = max(round(event.seconds, 3), LEAST_SECONDS)
    return json.dumps({"event": _NAMES[type(event)], **fields})


def parse_event(line: bytes) -> Event | None:
    """The event that a line holds; None where it is no event of a run."""
    try:
        name = json.loads(line)["event"]
        event: Event = _adapters()[_TYPES[name]].validate_json(line, strict=True)
    # Deeply nested, even valid JSON is a RecursionError. pydantic's error is a ValueError.
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return event if _is_plausible(event) else None


def parse_compared(content: bytes | str) -> Compared:
    """What `trainer evaluate --against --json` has printed.

    Raises:
        ValueError: it is something else.
    """
    compared: Compared = _adapters()[Compared].validate_json(content, strict=True)
    scores = (compared, compared.against)
    shares = [share for each in scores for share in (each.accuracy, each.f1)]
    # A confidence interval may reach a little further than the difference itself can.
    is_plausible = (
        all(0 <= share <= 1 for share in (*shares, compared.p_value))
        and all(abs(number) <= 2 for number in (compared.difference, *compared.interval))
        and 0 <= compared.reviews <= LARGEST
        and len(compared.split) <= LONGEST_NAME
    )
    if not is_plausible:
        raise ValueError("a figure of the comparison is out of range")
    return compared


@cache
def _adapters() -> "dict[type, TypeAdapter[Any]]":
    from pydantic import (
        TypeAdapter,  # takes a moment to import, which a training run can do without
    )

    return {of_type: TypeAdapter(of_type) for of_type in (*_TYPES.values(), Compared)}


def _is_plausible(event: Event) -> bool:
    """Whether its numbers can be those of a run; types have been checked by now."""
    match event:
        case Plan():
            return 0 < event.epochs <= LARGEST and 0 < event.steps <= LARGEST
        case Step():
            return (
                0 < event.number <= event.total <= LARGEST
                and 0 < event.epoch <= LARGEST
                and 0 <= event.tokens <= LARGEST
                and LEAST_SECONDS <= event.seconds <= LARGEST
                and math.isfinite(event.loss)
                and abs(event.loss) <= LARGEST
            )
        case Judging():
            return 0 <= event.done <= event.total <= LARGEST and len(event.split) <= LONGEST_NAME
    return True


def duration(seconds: float) -> str:
    """Seconds as people say them: `8 s`, `1 min 40 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
