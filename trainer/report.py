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
        )
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
{rows["train"]["negative"]} negative and {rows["train"]["positive"]} positive reviews, cut off at
{training["hyperparameters"]["max_length"]} tokens. No review that was trained on is among those
it was judged by.{_warning(training["dataset"]["warning"])}

## Figures

| | validation ({validation["reviews"]} reviews) | test ({test["reviews"]} reviews) |
|---|---|---|
{figures}

![Loss curve and confusion matrix](training.png)

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
