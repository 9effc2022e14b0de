"""The hyperparameters of a run: one frozen dataclass, checked on construction."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError

LABELS = ("negative", "positive")
"""The classes in the order of their ids, as in IMDb: 0 is negative, 1 is positive."""

MIN_FRACTION = 0.001
MAX_EPOCHS = 1_000
MAX_SEED = 2**32 - 1
"""The limits of a run, whether it is started on the command line or in a chat."""


class RecipeName(StrEnum):
    """How a run is trained, unless its own options say otherwise."""

    PLAIN = "plain"
    """Exactly the original recipe."""
    BEST = "best"
    """Chosen on validation reviews (`docs/ABLATION.md`)."""


class Precision(StrEnum):
    """The arithmetic of the forward and backward passes; the weights are always kept in fp32."""

    AUTO = "auto"
    """bf16 if the processor or the GPU has instructions for it and the recipe is `best`."""
    FP32 = "fp32"
    BF16 = "bf16"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings behind a recipe's name."""

    windows: int
    """Windows of each review that are read in one step, drawn anew in every epoch. 1 with
    `whole_review` off: only the beginning of each review, in training and afterwards."""
    whole_review: bool
    """Whether windows are drawn from the whole review, and all are read when it is judged."""
    epochs: int
    learning_rate: float
    """AdamW's, for an encoder as wide as DistilBERT (768)."""
    narrow_learning_rate: float
    """AdamW's, for an encoder of at most half that width, such as the stand-in."""
    warmup: float | None
    """Share of the steps over which the learning rate rises to its peak, before it decays
    linearly to 0 (Devlin et al. 2019, appendix A.2). None: constant."""
    clip: float | None
    """The maximum gradient norm (Pascanu et al. 2013). None: unlimited."""
    decays_all: bool
    """Whether AdamW's weight decay applies to biases and LayerNorm too."""
    dropout: bool
    """Whether the encoder's dropout stays on."""
    frozen_words: bool
    """Whether the word embeddings stay frozen: up to half of the weights, which a few thousand
    reviews hardly change."""
    frozen_layers: int
    """How many of the lowest layers stay frozen too: they need no backward pass, and what they
    know of English carries over to texts unlike the training reviews."""
    head_reviews: int
    """Reviews on which the new classification head is trained alone first; 0: on none
    (`trainer.training.robust`)."""
    kept_change: float
    """Share of the change of the encoder's weights that is kept at the end; 1: all of it
    (`trainer.training.robust`)."""
    companions: bool
    """Whether short reviews are added to a set of long ones (`trainer.data.mixture`): people
    write short messages in a chat."""
    mixed: bool
    """Whether mixed reviews are trained on, as half negative and half positive: the model should
    be unsure of them."""
    abstains: bool
    """Whether the verdict may be `unsure`, and a message may be recognised as something other than
    a review. The original program answered every message with the more probable class. Both recipes
    recognise distress."""
    marks: bool
    """Whether ratings and emoji are read (`trainer.model.marks`)."""
    bf16: bool
    """Whether `Precision.AUTO` may choose bf16; in the recipe of a run, whether it uses bf16."""

    def done(self) -> dict[str, Any]:
        """The fields that say what was done, once options and sets have settled the others."""
        choices = ("narrow_learning_rate", "bf16")
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
        head_reviews=0,
        kept_change=1.0,
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
        head_reviews=4_096,
        kept_change=0.8,
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
    """Equally many reviews of both classes, drawn by the seed."""
    OFF = "off"
    """The first rows of the data set, regardless of class. Many sets are sorted by class, IMDb
    too: this shows what goes wrong then."""


