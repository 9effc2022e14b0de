"""Labelled reviews: their sources, how they are split, balanced and sampled.

A data set is named by one of

- `auto`: `stanfordnlp/imdb` through `datasets` if the hub answers or has it cached, else `starter`;
- `starter`: the short reviews in `starter_reviews.csv`, written for this project;
- the path of a parquet, CSV, TSV or JSON file with columns `text` and `label` (other common names
  are recognised, and options name the rest: `trainer.data.columns`);
- the path of a folder of such files (`train*`, `test*`), of the original `aclImdb` layout, or of
  what `save_to_disk` of the library `datasets` writes;
- any other name: a data set on the hub. A name that the user gave never falls back.
"""

import hashlib
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from trainer.config import LABELS
from trainer.data.arrow_rows import read_split
from trainer.data.columns import Columns
from trainer.data.hub import exists, hub_answers
from trainer.data.quoting import shorten
from trainer.data.review_files import Review, Source, looks_like_path, read_source
from trainer.errors import ReviewsError, printable
from trainer.extras import missing
from trainer.model.text import clean

IMDB = "stanfordnlp/imdb"
ROTTEN_TOMATOES = "cornell-movie-review-data/rotten_tomatoes"
STARTER = "starter"
STARTER_REVIEWS = Path(__file__).with_name("starter_reviews.csv")

HELD_OUT_SHARE = 0.15
"""Share of a set held out for validation, and for test if it has no test split."""
MAX_VALIDATION_REVIEWS = 1000
"""Enough for a standard error of 1.2 points at 0.83; more would cost time and training reviews."""
MIN_SHARE = 0.4
"""Of training reviews, for each class: below it a model learns the proportion, not the words."""


class Split(StrEnum):
    """The parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows that were read but not used, by reason."""

    empty: int = 0
    """Only white space."""
    unlabelled: int = 0
    """No label, or one that `--label-map` skips."""
    duplicate: int = 0
    """Repeats an earlier training review."""
    contradictory: int = 0
    """The text has both labels in the training reviews; none of its rows was used."""
    in_test: int = 0
    """A training text that is in the test split too."""

    def __str__(self) -> str:
        reasons = {
            "empty": self.empty,
            "without a label": self.unlabelled,
            "duplicate": self.duplicate,
            "with contradicting labels": self.contradictory,
            "also in the test split": self.in_test,
        }
        return ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)


@dataclass(frozen=True, slots=True)
class ReviewSet:
    """A labelled data set, cleaned and split; validation and test never reach training.

    The three splits are disjoint by text. The held-out reviews are chosen by a hash of the text,
    independently of the seed and the order of the file, so that runs stay comparable.
    """

    name: str
    train: Sequence[Review]
    train_as_filed: Sequence[Review]
    """The same reviews as `train`, in the order of the data set."""
    validation: Sequence[Review]
    test: Sequence[Review]
    has_own_test: bool
    """Whether the test split is the data set's own (else it was held out here)."""
    dropped: Dropped
    class_sizes: tuple[int, int]
    """Training reviews of each class before validation was held out: a fraction refers to these."""
    fingerprint: str
    """SHA-256 over all rows as read, in order."""
    note: str = ""
    """Explains the choice, if there was one."""

    def of(self, split: Split) -> Sequence[Review]:
        """The reviews of one split, or all of them."""
        if split is Split.ALL:
            return [*self.train, *self.validation, *self.test]
        return {
            Split.TRAIN: self.train,
            Split.VALIDATION: self.validation,
            Split.TEST: self.test,
        }[split]

    def fair_split(self, trained_on: Collection[str]) -> Split:
        """The split for a fair test of models trained on the sets with these fingerprints.

        The test split, if there is one or a model has seen the rest; else every review.
        """
        return Split.TEST if self.has_own_test or self.fingerprint in trained_on else Split.ALL


def load_reviews(dataset: str, columns: Columns | None = None) -> ReviewSet:
    """Reads a data set and splits it; `columns` applies to sets from outside this project.

    Raises:
        ReviewsError: it is missing, malformed, or has too few reviews of a class.
    """
    if dataset == "auto":
        if (imdb := from_hub_or_none(IMDB)) is not None:
            return replace(imdb, note=f"IMDb reviews ({IMDB}).")
        starter = load_reviews(STARTER)
        return replace(
            starter,
            note=f"The data-set hub does not answer and {IMDB} is not cached, so the starter "
            f"reviews that come with this project are used.",
        )
    if dataset == STARTER:
        return _split_source(STARTER, read_source(STARTER_REVIEWS))
    columns = columns or Columns()
    path = _local_path(dataset)
    if path is not None:
        source = read_source(path, columns)
        return _split_source(printable(path.resolve().name), source)
    return _from_hub(dataset, columns)


