"""How a checkpoint is documented: the contents of `training.json` and of its model card."""

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from trainer.config import LABELS
from trainer.model.record import Hyperparameters, NamedKindFigures, TrainingRecord
from trainer.training.encoder import DISTILBERT, STAND_IN

_VERSIONS_OF = (
    "torch",
    "transformers",
    "tokenizers",
    "onnxruntime",
    "datasets",
    "review-concierge",
)
_STAND_IN_ON_HUB = "sentence-transformers/all-MiniLM-L6-v2"
"""Where the stand-in's weights come from."""
_LICENSES = {DISTILBERT: "apache-2.0", _STAND_IN_ON_HUB: "apache-2.0"}
"""By base model; for any other, the card names no licence."""
_TASK = "text-classification"


def versions() -> dict[str, str]:
    """The versions a result depends on; `unknown` if a package is importable but not installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _VERSIONS_OF}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout, or built under another name
        return "unknown"


def _cell(name: str) -> str:
    """The name of a set, which is a file name, as a table cell."""
    return name.replace("|", r"\|")


def _warning(sentence: str) -> str:
    return f"\n\n> **Warning.** {sentence}" if sentence else ""


def _chat(accuracies: dict[str, float]) -> str:
    """Accuracy on the short reviews of the starter set, by what makes them hard."""
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
        f"| {_cell(each.name)} | {each.rows['train']['negative']} | "
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

In addition:

{texts.strip()}

Reviews were {read} {asked.max_length} tokens. The training reviews and the reviews that it is
judged on do not overlap.{"".join(map(_warning, sentences))}"""


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
        for name, key in (
            ("left unsure", "unsure"),
            ("right of the verdicts given", "right"),
            ("of the unsure, leaning to one side", "leans"),
            ("right of those that lean", "leans_right"),
        )
        if all(getattr(each, key) is not None for each in doubts)
    ]
    return "\n".join(
        [
            f"| | validation ({validation.reviews} reviews) | test ({test.reviews} reviews) |",
            "|---|---|---|",
            *rows,
        ]
    )


def _other_sets(training: TrainingRecord) -> str:
    """Test figures of the sets other than the main one."""
    rows = []
    for name in (each.name for each in training.datasets[1:]):
        figures = training.by_set[name].evaluation["test"]
        doubt = training.by_set[name].doubt["test"]
        rows.append(
            f"| {_cell(name)} | {figures.reviews} | {figures.accuracy:.3f} | {doubt.unsure:.1%} | "
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


def _kinds(figures: NamedKindFigures) -> str:
    """The confusion matrix of the kinds of message."""
    rows = "\n".join(
        f"| {kind} | {' | '.join(map(str, counts))} |"
        for kind, counts in zip(figures.kinds, figures.confusion_matrix, strict=True)
    )
    return f"""Of {figures.lines:,} held-out messages, {figures.right:.1%} are recognised; of
{figures.reviews:,} short reviews, {figures.reviews_dismissed:.1%} are mistaken for another kind
of message. Rows are the true kinds, columns the recognised ones.

| | {" | ".join(figures.kinds)} |
|---|{"---|" * len(figures.kinds)}
{rows}"""


def _hyperparameters(asked: Hyperparameters) -> str:
    return "\n".join(
        f"| {name} | {', '.join(value) if isinstance(value, tuple) else value} |"
        for name, value in asdict(asked).items()
        if value is not None  # the share of each set is in the table of sets
    )


def _metadata(training: TrainingRecord) -> ModelCardData:
    """Metadata for model hubs: only names that they know, and the figures on the test reviews."""
    names = [each.name for each in training.datasets]
    base_model = _base_model_on_hub(training.base_model.name)
    metrics = ("accuracy", "f1", "precision", "recall")
    return ModelCardData(
        language="en",
        license=_LICENSES.get(base_model or ""),
        library_name="transformers",
        pipeline_tag=_TASK,
        tags=["sentiment", "film-reviews", "review-concierge"],
        base_model=base_model,
        datasets=[name for name in names if _is_dataset_on_hub(name)] or None,
        metrics=list(metrics),
        model_name=training.name,
        eval_results=[
            EvalResult(
                task_type=_TASK,
                dataset_type=name,
                dataset_name=name,
                dataset_split="test",
                metric_type=metric,
                metric_value=round(getattr(training.by_set[name].evaluation["test"], metric), 4),
            )
            for name in names
            for metric in metrics
        ],
    )


def _base_model_on_hub(name: str) -> str | None:
    """None for a folder, which is private to this machine."""
    if name == STAND_IN:
        return _STAND_IN_ON_HUB
    return name if _is_hub_name(name) and not Path(name).expanduser().exists() else None


def _is_dataset_on_hub(name: str) -> bool:
    # A file or folder is named by the last part of its path, so it has no slash.
    return "/" in name and _is_hub_name(name)


def _is_hub_name(name: str) -> bool:
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def model_card(training: TrainingRecord) -> str:
    """The checkpoint's README, with the metadata block that model hubs read."""
    card = ModelCard(f"---\n{_metadata(training).to_yaml()}\n---\n\n{_body(training)}")
    return str(card)


def _body(training: TrainingRecord) -> str:
    return f"""# {training.name}

Distinguishes praise from complaint in film reviews: the classes are {" and ".join(LABELS)}.
Fine-tuned by Review Concierge from {training.base_model.description}.

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

English only. Used as above, it always chooses one of the two classes, even for a text
that is not a review. Review Concierge reads all of a long review, scales the logits, leaves
a review undecided if it is not sure enough, and recognises most texts that are not reviews
(`judgement` in `training.json`).
"""
