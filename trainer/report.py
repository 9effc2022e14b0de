"""What a checkpoint tells of itself: the contents of `training.json` and of its model card."""

import platform
from importlib.metadata import version
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
    """The versions a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS_OF}}


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


def model_card(training: dict[str, Any]) -> str:
    """The checkpoint's README, with the metadata block that model hubs read."""
    test, validation = training["evaluation"]["test"], training["evaluation"]["validation"]
    rows = training["dataset"]["rows"]
    hyperparameters = "\n".join(
        f"| {name} | {value} |" for name, value in training["hyperparameters"].items()
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
    beside = ""
    if "starter train" in rows:
        beside += f", and {sum(rows['starter train'].values())} short ones written for the project"
    if training["dataset"]["mixed"]:
        beside += f", and {training['dataset']['mixed']} mixed ones as half of each"
    doubt, relevance, chat = training["doubt"], training["relevance"], _chat(training["chat"])
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

{training["dataset"]["name"]}, SHA-256 `{training["dataset"]["fingerprint"]}`: trained on
{rows["train"]["negative"]} negative and {rows["train"]["positive"]} positive reviews{beside}.
Reviews were {read} tokens. No review that was trained on is among those it was judged
by.{_warning(training["dataset"]["warning"])}

## Figures

| | validation ({validation["reviews"]} reviews) | test ({test["reviews"]} reviews) |
|---|---|---|
{figures}
{unsure}

Of mixed reviews, which are neither praise nor complaint, {training["mixed_unsure"]:.0%} are left
unsure. Of messages that are no reviews, {relevance["others_recognised"]:.0%} are recognised; of the
short validation reviews, {relevance["reviews_rejected"]:.1%} are taken for such.{chat}

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
