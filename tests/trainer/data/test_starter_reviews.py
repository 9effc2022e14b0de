"""The starter reviews are many, varied, and no two alike."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from trainer.data.reviews import STARTER_REVIEWS
from trainer.data.starter_texts import read_mixed

PHENOMENA = {
    *("plain", "slang", "typo", "emoji", "caps", "understatement", "negation", "contrast"),
    *("comparison", "sarcasm", "service", "short", "chat", "critic", "post"),
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with STARTER_REVIEWS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def sentences(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """All but the shortest, which are much alike by nature."""
    return [row for row in rows if len(row["text"].split()) > 4]


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def test_as_many_of_one_class_as_of_the_other(rows: list[dict[str, str]]) -> None:
    counts = Counter(row["label"] for row in rows)
    assert counts["positive"] == counts["negative"] >= 500
    assert set(counts) == {"positive", "negative"}


def test_one_to_sixty_words_of_every_length(
    rows: list[dict[str, str]], sentences: list[dict[str, str]]
) -> None:
    assert all(1 <= len(r["text"].split()) <= 4 for r in rows if r["phenomenon"] == "short")
    lengths = [len(row["text"].split()) for row in sentences]
    assert max(lengths) <= 60
    for low, high, share in ((3, 10, 0.15), (11, 28, 0.3), (29, 60, 0.05)):
        assert sum(low <= length <= high for length in lengths) >= share * len(sentences)


def test_no_near_duplicates_of_one_label(
    rows: list[dict[str, str]], sentences: list[dict[str, str]]
) -> None:
    assert len({row["text"].casefold() for row in rows}) == len(rows)
    bags = [frozenset(_words(row["text"])) for row in sentences]
    counts = Counter(word for bag in bags for word in bag)
    # Two that share half of their words share one of the rarer half of each (the prefix filter of
    # Chaudhuri et al., 2006): so not every pair of five million is compared.
    with_word: dict[tuple[str, str], list[tuple[frozenset[str], str]]] = defaultdict(list)
    alike = []
    for row, bag in zip(sentences, bags, strict=True):
        rarest_first = sorted(bag, key=lambda word: (counts[word], word))
        rarer = rarest_first[: len(bag) // 2 + 1]
        keys = [(row["label"], word) for word in rarer]
        for other, text in {pair for key in keys for pair in with_word[key]}:
            if len(bag & other) >= 0.5 * len(bag | other):
                alike.append((text, row["text"]))
        for key in keys:
            with_word[key].append((bag, row["text"]))
    assert alike == []


def test_no_common_openings_of_one_label(sentences: list[dict[str, str]]) -> None:
    openings = Counter((row["label"], *row["text"].lower().split()[:4]) for row in sentences)
    assert [opening for opening, count in openings.items() if count > 1] == []


def test_mixed_reviews_are_others_and_all_different(sentences: list[dict[str, str]]) -> None:
    mixed = [*read_mixed().learned.texts, *read_mixed().held_out.texts]
    openings = [tuple(text.lower().split()[:4]) for text in mixed]
    assert len(set(openings)) == len(mixed) == 870
    assert not set(openings) & {tuple(row["text"].lower().split()[:4]) for row in sentences}


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
