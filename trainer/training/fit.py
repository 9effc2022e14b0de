"""One fine-tuning run from start to finish: reviews, encoder, loop, assessment, checkpoint."""

import hashlib
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from trainer.config import LABELS, RECIPES, Loop, Recipe, TrainingConfig
from trainer.data.fixed_reviews import without_fixed
from trainer.data.mixture import Part, ReviewSets, load_sets
from trainer.data.reviews import class_counts, imbalance_warning
from trainer.data.starter_texts import read_kinds, read_mixed
from trainer.errors import CheckpointError, ConfigError, EncoderError
from trainer.events import Listener, Note, Plan, Saved, Step, ignore
from trainer.extras import missing
from trainer.model import checkpoint
from trainer.model.calibration import SelectiveFigures
from trainer.model.inference import predict
from trainer.model.record import TrainingRecord
from trainer.model.runtime import TorchRuntime, to_best_device
from trainer.model.text import MAX_WINDOWS, Encoding, TextEncoder, Windows, by_length
from trainer.model.unfinished import list_unfinished
from trainer.training.assess import Assessment, assess
from trainer.training.encoder import Encoder, load_encoder
from trainer.training.evaluation import Figures, beats_chance, below_chance, draw
from trainer.training.loop import Example, make_batches, train, uses_bf16
from trainer.training.parallel import Group
from trainer.training.report import model_card, versions
from trainer.training.robust import HEAD_BATCH_SIZE, encoder_weights, interpolate, train_head
from trainer.training.state import ReadOnlyState, RunState, SavedState, Unsaved

_NARROW = 384
"""Encoders up to this width use the learning rate for narrow ones."""


@dataclass(frozen=True, slots=True)
class FineTuned:
    """A finished run."""

    path: Path
    """The checkpoint."""
    validation: Figures
    test: Figures
    doubt: SelectiveFigures
    """How much of the test reviews is left unsure, and the accuracy on the rest."""
    serving: bool
    """Whether it was promoted: only the first checkpoint is promoted automatically."""


def fine_tune_model(
    config: TrainingConfig | None = None,
    *,
    sets: ReviewSets | None = None,
    on_event: Listener = ignore,
    group: Group | None = None,
) -> FineTuned:
    """Fine-tunes an encoder on labelled reviews and saves a checkpoint.

    `sets` are those of `config.datasets`, if they are loaded already. `group` is of the processes
    that train together, of which this is the first; the others call `help_fine_tune`.

    Raises:
        TrainerError: the reviews, the encoder or the output folder cannot be used; str(error) says
        what to do. No partial checkpoint is left, even after an interrupt; only a state from which
        `config.resume` continues.
    """
    config = config or TrainingConfig()
    group = group or Group()
    earlier = checkpoint.prepare_output(config.output, config.resume)
    sets = sets or load_sets(config, RECIPES[config.recipe])
    run = _set_up(config, sets, on_event, group)
    output = earlier.output if earlier else config.output or checkpoint.dated_path(sets.name)
    with checkpoint.new_checkpoint(output, earlier) as folder:
        size = 2 * _size(run.encoder)  # the weights, and a graph of them
        checkpoint.require_space(folder, size)
        _name_unfinished(output, on_event)
        _try_two_batches(run)
        on_event(_plan(run, output))
        if group.size > 1:
            on_event(Note(f"{group.size} processes train together, each on its part of a batch."))
        state = SavedState(folder, output, run.made_of, size, on_event)
        _train_head(run, on_event)
        group.start(run.encoder.model, run.made_of)
        try:
            fitted = _fit(run, on_event, state, group)
        except ConfigError:
            state.discard()
            raise
        assessment = assess(
            run.encoder,
            run.text_encoder,
            run.recipe,
            run.data.encodings,
            run.parts,
            checkpoint.graph_file(folder),
            on_event,
        )
        training = _record(run, output.name, fitted, assessment, group)
        _save(folder, run.encoder, training, assessment)
    serving = _promote_if_first(output, training.warning, on_event)
    figures, doubt = assessment.figures, assessment.doubt["test"]
    result = FineTuned(output, figures["validation"], figures["test"], doubt, serving)
    on_event(Saved(str(output), serving, result.validation.as_dict(), result.test.as_dict()))
    return result


