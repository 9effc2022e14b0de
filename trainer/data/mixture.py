"""Which sets of reviews a run is trained on, and how much of each.

The first named set is the main one: its test reviews give the run's main figures. Chat messages are
short, so the best recipe adds short texts to a set of long reviews: single sentences from real
reviews, if the hub has them, and the starter reviews.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, count
from statistics import median
from typing import Any

from trainer.config import Balance, Recipe, TrainingConfig
from trainer.data.columns import Columns
from trainer.data.review_files import Review
from trainer.data.reviews import (
    ROTTEN_TOMATOES,
    STARTER,
    ReviewSet,
    class_counts,
    from_hub_or_none,
    imbalance_warning,
    load_reviews,
    sample_balanced,
    sample_first,
    take,
)
from trainer.model.text import clean

MIN_SAMPLED_REVIEWS = 20_000
"""Sets with at least this many training reviews are sampled, as the recipe samples IMDb's 25,000.
A tenth of a smaller set would be too little to learn from."""
LARGE_FRACTION = 0.1
MAX_TEST_REVIEWS = 5_000
"""More would take longer than the training: at 0.83 the standard error is 0.5 points here."""
LONG_WORDS = 90
"""Reviews count as long from this median number of words: about 128 tokens, one window."""


@dataclass(frozen=True, slots=True)
class Part:
    """One set of a run."""

    reviews: ReviewSet
    fraction: float
    """The share of each class that was sampled."""
    sample: list[Review]
    """The training reviews."""
    test: list[Review]
    """The test reviews: at most `MAX_TEST_REVIEWS`."""

    def record(self) -> dict[str, Any]:
        """Its part of `training.json`."""
        splits = {"train": self.sample, "validation": self.reviews.validation, "test": self.test}
        return {
            "name": self.reviews.name,
            "fingerprint": self.reviews.fingerprint,
            "fraction": self.fraction,
            "rows": {split: class_counts(members) for split, members in splits.items()},
            "dropped": asdict(self.reviews.dropped),
            "warning": imbalance_warning(self.sample),
        }


@dataclass(frozen=True, slots=True)
class ReviewSets:
    """The sets of a run, loaded; the first is the main one."""

    sets: tuple[ReviewSet, ...]
    notes: tuple[str, ...]
    """Sentences about what was chosen, left out or unavailable."""

    @property
    def name(self) -> str:
        """The main set's."""
        return self.sets[0].name

    @property
    def has_starter(self) -> bool:
        """Whether the starter reviews are among them."""
        return any(each.name == STARTER for each in self.sets)

    def sample(self, config: TrainingConfig) -> tuple[Part, ...]:
        """Draws the training reviews of each set with the seed of `config`."""
        return tuple(self._part(reviews, config) for reviews in self.sets)

    def _part(self, reviews: ReviewSet, config: TrainingConfig) -> Part:
        fraction = config.fraction or default_fraction(reviews)
        if reviews.name == STARTER and len(self.sets) > 1 and STARTER not in config.datasets:
            fraction = 1.0  # the option applies to the sets that the user named
        if config.balance is Balance.OFF:
            sample = sample_first(reviews, fraction)
        else:
            sample = sample_balanced(reviews, fraction, config.seed)
        return Part(reviews, fraction, sample, take(reviews.test, MAX_TEST_REVIEWS))


def default_fraction(reviews: ReviewSet) -> float:
    """The share of a set to train on if no option sets it."""
    return LARGE_FRACTION if sum(reviews.class_sizes) >= MIN_SAMPLED_REVIEWS else 1.0


def load_sets(config: TrainingConfig, recipe: Recipe) -> ReviewSets:
    """Loads the sets in `config`, and those that the recipe adds.

    Raises:
        ReviewsError: a named set is missing, malformed, or too small.
    """
    sets: list[ReviewSet] = []
    notes: list[str] = []
    columns = Columns.of(config.text_column, config.label_column, config.label_map)
    for name in dict.fromkeys(config.datasets):
        reviews = load_reviews(name, columns)
        if all(reviews.fingerprint != other.fingerprint for other in sets):
            sets.append(replace(reviews, name=_unique_name(reviews.name, sets)))
        notes.append(reviews.note)
    are_long = [_is_long(each) for each in sets] if recipe.companions else []
    if any(are_long):
        if all(are_long):
            sets += _sentences(notes)
        if all(each.name != STARTER for each in sets):
            starter = load_reviews(STARTER)
            sets.append(starter)
            notes.append("Starter reviews are trained on too, because chat messages are short.")
    notes += [f"{each.name}: left out {each.dropped}." for each in sets if str(each.dropped)]
    return ReviewSets(tuple(_without_overlap(sets)), tuple(filter(None, notes)))


def _unique_name(name: str, sets: Sequence[ReviewSet]) -> str:
    """`name`, with a number if another set has that name: files may share one."""
    taken = {each.name for each in sets}
    return next(n for n in chain([name], (f"{name} ({i})" for i in count(2))) if n not in taken)


def _is_long(reviews: ReviewSet) -> bool:
    some = take(reviews.train, 500)
    return median(len(review.text.split()) for review in some) > LONG_WORDS


def _sentences(notes: list[str]) -> list[ReviewSet]:
    """Single sentences from real reviews, if available; a note says whether."""
    found = from_hub_or_none(ROTTEN_TOMATOES)
    if found is None:
        notes.append(
            f"Single sentences from real reviews ({ROTTEN_TOMATOES}) cannot be fetched: the hub "
            f"does not answer, and they are not cached. The model is trained without them. If you "
            f"have the files, add --dataset path/to/them."
        )
        return []
    notes.append(f"Single sentences from real reviews ({ROTTEN_TOMATOES}) are trained on too.")
    return [found]


def _without_overlap(sets: Sequence[ReviewSet]) -> list[ReviewSet]:
    """The sets, without training reviews that are held out in another one."""
    held = [{clean(review.text) for review in (*each.validation, *each.test)} for each in sets]
    apart = []
    for number, each in enumerate(sets):
        others = set().union(*held[:number], *held[number + 1 :])
        kept = [review for review in each.train if clean(review.text) not in others]
        stay = set(kept)
        apart.append(
            replace(
                each,
                train=kept,
                train_as_filed=[review for review in each.train_as_filed if review in stay],
                dropped=replace(
                    each.dropped, in_test=each.dropped.in_test + len(each.train) - len(kept)
                ),
            )
        )
    return apart
