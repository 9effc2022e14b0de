"""The hyperparameters of a run: one frozen dataclass, checked when it is made."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError

LABELS = ("negative", "positive")
"""The classes in the order of their ids, as in IMDb: 0 is negative, 1 is positive."""

LEAST_FRACTION = 0.001
MOST_EPOCHS = 1_000
LARGEST_SEED = 2**32 - 1
"""What a run takes, whether it is ordered on the command line or in a chat."""


class RecipeName(StrEnum):
    """How a run is trained, where its own options do not say otherwise."""

    PLAIN = "plain"
    """The original recipe to the letter."""
    BEST = "best"
    """What validation reviews chose (`docs/ABLATION.md`)."""


class Precision(StrEnum):
    """The arithmetic of the forward and the backward pass; weights are kept in fp32 always."""

    AUTO = "auto"
    """bf16 where the processor or the GPU has instructions for it, and the recipe is the best."""
    FP32 = "fp32"
    BF16 = "bf16"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a recipe's name stands for."""

    windows: int
    """Windows of each review that are read in one step, drawn anew in every epoch. 1 with
    `whole_review` off: the beginning of each review alone, in training and afterwards."""
    whole_review: bool
    """Whether windows are drawn from all of a review, and all are read when it is judged."""
    epochs: int
    learning_rate: float
    """AdamW's, for an encoder as wide as DistilBERT (768); `narrow_learning_rate` is for others."""
    narrow_learning_rate: float
    """For an encoder of half that width or less, as the stand-in is."""
    warmup: float | None
    """Share of the steps in which the learning rate rises to its height, before it falls to 0 in
    a straight line (Devlin et al. 2019, appendix A.2). None: constant."""
    clip: float | None
    """The gradient's largest norm (Pascanu et al. 2013). None: any."""
    decays_all: bool
    """Whether AdamW's weight decay takes in biases and LayerNorm, which have no size to keep
    small."""
    dropout: bool
    """Whether the encoder's dropout stays on."""
    frozen_words: bool
    """Whether the word embeddings stay as they were pre-trained: up to half of the weights, which
    a few thousand reviews hardly move."""
    frozen_layers: int
    """So many of the lowest layers stay as they were pre-trained as well: they cost no backward
    pass, and what they know of English carries over to texts unlike those that are trained on."""
    frozen_layers_starter: int
    """The same where the starter reviews are all there is to train on: a first training on two
    cores is to take less than three minutes."""
    companions: bool
    """Whether short reviews are trained on beside a set of long ones (`trainer.data.mixture`): what
    people write in a chat is short."""
    mixed: bool
    """Whether mixed reviews are trained on, as half negative and half positive: on such a review
    the model is to be unsure."""
    abstains: bool
    """Whether `unsure` may be the verdict, and a message be taken for something else than a review.
    The original program answered every message by the likelier class. Distress is recognised by
    either recipe."""
    marks: bool
    """Whether ratings and emoji are read (`trainer.model.marks`)."""
    bf16: bool
    """Whether `Precision.AUTO` may choose it."""

    def done(self) -> dict[str, Any]:
        """The fields that say what was done, once options and sets have settled the others."""
        choices = ("narrow_learning_rate", "frozen_layers_starter", "bf16")
        return {name: value for name, value in asdict(self).items() if name not in choices}


RECIPES = {
    RecipeName.PLAIN: Recipe(
        windows=1,
        whole_review=False,
        epochs=1,
        learning_rate=5e-5,
        narrow_learning_rate=5e-5,
        warmup=None,
        clip=None,
        decays_all=True,
        dropout=True,
        frozen_words=False,
        frozen_layers=0,
        frozen_layers_starter=0,
        companions=False,
        mixed=False,
        abstains=False,
        marks=False,
        bf16=False,
    ),
    RecipeName.BEST: Recipe(
        windows=1,
        whole_review=True,
        epochs=2,
        learning_rate=1e-4,
        narrow_learning_rate=2e-4,
        warmup=0.1,
        clip=1.0,
        decays_all=False,
        dropout=True,
        frozen_words=True,
        frozen_layers=2,
        frozen_layers_starter=4,
        companions=True,
        mixed=True,
        abstains=True,
        marks=True,
        bf16=True,
    ),
}


class Balance(StrEnum):
    """How training reviews are sampled."""

    ON = "on"
    """As many of one class as of the other, drawn by the seed."""
    OFF = "off"
    """The first rows as they stand in the data set, whatever their classes. Many sets are sorted
    by class, IMDb too: this shows what goes wrong then."""