def help_fine_tune(config: TrainingConfig, sets: ReviewSets, group: Group) -> None:
    """Trains as one of several processes, in the first of which `fine_tune_model` runs.

    Raises:
        TrainerError: as `fine_tune_model`.
    """
    earlier = checkpoint.prepare_output(config.output, config.resume)
    run = _set_up(config, sets, ignore, group)
    _try_two_batches(run)
    state: RunState = Unsaved()
    if earlier:
        state = SavedState(earlier.folder, earlier.output, run.made_of, 0, ignore)
    _train_head(run, ignore)
    group.start(run.encoder.model, run.made_of)
    _fit(run, ignore, ReadOnlyState(state, config.seed, group.rank), group)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the loop begins with, the same in all processes."""

    config: TrainingConfig
    recipe: Recipe
    encoder: Encoder
    text_encoder: TextEncoder
    parts: list[Part]
    data: "_TrainingData"
    made_with: dict[str, str]
    """The versions of packages."""
    made_of: dict[str, Any]
    """By name, what the weights depend on, in JSON types; no text."""


def _set_up(config: TrainingConfig, sets: ReviewSets, on_event: Listener, group: Group) -> _Run:
    made_with = versions()
    if config.loop == Loop.TRAINER:
        require_accelerate()
    parts = _sample(sets, config, on_event)
    encoder = _load_encoder(config, on_event)
    recipe = _resolve(config, encoder)
    text_encoder = encoder.text_encoder(
        config.max_length, MAX_WINDOWS if recipe.whole_review else 1, recipe.marks
    )
    data = _prepare(sets, parts, recipe, text_encoder, on_event)
    made_of = _made_of(config, recipe, encoder, data, parts, made_with)
    made_of |= {"the number of processes": group.size}
    return _Run(config, recipe, encoder, text_encoder, parts, data, made_with, made_of)


def _sample(sets: ReviewSets, config: TrainingConfig, on_event: Listener) -> list[Part]:
    """The training reviews, without those that every checkpoint is judged on."""
    drawn = sets.sample(config)
    parts = [replace(part, sample=without_fixed(part.sample)) for part in drawn]
    _announce(sets, parts, on_event)
    return parts


def _load_encoder(config: TrainingConfig, on_event: Listener) -> Encoder:
    encoder = load_encoder(config.base_model, config.seed)
    if encoder.note:
        on_event(Note(encoder.note))
    to_best_device(encoder.model)
    return encoder


def _name_unfinished(output: Path, on_event: Listener) -> None:
    """Says which other runs are unfinished: their states take space, and may be wanted."""
    for unfinished in list_unfinished(output.parent):
        if unfinished.output.name != output.name:
            on_event(Note(str(unfinished)))


def _size(encoder: Encoder) -> int:
    """Bytes of the weights."""
    return sum(weight.numel() * weight.element_size() for weight in encoder.model.parameters())


def _made_of(
    config: TrainingConfig,
    recipe: Recipe,
    encoder: Encoder,
    data: "_TrainingData",
    parts: Sequence[Part],
    made_with: dict[str, str],
) -> dict[str, Any]:
    """What the weights depend on, except for the number of processes."""
    device = encoder.model.device
    return {
        **_hyperparameters(config, recipe),
        "the base model": encoder.name,
        "its configuration": _digest([encoder.model.config.to_json_string()]),
        **{f"the data set {part.reviews.name}": part.reviews.fingerprint for part in parts},
        **{f"the file {texts['name']}": texts["fingerprint"] for texts in data.texts},
        "the tokenised reviews": _digest(map(repr, data.examples)),
        "the device": device.type,
        "the arithmetic": "bf16" if recipe.bf16 else "fp32",
        **{f"the version of {package}": number for package, number in made_with.items()},
    }


def _digest(parts: Iterable[str]) -> str:
    """SHA-256."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode())
    return digest.hexdigest()


def _plan(run: _Run, output: Path) -> Plan:
    epochs = run.recipe.epochs
    return Plan(
        dataset=", ".join(part.reviews.name for part in run.parts),
        base_model=run.encoder.name,
        reviews=run.data.counts,
        epochs=epochs,
        steps=epochs * math.ceil(len(run.data.examples) / run.config.batch_size),
        output=str(output),
    )


