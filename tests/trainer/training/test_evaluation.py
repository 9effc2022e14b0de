"""The figures, against values worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from trainer.training.evaluation import (
    below_chance,
    calibration_error,
    compare,
    draw,
    measure,
    objection,
    reliability,
)


def _probabilities(*positive: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[1 - p, p] for p in positive])


def test_figures() -> None:
    # Truth 0 0 0 1 1, called 0 0 1 1 0: 2 right of 3 negatives, 1 right of 2 positives.
    figures = measure(_probabilities(0.1, 0.2, 0.9, 0.8, 0.4), [0, 0, 0, 1, 1])
    assert figures.confusion_matrix == [[2, 1], [1, 1]]
    assert figures.accuracy == pytest.approx(3 / 5)
    assert (figures.precision, figures.recall, figures.f1) == pytest.approx((1 / 2, 1 / 2, 1 / 2))
    negative = figures.per_class["negative"]
    assert (negative.precision, negative.recall) == pytest.approx((2 / 3, 2 / 3))
    assert figures.loss == pytest.approx(-np.log([0.9, 0.8, 0.1, 0.8, 0.4]).mean())


def test_a_class_that_is_never_called_has_no_precision() -> None:
    figures = measure(_probabilities(0.1, 0.2), [0, 1])
    assert (figures.precision, figures.recall, figures.f1) == (0.0, 0.0, 0.0)


def test_certain_and_wrong_is_a_finite_loss() -> None:
    assert np.isfinite(measure(_probabilities(1.0), [0]).loss)


class TestCalibrationError:
    def test_by_hand(self) -> None:
        # Two bins: up to 0.5 nothing, above it four reviews; confidence 0.75, right 2 of 4.
        probabilities = _probabilities(0.9, 0.8, 0.3, 0.4)  # confidence 0.9, 0.8, 0.7, 0.6
        assert calibration_error(probabilities, [1, 0, 0, 1], bins=2) == pytest.approx(0.25)
        # Five bins: 0.6 and 0.7, 0.8 by their upper edges; 0.6 in (0.4, 0.6], 0.7 and 0.8 in
        # (0.6, 0.8], 0.9 in (0.8, 1]. Gaps: 0.6 - 0, (0.7 - 1) + (0.8 - 0), 0.9 - 1.
        expected = (0.6 + 0.5 + 0.1) / 4
        assert calibration_error(probabilities, [1, 0, 0, 1], bins=5) == pytest.approx(expected)

    def test_is_nothing_where_confidence_is_accuracy(self) -> None:
        three_of_four = _probabilities(0.75, 0.75, 0.75, 0.75)
        assert calibration_error(three_of_four, [1, 1, 1, 0]) == pytest.approx(0)
        assert calibration_error(_probabilities(1.0, 0.0), [1, 0]) == 0

    def test_certain_and_wrong_is_the_worst(self) -> None:
        assert calibration_error(_probabilities(1.0, 0.0), [0, 1]) == 1

    def test_is_among_the_figures(self) -> None:
        probabilities = _probabilities(0.9, 0.8, 0.3, 0.4)
        figures = measure(probabilities, [1, 0, 0, 1])
        assert figures.calibration_error == calibration_error(probabilities, [1, 0, 0, 1])
        assert figures.as_dict()["calibration_error"] == figures.calibration_error


class TestComparison:
    def test_equal_checkpoints(self) -> None:
        same = _probabilities(0.9, 0.1, 0.6)
        comparison = compare(same, same, [1, 0, 0])
        assert comparison.difference == 0
        assert comparison.p_value == 1
        assert comparison.not_worse
        assert comparison.interval[0] < 0 < comparison.interval[1]

    def test_mcnemars_exact_test(self) -> None:
        # The first alone is right 1 time, the second alone 9 times; both on 90 more:
        # p = 2 * (1 + 10) / 2**10.
        first = _probabilities(*([0.9] * 1 + [0.1] * 9 + [0.9] * 90))
        second = _probabilities(*([0.1] * 1 + [0.9] * 9 + [0.9] * 90))
        comparison = compare(first, second, [1] * 100)
        assert comparison.difference == pytest.approx(-0.08)
        assert comparison.p_value == pytest.approx(22 / 1024)
        assert not comparison.not_worse
        assert compare(second, first, [1] * 100).not_worse

    def test_interval_of_agresti_and_min(self) -> None:
        # Cells 1 and 9 of 100: centre 8/102, spread sqrt(11 - 64/102)/102.
        first = _probabilities(*([0.9] * 9 + [0.1] * 1 + [0.9] * 90))
        second = _probabilities(*([0.1] * 9 + [0.9] * 1 + [0.9] * 90))
        low, high = compare(first, second, [1] * 100).interval
        margin = 1.96 * (11 - 64 / 102) ** 0.5 / 102
        assert (low, high) == pytest.approx((8 / 102 - margin, 8 / 102 + margin))


def test_picture_is_a_png(tmp_path: Path) -> None:
    figures = measure(_probabilities(0.1, 0.9), [0, 1])
    bins = reliability(_probabilities(0.1, 0.9), [0, 1])
    draw(tmp_path / "picture.png", [0.7, 0.6, 0.5, 0.4], 2, figures, bins, "a run")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG\r\n")


def _right(share: float, count: int = 100) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Probabilities that are right on so many of `_labels`."""
    wrong = round(count * (1 - share))
    return _probabilities(
        *(0.9 if bool(label) != (i < wrong) else 0.1 for i, label in enumerate(_labels(count)))
    )


