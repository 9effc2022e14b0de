"""The configuration says which field is wrong, what it is, and what is allowed."""

from typing import Any

import pytest

from trainer import TrainingConfig
from trainer.config import Precision, RecipeName
from trainer.errors import ConfigError


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("datasets", (" ",), "one or more names or paths"),
        ("base_model", "", "a name or a path"),
        ("fraction", 0.0, "from 0.001 to 1"),
        ("fraction", 1.5, "from 0.001 to 1"),
        ("fraction", float("nan"), "from 0.001 to 1"),
        ("max_length", 4, "from 8 to 8192"),
        ("epochs", 0, "from 1 to 1000"),
        ("epochs", True, "from 1 to 1000"),
        ("batch_size", 0, "from 1 to 4096"),
        ("learning_rate", -1e-5, "above 0, below 1"),
        ("learning_rate", float("inf"), "above 0, below 1"),
        ("seed", -1, "from 0 to"),
        ("balance", "some", "on or off"),
        ("loop", "none", "manual or trainer"),
        ("recipe", "worst", "plain or best"),
        ("precision", "fp16", "auto or fp32 or bf16"),
    ],
)
def test_error_names_field_value_and_what_is_allowed(field: str, value: Any, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainingConfig(**{field: value})
    sentence = str(caught.value)
    assert sentence.startswith(f"{field} is {value!r}, but must be ")
    assert allowed in sentence


def test_a_choice_may_be_given_by_its_name() -> None:
    config = TrainingConfig(precision="bf16", recipe="plain")  # type: ignore[arg-type]
    assert config.precision is Precision.BF16
    assert config.recipe is RecipeName.PLAIN


def test_defaults_are_the_original_recipe() -> None:
    config = TrainingConfig()
    assert (config.max_length, config.batch_size) == (128, 16)
    assert (config.datasets, config.base_model) == (("auto",), "auto")
