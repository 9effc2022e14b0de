"""Labelled reviews: where they come from, how they are split, balanced and sampled.

A data set is named by

- `auto`: `stanfordnlp/imdb` through `datasets` if the hub answers or has it cached, else `starter`;
- `starter`: the short reviews in `starter_reviews.csv`, written for this project;
- the path of a parquet, CSV, TSV or JSON file with columns `text` and `label` (other names that
  are common are recognised, and options name the rest: `trainer.data.columns`);
- the path of a folder of such files (`train*`, `test*`), of the original `aclImdb` layout, or of
  what `save_to_disk` of the library `datasets` writes;
- any other name: a data set on the hub. A name that was spelt out never falls back.
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
"""Share of a set that is held back for validation, and for test where it has no test split."""
MOST_VALIDATION_REVIEWS = 1000
"""Enough for a standard error of 1.2 points at 0.83; more would cost time and training reviews."""
LEAST_SHARE = 0.4
"""Of training reviews, for each class: under it a model learns the proportion, not the words."""


class Split(StrEnum):
    """The parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows that were read and not used, by reason."""

    empty: int = 0
    """Nothing but white space."""
    unlabelled: int = 0
    """No label, or one that `--label-map` leaves out."""
    duplicate: int = 0
    """The same text stood in the training reviews before."""
    contradictory: int = 0
    """The same text stood in the training reviews with both labels; none of them was used."""
    in_test: int = 0
    """A training text that stands in the test split too."""

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

    The three splits are disjoint by text. Who is held back is decided by a hash of the text: it
    depends neither on the seed nor on the order of the file, so that runs stay comparable.
    """

    name: str
    train: Sequence[Review]
    train_as_filed: Sequence[Review]
    """The same reviews as `train`, in the order in which the data set holds them."""
    validation: Sequence[Review]
    test: Sequence[Review]
    has_own_test: bool
    """Whether the test split is the data set's own (else it was held back here)."""
    dropped: Dropped
    class_sizes: tuple[int, int]
    """Training reviews of each class before validation was taken: what a fraction counts of."""
    fingerprint: str
    """SHA-256 over all rows as read, in order."""
    note: str = ""
    """Plain words on the choice, where there was one."""

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
        """What to judge models by that were trained on the sets with these fingerprints.

        The test split, where there is one or a model has seen the rest; else every review.
        """
        return Split.TEST if self.has_own_test or self.fingerprint in trained_on else Split.ALL