def _record(
    run: _Run, name: str, fitted: dict[str, Any], assessment: Assessment, group: Group
) -> TrainingRecord:
    return TrainingRecord.build(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        base_model={"name": run.encoder.name, "description": run.encoder.description},
        datasets=[part.record() for part in run.parts],
        texts=run.data.texts,
        hyperparameters=_hyperparameters(run.config, run.recipe),
        pad_id=run.text_encoder.pad_id,
        device=str(run.encoder.model.device),
        threads=torch.get_num_threads(),
        processes=group.size,
        versions=run.made_with,
        warning=_warning(fitted["losses"], assessment),
        **fitted,
        **assessment.report(),
    )


def _promote_if_first(output: Path, warning: str, on_event: Listener) -> bool:
    """Whether the new checkpoint serves now. It is on disk, so errors here do not undo the run."""
    if warning:
        on_event(Note(f"{warning} It is kept, but not promoted."))
        return False
    try:
        return checkpoint.promote_if_first(output)
    except CheckpointError as error:
        on_event(Note(f"It is kept, but was not promoted. {error}"))
        return False


@dataclass(frozen=True, slots=True)
class _TrainingData:
    """The training texts, tokenised."""

    examples: list[Example]
    encodings: list[Encoding]
    """Of the examples, without the ratings, which are not learned from."""
    counts: dict[str, int]
    """The number of reviews of each class."""
    texts: list[dict[str, Any]]
    """For `training.json`: the texts that are not reviews, or not of one class."""

    @property
    def windows(self) -> list[Windows]:
        """Of the examples."""
        return [windows for windows, _ in self.examples]


def _prepare(
    sets: ReviewSets,
    parts: Sequence[Part],
    recipe: Recipe,
    encoder: TextEncoder,
    on_event: Listener,
) -> _TrainingData:
    reviews = [review for part in parts for review in part.sample]
    texts = [(review.text, float(review.label)) for review in reviews]
    records = [read_kinds().record("starter kinds")]
    if recipe.mixed and sets.has_starter:
        mixed = read_mixed()
        texts += [(text, 0.5) for text in mixed.learned.texts]
        records.append(mixed.record("starter mixed"))
        on_event(Note(f"{len(mixed.learned.texts)} mixed reviews are trained on as half positive."))
    # A review that is only a rating has no words to learn from.
    read = [(encoder.read(text)[0], target) for text, target in texts]
    read = [(words, target) for words, target in read if words]
    encodings = encoder.encode_words([words for words, _ in read])
    windows = (encoding.windows for encoding in encodings)
    examples = list(zip(windows, (target for _, target in read), strict=True))
    return _TrainingData(examples, encodings, class_counts(reviews), records)


def _resolve(config: TrainingConfig, encoder: Encoder) -> Recipe:
    """The recipe, adjusted to the options and the encoder."""
    recipe = RECIPES[config.recipe]
    narrow = encoder.model.config.hidden_size <= _NARROW
    rate = recipe.narrow_learning_rate if narrow else recipe.learning_rate
    return replace(
        recipe,
        windows=config.windows or recipe.windows,
        epochs=config.epochs or recipe.epochs,
        learning_rate=config.learning_rate or rate,
        bf16=uses_bf16(encoder.model.device, config.precision, recipe),
    )


def _hyperparameters(config: TrainingConfig, recipe: Recipe) -> dict[str, Any]:
    return config.hyperparameters() | recipe.done()


