"""What a checkpoint tells of itself: the contents of `training.json` and of its model card."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from trainer.config import LABELS

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


def _data(training: dict[str, Any]) -> str:
    """The sets and texts that were trained on."""
    rows = "\n".join(
        f"| {each['name']} | {each['rows']['train']['negative']} | "
        f"{each['rows']['train']['positive']} | {each['fraction']:g} | `{each['fingerprint']}` |"
        for each in training["datasets"]
    )
    texts = "".join(
        f"\n- {each['name']}: {each['learned']} lines, SHA-256 `{each['fingerprint']}`"
        for each in training["texts"]
    )
    return f"""| trained on | negative | positive | share of each class | SHA-256 |
|---|---|---|---|---|
{rows}

Beside them:

{texts.strip()}"""


def _other_sets(training: dict[str, Any]) -> str:
    """Test figures of the sets but the main one."""
    others = [each["name"] for each in training["datasets"][1:]]
    if not others:
        return ""
    rows = "\n".join(
        "| {} | {reviews} | {accuracy:.3f} | {unsure:.1%} | {right:.1%} |".format(
            name, **(figures["doubt"]["test"] | figures["evaluation"]["test"])
        )
        for name in others
        for figures in [training["by_set"][name]]
    )
    return f"""

| on the test reviews of | reviews | accuracy | left unsure | right of the verdicts given |
|---|---|---|---|---|
{rows}"""


def _kinds(figures: dict[str, Any]) -> str:
    """The confusion matrix of the kinds of message."""
    kinds = figures["kinds"]
    rows = "\n".join(
        f"| {kind} | {' | '.join(map(str, counts))} |"
        for kind, counts in zip(kinds, figures["confusion_matrix"], strict=True)
    )
    return f"""Of {figures["lines"]:,} messages held back, {figures["right"]:.1%} are recognised; of
{figures["reviews"]:,} short reviews, {figures["reviews_dismissed"]:.1%} are taken for another kind
of message. A row is what a message is, a column what it was taken for.

| | {" | ".join(kinds)} |
|---|{"---|" * len(kinds)}
{rows}"""


def model_card(training: dict[str, Any]) -> str:
    """The checkpoint's README, with the metadata block that model hubs read."""
    test, validation = training["evaluation"]["test"], training["evaluation"]["validation"]
    hyperparameters = "\n".join(
        f"| {name} | {', '.join(value) if isinstance(value, tuple) else value} |"
        for name, value in training["hyperparameters"].items()
        if value is not None  # the share of each set stands beside it
    )
    figures = "\n".join(
        f"| {name} | {validation[key]:.3f} | {test[key]:.3f} |"
        for name, key in (
            ("accuracy", "accuracy"),
            ("precision (positive)", "precision"),
            ("recall (positive)", "recall"),
            ("F1 (positive)", "f1"),
            ("expected calibration error", "calibration_error"),
        )
    )
    hyper = training["hyperparameters"]
    read = (
        f"{'read in windows of' if hyper['whole_review'] else 'cut off at'} {hyper['max_length']}"
    )
    doubt, kinds, chat = training["doubt"], training["kinds"], _chat(training["chat"])
    fixed = training["fixed"]
    warnings = "".join(
        map(_warning, (training["warning"], *(each["warning"] for each in training["datasets"])))
    )
    unsure = "\n".join(
        f"| {name} | {doubt['validation'][key]:.1%} | {doubt['test'][key]:.1%} |"
        for name, key in (("left unsure", "unsure"), ("right of the verdicts given", "right"))
    )
    return f"""---
language: en
pipeline_tag: text-classification
library_name: transformers
tags: [sentiment, film-reviews, review-concierge]
---

# {training["name"]}

Tells praise from complaint in film reviews: the classes are {" and ".join(LABELS)}. Fine-tuned by
Review Concierge from {training["base_model"]["description"]}.

```python
from transformers import pipeline

judge = pipeline("text-classification", model="path/to/{training["name"]}")
judge("Wonderful from start to finish.", truncation=True)
```

## Data

{_data(training)}

Reviews were {read} tokens. No review that was trained on is among those it was judged
by.{warnings}

## Figures

| | validation ({validation["reviews"]} reviews) | test ({test["reviews"]} reviews) |
|---|---|---|
{figures}
{unsure}

These are of {training["datasets"][0]["name"]}, the main set.{_other_sets(training)}

Of the {fixed["reviews"]} fixed reviews, which come with Review Concierge and are never trained on,
{fixed["accuracy"]:.1%} are judged right.

Of mixed reviews, which are neither praise nor complaint, {training["mixed_unsure"]:.0%} are left
unsure.{chat}

{_kinds(kinds)}

![Loss curve, confusion matrix and reliability diagram](training.png)

## Hyperparameters

| | |
|---|---|
{hyperparameters}

## Limits

English only. By itself, as above, it always decides for one of the two classes, also for a text
that is no review. Review Concierge reads all of a long review, scales the logits, leaves what is
not sure enough undecided, and knows most texts that are no reviews (`judgement` in
`training.json`).
"""