def load_reviews(dataset: str, columns: Columns | None = None) -> ReviewSet:
    """Reads a data set and splits it; `columns` is for those that do not come with this project.

    Raises:
        ReviewsError: it is missing, malformed, or holds too few reviews of a class.
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
    """The path that is meant; None for what can only be a hub name."""
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
    """Cleans rows and takes validation (and, where the set has none, test) reviews out of train.

    A test split of the set's own is left as published, but for empty texts: its figures stay
    comparable with everybody else's.

    Raises:
        ReviewsError: one class is missing, or too small to be split.
    """
    fingerprint = _fingerprint([train, test or []])
    own_test = [review for review in test or [] if review.text.strip()]
    kept, dropped = _clean_training_rows(train, {clean(review.text) for review in own_test})
    dropped = replace(dropped, empty=dropped.empty + len(test or []) - len(own_test))
    _check_classes(name, kept)
    as_filed = kept
    held_out: list[Review] = own_test
    if test is None:
        held_out, kept = _hold_out(kept, round(HELD_OUT_SHARE * len(kept)), purpose="test")
    sizes = (sum(r.label == 0 for r in kept), sum(r.label == 1 for r in kept))
    validation_size = min(round(HELD_OUT_SHARE * len(kept)), MOST_VALIDATION_REVIEWS)
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
    """Draws `fraction` of each class separately, as many of one as of the other, shuffled.

    Where the classes differ in size the smaller one sets the number for both.

    Raises:
        ReviewsError: that would be under two reviews a class.
    """
    rng = random.Random(seed)
    classes = [[r for r in reviews.train if r.label == label] for label in range(len(LABELS))]
    wanted = [round(fraction * size) for size in reviews.class_sizes]
    count = min(*wanted, *(len(members) for members in classes))
    if count < 2:
        raise ReviewsError(
            f"fraction {fraction} of {reviews.name} is {count} reviews a class (of "
            f"{_counts(reviews.class_sizes)}): at least 2 are needed. Raise the fraction or "
            f"bring more reviews."
        )
    sample = [review for members in classes for review in rng.sample(members, count)]
    rng.shuffle(sample)
    return sample


def sample_first(reviews: ReviewSet, fraction: float) -> list[Review]:
    """The first `fraction` of the training reviews as the data set holds them, of whatever class.

    It is what `dataset.select(range(n))` takes. Of a set that is sorted by class, as IMDb is, that
    may be one class alone.

    Raises:
        ReviewsError: that would be under two reviews.
    """
    count = round(fraction * sum(reviews.class_sizes))
    if count < 2:
        raise ReviewsError(
            f"fraction {fraction} of {reviews.name} is {count} reviews (of "
            f"{_counts(reviews.class_sizes)}): at least 2 are needed. Raise the fraction or "
            f"bring more reviews."
        )
    return list(reviews.train_as_filed[:count])


def imbalance_warning(sample: Sequence[Review]) -> str:
    """Plain words on a sample of which one class is too small a part; empty where none is."""
    counts = class_counts(sample)
    (rare, fewer), (common, more) = sorted(counts.items(), key=lambda item: item[1])
    if fewer >= LEAST_SHARE * len(sample):
        return ""
    if fewer == 0:
        return (
            f"Class imbalance: all {more:,} training reviews are {common}. A model trained on "
            f"them calls everything {common}. Use --balance on."
        )
    return (
        f"Class imbalance: of {len(sample):,} training reviews {more:,} are {common} and only "
        f"{fewer:,} ({fewer / len(sample):.0%}) are {rare}. A model trained on them leans towards "
        f"{common}. Use --balance on."
    )


def class_counts(reviews: Sequence[Review]) -> dict[str, int]:
    """How many of the reviews there are of each class, by its name."""
    return {
        word: sum(review.label == label for review in reviews) for label, word in enumerate(LABELS)
    }


def take(reviews: Sequence[Review], limit: int) -> list[Review]:
    """At most `limit` reviews, the same ones every time, whatever order the file is in."""
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
                f"tell them apart."
            )
        if count < 4:
            raise ReviewsError(
                f"{name} holds only {count} {word} training reviews: at least 4 of each class "
                f"are needed, two to learn from and the rest to check by."
            )


def _hold_out(
    reviews: Sequence[Review], count: int, *, purpose: str
) -> tuple[list[Review], list[Review]]:
    """Takes about `count` reviews out, each class by its share and at least one of each.

    Returns:
        Those held out and those that stay, both in the order of a hash of their text.
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
    """A data set from the hub or its cache; None where neither has it."""
    hub_answers()  # sets offline mode where it does not, so that the next line cannot hang
    try:
        return _read_hub(name, Columns())
    except ReviewsError:
        raise
    except Exception:  # whatever the hub or its cache got wrong, there is another way
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
                f"There is no file or folder {shown}, and as a data set it cannot be fetched: the "
                f"hub does not answer and has left nothing in the cache. Check the path or the "
                f"connection, or use --dataset starter."
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


def _fingerprint(splits: Iterable[Sequence[Review]]) -> str:
    digest = hashlib.sha256()
    for rows in splits:
        for review in rows:
            digest.update(f"{review.label}\0{review.text}\0".encode(errors="surrogatepass"))
        digest.update(b"\1")
    return digest.hexdigest()


def _counts(sizes: tuple[int, int]) -> str:
    return " and ".join(f"{size} {word}" for size, word in zip(sizes, LABELS, strict=True))