def _warning(losses: Sequence[float], assessment: Assessment) -> str:
    """A sentence about a failed training; empty if it succeeded."""
    test, fixed = assessment.figures["test"], assessment.fixed
    recent = losses[-max(1, len(losses) // 10) :]
    loss = sum(recent) / len(recent)
    if loss > 2 * math.log(len(LABELS)):
        return (
            f"The loss ended at {loss:.2f} nats, where guessing has {math.log(len(LABELS)):.2f}: "
            f"the training has diverged. Lower --learning-rate."
        )
    if not beats_chance(test):
        return (
            f"Its accuracy, {test.accuracy:.3f} on {test.reviews} test reviews, is no better than "
            f"chance. Use more reviews, or check their labels."
        )
    if below_chance(fixed):
        return (
            f"Its labels look inverted: of {fixed.reviews} fixed reviews that come with this "
            f"project, it judges {fixed.accuracy:.1%} right, fewer than by chance. Check which "
            f"label means praise."
        )
    return ""


def require_accelerate() -> None:
    """Raises ConfigError if transformers' Trainer cannot run."""
    if problem := missing("The loop 'trainer'", "accelerate", extra="compare"):
        raise ConfigError(problem)


def _announce(sets: ReviewSets, parts: Sequence[Part], on_event: Listener) -> None:
    for note in sets.notes:
        on_event(Note(note))
    for part in parts:
        if len(part.test) < len(part.reviews.test):
            on_event(
                Note(
                    f"Judged on {len(part.test):,} of the {len(part.reviews.test):,} test reviews "
                    f"of {part.reviews.name}, to save time; python -m trainer evaluate uses all."
                )
            )
        if warning := imbalance_warning(part.sample):
            on_event(Note(warning))


def _train_head(run: _Run, on_event: Listener) -> None:
    """Trains the head alone, if the recipe does. A resumed run does so again, and then continues
    with the head of its state."""
    config, recipe, examples = run.config, run.recipe, run.data.examples
    count = min(recipe.head_reviews, len(examples))
    if not count:
        return
    on_event(Note(f"The classification head is trained alone first, on {count:,} reviews."))
    sample = random.Random(config.seed).sample(examples, count)
    batches = make_batches(sample, run.text_encoder, HEAD_BATCH_SIZE, config.seed, recipe.windows)
    train_head(run.encoder.model, batches, recipe, config.precision)


def _fit(run: _Run, on_event: Listener, state: RunState, group: Group) -> dict[str, Any]:
    """Runs the loop; returns its part of `training.json`."""
    config, recipe, model = run.config, run.recipe, run.encoder.model
    batches = make_batches(
        run.data.examples, run.text_encoder, config.batch_size, config.seed, recipe.windows
    )
    loop: Callable[..., list[float]] = partial(train, state=state, group=group)
    if config.loop == Loop.TRAINER:
        from trainer.training.hf_trainer import (
            train_by_trainer as loop,  # slow to import
        )
    last: list[Step] = []
    before = encoder_weights(model) if recipe.kept_change < 1 else {}

    def on_step(step: Step) -> None:
        last[:] = [step]
        on_event(step)

    losses = loop(
        model,
        batches,
        recipe,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        precision=config.precision,
        on_step=on_step,
    )
    group.leave()
    if before:
        interpolate(model, before, recipe.kept_change)
    return {
        "arithmetic": "bf16" if recipe.bf16 else "fp32",
        "seconds": round(last[0].seconds, 3),
        "tokens": last[0].tokens,
        "tokens_per_second": round(last[0].tokens_per_second, 1),
        "losses": losses,
    }


def _try_two_batches(run: _Run) -> None:
    """Runs the largest batches through the model, so that a broken setup fails immediately."""
    encoder, batch_size = run.encoder, run.config.batch_size * run.recipe.windows
    windows = [window for review in run.data.windows for window in review]
    longest = [[windows[index]] for index in by_length(windows)[: 2 * batch_size]]
    try:
        scores = predict(TorchRuntime(encoder.model), run.text_encoder, longest)
    except (IndexError, RuntimeError) as error:
        raise EncoderError(
            f"{encoder.name} fails on a first batch ({type(error).__name__}): its tokenizer and "
            f"its weights may not match, or a batch may not fit into memory. Try "
            f"another base model, or a smaller batch size."
        ) from error
    if not np.isfinite(scores.logits).all():
        raise EncoderError(
            f"{encoder.name} gives NaN or infinite logits on a first batch: its weights are "
            f"damaged. Try another base model."
        )


def _save(folder: Path, encoder: Encoder, training: TrainingRecord, assessment: Assessment) -> None:
    """Writes everything except the graph, which is in `folder` already."""
    # The checkpoint must not reveal the base model's path on this machine.
    encoder.model.config.name_or_path = encoder.name
    encoder.tokenizer.name_or_path = encoder.name
    # Plain `transformers.pipeline` truncates where the training did.
    encoder.tokenizer.model_max_length = training.hyperparameters.max_length
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    save_file(assessment.kind_head.cpu().state_dict(), checkpoint.head_file(folder))
    assessment.kind_words.save(checkpoint.words_file(folder))
    checkpoint.write_report(folder, training, model_card(training))
    draw(
        folder / checkpoint.PICTURE_FILE,
        training.losses,
        training.hyperparameters.epochs,
        assessment.figures["test"],
        assessment.reliability,
        training.name,
    )
