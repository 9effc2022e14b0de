"""What a checkpoint tells of itself: the contents of `training.json` and of its model card."""

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

from trainer.config import LABELS
from trainer.model.record import Hyperparameters, Recognised, TrainingRecord

_VERSIONS_OF = (
    "torch",
    "transformers",
    "tokenizers",
    "onnxruntime",
    "datasets",
    "review-concierge",
)


def versions() -> dict[str, str]:
    """The versions a result depends on; `unknown` where a package is there, but not installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _VERSIONS_OF}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout, or of a build under another name
        return "unknown"


def _warning(sentence: str) -> str:
    return f"\n\n> **Warning.** {sentence}" if sentence else ""


def _chat(accuracies: dict[str, float]) -> str:
    """How the short reviews of the starter set are judged, by what makes them hard."""
    if not accuracies:
        return ""
    rows = "\n".join(f"| {name} | {accuracy:.3f} |" for name, accuracy in accuracies.items())
    return f"""

Accuracy on short reviews as people write them in a chat, held back from training:

| | accuracy |
|---|---|
{rows}"""


def _data(training: TrainingRecord) -> str:
    """The sets and texts that were trained on."""
    rows = "\n".join(
        f"| {each.name} | {each.rows['train']['negative']} | "
        f"{each.rows['train']['positive']} | {each.fraction:g} | `{each.fingerprint}` |"
        for each in training.datasets
    )
    texts = "".join(
        f"\n- {each.name}: {each.learned} lines, SHA-256 `{each.fingerprint}`"
        for each in training.texts
    )
    asked = training.hyperparameters
    read = "read in windows of" if asked.whole_review else "cut off at"
    sentences = (training.warning, *(each.warning for each in training.datasets))
    return f"""| trained on | negative | positive | share of each class | SHA-256 |
|---|---|---|---|---|
{rows}

Beside them:

{texts.strip()}

Reviews were {read} {asked.max_length} tokens. No review that was trained on is among those it was
judged by.{"".join(map(_warning, sentences))}"""


def _figures(training: TrainingRecord) -> str:
    """Validation and test figures of the main set."""
    validation, test = training.evaluation["validation"], training.evaluation["test"]
    doubts = training.doubt["validation"], training.doubt["test"]
    rows = [
        f"| {name} | {getattr(validation, key):.3f} | {getattr(test, key):.3f} |"
        for name, key in (
            ("accuracy", "accuracy"),
            ("precision (positive)", "precision"),
            ("recall (positive)", "recall"),
            ("F1 (positive)", "f1"),
            ("expected calibration error", "calibration_error"),
        )
    ]
    rows += [
        f"| {name} | {' | '.join(f'{getattr(each, key):.1%}' for each in doubts)} |"
        for name, key in (("left unsure", "unsure"), ("right of the verdicts given", "right"))
    ]
    return "\n".join(
        [
            f"| | validation ({validation.reviews} reviews) | test ({test.reviews} reviews) |",
            "|---|---|---|",
            *rows,
        ]
    )


def _other_sets(training: TrainingRecord) -> str:
    """Test figures of the sets but the main one."""
    rows = []
    for name in (each.name for each in training.datasets[1:]):
        figures = training.by_set[name].evaluation["test"]
        doubt = training.by_set[name].doubt["test"]
        rows.append(
            f"| {name} | {figures.reviews} | {figures.accuracy:.3f} | {doubt.unsure:.1%} | "
            f"{doubt.right:.1%} |"
        )
    if not rows:
        return ""
    return "\n".join(
        [
            "\n\n| on the test reviews of | reviews | accuracy | left unsure "
            "| right of the verdicts given |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _fixed(training: TrainingRecord) -> str:
    if training.fixed is None:
        return ""
    return f"""Of {training.fixed.reviews} fixed reviews, which come with Review Concierge and
are never trained on, {training.fixed.accuracy:.1%} are judged right.

"""


def _kinds(figures: Recognised) -> str:
    """The confusion matrix of the kinds of message."""
    rows = "\n".join(
        f"| {kind} | {' | '.join(map(str, counts))} |"
        for kind, counts in zip(figures.kinds, figures.confusion_matrix, strict=True)
    )
    return f"""Of {figures.lines:,} messages held back, {figures.right:.1%} are recognised; of
{figures.reviews:,} short reviews, {figures.reviews_dismissed:.1%} are taken for another kind
of message. A row is what a message is, a column what it was taken for.

| | {" | ".join(figures.kinds)} |
|---|{"---|" * len(figures.kinds)}
{rows}"""


def _hyperparameters(asked: Hyperparameters) -> str:
    return "\n".join(
        f"| {name} | {', '.join(value) if isinstance(value, tuple) else value} |"
        for name, value in asdict(asked).items()
        if value is not None  # the share of each set stands beside it
    )


def model_card(training: TrainingRecord) -> str:
    """The checkpoint's README, with the metadata block that model hubs read."""
    return f"""---
language: en
pipeline_tag: text-classification
library_name: transformers
tags: [sentiment, film-reviews, review-concierge]
---

# {training.name}

Tells praise from complaint in film reviews: the classes are {" and ".join(LABELS)}. Fine-tuned by
Review Concierge from {training.base_model.description}.

```python
from transformers import pipeline

judge = pipeline("text-classification", model="path/to/{training.name}")
judge("Wonderful from start to finish.", truncation=True)
```

## Data

{_data(training)}

## Figures

{_figures(training)}

These are of {training.datasets[0].name}, the main set.{_other_sets(training)}

{_fixed(training)}Of mixed reviews, which are neither praise nor complaint,
{training.mixed_unsure:.0%} are left unsure.{_chat(training.chat)}

{_kinds(training.kinds)}

![Loss curve, confusion matrix and reliability diagram](training.png)

## Hyperparameters

| | |
|---|---|
{_hyperparameters(training.hyperparameters)}

## Limits

English only. By itself, as above, it always decides for one of the two classes, also for a text
that is no review. Review Concierge reads all of a long review, scales the logits, leaves what is
not sure enough undecided, and knows most texts that are no reviews (`judgement` in
`training.json`).
"""
