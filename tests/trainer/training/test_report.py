"""The model card: what a hub reads of it, from any record."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData

from trainer.model.checkpoint import read_training
from trainer.model.record import BaseModel, TrainingRecord
from trainer.training.report import model_card

HOSTILE = ("a: b", "- x", "a|b", "[c]", "'q", '"q', "#h", "{d}", "---", "yes", "1", "ü, 1.csv")


@pytest.fixture
def training(checkpoint: Path) -> TrainingRecord:
    return read_training(checkpoint)


def _data(card: str) -> ModelCardData:
    """The metadata, which the library checks as it reads them."""
    data = ModelCard(card).data
    assert isinstance(data, ModelCardData)
    return data


def _named(training: TrainingRecord, name: str) -> TrainingRecord:
    (dataset,) = training.datasets
    (figures,) = training.by_set.values()
    return replace(training, datasets=[replace(dataset, name=name)], by_set={name: figures})


@pytest.mark.parametrize(
    ("name", "on_hub", "license_"),
    [
        ("distilbert-base-uncased", "distilbert-base-uncased", "apache-2.0"),
        ("stand-in", "sentence-transformers/all-MiniLM-L6-v2", "apache-2.0"),
        ("someone/their-model", "someone/their-model", None),
        ("/models/tiny", None, None),
        ("~/tiny", None, None),
    ],
)
def test_names_a_base_model_of_the_hub(
    training: TrainingRecord, name: str, on_hub: str | None, license_: str | None
) -> None:
    data = _data(model_card(replace(training, base_model=BaseModel(name, name))))
    assert data.base_model == on_hub
    assert data.license == license_


def test_a_base_model_in_a_folder_is_not_named(
    training: TrainingRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    local = replace(training, base_model=BaseModel("models/tiny", "models/tiny"))
    assert _data(model_card(local)).base_model is None


def test_names_a_set_of_the_hub(training: TrainingRecord) -> None:
    card = model_card(_named(training, "stanfordnlp/imdb"))
    assert _data(card).datasets == ["stanfordnlp/imdb"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_may_have_any_name(training: TrainingRecord, name: str) -> None:
    card = model_card(_named(training, name))
    data = _data(card)
    assert data.datasets is None
    assert data.eval_results is not None
    assert {result.dataset_name for result in data.eval_results} == {name}
    # As any reader of YAML finds it.
    _, block, text = card.split("---\n", 2)
    assert yaml.safe_load(block)["model-index"][0]["results"][0]["dataset"]["name"] == name
    (row,) = (line for line in text.splitlines() if f"`{training.datasets[0].fingerprint}`" in line)
    assert row.replace(r"\|", "").count("|") == 6
