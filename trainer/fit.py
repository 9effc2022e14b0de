"""One fine-tuning run from start to end: reviews, encoder, loop, assessment, checkpoint."""

import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from trainer import checkpoint
from trainer.assess import Assessment, assess
from trainer.calibration import Doubt
from trainer.config import RECIPES, Balance, Loop, Recipe, TrainingConfig
from trainer.encoder import Encoder, load_encoder
from trainer.errors import ConfigError, EncoderError
from trainer.evaluation import Figures, draw
from trainer.inference import predict
from trainer.loop import Example, make_batches, to_best_device, train, uses_bf16
from trainer.progress import Listener, Note, Plan, Saved, Step, ignore
from trainer.report import model_card, versions
from trainer.review_files import Review
from trainer.reviews import (
    STARTER,
    ReviewSet,
    class_counts,
    imbalance_warning,
    load_reviews,
    sample_balanced,
    sample_first,
    take,
)
from trainer.runtime import TorchRuntime
from trainer.starter_texts import MIXED, read_texts
from trainer.text import MOST_WINDOWS, TextEncoder, Windows, by_length

DEFAULT_FRACTION = 0.1
MOST_TEST_REVIEWS = 5000
"""More would take longer than the training: at 0.83 the standard error is 0.5 points here."""
_NARROW = 384
"""Width up to which an encoder takes the learning rate of narrow ones."""


@dataclass(frozen=True, slots=True)
class FineTuned:
    """A finished run."""

    path: Path
    """The checkpoint."""
    validation: Figures
    test: Figures
    doubt: Doubt
    """What is left unsure of the test reviews, and how often the other verdicts are right."""
    serving: bool
    """Whether it was promoted: the first checkpoint is, later ones wait to be."""


def fine_tune_model(
    config: TrainingConfig | None = None,
    *,
    reviews: ReviewSet | None = None,
    on_event: Listener = ignore,
) -> FineTuned:
    """Fine-tunes an encoder on labelled reviews and saves a checkpoint.

    `reviews` are those of `config.dataset`, where they are loaded already.

    Raises:
        TrainerError: the reviews, the encoder or the output folder will not do; str(error) says
            what to do. No partial checkpoint is left, also when interrupted.
    """
    config = config or TrainingConfig()
    if config.output is not None:
        checkpoint.refuse_existing(config.output)
    if config.loop == Loop.TRAINER:
        require_accelerate()
    reviews = reviews or load_reviews(config.dataset)
    fraction = config.fraction or (1.0 if reviews.name == STARTER else DEFAULT_FRACTION)
    sample = _sample(reviews, config.balance, fraction, config.seed)
    test = take(reviews.test, MOST_TEST_REVIEWS)
    _announce(reviews, len(test), on_event)
    if warning := imbalance_warning(sample):
        on_event(Note(warning))

    encoder = load_encoder(config.base_model, config.seed)
    if encoder.note:
        on_event(Note(encoder.note))
    to_best_device(encoder.model)
    recipe = _recipe(config, encoder)
    text_encoder = encoder.text_encoder(
        config.max_length, MOST_WINDOWS if recipe.whole_review else 1
    )
    windows = text_encoder([review.text for review in sample])
    beside = _starter_beside(recipe, reviews, windows, on_event)
    mixed = []
    if recipe.mixed and (beside or reviews.name == STARTER):
        mixed = read_texts(MIXED).learned
        on_event(Note(f"{len(mixed)} mixed reviews are trained on as half positive."))
    learned = [*sample, *(beside.train if beside else [])]
    windows += text_encoder([*(review.text for review in learned[len(sample) :]), *mixed])
    targets = [*(float(review.label) for review in learned), *[0.5] * len(mixed)]
    output = config.output or checkpoint.dated_path(reviews.name)

    _try_two_batches(encoder, text_encoder, windows, config.batch_size * recipe.windows)
    on_event(
        Plan(
            dataset=config.dataset,
            base_model=encoder.name,
            reviews=class_counts(learned),
            epochs=recipe.epochs,
            steps=recipe.epochs * math.ceil(len(windows) / config.batch_size),
            output=str(output),
        )
    )
    examples = list(zip(windows, targets, strict=True))
    run = _fit(config, recipe, encoder, text_encoder, examples, on_event)
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / "graph"
        assessment = assess(encoder, text_encoder, windows, reviews, test, beside, graph, on_event)
        training = {
            "name": output.name,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "base_model": {"name": encoder.name, "description": encoder.description},
            "dataset": _describe(reviews, sample, test, beside, len(mixed)),
            "hyperparameters": _hyperparameters(config, recipe, fraction, beside, mixed),
            "pad_id": text_encoder.pad_id,
            "device": str(encoder.model.device),
            "threads": torch.get_num_threads(),
            "versions": versions(),
            **run,
            **assessment.report(),
        }
        _save(output, encoder, training, assessment, graph)
    serving = checkpoint.promote_if_first(output)
    on_event(Saved(str(output), serving, **training["evaluation"]))
    figures = assessment.figures
    return FineTuned(
        output, figures["validation"], figures["test"], assessment.doubt["test"], serving
    )


def _recipe(config: TrainingConfig, encoder: Encoder) -> Recipe:
    """The recipe with what the options say, and what it says of this encoder."""
    recipe = RECIPES[config.recipe]
    narrow = encoder.model.config.hidden_size <= _NARROW
    rate = recipe.narrow_learning_rate if narrow else recipe.learning_rate
    return replace(
        recipe,
        windows=config.windows or recipe.windows,
        epochs=config.epochs or recipe.epochs,
        learning_rate=config.learning_rate or rate,
    )


