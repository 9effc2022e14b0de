"""One fine-tuning run from start to end: reviews, encoder, loop, evaluation, checkpoint."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from trainer import checkpoint
from trainer.config import LABELS, TrainingConfig
from trainer.encoder import Encoder, load_encoder
from trainer.errors import EncoderError
from trainer.evaluation import Figures, draw, measure
from trainer.loop import make_batches, predict, to_best_device, train
from trainer.progress import Judging, Listener, Note, Plan, Saved, ignore
from trainer.report import model_card, versions
from trainer.review_files import Review
from trainer.reviews import ReviewSet, load_reviews, sample_balanced, take
from trainer.text import TextEncoder, Tokens, by_length

DEFAULT_FRACTION = 0.1
DEFAULT_EPOCHS = 1
STARTER_EPOCHS = 2
"""Chosen by the starter set's validation reviews; `docs/DEFAULTS.md` has the figures."""
MOST_TEST_REVIEWS = 5000
"""More would take longer than the training: at 0.83 the standard error is 0.5 points here."""


@dataclass(frozen=True, slots=True)
class FineTuned:
    """A finished run."""

    path: Path
    """The checkpoint."""
    validation: Figures
    test: Figures
    serving: bool
    """Whether it was promoted: the first checkpoint is, later ones wait to be."""


def fine_tune_model(
    config: TrainingConfig | None = None, *, on_event: Listener = ignore
) -> FineTuned:
    """Fine-tunes an encoder on labelled reviews and saves a checkpoint.

    Raises:
        TrainerError: the reviews, the encoder or the output folder will not do; str(error) says
            what to do. No partial checkpoint is left, also when interrupted.
    """
    config = config or TrainingConfig()
    if config.output is not None:
        checkpoint.refuse_existing(config.output)
    reviews = load_reviews(config.dataset)
    config = _with_defaults_of(reviews, config)
    assert config.fraction is not None
    sample = sample_balanced(reviews, config.fraction, config.seed)
    test = take(reviews.test, MOST_TEST_REVIEWS)
    _announce(reviews, len(test), on_event)

    encoder = load_encoder(config.base_model, config.seed)
    if encoder.note:
        on_event(Note(encoder.note))
    text_encoder = encoder.text_encoder(config.max_length)
    to_best_device(encoder.model)
    output = config.output or checkpoint.dated_path(reviews.name)
    run = _fit(config, encoder, text_encoder, sample, output, on_event)

    judged = {
        split: _judge(encoder, text_encoder, members, split, on_event)
        for split, members in (("validation", reviews.validation), ("test", test))
    }
    training = {
        "name": output.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "base_model": {"name": encoder.name, "description": encoder.description},
        "dataset": _describe(reviews, sample, test),
        "hyperparameters": config.hyperparameters(),
        "device": str(encoder.model.device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        **run,
        "evaluation": {split: figures.as_dict() for split, figures in judged.items()},
    }
    _save(output, encoder, training, judged["test"])
    serving = checkpoint.promote_if_first(output)
    on_event(Saved(str(output), serving, **training["evaluation"]))
    return FineTuned(output, judged["validation"], judged["test"], serving)


def _with_defaults_of(reviews: ReviewSet, config: TrainingConfig) -> TrainingConfig:
    starter = reviews.name == "starter"
    return replace(
        config,
        fraction=config.fraction or (1.0 if starter else DEFAULT_FRACTION),
        epochs=config.epochs or (STARTER_EPOCHS if starter else DEFAULT_EPOCHS),
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
    encoder: Encoder,
    text_encoder: TextEncoder,
    sample: Sequence[Review],
    output: Path,
    on_event: Listener,
) -> dict[str, Any]:
    """Runs the loop; returns what `training.json` says of it."""
    assert config.epochs is not None  # resolved by now
    sequences = text_encoder([review.text for review in sample])
    _try_two_batches(encoder, text_encoder, sequences, config.batch_size)
    examples = list(zip(sequences, (review.label for review in sample), strict=True))
    batches = make_batches(examples, text_encoder, config.batch_size, config.seed)
    on_event(
        Plan(
            dataset=config.dataset,
            base_model=encoder.name,
            reviews_per_class=len(sample) // len(LABELS),
            epochs=config.epochs,
            steps=config.epochs * len(batches),
            output=str(output),
        )
    )
    started = time.perf_counter()
    losses = train(
        encoder.model,
        batches,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        on_step=on_event,
    )
    seconds = time.perf_counter() - started
    tokens = config.epochs * sum(len(tokens) for tokens in sequences)
    return {
        "seconds": round(seconds, 3),
        "tokens_per_second": round(tokens / seconds, 1),
        "losses": losses,
    }


def _try_two_batches(
    encoder: Encoder, text_encoder: TextEncoder, sequences: list[Tokens], batch_size: int
) -> None:
    """Runs the largest batches through the model: what is broken breaks now, not in an hour."""
    longest = [sequences[index] for index in by_length(sequences)[: 2 * batch_size]]
    try:
        probabilities = predict(encoder.model, text_encoder, longest)
    except (IndexError, RuntimeError) as error:
        raise EncoderError(
            f"{encoder.name} fails on a first batch ({type(error).__name__}): its tokenizer and "
            f"its weights may not belong together, or the memory does not hold a batch. Try "
            f"another base model, or a smaller batch size."
        ) from error
    if not probabilities.isfinite().all():
        raise EncoderError(
            f"{encoder.name} gives no numbers on a first batch: its weights are damaged. Try "
            f"another base model."
        )


def _judge(
    encoder: Encoder,
    text_encoder: TextEncoder,
    reviews: Sequence[Review],
    split: str,
    on_event: Listener,
) -> Figures:
    sequences = text_encoder([review.text for review in reviews])
    probabilities = predict(
        encoder.model,
        text_encoder,
        sequences,
        on_progress=lambda done: on_event(Judging(split, done, len(sequences))),
    )
    return measure(probabilities.numpy(), [review.label for review in reviews])


def _describe(
    reviews: ReviewSet, sample: Sequence[Review], test: Sequence[Review]
) -> dict[str, Any]:
    splits = {"train": sample, "validation": reviews.validation, "test": test}
    return {
        "name": reviews.name,
        "fingerprint": reviews.fingerprint,
        "rows": {
            split: {
                word: sum(review.label == label for review in members)
                for label, word in enumerate(LABELS)
            }
            for split, members in splits.items()
        },
        "dropped": asdict(reviews.dropped),
    }


def _save(output: Path, encoder: Encoder, training: dict[str, Any], test: Figures) -> None:
    # The place where the base model lay on this machine is nobody else's business.
    encoder.model.config.name_or_path = encoder.name
    encoder.tokenizer.name_or_path = encoder.name
    # Plain `transformers.pipeline` cuts where the training did.
    encoder.tokenizer.model_max_length = training["hyperparameters"]["max_length"]
    with checkpoint.new_checkpoint(output) as folder:
        encoder.model.save_pretrained(folder)
        encoder.tokenizer.save_pretrained(folder)
        checkpoint.write_report(folder, training, model_card(training))
        draw(
            folder / checkpoint.PICTURE_FILE,
            training["losses"],
            training["hyperparameters"]["epochs"],
            test,
            training["name"],
        )
