"""Words and ratings together: how scores become verdicts."""

import numpy as np
import pytest

from trainer.model.classifier import UNSURE, Judgement, Scale, Verdict
from trainer.model.inference import Scores
from trainer.model.kinds import KINDS, KindRule
from trainer.model.marks import Mark

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
