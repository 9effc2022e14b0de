"""The starter reviews are many, varied, and no two alike."""

import csv
import re
from collections import Counter
from collections.abc import Callable
from itertools import combinations

import pytest

from trainer.reviews import STARTER_REVIEWS

PHENOMENA = {
    *("plain", "slang", "typo", "emoji", "caps", "understatement", "negation", "contrast"),
    *("comparison", "sarcasm", "service"),
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with STARTER_REVIEWS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def test_as_many_of_one_class_as_of_the_other(rows: list[dict[str, str]]) -> None:
    counts = Counter(row["label"] for row in rows)
    assert counts["positive"] == counts["negative"] >= 500
    assert set(counts) == {"positive", "negative"}


def test_three_to_sixty_words_of_every_length(rows: list[dict[str, str]]) -> None:
    lengths = [len(row["text"].split()) for row in rows]
    assert min(lengths) >= 3
    assert max(lengths) <= 60
    for low, high, share in ((3, 10, 0.15), (11, 28, 0.3), (29, 60, 0.15)):
        assert sum(low <= length <= high for length in lengths) >= share * len(rows)


def test_no_near_duplicates(rows: list[dict[str, str]]) -> None:
    bags = [(frozenset(_words(row["text"])), row["text"]) for row in rows]
    alike = [
        (one, other)
        for (first, one), (second, other) in combinations(bags, 2)
        if len(first & second) >= 0.5 * len(first | second)
    ]
    assert alike == []


def test_no_common_openings(rows: list[dict[str, str]]) -> None:
    openings = Counter(
        tuple(row["text"].lower().split()[:4]) for row in rows if len(row["text"].split()) >= 4
    )
    assert [opening for opening, count in openings.items() if count > 1] == []


def test_every_phenomenon_in_both_classes(rows: list[dict[str, str]]) -> None:
    counts = Counter((row["phenomenon"], row["label"]) for row in rows)
    assert {phenomenon for phenomenon, _ in counts} == PHENOMENA
    assert min(counts.values()) >= 15
    assert len(counts) == 2 * len(PHENOMENA)


def test_wide_vocabulary_and_many_genres(rows: list[dict[str, str]]) -> None:
    assert len({word for row in rows for word in _words(row["text"])}) >= 5000
    assert len({row["genre"] for row in rows}) >= 30


def test_looks_do_not_give_the_label_away(rows: list[dict[str, str]]) -> None:
    looks: dict[str, Callable[[str], bool]] = {
        "lower-case start": lambda text: text[0].islower(),
        "exclamation mark": lambda text: "!" in text,
        "question mark": lambda text: "?" in text,
        "no final punctuation": lambda text: text[-1].isalnum(),
        "over twenty words": lambda text: len(text.split()) > 20,
    }
    for name, has in looks.items():
        shares = [
            sum(has(row["text"]) for row in rows if row["label"] == label)
            / sum(row["label"] == label for row in rows)
            for label in ("negative", "positive")
        ]
        assert abs(shares[0] - shares[1]) < 0.05, name
