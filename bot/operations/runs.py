"""A training run as the bot sees it: the order, where it is shown, and how it ended."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from trainer.config import MAX_EPOCHS, MAX_SEED, MIN_FRACTION
from trainer.events import Compared
from trainer.model.checks import FILE as CHECKS_FILE

BASE_MODEL = "TRAIN_BASE_MODEL"
"""The key stands for the setting's value."""


class Order(BaseModel, frozen=True, strict=True):
    """What to train. Numbers must be numbers (strict); None leaves one to the trainer."""

    label: str
    """The data set, by the operator's name for it."""
    dataset: str
    """Its value for the trainer, from the settings."""
    columns: tuple[str, ...] = ()
    """The trainer's options for the columns, from the settings."""
    beside: tuple[str, ...] = ()
    """Further data sets that are trained on with it."""
    fraction: float | None = Field(default=None, ge=MIN_FRACTION, le=1)
    epochs: int | None = Field(default=None, ge=1, le=MAX_EPOCHS)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)


def _require_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has a control character")
    return text


def _require_checkpoint(path: Path) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", path.name):
        raise ValueError("is not the path of a checkpoint")
    _require_printable(str(path))
    return path


_Source = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_require_printable)]


class Run(BaseModel, frozen=True):
    """A run as stored in its state file while it lasts."""

    # Bounded, because the file may have been changed: its content must never prevent a start.
    label: str = Field(max_length=100)
    dataset: _Source
    columns: tuple[_Source, ...] = Field(default=(), max_length=100)
    base_model: _Source
    """All as given to the trainer, from the settings."""
    beside: tuple[_Source, ...] = Field(default=(), max_length=100)
    fraction: float | None = Field(default=None, ge=MIN_FRACTION, le=1)
    epochs: int | None = Field(default=None, ge=1, le=MAX_EPOCHS)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    """As in the order; an earlier version did not store these."""
    checks: _Source | None = None
    """The file of sentences under test; an earlier version had none."""
    output: Annotated[Path, AfterValidator(_require_checkpoint)]
    """The candidate's folder, which is created when it is complete."""
    started_by: str = Field(max_length=100)
    """The operator's name, to be shown."""
    cancelled_by: str | None = Field(default=None, max_length=100)
    resumed: int = Field(default=0, ge=0)
    """How often its process ended before the training did, and was started again."""
    origin: str = Field(max_length=200)
    """Where the run is shown, in a form that only the front end can read."""

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_versions(cls, state: Any) -> Any:
        """Earlier versions wrote two numbers instead of the origin."""
        if isinstance(state, dict) and {"channel", "message"} <= state.keys():
            state = {"origin": f"{state['channel']}:{state['message']}", **state}
        return state

    def options(self) -> list[str]:
        """The options of `python -m trainer fit`: those of the settings, and numbers."""
        numbers = {"fraction": self.fraction, "epochs": self.epochs, "seed": self.seed}
        return [
            *(f"--dataset={name}" for name in (self.dataset, *self.beside)),
            *self.columns,
            *(f"--base-model={self.base_model}", f"--output={self.output}"),
            *(f"--{name}={value}" for name, value in numbers.items() if value is not None),
        ]

    def without_paths(self, sentence: str) -> str:
        """The trainer's sentence, for a channel, without the operator's paths."""
        words = {
            form: word
            for source, word in (
                (self.base_model, BASE_MODEL),
                (self.dataset, self.label),
                (self.checks, CHECKS_FILE),
            )
            if source is not None
            for form in _forms(source)
        }
        longest_first = sorted(words, key=len, reverse=True)  # because one may contain another
        anywhere = "|".join(map(re.escape, longest_first))
        return re.sub(
            rf"(?<![\w/~.-])(?:{anywhere})(?![\w-])", lambda found: words[found[0]], sentence
        )


def _forms(source: str) -> set[str]:
    """A name or path as it was written, and as the trainer may write it."""
    forms = {source, str(Path(source))}
    with suppress(RuntimeError, OSError):  # no home folder, or circular links
        path = Path(source).expanduser()
        forms |= {str(path), str(path.absolute()), str(path.resolve())}
    return forms


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An operator stopped the run, and nothing of it was kept."""

    by: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended without a candidate."""

    reason: str
    """A complete sentence."""


@dataclass(frozen=True, slots=True)
class Trained:
    """There is a candidate."""

    name: str
    comparison: Compared | None = None
    is_promoted: bool = False
    problem: str | None = None
    """Why it was not compared, or not promoted though not worse: a complete sentence."""


Outcome = Cancelled | Failed | Trained
