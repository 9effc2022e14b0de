"""`training.json`: how a checkpoint was made, how good it is, and how its logits become verdicts.

One record, written and read only here. A file of an earlier version is read if it holds what is
needed, and refused with a sentence if not. Needs no torch.
"""

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from trainer.errors import printable
from trainer.model.calibration import SelectiveFigures
from trainer.model.judgement import Judgement
from trainer.model.kinds import KindFigures

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

SCHEMA = 1
"""Increased by each change that earlier versions cannot read. Files without it are older."""


_MAX_CHARACTERS = 300
"""Of an error sentence: the name of a part comes from the file, and may be very long."""


class RecordError(ValueError):
    """The text is not a valid record; str(error) gives the reason, to follow the file's name."""

    def __init__(self, sentence: str) -> None:
        sentence = printable(sentence)
        is_long = len(sentence) > _MAX_CHARACTERS
        super().__init__(f"{sentence[: _MAX_CHARACTERS - 1]}…" if is_long else sentence)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Precision, recall and F1 of one class; 0.0 where the denominator is 0."""

    precision: float
    """Right among the reviews judged to be of this class."""
    recall: float
    """Recognised among the reviews of this class."""
    f1: float
    """Harmonic mean of the two."""
    reviews: int
    """Number of reviews of this class."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Accuracy and related figures on one set of reviews."""

    reviews: int
    accuracy: float
    """Share of reviews judged right."""
    precision: float
    """Of the positive class, as is usual for two classes; `per_class` has both."""
    recall: float
    """Of the positive class."""
    f1: float
    """Of the positive class."""
    confusion_matrix: list[list[int]]
    """Counts: row = true class, column = predicted class, in the order of `LABELS`."""
    per_class: dict[str, ClassFigures]
    loss: float
    """Mean cross-entropy, in nats."""
    calibration_error: float
    """Expected calibration error (`trainer.training.evaluation.calibration_error`)."""

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bin:
    """Reviews of similar confidence."""

    share: float
    """Share of all reviews."""
    confidence: float
    """Mean."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class Trial:
    """An exported graph compared with PyTorch, on the validation reviews."""

    precision: str
    accuracy: float
    torch_accuracy: float
    disagreements: int
    """Reviews that the two put into different classes."""
    reviews: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Exported:
    """Which graph a checkpoint has, and why."""

    precision: str | None
    """None: no graph; PyTorch serves."""
    reason: str
    trials: list[Trial]

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """The base model of the fine-tuning."""

    name: str
    """A hub name, a path, or `stand-in`."""
    description: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training set of reviews."""

    name: str
    fingerprint: str
    """SHA-256 over its rows."""
    fraction: float
    """The share of each class that was sampled."""
    rows: dict[str, dict[str, int]]
    """Counts by split and class."""
    dropped: dict[str, int]
    """Rows that were read but not used, by reason."""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class TextFile:
    """Training texts that are not reviews, or not of one class."""

    name: str
    fingerprint: str
    learned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """The options and the resolved recipe; see `TrainingConfig` and `Recipe`."""

    datasets: tuple[str, ...]
    text_column: str | None = None
    label_column: str | None = None
    label_map: tuple[str, ...] | None = None
    base_model: str
    recipe: str
    fraction: float | None
    balance: str
    max_length: int
    windows: int
    epochs: int
    batch_size: int
    learning_rate: float
    precision: str
    seed: int
    loop: str
    whole_review: bool
    warmup: float | None
    clip: float | None
    decays_all: bool
    dropout: bool
    frozen_words: bool
    frozen_layers: int
    head_reviews: int = 0
    kept_change: float = 1.0
    companions: bool
    mixed: bool
    abstains: bool
    marks: bool

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise ValueError(f"max_length is {self.max_length}")