class Loop(StrEnum):
    """What trains the model."""

    MANUAL = "manual"
    """The loop of this project, `trainer.training.loop`."""
    TRAINER = "trainer"
    """transformers' `Trainer`, with the same recipe; needs the package accelerate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """What a fine-tuning run is made of. None: as the recipe says.

    Raises:
        ConfigError: a field is out of range; the sentence names field, value and what is allowed.
    """

    datasets: tuple[str, ...] = ("auto",)
    """Where reviews come from, one or more of: `auto` (IMDb from the hub, else the starter
    reviews), `starter`, a hub name, or a path (see `trainer.data.reviews`). The first is the main
    one."""

    text_column: str | None = None
    """The column of `datasets` that holds the text. None: the one whose name is recognised
    (`trainer.data.columns`)."""

    label_column: str | None = None
    """The same for the label."""

    label_map: tuple[str, ...] | None = None
    """What labels mean, such as `5=positive`, `1=negative` or `3=skip`."""

    base_model: str = "auto"
    """Where pre-trained weights come from: `auto` (distilbert-base-uncased from the hub, else the
    packaged stand-in), `stand-in`, a hub name, or a path (see `trainer.training.encoder`)."""

    recipe: RecipeName = RecipeName.BEST
    """What the other options default to, and how the loop goes (`Recipe`)."""

    fraction: float | None = None
    """Share of each class that is sampled for training. None: 0.1 of a set with 20,000 training
    reviews or more, as IMDb has, and all of a smaller one."""

    balance: Balance = Balance.ON
    """Whether the classes are sampled separately, as many of one as of the other."""

    max_length: int = 128
    """Longest window in tokens; the plain recipe reads one window of a review, its beginning."""

    windows: int | None = None
    """Windows of each review that are read in one step."""

    epochs: int | None = None
    """Passes over the training reviews."""

    batch_size: int = 16
    """Reviews a step."""

    learning_rate: float | None = None
    """AdamW's learning rate, at its height. Devlin et al. 2019 (appendix A.3) try 2e-5 to 5e-5 for
    encoders of width 768; narrower ones take more."""

    precision: Precision = Precision.AUTO
    """The arithmetic of the loop."""

    seed: int = 0
    """Draws the sample, the order of the reviews, the new classification head and the dropout.
    Which reviews are held back for validation and test does not depend on it."""

    loop: Loop = Loop.MANUAL
    """What trains: the manual loop, or transformers' `Trainer` to compare it with."""

    output: Path | None = None
    """The checkpoint's directory, which must not exist. None: a dated one in `checkpoints/`."""

    def __post_init__(self) -> None:
        _require(
            self,
            "datasets",
            lambda names: isinstance(names, tuple) and bool(names) and all(map(_non_blank, names)),
            "one or more names or paths",
        )
        _require(self, "text_column", _optional(_non_blank), "a column's name")
        _require(self, "label_column", _optional(_non_blank), "a column's name")
        _require(self, "base_model", _non_blank, "a name or a path")
        _require(
            self,
            "fraction",
            _optional(lambda x: _finite(x) and LEAST_FRACTION <= x <= 1),
            f"from {LEAST_FRACTION} to 1",
        )
        for name, choices in _CHOICES.items():
            _require(self, name, tuple(choices).__contains__, " or ".join(choices))
            # "bf16" is taken for Precision.BF16, and is that from here on.
            object.__setattr__(self, name, choices(getattr(self, name)))
        _require(self, "max_length", _whole(8, 8192), "a whole number from 8 to 8192 (tokens)")
        _require(self, "windows", _optional(_whole(1, 16)), "a whole number from 1 to 16")
        _require(
            self,
            "epochs",
            _optional(_whole(1, MOST_EPOCHS)),
            f"a whole number from 1 to {MOST_EPOCHS}",
        )
        _require(self, "batch_size", _whole(1, 4096), "a whole number from 1 to 4096 (reviews)")
        _require(
            self, "learning_rate", _optional(lambda x: _finite(x) and 0 < x < 1), "above 0, below 1"
        )
        _require(self, "seed", _whole(0, LARGEST_SEED), f"a whole number from 0 to {LARGEST_SEED}")

    def hyperparameters(self) -> dict[str, Any]:
        """The fields that shape the weights, by name: all but where they are written."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "output"}


_CHOICES: dict[str, type[StrEnum]] = {
    "recipe": RecipeName,
    "balance": Balance,
    "precision": Precision,
    "loop": Loop,
}


def _require(
    config: TrainingConfig, field: str, allowed: Callable[[Any], bool], description: str
) -> None:
    value = getattr(config, field)
    if not allowed(value):
        raise ConfigError(f"{field} is {value!r}, but must be {description}.")


def _optional(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or allowed(value)


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    # bool is an int in Python, but nobody means `epochs=True`.
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _non_blank(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
