"""What a training run is to the bot: what was ordered, how it stands, how it ended."""

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

BASE_MODEL = "TRAIN_BASE_MODEL"
"""The setting's name stands for its value."""


_COLUMN_OPTION = re.compile(r"\s--(?=(?:text-column|label-column|label-map)\b)")


def split_source(source: str) -> tuple[str, tuple[str, ...]]:
    """A data set of the settings, and the trainer's options on its columns that follow it.

    `/srv/my films.csv --text-column body` is the file and `("--text-column=body",)`.

    Raises:
        ValueError: an option has no value, or several, or a quotation mark is left open.
    """
    path, *parts = _COLUMN_OPTION.split(source)
    options = []
    for part in parts:
        option, _, value = part.partition("=" if "=" in part.split()[0] else " ")
        (word,) = shlex.split(value)
        options.append(f"--{option}={word}")
    return path.strip(), tuple(options)


class Order(BaseModel, frozen=True, strict=True):
    """What to train. Numbers are numbers (strict), and None leaves one to the trainer."""

    label: str
    """The data set, by the operator's name for it."""
    dataset: str
    """What the trainer is given for it, from the settings."""
    columns: tuple[str, ...] = ()
    """The trainer's options on the columns, from the settings."""
    fraction: float | None = None
    epochs: int | None = None
    seed: int | None = None


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
    """A run as its state file keeps it, for as long as it lasts."""

    # Bounded, for the file may have been changed: what is in it must not be able to stop a start.
    label: str = Field(max_length=100)
    dataset: _Source
    columns: tuple[_Source, ...] = Field(default=(), max_length=100)
    base_model: _Source
    """All as the trainer was given them, from the settings."""
    output: Annotated[Path, AfterValidator(_require_checkpoint)]
    """The candidate's folder, which comes to exist when it is complete."""
    started_by: str = Field(max_length=100)
    """The operator's name, to be shown."""
    cancelled_by: str | None = Field(default=None, max_length=100)
    channel: int
    message: int
    """Where the front end shows how it stands."""

    def without_paths(self, sentence: str) -> str:
        """The trainer's sentence, for a channel: where the operator keeps things is their own."""
        words = {
            form: word
            for source, word in ((self.base_model, BASE_MODEL), (self.dataset, self.label))
            for form in _forms(source)
        }
        longest_first = sorted(words, key=len, reverse=True)  # as one may lie in the other
        anywhere = "|".join(map(re.escape, longest_first))
        return re.sub(
            rf"(?<![\w/~.-])(?:{anywhere})(?![\w-])", lambda found: words[found[0]], sentence
        )


def _forms(source: str) -> set[str]:
    """A name or path as it was written, and as the trainer may write it."""
    forms = {source, str(Path(source))}
    with suppress(RuntimeError, OSError):  # no home folder, or a circle of links
        path = Path(source).expanduser()
        forms |= {str(path), str(path.absolute()), str(path.resolve())}
    return forms


_Share = Annotated[float, Field(ge=0, le=1)]
_Difference = Annotated[float, Field(ge=-1, le=1)]


class Figures(BaseModel):
    """How good a checkpoint is, from 0 to 1."""

    model_config = ConfigDict(allow_inf_nan=False)

    checkpoint: Path
    accuracy: _Share
    f1: _Share


class Comparison(Figures):
    """The candidate's figures beside the serving checkpoint's: `trainer evaluate --against`."""

    split: str = Field(max_length=40)
    reviews: int = Field(ge=0, le=10**12)
    against: Figures
    difference: _Difference
    """In accuracy; above 0 where the candidate is better."""
    interval: tuple[_Difference, _Difference]
    """95% confidence interval of the difference."""
    p_value: _Share
    """McNemar's exact test."""
    not_worse: bool
    objection: str
    """Why it must not be promoted by itself: a complete sentence; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An operator stopped the run, and nothing was kept of it."""

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
    comparison: Comparison | None = None
    is_promoted: bool = False
    problem: str | None = None
    """Why it was not compared, or not promoted though not worse: a complete sentence."""


Outcome = Cancelled | Failed | Trained