def _hyperparameters(
    config: TrainingConfig,
    recipe: Recipe,
    fraction: float,
    beside: ReviewSet | None,
    mixed: Sequence[str],
) -> dict[str, Any]:
    resolved = asdict(recipe)
    del resolved["narrow_learning_rate"], resolved["bf16"]  # neither says what was done
    resolved |= {"starter": beside is not None, "mixed": bool(mixed)}
    return config.hyperparameters() | resolved | {"fraction": fraction}


def _starter_beside(
    recipe: Recipe, reviews: ReviewSet, sample: Sequence[Windows], on_event: Listener
) -> ReviewSet | None:
    """The starter reviews, where they are to be trained on beside a sample of long reviews."""
    if not recipe.starter or reviews.name == STARTER or not _are_long(sample):
        return None
    starter = load_reviews(STARTER)
    on_event(
        Note(
            f"The {len(starter.train):,} starter reviews are trained on too: these are long, and "
            f"what people write in a chat is short."
        )
    )
    return starter


def _are_long(reviews: Sequence[Windows]) -> bool:
    return bool(np.median([len(windows) for windows in reviews]) > 1)


def _sample(reviews: ReviewSet, balance: Balance, fraction: float, seed: int) -> list[Review]:
    if balance == Balance.OFF:
        return sample_first(reviews, fraction)
    return sample_balanced(reviews, fraction, seed)


def require_accelerate() -> None:
    """Raises ConfigError where transformers' Trainer cannot run."""
    if find_spec("accelerate") is None:
        raise ConfigError(
            "loop is 'trainer', but transformers' Trainer needs the package accelerate, which is "
            "not installed. Install it: pip install --constraint constraints.txt accelerate"
        )


def _announce(reviews: ReviewSet, test_size: int, on_event: Listener) -> None:
    if reviews.note:
        on_event(Note(reviews.note))
    if dropped := str(reviews.dropped):
        on_event(Note(f"Left out: {dropped}."))
    if test_size < len(reviews.test):
        on_event(
            Note(
                f"Judged on {test_size:,} of the {len(reviews.test):,} test reviews, to save time; "
                f"python -m trainer evaluate takes all of them."
            )
        )


def _fit(
    config: TrainingConfig,
    recipe: Recipe,
    encoder: Encoder,
    text_encoder: TextEncoder,
    examples: Sequence[Example],
    on_event: Listener,
) -> dict[str, Any]:
    """Runs the loop; returns what `training.json` says of it."""
    batches = make_batches(examples, text_encoder, config.batch_size, config.seed, recipe.windows)
    loop = train
    if config.loop == Loop.TRAINER:
        from trainer.hf_trainer import train_by_trainer as loop  # which takes a second to import
    last: list[Step] = []

    def on_step(step: Step) -> None:
        last[:] = [step]
        on_event(step)

    losses = loop(
        encoder.model,
        batches,
        recipe,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        precision=config.precision,
        on_step=on_step,
    )
    bf16 = uses_bf16(encoder.model.device, config.precision, recipe)
    return {
        "arithmetic": "bf16" if bf16 else "fp32",
        "seconds": round(last[0].seconds, 3),
        "tokens": last[0].tokens,
        "tokens_per_second": round(last[0].tokens_per_second, 1),
        "losses": losses,
    }


def _try_two_batches(
    encoder: Encoder, text_encoder: TextEncoder, reviews: Sequence[Windows], batch_size: int
) -> None:
    """Runs the largest batches through the model: what is broken breaks now, not in an hour."""
    windows = [window for review in reviews for window in review]
    longest = [[windows[index]] for index in by_length(windows)[: 2 * batch_size]]
    try:
        scores = predict(TorchRuntime(encoder.model), text_encoder, longest)
    except (IndexError, RuntimeError) as error:
        raise EncoderError(
            f"{encoder.name} fails on a first batch ({type(error).__name__}): its tokenizer and "
            f"its weights may not belong together, or the memory does not hold a batch. Try "
            f"another base model, or a smaller batch size."
        ) from error
    if not np.isfinite(scores.logits).all():
        raise EncoderError(
            f"{encoder.name} gives no numbers on a first batch: its weights are damaged. Try "
            f"another base model."
        )


def _describe(
    reviews: ReviewSet,
    sample: Sequence[Review],
    test: Sequence[Review],
    beside: ReviewSet | None,
    mixed: int,
) -> dict[str, Any]:
    splits = {"train": sample, "validation": reviews.validation, "test": test}
    if beside is not None:
        splits |= {"starter train": beside.train, "starter validation": beside.validation}
    return {
        "name": reviews.name,
        "fingerprint": reviews.fingerprint,
        "rows": {split: class_counts(members) for split, members in splits.items()},
        "mixed": mixed,
        "dropped": asdict(reviews.dropped),
        "warning": imbalance_warning(sample),
    }


def _save(
    output: Path,
    encoder: Encoder,
    training: dict[str, Any],
    assessment: Assessment,
    graph: Path,
) -> None:
    # The place where the base model lay on this machine is nobody else's business.
    encoder.model.config.name_or_path = encoder.name
    encoder.tokenizer.name_or_path = encoder.name
    # Plain `transformers.pipeline` cuts where the training did.
    encoder.tokenizer.model_max_length = training["hyperparameters"]["max_length"]
    with checkpoint.new_checkpoint(output) as folder:
        encoder.model.save_pretrained(folder)
        encoder.tokenizer.save_pretrained(folder)
        save_file(assessment.relevance.cpu().state_dict(), checkpoint.relevance_file(folder))
        if graph.exists():
            shutil.copyfile(graph, checkpoint.graph_file(folder))
        checkpoint.write_report(folder, training, model_card(training))
        draw(
            folder / checkpoint.PICTURE_FILE,
            training["losses"],
            training["hyperparameters"]["epochs"],
            assessment.figures["test"],
            assessment.reliability,
            training["name"],
        )