class Loop(StrEnum):
    """What trains the model."""

    MANUAL = "manual"
    """This project's loop, `trainer.training.loop`."""
    TRAINER = "trainer"
    """transformers' `Trainer`, with the same recipe; needs the package accelerate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """The configuration of a fine-tuning run. None: the recipe decides.

    Raises:
        ConfigError: a field is out of range; the sentence gives its name, value and limits.
    """

    datasets: tuple[str, ...] = ("auto",)
    """Where reviews come from, one or more of: `auto` (IMDb from the hub, else the starter
    reviews), `starter`, a hub name, or a path (see `trainer.data.reviews`). The first is the main
    one."""

    text_column: str | None = None
    """The column of `datasets` that holds the text. None: the one with a recognised name
    (`trainer.data.columns`)."""

    label_column: str | None = None
    """The column that holds the label. None: as above."""

    label_map: tuple[str, ...] | None = None
    """What labels mean, such as `5=positive`, `1=negative` or `3=skip`."""

    base_model: str = "auto"
    """Where pre-trained weights come from: `auto` (distilbert-base-uncased from the hub, else the
    packaged stand-in), `stand-in`, a hub name, or a path (see `trainer.training.encoder`)."""

    recipe: RecipeName = RecipeName.BEST
    """Sets the defaults of the other options and the details of the loop (`Recipe`)."""

    fraction: float | None = None
    """Share of each class that is sampled for training. None: 0.1 of a set with 20,000 training
    reviews or more, as IMDb has, and all of a smaller one."""

    balance: Balance = Balance.ON
    """Whether the classes are sampled separately, equally many reviews of each."""

    max_length: int = 128
    """Longest window in tokens; the plain recipe reads only the first window of a review."""

    windows: int | None = None
    """Windows of each review that are read in one step."""

    epochs: int | None = None
    """Passes over the training reviews."""

    batch_size: int = 16
    """Reviews per step."""

    learning_rate: float | None = None
    """AdamW's peak learning rate. Devlin et al. 2019 (appendix A.3) try 2e-5 to 5e-5 for
    encoders of width 768; narrower ones need more."""

    precision: Precision = Precision.AUTO
    """The arithmetic of the loop."""

    seed: int = 0
    """Determines the sample, the order of the reviews, the new classification head and the
    dropout. The validation and test reviews do not depend on it."""

    loop: Loop = Loop.MANUAL
    """What trains: the manual loop, or transformers' `Trainer` for comparison."""

    output: Path | None = None
    """The checkpoint's directory, which must not exist. None: a dated one in `checkpoints/`."""

    resume: bool = False
    """Whether to continue the interrupted run of `output`, or with None the only one in
    `checkpoints/`, from its saved state. All other fields must be those that it began with."""

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
            _optional(lambda x: _finite(x) and MIN_FRACTION <= x <= 1),
            f"from {MIN_FRACTION} to 1",
        )
        for name, choices in _CHOICES.items():
            _require(self, name, tuple(choices).__contains__, " or ".join(choices))
            # Converts the string "bf16" to Precision.BF16.
            object.__setattr__(self, name, choices(getattr(self, name)))
        _require(self, "max_length", _whole(8, 8192), "a whole number from 8 to 8192 (tokens)")
        _require(self, "windows", _optional(_whole(1, 16)), "a whole number from 1 to 16")
        _require(
            self,
            "epochs",
            _optional(_whole(1, MAX_EPOCHS)),
            f"a whole number from 1 to {MAX_EPOCHS}",
        )
        _require(self, "batch_size", _whole(1, 4096), "a whole number from 1 to 4096 (reviews)")
        _require(
            self, "learning_rate", _optional(lambda x: _finite(x) and 0 < x < 1), "above 0, below 1"
        )
        _require(self, "seed", _whole(0, MAX_SEED), f"a whole number from 0 to {MAX_SEED}")
        if self.resume and self.loop is Loop.TRAINER:
            raise ConfigError(
                "Only the manual loop saves states and can continue from one: start the loop "
                "'trainer' without --resume."
            )

    def hyperparameters(self) -> dict[str, Any]:
        """The fields that shape the weights, by name: all but `output` and `resume`."""
        names = [field.name for field in fields(self) if field.name not in ("output", "resume")]
        return {name: getattr(self, name) for name in names}


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
    # bool is an int in Python, but `epochs=True` is a mistake.
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _non_blank(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
