"""Reads what the trainer tells of itself: JSON lines, one object an event.

The trainer's side of it is `trainer.progress`. A line that is none of its events is passed over.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.model.files import open_regular

LONGEST_SENTENCE = 2_000
"""In characters: what is kept of a sentence of the trainer, which may quote a file."""

MOST_NOTES = 20


Count = Annotated[int, Field(ge=0, le=10**12)]
"""What is shown and divided by one another: bounded, for the file may have been changed."""


class _Event(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False, str_max_length=40)


class Plan(_Event):
    """What is about to be trained."""

    epochs: Count
    steps: Count


class Step(_Event):
    """How training stands after one step."""

    number: Count
    total: Count = Field(gt=0)
    epoch: Count
    loss: float = Field(le=1e12)
    tokens_per_second: float = Field(ge=0, le=1e12)
    seconds_left: float = Field(ge=0, le=1e12)


class Judging(_Event):
    """How far the evaluation on a split is, in reviews."""

    split: str
    done: Count
    total: Count


@dataclass(slots=True)
class Progress:
    """The latest of each kind of event; None for what has not happened yet."""

    plan: Plan | None = None
    step: Step | None = None
    judging: Judging | None = None
    notes: list[str] = field(default_factory=list)
    is_saved: bool = False
    """The candidate is on disk, complete."""
    error: str | None = None
    """The trainer's own sentence on why there is none."""


class ProgressFile:
    """The trainer's standard output, which may still be growing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.progress = Progress()

    def read(self) -> Progress:
        """Reads the lines that were added since, and returns how things stand."""
        with suppress(OSError), open_regular(self._path) as file:
            file.seek(self._offset)
            # The last line may be only half there.
            lines, end, _half = file.read().rpartition(b"\n")
            self._offset += len(lines) + len(end)
            for line in lines.splitlines():
                self._take(line)
        return self.progress

    def _take(self, line: bytes) -> None:
        # Deeply nested, even valid JSON is a RecursionError.
        with suppress(ValueError, ValidationError, TypeError, KeyError, RecursionError):
            event: dict[str, Any] = json.loads(line)
            match event["event"]:
                case "plan":
                    self.progress.plan = Plan.model_validate(event)
                case "step":
                    self.progress.step = Step.model_validate(event)
                case "judging":
                    self.progress.judging = Judging.model_validate(event)
                case "note":
                    self.progress.notes.append(_sentence(event))
                    del self.progress.notes[:-MOST_NOTES]
                case "saved":
                    self.progress.is_saved = True
                case "error":
                    self.progress.error = _sentence(event)


def _sentence(event: dict[str, Any]) -> str:
    return str(event["message"])[:LONGEST_SENTENCE]
