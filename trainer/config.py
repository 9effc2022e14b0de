"""The hyperparameters of a run: one frozen dataclass, checked when it is made."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError

LABELS = ("negative", "positive")
"""The classes in the order of their ids, as in IMDb: 0 is negative, 1 is positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """What a fine-tuning run is made of. The defaults are the original recipe.

    Raises:
        ConfigError: a field is out of range; the sentence names field, value and what is allowed.
    """

    dataset: str = "auto"
    """Where reviews come from: `auto` (IMDb from the hub, else the starter reviews), `starter`,
    a hub name, or a path (see `trainer.reviews`)."""

    base_model: str = "auto"
    """Where pre-trained weights come from: `auto` (distilbert-base-uncased from the hub, else the
    packaged stand-in), `stand-in`, a hub name, or a path (see `trainer.encoder`)."""

    fraction: float | None = None
    """Share of each class that is sampled for training. None: 0.1, or 1.0 for the starter
    reviews, which are few enough to be used whole."""

    max_length: int = 128
    """Longest review in tokens; what comes after is cut off."""

    epochs: int | None = None
    """Passes over the training reviews. None: 1, or the starter set's own number."""

    batch_size: int = 16
    """Reviews a step."""

    learning_rate: float = 5e-5
    """AdamW's learning rate, constant. Devlin et al. 2019 (appendix A.3) try 2e-5 to 5e-5; for
    the stand-in, validation reviews chose among 5e-5 and 1e-4 (`docs/DEFAULTS.md`)."""

    seed: int = 0
    """Draws the sample, the order of the reviews, the new classification head and the dropout.
    Which reviews are held back for validation and test does not depend on it."""

    output: Path | None = None
    """The checkpoint's directory, which must not exist. None: a dated one in `checkpoints/`."""

    def __post_init__(self) -> None:
        _require(self, "dataset", _non_blank, "a name or a path")
        _require(self, "base_model", _non_blank, "a name or a path")
        _require(self, "fraction", _optional(lambda x: _finite(x) and 0 < x <= 1), "above 0 to 1")
        _require(self, "max_length", _whole(8, 8192), "a whole number from 8 to 8192 (tokens)")
        _require(self, "epochs", _optional(_whole(1, 1000)), "a whole number from 1 to 1000")
        _require(self, "batch_size", _whole(1, 4096), "a whole number from 1 to 4096 (reviews)")
        _require(self, "learning_rate", lambda x: _finite(x) and 0 < x < 1, "above 0, below 1")
        _require(self, "seed", _whole(0, 2**32 - 1), "a whole number from 0 to 4294967295")

    def hyperparameters(self) -> dict[str, Any]:
        """The fields that shape the weights, by name: all but where they are written."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "output"}


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
