"""Words and ratings together: how scores become verdicts, and how strong these are."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from trainer.model.calibration import LEANS_FROM
from trainer.model.classifier import UNSURE, Judgement, Scale, Verdict
from trainer.model.inference import Scores
from trainer.model.kinds import KINDS, KindRule
from trainer.model.marks import Mark, read_mark
from trainer.model.strength import MIN_VERDICTS, Strength, choose_bounds, emphasised

ORDER = {"negative": 0, UNSURE: 1, "positive": 2}
SCALE = Scale(confidences=(0.9, 0.9))
JUDGEMENT = Judgement(SCALE, SCALE, KindRule(dismissal=0.5, distress=0.5))


def _verdict(words: float, mark: Mark | None, kind: str = "review") -> Verdict:
    """For words of which the log-odds are `words`."""
    kinds = np.zeros((1, len(KINDS)), np.float32)
    kinds[0, KINDS.index(kind)] = 9.0
    scores = Scores(np.array([[0.0, words]], np.float32), kinds, np.ones(1, np.int64))
    (verdict,) = JUDGEMENT.verdicts(scores, [mark])
    return verdict


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("words", np.linspace(-6, 6, 25))
def test_a_better_rating_never_makes_the_verdict_worse(words: float, alone: bool) -> None:
    verdicts = [_verdict(words, Mark(share / 20, alone)) for share in range(21)]
    labels = [ORDER[verdict.label] for verdict in verdicts]
    assert labels == sorted(labels)
    assert labels[0] < 2
    assert labels[-1] > 0


@pytest.mark.parametrize(("share", "label"), [(0.1, "negative"), (0.55, UNSURE), (0.9, "positive")])
def test_beside_a_title_the_rating_decides(share: float, label: str) -> None:
    for words in (-5.0, 0.0, 5.0):
        assert _verdict(words, Mark(share, alone=True)).label == label


def test_words_and_a_rating_that_contradict_each_other_are_unsure() -> None:
    assert _verdict(5.0, Mark(0.1, alone=False)).label == UNSURE
    assert _verdict(-5.0, Mark(1.0, alone=False)).label == UNSURE
    assert _verdict(5.0, None).label == "positive"


def test_a_contradiction_leans_to_the_rating_unless_the_words_outweigh_it() -> None:
    assert _verdict(3.0, Mark(0.1, alone=False)).probabilities["negative"] > LEANS_FROM
    assert _verdict(9.0, Mark(0.1, alone=False)).probabilities["negative"] == 0.5
    assert _verdict(-9.0, Mark(1.0, alone=False)).probabilities["positive"] == 0.5


def test_words_of_utter_certainty_are_weighed_too() -> None:
    for words in (-300.0, 300.0):  # the other class's probability underflows to 0
        verdict = _verdict(words, Mark(0.55, alone=False))
        assert verdict.label == ("positive" if words > 0 else "negative")
        assert verdict.confidence == 1


def test_where_the_words_are_unclear_the_rating_decides() -> None:
    assert _verdict(-1.0, Mark(0.9, alone=False)).label == "positive"
    assert _verdict(1.0, Mark(0.2, alone=False)).label == "negative"


@pytest.mark.parametrize(
    ("kind", "alone", "expected"),
    [
        ("off_topic", True, "review"),
        ("question", False, "review"),
        ("service", False, "service"),
        ("distress", False, "distress"),
    ],
)
def test_a_message_with_a_rating_is_a_review_but_for_what_needs_a_person(
    kind: str, alone: bool, expected: str
) -> None:
    assert _verdict(0.0, Mark(0.9, alone), kind).kind == expected
    assert _verdict(0.0, None, kind).kind == kind


# Strength

BOUNDED = replace(SCALE, strengths=((0.92, 0.95), (0.94, 0.98)))


def _strength(probability: float, mark: Mark | None = None) -> Strength | None:
    """Of the verdict on words that are so likely praise."""
    judgement = replace(JUDGEMENT, one_window=BOUNDED)
    words = float(np.log(probability / (1 - probability)))
    logits = np.array([[0.0, words]], np.float32)
    scores = Scores(logits, logits[:, :0], np.ones(1, np.int64))
    (verdict,) = judgement.verdicts(scores, [mark])
    return verdict.strength


@pytest.mark.parametrize(
    ("probability", "strength"),
    [
        (0.99, "strong"),
        (0.96, "plain"),
        (0.93, "mild"),
        (0.6, None),  # unsure
        (0.09, "mild"),
        (0.06, "plain"),
        (0.03, "strong"),
    ],
)
def test_without_a_rating_the_confidence_says_how_strong_a_verdict_is(
    probability: float, strength: str | None
) -> None:
    assert _strength(probability) == strength


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        ("Saw it. 10/10", "strong"),
        ("Saw it. 5 stars", "strong"),
        ("Saw it. 9/10", "strong"),
        ("Saw it. 8/10", "plain"),
        ("Saw it. 7/10", "mild"),
        ("Saw it. 1/10", "strong"),
        ("Saw it. 2/10", "strong"),
        ("Saw it. 1 star", "strong"),
        ("Saw it. 3/10", "plain"),
        ("Saw it. 4/10", "mild"),
    ],
)
def test_a_rating_says_it_better_than_the_confidence(text: str, strength: str) -> None:
    _, mark = read_mark(text)
    assert mark
    side = 1 if mark.share > 0.5 else -1
    for probability in (0.91, 0.95, 0.999):
        assert _strength(0.5 + side * (probability - 0.5), mark) == strength


def test_a_rating_in_the_middle_goes_with_no_strong_verdict() -> None:
    for probability in (0.001, 0.999):
        assert _strength(probability, Mark(0.55, alone=False)) in ("mild", None)


@pytest.mark.parametrize("several", [False, True])
def test_texts_of_one_window_and_of_several_have_bounds_of_their_own(several: bool) -> None:
    one_scale, several_scale = (SCALE, BOUNDED) if several else (BOUNDED, SCALE)
    judgement = replace(JUDGEMENT, one_window=one_scale, several_windows=several_scale)
    logits = np.array([[0.0, 9.0], [0.0, 9.0]], np.float32)
    scores = Scores(logits, logits[:, :0], np.array([1, 4]))
    one, four = judgement.verdicts(scores)
    assert (one.strength, four.strength) == ((None, "strong") if several else ("strong", None))


def test_three_exclamation_marks_are_one_step_more() -> None:
    mild, plain, strong = Strength
    for text in ("Loved it!!!", "wow !!!!! good", "Loved it！！！"):  # noqa: RUF001
        assert [emphasised(each, text) for each in Strength] == [plain, strong, strong]
        assert emphasised(None, text) is None
    for text in ("Loved it!", "Loved it!! Yes!", "Loved it! ! !"):
        assert [emphasised(each, text) for each in Strength] == [mild, plain, strong]


def test_the_bounds_are_the_thirds_of_the_verdicts_of_each_class() -> None:
    positive = np.linspace(0.05, 0.999, 3_000)
    probabilities = np.stack([1 - positive, positive], axis=1).astype(np.float32)
    given = probabilities.max(axis=1) >= 0.8
    bounds = choose_bounds(probabilities, given)
    assert bounds
    for label, (low, high) in enumerate(bounds):
        mine = probabilities[given & (probabilities.argmax(axis=1) == label), label]
        assert np.mean(mine < low) == pytest.approx(1 / 3, abs=0.01)
        assert np.mean(mine > high) == pytest.approx(1 / 3, abs=0.01)


def test_a_few_verdicts_or_equal_ones_make_none_strong() -> None:
    sure = np.array([[0.05, 0.95], [0.95, 0.05]] * MIN_VERDICTS, np.float32)
    given = np.ones(len(sure), dtype=bool)
    assert choose_bounds(sure[:-1], given[:-1]) is None
    bounds = choose_bounds(sure, given)
    assert bounds
    assert all(low == high == pytest.approx(0.95) for low, high in bounds)
    assert Verdict.from_probabilities(sure[0].tolist(), bounds=bounds).strength == "plain"


def test_bounds_are_stored_with_the_judgement_and_may_be_missing() -> None:
    judgement = replace(JUDGEMENT, one_window=BOUNDED)
    stored = asdict(judgement)
    assert Judgement.from_dict(stored) == judgement
    for scale in ("one_window", "several_windows"):
        del stored[scale]["strengths"]  # a checkpoint from before
    assert Judgement.from_dict(stored) == JUDGEMENT
    with pytest.raises(ValueError, match="a threshold is nan"):
        replace(SCALE, strengths=((0.9, float("nan")), (0.9, 0.9)))
    stored["one_window"]["strengths"] = [[0, 1]]
    with pytest.raises(ValueError, match="there are 1 bounds, not a pair per class"):
        Judgement.from_dict(stored)
