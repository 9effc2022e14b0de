"""Several sets in one run: which are taken, how much of each, and what is kept apart."""

import json
from pathlib import Path

import pytest

from tests.conftest import call_trainer, separable_reviews, write_csv
from trainer.config import RECIPES, RecipeName, TrainingConfig
from trainer.data.mixture import LONG_WORDS, ReviewSets, load_sets
from trainer.data.reviews import ROTTEN_TOMATOES, STARTER


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_csv(tmp_path_factory.mktemp("short") / "short.csv", separable_reviews()))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> str:
    rows = [
        (f"{number} {text} " + "hm " * (LONG_WORDS + 20), label)
        for number, (text, label) in enumerate(separable_reviews())
    ]
    return str(write_csv(tmp_path_factory.mktemp("long") / "long.csv", rows))


def _load(*datasets: str, recipe: RecipeName = RecipeName.BEST) -> ReviewSets:
    return load_sets(TrainingConfig(datasets=datasets), RECIPES[recipe])


def _names(sets: ReviewSets) -> list[str]:
    return [each.name for each in sets.sets]


def test_long_reviews_get_short_companions(long: str) -> None:
    sets = _load(long)
    assert _names(sets) == ["long.csv", STARTER]
    notes = " ".join(sets.notes)
    assert ROTTEN_TOMATOES in notes  # which no hub gives here: that is said
    assert "trained without them" in notes
    assert "Starter reviews are trained on too" in notes


def test_with_short_reviews_beside_long_ones_no_others_are_looked_for(
    long: str, short: str
) -> None:
    sets = _load(long, short)
    assert _names(sets) == ["long.csv", "short.csv", STARTER]
    assert ROTTEN_TOMATOES not in " ".join(sets.notes)


def test_all_starter_reviews_are_trained_on_beside_other_sets(long: str, short: str) -> None:
    def fraction(*datasets: str, asked: float | None = None) -> float:
        config = TrainingConfig(datasets=datasets, fraction=asked)
        parts = _load(*datasets).sample(config)
        return next(part.fraction for part in parts if part.reviews.name == STARTER)

    assert fraction(long) == 1.0
    assert fraction(long, short) == 1.0
    assert fraction(long, short, asked=0.5) == 1.0  # the option is for the sets that are named
    assert fraction(long, short, STARTER, asked=0.5) == 0.5


def test_short_reviews_are_trained_on_alone(short: str) -> None:
    assert _names(_load(short)) == ["short.csv"]


def test_the_plain_recipe_adds_nothing(long: str) -> None:
    assert _names(_load(long, recipe=RecipeName.PLAIN)) == ["long.csv"]


def test_a_set_that_is_named_twice_is_taken_once(short: str) -> None:
    assert _names(_load(short, short)) == ["short.csv"]


def test_two_files_of_one_name_are_told_apart(tmp_path: Path, short: str) -> None:
    rows = [(f"hm {text}", label) for text, label in separable_reviews()]
    sets = _load(short, str(write_csv(tmp_path / "short.csv", rows)))
    assert _names(sets) == ["short.csv", "short.csv (2)"]


def test_a_small_set_is_used_whole_and_a_large_one_by_a_tenth(tmp_path: Path, short: str) -> None:
    (small,) = _load(short).sample(TrainingConfig())
    assert small.fraction == 1.0
    assert len(small.sample) == len(small.reviews.train)
    rows = [(f"{number} hm", ("pos", "neg")[number % 2]) for number in range(28_000)]
    large = write_csv(tmp_path / "large.csv", rows)
    (part,) = _load(str(large)).sample(TrainingConfig())
    assert part.fraction == 0.1
    assert len(part.sample) == pytest.approx(0.1 * sum(part.reviews.class_sizes), abs=1)


def test_what_one_set_holds_back_no_other_trains_on(tmp_path: Path, short: str) -> None:
    (alone,) = _load(short).sets
    held = {review.text for review in (*alone.validation, *alone.test)}
    rows = [*separable_reviews()[::2], ("one more wonderful film", "positive"), ("hm", "negative")]
    other = write_csv(tmp_path / "other.csv", rows)
    first, second = _load(short, str(other)).sets
    assert not held & {review.text for review in second.train}
    assert not {r.text for r in (*second.validation, *second.test)} & {r.text for r in first.train}


def test_a_checkpoint_records_every_set_and_is_judged_fairly_by_each(
    tmp_path: Path, short: str, tiny_encoder: Path
) -> None:
    other = write_csv(
        tmp_path / "other.csv", [(f"hm {t}", label) for t, label in separable_reviews()]
    )
    options = ("--base-model", tiny_encoder, "--max-length", "16", "--learning-rate", "5e-3")
    sets = ("--dataset", short, "--dataset", other)
    result = call_trainer("fit", *sets, *options, "--output", "both", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    training = json.loads((tmp_path / "both" / "training.json").read_text())
    assert [each["name"] for each in training["datasets"]] == ["short.csv", "other.csv"]
    assert len({each["fingerprint"] for each in training["datasets"]}) == 2
    assert set(training["by_set"]) == {"short.csv", "other.csv"}
    card = (tmp_path / "both" / "README.md").read_text()
    for each in training["datasets"]:
        assert each["fingerprint"] in card
        dataset = short if each["name"] == "short.csv" else other
        evaluated = call_trainer(
            *("evaluate", "--checkpoint", "both", "--dataset", dataset, "--json"), cwd=tmp_path
        )
        answer = json.loads(evaluated.stdout)
        assert answer["split"] == "test"
        assert answer["reviews"] == sum(each["rows"]["test"].values())
