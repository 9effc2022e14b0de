"""Telling reviews from other texts."""

import json
from pathlib import Path

import numpy as np
import pytest

from trainer.classifier import Judgement, Verdict
from trainer.inference import Scores
from trainer.relevance import choose_threshold
from trainer.starter_texts import MIXED, OTHERS, read_texts


@pytest.mark.parametrize(("file", "count"), [(OTHERS, 1800), (MIXED, 400)])
def test_texts_that_are_held_out_are_not_learned(file: Path, count: int) -> None:
    learned, held_out = read_texts(file)
    assert not {text.casefold() for text in learned} & {text.casefold() for text in held_out}
    assert len(learned) + len(held_out) == count
    assert len(held_out) > count / 6


def test_the_threshold_rejects_hardly_any_review() -> None:
    rng = np.random.default_rng(0)
    reviews, others = (rng.normal(mean, 1, 1000).astype(np.float32) for mean in (3, -1))
    figures = choose_threshold(reviews, others)
    assert figures.reviews_rejected <= 0.02
    assert figures.others_recognised == pytest.approx(np.mean(others < figures.threshold))
    assert 0.5 < figures.others_recognised < 1


def test_a_text_below_the_threshold_is_no_review() -> None:
    scores = Scores(
        np.array([[0.0, 3.0], [0.0, 3.0]], np.float32),
        np.array([1.0, -1.0], np.float32),
        np.ones(2, np.int64),
    )
    review, other = Judgement(relevance=0.0).verdicts(scores)
    assert isinstance(review, Verdict)
    assert (review.is_review, other.is_review) == (True, False)


def test_a_training_recognises_what_is_no_review(checkpoint: Path) -> None:
    relevance = json.loads((checkpoint / "training.json").read_text())["relevance"]
    assert relevance["reviews_rejected"] <= 0.02
    assert relevance["others_recognised"] > 0.8
