"""Telling kinds of message apart."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer.data.starter_texts import Texts, read_kinds, read_mixed
from trainer.model.classifier import Judgement
from trainer.model.inference import FloatArray, Scores
from trainer.model.kinds import (
    DISTRESS,
    KINDS,
    MAX_DISMISSED,
    MAX_FALSE_ALARMS,
    MAX_NEAR_MISSES,
    REVIEW,
    KindRule,
    Messages,
    choose_rule,
    measure_kinds,
)

ALL_KINDS = read_kinds()
"""Read at import, before a fixture of the session replaces the file by a part of it."""


@pytest.mark.parametrize(("texts", "count"), [(ALL_KINDS, 6000), (read_mixed(), 400)])
def test_texts_that_are_held_out_are_not_learned(texts: Texts, count: int) -> None:
    learned, held_out = texts.learned.texts, texts.held_out.texts
    assert not {text.casefold() for text in learned} & {text.casefold() for text in held_out}
    assert len(learned) + len(held_out) >= count
    assert len(held_out) > count / 6


def test_there_are_many_lines_of_every_kind() -> None:
    counts = Counter(ALL_KINDS.learned.kinds)
    assert set(counts) == set(KINDS)
    assert min(counts.values()) >= 250


def _messages(logits: FloatArray) -> Messages:
    """None of which speaks of distress outright."""
    return Messages(logits, np.zeros(len(logits), dtype=bool))


def _logits(kind: str, strength: float, count: int, seed: int) -> FloatArray:
    """Logits of texts of one kind, with noise."""
    logits = np.random.default_rng(seed).normal(0, 1, (count, len(KINDS)))
    logits[:, KINDS.index(kind)] += strength
    return logits.astype(np.float32)


def test_hardly_any_review_is_dismissed_or_taken_for_distress() -> None:
    lines = _messages(
        np.concatenate([_logits(kind, 3, 200, seed) for seed, kind in enumerate(KINDS)])
    )
    kinds = [kind for kind in KINDS for _ in range(200)]
    short = [
        _messages(_logits(REVIEW, strength, 1000, seed))
        for seed, strength in enumerate((2, 4), 100)
    ]
    every = _messages(_logits(REVIEW, 2, 8000, 102))
    rule = choose_rule(lines, kinds, short, every)
    figures = measure_kinds(rule, lines, kinds, short, every)
    assert figures.reviews == 2000
    for messages in short:  # of the hard set, too, which stands beside an easy one
        dismissed = np.mean([kind != REVIEW for kind in rule.kinds(messages)])
        assert dismissed <= MAX_DISMISSED + MAX_FALSE_ALARMS + 0.005
    assert figures.reviews_in_distress <= 1 / 2000
    assert np.sum(figures.confusion_matrix) == figures.lines == len(kinds)
    assert figures.right == np.trace(figures.confusion_matrix) / figures.lines
    assert rule.dismissal is not None
    assert rule.distress is not None
    assert min(rule.dismissal, rule.distress) >= 0.5


def test_few_of_the_lines_that_are_reviews_are_dismissed() -> None:
    rng = np.random.default_rng(0)
    near = np.array([KINDS[number] for number in rng.integers(1, len(KINDS) - 1, 300)])
    near_misses = np.concatenate([_logits(kind, 3, 1, seed) for seed, kind in enumerate(near)])
    near_misses[:, KINDS.index(REVIEW)] += rng.normal(3, 2, 300)  # both are likely
    others = [_logits(kind, 6, 100, seed) for seed, kind in enumerate(KINDS[1:])]
    lines = _messages(np.concatenate([near_misses, *others]))
    kinds = [REVIEW] * 300 + [kind for kind in KINDS[1:] for _ in range(100)]
    easy = _messages(_logits(REVIEW, 8, 2000, 1))
    found = choose_rule(lines, kinds, [easy], easy).kinds(lines)[:300]
    dismissed = np.mean([kind not in (REVIEW, DISTRESS) for kind in found])
    assert 0 < dismissed <= MAX_NEAR_MISSES


def test_another_kind_must_be_clearly_likelier() -> None:
    rule = KindRule(dismissal=0.6, distress=0.9)
    rows = np.zeros((4, len(KINDS)), np.float32)
    rows[0, KINDS.index("service")] = 5.0
    rows[1, [KINDS.index(REVIEW), KINDS.index("service")]] = 3.0  # no review: 0.57
    rows[2, [KINDS.index(REVIEW), KINDS.index(DISTRESS)]] = 1.5, 3.0  # 0.86
    rows[3, [KINDS.index("greeting"), KINDS.index("thanks")]] = 3.0, 3.1  # which of two: 0.52
    assert rule.kinds(_messages(rows)) == ["service", REVIEW, REVIEW, "thanks"]


def test_where_distress_is_spoken_of_outright_it_need_not_be_as_likely() -> None:
    rule = KindRule(dismissal=0.6, distress=0.9, outright=0.35)
    rows = np.zeros((4, len(KINDS)), np.float32)
    rows[0, [KINDS.index(REVIEW), KINDS.index(DISTRESS)]] = 5.0, 5.5  # 0.6
    rows[1, [KINDS.index("thanks"), KINDS.index(DISTRESS)]] = 5.5, 5.0  # 0.37, and no review
    rows[2, [KINDS.index(REVIEW), KINDS.index(DISTRESS)]] = 5.0, 3.0  # 0.12
    rows[3, KINDS.index("thanks")] = 5.0
    outright = Messages(rows, np.ones(4, dtype=bool))
    assert rule.kinds(outright) == [DISTRESS, DISTRESS, REVIEW, "thanks"]
    assert rule.kinds(_messages(rows)) == [REVIEW, "thanks", REVIEW, "thanks"]
    before = replace(rule, outright=None)  # a checkpoint without this threshold
    assert before.kinds(outright) == [REVIEW, "thanks", REVIEW, "thanks"]


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_both_thresholds_of_distress_share_the_false_alarms(share: float) -> None:
    lines = _messages(np.concatenate([_logits(kind, 3, 99, 1) for kind in KINDS]))
    kinds = [kind for kind in KINDS for _ in range(99)]
    logits = _logits(REVIEW, 1, 8000, 103)
    every = Messages(logits, np.random.default_rng(104).random(8000) < share)
    rule = choose_rule(lines, kinds, [_messages(logits[:1000])], every)
    assert rule.outright is not None
    assert rule.distress is not None
    assert min(rule.outright, rule.distress) >= 0.5
    assert 0 < measure_kinds(rule, lines, kinds, [every], every).reviews_in_distress <= 1 / 2000


def test_without_a_head_every_text_is_a_review() -> None:
    scores = Scores(
        np.array([[0.0, 3.0]], np.float32), np.empty((1, 0), np.float32), np.ones(1, np.int64)
    )
    (verdict,) = Judgement().verdicts(scores)
    assert (verdict.kind, verdict.label) == (REVIEW, "positive")


def test_what_is_stored_is_json_also_where_nothing_is_dismissed(checkpoint: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = (checkpoint / "training.json").read_text()
    training = json.loads(text, parse_constant=refuse)
    assert training["judgement"]["kinds"]["dismissal"] is None


def test_a_training_tells_how_kinds_are_recognised(checkpoint: Path) -> None:
    kinds = json.loads((checkpoint / "training.json").read_text())["kinds"]
    assert kinds["kinds"] == list(KINDS)
    assert kinds["reviews_in_distress"] <= 1 / 2000
    assert np.sum(kinds["confusion_matrix"]) == kinds["lines"] == len(read_kinds().held_out.texts)
    card = (checkpoint / "README.md").read_text()
    assert f"| | {' | '.join(KINDS)} |" in card
