"""Temperature and doubt."""

import numpy as np
import pytest

from trainer.model.calibration import (
    LEANS_FROM,
    choose_confidences,
    confident,
    fit_temperature,
    measure_selective,
)
from trainer.model.inference import FloatArray, Scores, softmax
from trainer.model.kinds import KindRule
from trainer.training.assess import choose_judgement
from trainer.training.evaluation import calibration_error

REVIEWS = 20_000


def _drawn(temperature: float) -> tuple[FloatArray, list[int]]:
    """Logits, and labels that are as likely as softmax(logits / temperature) says."""
    rng = np.random.default_rng(0)
    margins = rng.normal(0, 4, REVIEWS).astype(np.float32)
    logits = np.stack([np.zeros_like(margins), margins], axis=1)
    likely = 1 / (1 + np.exp(-margins / temperature))
    return logits, (rng.random(REVIEWS) < likely).astype(int).tolist()


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_finds_the_temperature_that_the_labels_were_drawn_with(temperature: float) -> None:
    logits, labels = _drawn(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_a_few_reviews_all_judged_right_give_no_certainty() -> None:
    logits = np.array([[10.0, -10.0], [-10.0, 10.0]] * 10, dtype=np.float32)
    labels = [0, 1] * 10
    sure = softmax(logits / np.float32(fit_temperature(logits, labels))).max(axis=1)
    assert sure == pytest.approx(21 / 22, abs=0.01)


def test_the_threshold_gives_verdicts_that_are_right_as_often_as_wanted() -> None:
    logits, labels = _drawn(1.0)
    probabilities = softmax(logits)
    confidences = choose_confidences(probabilities, labels)
    sure = confident(probabilities, confidences)
    chosen = measure_selective(probabilities, labels, sure)
    assert all(0.5 < confidence < 0.95 for confidence in confidences)
    assert chosen.right == pytest.approx(0.95, abs=0.001)
    assert 0 < chosen.unsure < 1
    # On others of the kind it does as well.
    assert measure_selective(probabilities[::2], labels[::2], sure[::2]).right == pytest.approx(
        0.95, abs=0.01
    )


def test_where_no_verdict_is_right_often_enough_almost_none_is_given() -> None:
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], dtype=np.float32)
    sure = confident(probabilities, choose_confidences(probabilities, [1, 0, 0]))
    assert sure.tolist() == [True, False, True]  # the surest of each class
    assert choose_confidences(probabilities[1:], [0, 0])[0] == 1.0  # no verdict to judge by


def test_thanks_are_right_as_often_as_apologies_though_the_model_leans() -> None:
    logits, labels = _drawn(1.0)
    leaning = softmax(logits + np.array([1.0, 0.0], dtype=np.float32))
    negative, positive = choose_confidences(leaning, labels)
    assert negative > positive
    sure = confident(leaning, (negative, positive))
    for label in (0, 1):
        mine = leaning.argmax(axis=1) == label
        given = measure_selective(leaning[mine], np.array(labels)[mine].tolist(), sure[mine])
        assert given.right == pytest.approx(0.95, abs=0.001)


def test_short_and_long_texts_are_scaled_apart() -> None:
    logits, labels = _drawn(1.0)
    # Twice as sure as they should be, and half as sure.
    stretched = np.concatenate([2 * logits, logits / 2])
    windows = np.repeat([1, 4], REVIEWS)
    scores = Scores(stretched, stretched[:, :0], windows)
    judgement = choose_judgement(scores, labels * 2, KindRule())
    assert judgement.one_window.temperature == pytest.approx(2, rel=0.05)
    # Four windows that agree are twice the evidence of one.
    assert judgement.several_windows.temperature == pytest.approx(2 * 0.5, rel=0.05)
    assert calibration_error(judgement.weigh(scores)[0], labels * 2) < 0.01
    for scale in (judgement.one_window, judgement.several_windows):
        assert scale.strengths
        for least, (low, high) in zip(scale.confidences, scale.strengths, strict=True):
            assert least < low < high < 1
    plain = choose_judgement(scores, labels * 2, KindRule(), abstains=False)
    assert plain.one_window.strengths is plain.several_windows.strengths is None
    few = choose_judgement(
        Scores(stretched, stretched[:, :0], np.ones_like(windows)), labels * 2, KindRule()
    )
    assert few.one_window.temperature == few.several_windows.temperature


def test_what_leans_is_measured_beside_what_is_sure() -> None:
    positive = np.array([0.95, 0.7, 0.3, 0.4, 0.6, 0.05], dtype=np.float32)
    probabilities = np.stack([1 - positive, positive], axis=1)
    sure = confident(probabilities, (0.9, 0.9))
    measured = measure_selective(probabilities, [1, 1, 1, 0, 1, 0], sure)
    assert measured.unsure == pytest.approx(4 / 6)
    assert measured.right == 1.0
    # 0.7 leans rightly, 0.3 wrongly, 0.4 and 0.6 do not lean.
    assert (measured.leans, measured.leans_right) == (0.5, 0.5)
    nothing = measure_selective(probabilities, [1, 1, 1, 0, 1, 0], np.ones(6, dtype=bool))
    assert (nothing.leans, nothing.leans_right) == (0.0, 1.0)


def test_the_bot_leans_right_as_often_as_its_threshold_says() -> None:
    logits, labels = _drawn(1.0)
    probabilities = softmax(logits)
    sure = confident(probabilities, choose_confidences(probabilities, labels))
    measured = measure_selective(probabilities, labels, sure)
    assert measured.leans_right is not None
    assert LEANS_FROM < measured.leans_right < 0.95