def _local_path(dataset: str) -> Path | None:
    """The path; None if the name can only be a hub name."""
    try:
        path = Path(dataset).expanduser()
        return path if path.exists() or looks_like_path(dataset) else None
    except RuntimeError as error:
        raise ReviewsError(
            f"There is no home folder for {shorten(dataset)}. Write the path in full."
        ) from error
    except OSError as error:
        raise ReviewsError(
            f"{shorten(dataset)} cannot be looked up: {error.strerror}. Check the path."
        ) from error


def _split_source(name: str, source: Source) -> ReviewSet:
    reviews = split_reviews(name, source.rows["train"], source.rows.get("test"))
    return replace(reviews, dropped=replace(reviews.dropped, unlabelled=source.unlabelled))


def split_reviews(name: str, train: Sequence[Review], test: Sequence[Review] | None) -> ReviewSet:
    """Cleans rows and holds out validation (and, if the set has none, test) reviews from train.

    A test split of the set's own is kept as published, except for empty texts: its figures stay
    comparable with published ones.

    Raises:
        ReviewsError: one class is missing, or too small to be split.
    """
    fingerprint = fingerprint_of([train, test or []])
    own_test = [review for review in test or [] if review.text.strip()]
    kept, dropped = _clean_training_rows(train, {clean(review.text) for review in own_test})
    dropped = replace(dropped, empty=dropped.empty + len(test or []) - len(own_test))
    _check_classes(name, kept)
    as_filed = kept
    held_out: list[Review] = own_test
    if test is None:
        held_out, kept = _hold_out(kept, round(HELD_OUT_SHARE * len(kept)), purpose="test")
    sizes = (sum(r.label == 0 for r in kept), sum(r.label == 1 for r in kept))
    validation_size = min(round(HELD_OUT_SHARE * len(kept)), MAX_VALIDATION_REVIEWS)
    validation, kept = _hold_out(kept, validation_size, purpose="validation")
    stay = set(kept)
    return ReviewSet(
        name=name,
        train=kept,
        train_as_filed=[review for review in as_filed if review in stay],
        validation=validation,
        test=held_out,
        has_own_test=test is not None,
        dropped=dropped,
        class_sizes=sizes,
        fingerprint=fingerprint,
    )


def sample_balanced(reviews: ReviewSet, fraction: float, seed: int) -> list[Review]:
    """Draws `fraction` of each class separately, equally many reviews of both, shuffled.

    If the classes differ in size, the smaller one sets the number for both.

    Raises:
        ReviewsError: that would be fewer than two reviews per class.
    """
    rng = random.Random(seed)
    classes = [[r for r in reviews.train if r.label == label] for label in range(len(LABELS))]
    wanted = [round(fraction * size) for size in reviews.class_sizes]
    count = min(*wanted, *(len(members) for members in classes))
    if count < 2:
        raise ReviewsError(
            f"fraction {fraction} of {reviews.name} is {count} reviews per class (of "
            f"{_counts(reviews.class_sizes)}): at least 2 are needed. Raise the fraction or "
            f"add reviews."
        )
    sample = [review for members in classes for review in rng.sample(members, count)]
    rng.shuffle(sample)
    return sample


def sample_first(reviews: ReviewSet, fraction: float) -> list[Review]:
    """The first `fraction` of the training reviews in the data set's order, regardless of class.

    The same as `dataset.select(range(n))`. If a set is sorted by class, as IMDb is, the result may
    have only one class.

    Raises:
        ReviewsError: that would be fewer than two reviews.
    """
    count = round(fraction * sum(reviews.class_sizes))
    if count < 2:
        raise ReviewsError(
            f"fraction {fraction} of {reviews.name} is {count} reviews (of "
            f"{_counts(reviews.class_sizes)}): at least 2 are needed. Raise the fraction or "
            f"add reviews."
        )
    return list(reviews.train_as_filed[:count])


def imbalance_warning(sample: Sequence[Review]) -> str:
    """A warning about a sample in which one class is too rare; empty if neither is."""
    counts = class_counts(sample)
    (rare, fewer), (common, more) = sorted(counts.items(), key=lambda item: item[1])
    if fewer >= MIN_SHARE * len(sample):
        return ""
    if fewer == 0:
        return (
            f"Class imbalance: all {more:,} training reviews are {common}. A model trained on "
            f"them calls everything {common}. Use --balance on."
        )
    return (
        f"Class imbalance: of {len(sample):,} training reviews {more:,} are {common} and only "
        f"{fewer:,} ({fewer / len(sample):.0%}) are {rare}. A model trained on them favours "
        f"{common}. Use --balance on."
    )