def _labels(count: int = 100) -> list[int]:
    return [number % 2 for number in range(count)]


class TestObjection:
    def test_chance_is_not_below_chance(self) -> None:
        assert not below_chance(measure(_right(0.5), _labels()))
        assert not below_chance(measure(_right(0.45), _labels()))
        assert below_chance(measure(_right(0.35), _labels()))

    def test_of_a_set_with_a_rare_class(self) -> None:
        labels = [0] * 90 + [1] * 10
        assert below_chance(measure(_probabilities(*[0.9] * 90, *[0.1] * 10), labels))
        assert not below_chance(measure(_probabilities(*[0.9] * 100), labels))  # one for all
        assert below_chance(measure(_probabilities(*[0.9] * 20), [0] * 20))

    def test_nothing_speaks_against_a_candidate_as_good_as_the_serving_one(self) -> None:
        assert self._objection(serving=0.8, candidate_on_fixed=0.85, serving_on_fixed=0.87) == ""

    def test_a_set_on_which_the_serving_one_is_below_chance(self) -> None:
        sentence = self._objection(serving=0.1, candidate_on_fixed=0.85, serving_on_fixed=0.87)
        assert "labels of this data set look inverted" in sentence
        assert "10.0% of 100" in sentence

    def test_a_candidate_that_is_below_chance_on_the_fixed_reviews(self) -> None:
        sentence = self._objection(serving=0.6, candidate_on_fixed=0.2, serving_on_fixed=0.2)
        assert "training labels look inverted" in sentence

    def test_a_candidate_that_loses_on_the_fixed_reviews(self) -> None:
        sentence = self._objection(serving=0.7, candidate_on_fixed=0.6, serving_on_fixed=0.87)
        assert "Some of its training labels look inverted" in sentence
        assert "60.0% right, the serving checkpoint 87.0%" in sentence

    def _objection(
        self, *, serving: float, candidate_on_fixed: float, serving_on_fixed: float
    ) -> str:
        on_fixed = _right(candidate_on_fixed), _right(serving_on_fixed)
        fixed = measure(on_fixed[0], _labels()), measure(on_fixed[1], _labels())
        difference = compare(*on_fixed, _labels())
        return objection(measure(_right(serving), _labels()), fixed, difference)
