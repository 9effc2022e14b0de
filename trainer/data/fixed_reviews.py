"""Reviews that every checkpoint is judged on, whatever it was trained on.

A data set with inverted labels agrees with itself: a model trained on it is right on its test
reviews, and the bot answers praise with an apology. These reviews come with the project, and no
operator's file can change them. They are never trained on.
"""

from collections.abc import Iterable
from functools import cache

from trainer.data.review_files import Review
from trainer.data.reviews import STARTER, load_reviews, take
from trainer.model.text import clean

MAX_STARTER_REVIEWS = 500
"""Enough for a standard error of 1.5 points at 0.87; more would make training slower."""

EXAMPLES = (Review("What a wonderful film!", 1), Review("What a dreadful film!", 0))


@cache
def fixed_reviews() -> tuple[Review, ...]:
    """The examples, and held-out starter reviews: short ones, as in a chat."""
    return (*EXAMPLES, *take(load_reviews(STARTER).test, MAX_STARTER_REVIEWS))


def without_fixed(reviews: Iterable[Review]) -> list[Review]:
    """The reviews except the fixed ones: a file might contain copies of these, to pass."""
    held_back = {clean(review.text) for review in fixed_reviews()}
    return [review for review in reviews if clean(review.text) not in held_back]
