"""Looks for wrong labels, near-duplicates and outliers in a file of labelled reviews.

cleanlab finds wrong labels from a checkpoint's probabilities by confident learning (Northcutt et
al. 2021), and the others from the distances between the features of its middle layers.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.config import LABELS
from trainer.data.columns import Columns
from trainer.data.review_files import Review, read_source
from trainer.data.reviews import fingerprint_of
from trainer.errors import ReviewsError, printable
from trainer.events import Judging, Listener
from trainer.model.checkpoint import read_training
from trainer.model.classifier import Classifier, RuntimeName
from trainer.model.text import clean

MIN_REVIEWS = 20
"""Distances are compared with those to ten neighbours."""
MAX_REVIEWS = 20_000
"""The distances between all of them take minutes, and their features half a gigabyte."""

MAX_SHOWN = 200
"""Characters of a review."""

_REVIEWS_AT_ONCE = 256
"""As in an evaluation: enough for sorting by length to help."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A review that should be looked at."""

    review: Review
    read_as: str
    """The checkpoint's more probable class."""
    score: float
    """From 0 to 1; lower is more suspicious."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in a file, the most suspicious first."""

    reviews: int
    checkpoint: str
    was_trained_on: bool
    """Whether the checkpoint was trained on these reviews, wrong labels included."""
    wrong_labels: list[Finding]
    duplicates: list[list[Finding]]
    """Groups of reviews that are nearly the same, in the order of the file."""
    outliers: list[Finding]


def audit_file(file: Path, checkpoint: Path, columns: Columns, on_event: Listener) -> Audit:
    """Audits the reviews in a file or a folder.

    Raises:
        ReviewsError: it cannot be read, or has too few or too many reviews.
        CheckpointError: the checkpoint cannot be used.
    """
    source = read_source(file, columns)
    splits = [source.rows["train"], source.rows.get("test", [])]
    reviews = [review for rows in splits for review in rows if clean(review.text)]
    _require_enough(printable(file), reviews)
    classifier = Classifier.load(checkpoint)
    by_torch = Classifier.load(checkpoint, RuntimeName.TORCH)
    probabilities, features = [], []
    for start in range(0, len(reviews), _REVIEWS_AT_ONCE):
        texts = [review.text for review in reviews[start : start + _REVIEWS_AT_ONCE]]
        probabilities += [
            [verdict.probabilities[word] for word in LABELS] for verdict in classifier(texts)
        ]
        features.append(by_torch.features(texts))
        on_event(Judging("audited", len(probabilities), len(reviews)))
    chances = np.array(probabilities)
    issues = _find_issues([review.label for review in reviews], chances, np.concatenate(features))
    trained_on = {each.fingerprint for each in read_training(checkpoint).datasets}

    def findings(name: str) -> list[Finding]:
        rows = issues[name]
        scores = rows[f"{name}_score"].to_numpy()
        suspicious = np.flatnonzero(rows[f"is_{name}_issue"].to_numpy())
        ranked = sorted(suspicious.tolist(), key=lambda row: (scores[row], row))
        return [_finding(reviews[row], chances[row], scores[row]) for row in ranked]

    scores = issues["near_duplicate"]["near_duplicate_score"].to_numpy()
    return Audit(
        reviews=len(reviews),
        checkpoint=classifier.name,
        was_trained_on=fingerprint_of(splits) in trained_on,
        wrong_labels=findings("label"),
        duplicates=[
            [_finding(reviews[row], chances[row], scores[row]) for row in group]
            for group in _groups(issues["near_duplicate"])
        ],
        outliers=findings("outlier"),
    )


def report(audit: Audit, name: str, limit: int, show: bool) -> Iterator[str]:
    """The lines to print: at most `limit` reviews of each list, and their texts if `show` is set.

    `name` is the file's, which is left out of the places of rows.
    """
    yield f"{name}: {audit.reviews:,} reviews, judged by {printable(audit.checkpoint)}."
    if audit.was_trained_on:
        yield (
            "This checkpoint was trained on these reviews, wrong labels included, so it finds "
            "fewer of them. For a stricter audit, use one that was not."
        )

    def listed(findings: Sequence[Finding], indent: str, detail: str) -> Iterator[str]:
        for each in findings[:limit]:
            place = each.review.where.removeprefix(f"{name}, ") or "a row without a number"
            label = LABELS[each.review.label]
            words = detail.format(label=label, read_as=each.read_as, score=each.score)
            yield f"{indent}{place}: {words}"
            if show:
                yield f"{indent}  {_shown(each.review.text)}"
        if len(findings) > limit:
            yield f"{indent}… and {len(findings) - limit:,} more"

    yield f"Likely wrong labels: {len(audit.wrong_labels):,}"
    yield from listed(audit.wrong_labels, "  ", "{label}, read as {read_as} (score {score:.2f})")
    yield f"Groups of near-duplicates: {len(audit.duplicates):,}"
    for group in audit.duplicates[:limit]:
        yield f"  {len(group)} alike"
        yield from listed(group, "    ", "{label} (score {score:.2f})")
    if len(audit.duplicates) > limit:
        yield f"  … and {len(audit.duplicates) - limit:,} more"
    yield f"Outliers: {len(audit.outliers):,}"
    yield from listed(audit.outliers, "  ", "{label}, read as {read_as} (score {score:.2f})")


def _shown(text: str) -> str:
    """A review on one line, without control characters, cut to `MAX_SHOWN`."""
    line = clean(text)
    return printable(line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 1]}…")


def _finding(review: Review, chances: Any, score: float) -> Finding:
    return Finding(review, LABELS[int(chances.argmax())], float(score))


def _require_enough(name: str, reviews: Sequence[Review]) -> None:
    if not MIN_REVIEWS <= len(reviews) <= MAX_REVIEWS:
        raise ReviewsError(
            f"{name} has {len(reviews):,} reviews with a text and a label; an audit takes from "
            f"{MIN_REVIEWS} to {MAX_REVIEWS:,}. Add reviews, or split the file."
        )
    found = {review.label for review in reviews}
    if len(found) < len(LABELS):
        raise ReviewsError(
            f"{name} has only {LABELS[found.pop()]} reviews; an audit needs some of both labels."
        )


def _find_issues(labels: Sequence[int], probabilities: Any, features: Any) -> dict[str, Any]:
    """cleanlab's table for each kind of issue, with one row for each review."""
    with _quiet():
        from cleanlab import Datalab

        lab = Datalab({"label": list(labels)}, label_name="label", verbosity=0)
        # By default it starts processes, which would inherit how this one handles signals.
        alone = {"clean_learning_kwargs": {"find_label_issues_kwargs": {"n_jobs": 1}}}
        kinds: dict[str, dict[str, Any]] = {"label": alone, "near_duplicate": {}, "outlier": {}}
        lab.find_issues(pred_probs=probabilities, features=features, issue_types=kinds)
        return {kind: lab.get_issues(kind) for kind in kinds}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own progress and warnings, which are about its use by programs."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _groups(table: Any) -> list[list[int]]:
    """The rows that are near-duplicates of each other, in the order of the file."""
    group_of: dict[int, list[int]] = {}
    flagged = np.flatnonzero(table["is_near_duplicate_issue"].to_numpy()).tolist()
    for row in flagged:
        joined = {row}
        for other in (row, *map(int, table["near_duplicate_sets"].iloc[row])):
            joined |= set(group_of.get(other, [other]))
        group = sorted(joined)
        group_of.update(dict.fromkeys(group, group))
    return [group for first, group in sorted(group_of.items()) if first == group[0]]