@dataclass(frozen=True, slots=True)
class NamedKindFigures(KindFigures):
    """The figures of the kinds, with the kinds' names in the order of the matrix."""

    kinds: list[str]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Figures on one set, by split."""

    evaluation: dict[str, Figures]
    doubt: dict[str, SelectiveFigures]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """All of `training.json`."""

    schema: int = 0
    name: str
    created: str
    """ISO 8601, UTC."""
    base_model: BaseModel
    datasets: list[Dataset]
    """The main one first."""
    texts: list[TextFile]
    hyperparameters: Hyperparameters
    pad_id: int
    """The padding token."""
    device: str
    threads: int
    """Of each process."""
    processes: int = 1
    """That trained together."""
    versions: dict[str, str]
    warning: str = ""
    """A sentence about a failed training; empty if it succeeded."""
    arithmetic: str
    seconds: float
    tokens: int
    tokens_per_second: float
    losses: list[float]
    judgement: Judgement
    graph: Exported
    evaluation: dict[str, Figures]
    """By split, of the main set."""
    doubt: dict[str, SelectiveFigures]
    reliability: list[Bin]
    fixed: Figures | None = None
    """On the reviews of `trainer.data.fixed_reviews`. None: an older record."""
    mixed_unsure: float
    kinds: NamedKindFigures
    by_set: dict[str, SetFigures]
    chat: dict[str, float]

    def __post_init__(self) -> None:
        for split in ("validation", "test"):
            if split not in self.evaluation or split not in self.doubt:
                raise ValueError(f"it has no figures for {split}")
        if not self.datasets:
            raise ValueError("it names no data set")
        datetime.fromisoformat(self.created)

    @classmethod
    def build(cls, **parts: Any) -> "TrainingRecord":
        """Builds a record from JSON types, with the same checks as on reading."""
        return cls.from_json(json.dumps({"schema": SCHEMA, **parts}, allow_nan=False))

    @classmethod
    def from_json(cls, text: str) -> "TrainingRecord":
        """Reads a record.

        Raises:
            RecordError: it is not a record, is of a later version, or lacks something.
        """
        from pydantic import ValidationError

        try:
            data = json.loads(
                text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer
            )
            if not isinstance(data, dict):
                raise RecordError("does not hold a training record.")
            if (schema := data.get("schema", 0)) not in range(SCHEMA + 1):
                raise RecordError(
                    f"was written by a later version of the trainer (schema {schema!r:.20}). "
                    f"Update Review Concierge, or serve another checkpoint."
                )
            if "dataset" in data:  # of a version that trained on one set
                data.setdefault("datasets", [data["dataset"]])
            data["judgement"] = Judgement.from_dict(data["judgement"])
            record = _adapter().validate_python(data)
            record.to_json()  # pydantic accepts the string "Infinity" as a float
            return record
        except KeyError as error:
            raise RecordError(_missing(str(error.args[0]))) from error
        except ValidationError as error:
            raise RecordError(_first_problem(error)) from error
        except RecordError:
            raise
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise RecordError(f"does not hold what was written ({error}).") from error

    def to_json(self) -> str:
        """The record as the file's text; floats are finite, because JSON has no NaN."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False)
        return text + "\n"


@cache
def _adapter() -> "TypeAdapter[TrainingRecord]":
    from pydantic import TypeAdapter  # slow to import

    return TypeAdapter(TrainingRecord)


def _refuse_constant(constant: str) -> None:
    raise RecordError(f"holds {constant}, which is not JSON.")


def _finite(digits: str) -> float:
    """Refuses numbers such as 1e999, which is valid JSON but infinite as a float."""
    if not math.isfinite(value := float(digits)):
        raise RecordError("holds a number that is too large.")
    return value


def _integer(digits: str) -> int:
    if abs(value := int(digits)) >= 2**63:
        raise RecordError("holds a number that is too large.")
    return value


def _first_problem(error: "ValidationError") -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, problem["loc"]))
    if problem["type"] == "missing":
        return _missing(place)
    return f"does not hold what was written ({place or 'record'}: {problem['msg']})."


def _missing(what: str) -> str:
    return (
        f"was made by an earlier version of the trainer, which did not record its {what}. Train "
        f"again: python -m trainer fit"
    )
