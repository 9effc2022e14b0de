"""The events of a run: `trainer` emits them, `bot` reads them.

Between the two, an event is a line of JSON, with its name in `event`. A comparison of two
checkpoints is one such object without a name. No event carries the text of a review.

This module does not import torch, and imports pydantic only when an event is read.
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

MAX_NUMBER = 10**12
"""No real run has counts or seconds above this."""

MAX_NAME_LENGTH = 40
"""In characters: the name of the part of a data set that is judged."""

MIN_SECONDS = 0.001
"""Times are written to the millisecond, never as 0."""


@dataclass(frozen=True, slots=True)
class Note:
    """A plain sentence about a choice or something unusual."""

    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be trained."""

    dataset: str
    base_model: str
    reviews: dict[str, int]
    """The number of reviews of each class, by name."""
    epochs: int
    steps: int
    output: str


@dataclass(frozen=True, slots=True)
class Step:
    """The state of training after one step."""

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
    """Since the first step started."""

    @property
    def tokens_per_second(self) -> float:
        """Mean throughput so far."""
        return self.tokens / self.seconds

    @property
    def seconds_left(self) -> float:
        """Estimated from the mean pace so far."""
        return self.seconds / self.number * (self.total - self.number)


@dataclass(frozen=True, slots=True)
class Judging:
    """Progress of the evaluation on a split, in reviews."""

    split: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Saved:
    """The checkpoint is on disk, complete."""

    path: str
    serving: bool
    """Whether it serves: only the first checkpoint is promoted automatically."""
    validation: dict[str, Any] = field(repr=False)
    test: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended without a checkpoint."""

    message: str
    is_interrupted: bool = False
    """Whether a signal ended it, and not an error."""


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
class BrokenCheck:
    """A sentence of checks.yaml that was taken for something else than wanted; not its text."""

    number: int
    """In the file, from 1."""
    line: int
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"number {self.number} (line {self.line}): {self.found}, not {self.wanted}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The sentences of checks.yaml, judged by a checkpoint and by the serving one."""

    total: int
    broken: tuple[BrokenCheck, ...]
    """Those that the checkpoint breaks."""
    lost: tuple[BrokenCheck, ...]
    """Those of them that the serving one keeps."""


@dataclass(frozen=True, slots=True)
class Compared(Score):
    """A checkpoint against the serving one, on the same reviews: `trainer evaluate --against`."""

    split: str
    reviews: int
    against: Score
    """The serving checkpoint's."""
    difference: float
    """In accuracy; positive if the first is better."""
    interval: tuple[float, float]
    """95% confidence interval of the difference."""
    p_value: float
    """McNemar's exact test."""
    not_worse: bool
    objection: str
    """Why it must not be promoted automatically, as a sentence; empty if there is no reason."""
    checks: Checked | None = None
    """None: no sentences are under test."""


def ignore(event: Event) -> None:
    """A listener that does nothing."""


def to_line(event: Event) -> str:
    """An event as a line of JSON, without the line break."""
    fields = asdict(event)
    if isinstance(event, Step):
        fields["tokens_per_second"] = round(event.tokens_per_second, 1)
        fields["seconds_left"] = round(event.seconds_left, 1)
        fields["seconds"] = max(round(event.seconds, 3), MIN_SECONDS)
    return json.dumps({"event": _NAMES[type(event)], **fields})


def parse_event(line: bytes) -> Event | None:
    """The event in a line; None if the line is not an event."""
    try:
        name = json.loads(line)["event"]
        event: Event = _adapters()[_TYPES[name]].validate_json(line, strict=True)
    # Deeply nested JSON raises RecursionError, even if valid. pydantic's error is a ValueError.
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return event if _is_plausible(event) else None


def parse_compared(content: bytes | str) -> Compared:
    """Parses the output of `trainer evaluate --against --json`.

    Raises:
        ValueError: the content is something else.
    """
    compared: Compared = _adapters()[Compared].validate_json(content, strict=True)
    scores = (compared, compared.against)
    shares = [share for each in scores for share in (each.accuracy, each.f1)]
    # A confidence interval may extend slightly beyond the range of the difference itself.
    is_plausible = (
        all(0 <= share <= 1 for share in (*shares, compared.p_value))
        and all(abs(number) <= 2 for number in (compared.difference, *compared.interval))
        and 0 <= compared.reviews <= MAX_NUMBER
        and len(compared.split) <= MAX_NAME_LENGTH
        and (compared.checks is None or _are_plausible(compared.checks))
    )
    if not is_plausible:
        raise ValueError("a figure of the comparison is out of range")
    return compared


@cache
def _adapters() -> "dict[type, TypeAdapter[Any]]":
    from pydantic import (
        TypeAdapter,  # slow to import, and training does not need it
    )

    return {of_type: TypeAdapter(of_type) for of_type in (*_TYPES.values(), Compared)}


def _are_plausible(checks: Checked) -> bool:
    """Whether the numbers are possible, and the words short."""
    return 0 < checks.total <= MAX_NUMBER and all(
        len(broken) <= checks.total
        and all(
            0 < each.number <= checks.total
            and 0 < each.line <= MAX_NUMBER
            and max(len(each.wanted), len(each.found)) <= MAX_NAME_LENGTH
            for each in broken
        )
        for broken in (checks.broken, checks.lost)
    )


def _is_plausible(event: Event) -> bool:
    """Whether the numbers are possible for a run; the types are checked already."""
    match event:
        case Plan():
            return 0 < event.epochs <= MAX_NUMBER and 0 < event.steps <= MAX_NUMBER
        case Step():
            return (
                0 < event.number <= event.total <= MAX_NUMBER
                and 0 < event.epoch <= MAX_NUMBER
                and 0 <= event.tokens <= MAX_NUMBER
                and MIN_SECONDS <= event.seconds <= MAX_NUMBER
                and math.isfinite(event.loss)
                and abs(event.loss) <= MAX_NUMBER
            )
        case Judging():
            return (
                0 <= event.done <= event.total <= MAX_NUMBER and len(event.split) <= MAX_NAME_LENGTH
            )
    return True


def duration(seconds: float) -> str:
    """Seconds in readable form: `8 s`, `1 min 40 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