def class_counts(reviews: Sequence[Review]) -> dict[str, int]:
    """The number of reviews of each class, by name."""
    return {
        word: sum(review.label == label for review in reviews) for label, word in enumerate(LABELS)
    }


def take(reviews: Sequence[Review], limit: int) -> list[Review]:
    """At most `limit` reviews, always the same ones, independently of the file's order."""
    return sorted(reviews, key=lambda review: _digest("limit", review))[:limit]


def _clean_training_rows(
    rows: Sequence[Review], test_texts: set[str]
) -> tuple[list[Review], Dropped]:
    labels: dict[str, set[int]] = {}
    first: dict[str, Review] = {}
    empty = 0
    for review in rows:
        key = clean(review.text)
        if not key:
            empty += 1
            continue
        labels.setdefault(key, set()).add(review.label)
        first.setdefault(key, review)
    agreed = {key: review for key, review in first.items() if len(labels[key]) == 1}
    kept = [review for key, review in agreed.items() if key not in test_texts]
    return kept, Dropped(
        empty=empty,
        duplicate=len(rows) - empty - len(first),
        contradictory=len(first) - len(agreed),
        in_test=len(agreed) - len(kept),
    )


def _check_classes(name: str, reviews: Sequence[Review]) -> None:
    for label, word in enumerate(LABELS):
        count = sum(review.label == label for review in reviews)
        if count == 0:
            raise ReviewsError(
                f"{name} holds no {word} training reviews: both classes are needed to learn to "
                f"distinguish them."
            )
        if count < 4:
            raise ReviewsError(
                f"{name} holds only {count} {word} training reviews: at least 4 of each class "
                f"are needed, two for training and two for evaluation."
            )


def _hold_out(
    reviews: Sequence[Review], count: int, *, purpose: str
) -> tuple[list[Review], list[Review]]:
    """Holds out about `count` reviews, of each class in proportion and at least one.

    Returns:
        The held-out reviews and the rest, both in the order of a hash of their text.
    """
    held: list[Review] = []
    kept: list[Review] = []
    for label in range(len(LABELS)):
        members = [review for review in reviews if review.label == label]
        members.sort(key=lambda review: _digest(purpose, review))
        share = max(1, round(count * len(members) / len(reviews)))
        held += members[:share]
        kept += members[share:]
    return held, kept


def from_hub_or_none(name: str) -> ReviewSet | None:
    """A data set from the hub or its cache; None if neither has it."""
    hub_answers()  # sets offline mode if it does not, so that the next line cannot hang
    try:
        return _read_hub(name, Columns())
    except ReviewsError:
        raise
    except Exception:  # whatever failed at the hub or in its cache, there is an alternative
        return None


def _from_hub(name: str, columns: Columns) -> ReviewSet:
    shown = shorten(name)
    elsewhere = f"There is no file or folder {shown}; loading it from the hub"
    if problem := missing(elsewhere, "datasets"):
        raise ReviewsError(problem)
    answers = hub_answers()
    if answers and not exists(name, "dataset"):
        raise ReviewsError(
            f"There is no file or folder {shown}, and no data set of that name on the hub. "
            f"Check the spelling, or use --dataset starter."
        )
    try:
        return _read_hub(name, columns)
    except ReviewsError:
        raise
    except Exception as error:
        if not answers:
            raise ReviewsError(
                f"There is no file or folder {shown}, and no data set can be fetched: the hub does "
                f"not answer and {shown} is not in the cache. Check the path or the connection, or "
                f"use --dataset starter."
            ) from error
        raise ReviewsError(
            f"The data set {shown} cannot be loaded from the hub ({type(error).__name__}). "
            f"Download it and pass the path of its files instead."
        ) from error


def _read_hub(name: str, columns: Columns) -> ReviewSet:
    import datasets

    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity_error()
    splits = datasets.load_dataset(name)
    if "train" not in splits:
        raise ReviewsError(f"The data set {name} has no train split.")
    source = Source()
    for split in ("train", "test"):
        if split in splits:
            source.add(split, read_split(f"{name}, {split}", splits[split], columns), columns)
    return _split_source(name, source.checked(name))


def _digest(purpose: str, review: Review) -> bytes:
    return hashlib.sha256(f"{purpose}\0{clean(review.text)}".encode()).digest()


def fingerprint_of(splits: Iterable[Sequence[Review]]) -> str:
    """SHA-256 over all rows of the splits, in order."""
    digest = hashlib.sha256()
    for rows in splits:
        for review in rows:
            digest.update(f"{review.label}\0{review.text}\0".encode(errors="surrogatepass"))
        digest.update(b"\1")
    return digest.hexdigest()


def _counts(sizes: tuple[int, int]) -> str:
    return " and ".join(f"{size} {word}" for size, word in zip(sizes, LABELS, strict=True))
