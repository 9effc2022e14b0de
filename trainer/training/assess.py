"""After the loop: measures the fine-tuned network and chooses how logits become verdicts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trainer.config import Recipe
from trainer.data.fixed_reviews import fixed_reviews
from trainer.data.mixture import Part
from trainer.data.review_files import Review
from trainer.data.starter_texts import Lines, read_kinds, read_mixed
from trainer.events import Judging, Listener, Note
from trainer.model.calibration import (
    SHORT_TARGET_PRECISION,
    TARGET_PRECISION,
    SelectiveFigures,
    choose_confidences,
    confident,
    fit_temperature,
    measure_selective,
)
from trainer.model.classifier import Judgement, Scale
from trainer.model.inference import Runtime, Scores, predict, softmax
from trainer.model.kind_words import KindWords
from trainer.model.kinds import (
    REVIEW,
    KindFigures,
    KindRule,
    Messages,
    choose_rule,
    measure_kinds,
)
from trainer.model.marks import Mark
from trainer.model.runtime import OnnxRuntime, TorchRuntime, has_gpu
from trainer.model.strength import choose_bounds
from trainer.model.text import Encoding, TextEncoder, Windows
from trainer.training.encoder import Encoder
from trainer.training.evaluation import Bin, Figures, measure, reliability
from trainer.training.export import Exported, export_if_it_agrees
from trainer.training.kind_head import evenly_spaced, fit_kind_head
from trainer.training.kind_words import fit_kind_words

_POST = "post"
"""The phenomenon of starter reviews that are posts (`trainer/data/STARTER_REVIEWS.md`)."""
_MIN_REVIEWS = 100
"""Validation reviews needed to choose a value by them: fewer may all be right by chance."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything measured on a network after its training."""

    judgement: Judgement
    kind_head: torch.nn.Sequential
    kind_words: KindWords
    kind_figures: KindFigures
    exported: Exported
    figures: dict[str, Figures]
    """On the validation and the test reviews of the main set."""
    doubt: dict[str, SelectiveFigures]
    """The same."""
    by_set: dict[str, dict[str, Any]]
    """The same for each set, by name: `evaluation` and `doubt`, as JSON types."""
    fixed: Figures
    """On the reviews of `trainer.data.fixed_reviews`, which are the same for every data set."""
    mixed_unsure: float
    """Share of the held-out mixed reviews left unsure; ideally all."""
    reliability: list[Bin]
    """On the test reviews."""
    chat: dict[str, float]
    """Accuracy by phenomenon, on the test reviews of the starter set, or of the set itself; empty
    if they name no phenomena."""

    def report(self) -> dict[str, Any]:
        """Its part of `training.json`."""
        return {
            "judgement": asdict(self.judgement),
            "graph": self.exported.as_dict(),
            "evaluation": {split: figures.as_dict() for split, figures in self.figures.items()},
            "doubt": {split: doubt.as_dict() for split, doubt in self.doubt.items()},
            "reliability": [asdict(row) for row in self.reliability],
            "fixed": self.fixed.as_dict(),
            "mixed_unsure": self.mixed_unsure,
            "kinds": self.kind_figures.as_dict(),
            "by_set": self.by_set,
            "chat": self.chat,
        }


def assess(
    encoder: Encoder,
    text_encoder: TextEncoder,
    recipe: Recipe,
    learned: Sequence[Encoding],
    parts: Sequence[Part],
    graph: Path,
    on_event: Listener,
) -> Assessment:
    """Fits the head of kinds, exports to the file `graph` what agrees with PyTorch on the
    validation reviews, chooses the judgement on them, and measures the figures on the test reviews,
    which are not used to choose anything.

    The figures are those of the runtime that will serve: the exported graph, or PyTorch if there is
    none or a GPU is used. The validation reviews are those of all sets.
    """
    kinds = read_kinds()
    head, words, fitted = _fit_kinds(encoder, text_encoder, learned, recipe.bf16, on_event)
    validation = _read(text_encoder, [r for part in parts for r in part.reviews.validation])
    exported, runtime, validated = _choose_runtime(
        encoder, head, text_encoder, validation, graph, on_event
    )
    lines = _messages(runtime, text_encoder, words, kinds.held_out.texts)
    sets = [number for number, part in enumerate(parts) for _ in part.reviews.validation]
    by_kind = words.add_to(validated, validation.windows).kinds
    reviews = Messages(by_kind, np.array(validation.outright))
    short, every = _kinds_of_reviews(
        reviews, _are_short_reviews(validated, parts), sets, lines, kinds.held_out, fitted
    )
    rule = choose_rule(lines, kinds.held_out.kinds, short, every)
    if not recipe.abstains:
        rule = replace(rule, dismissal=None)
    judgement = choose_judgement(validated, validation.labels, rule, recipe.abstains, sets)
    by_set: dict[str, dict[str, _Judged]] = {}
    start = 0
    for part in parts:
        own = slice(start, start + len(part.reviews.validation))
        start = own.stop
        test = _read(text_encoder, part.test)
        tested = _predict(runtime, text_encoder, test.windows, "test", on_event)
        by_set[part.reviews.name] = {
            "validation": _judge(judgement, validated.part(own), validation.part(own)),
            "test": _judge(judgement, tested, test),
        }
    main = by_set[parts[0].reviews.name]
    return Assessment(
        judgement=judgement,
        kind_head=head,
        kind_words=words,
        kind_figures=measure_kinds(rule, lines, kinds.held_out.kinds, short, every),
        exported=exported,
        figures={split: judged.figures for split, judged in main.items()},
        doubt={split: judged.doubt for split, judged in main.items()},
        by_set={name: _report(each) for name, each in by_set.items()},
        fixed=_on_fixed_reviews(runtime, text_encoder, judgement),
        mixed_unsure=_mixed_unsure(runtime, text_encoder, judgement),
        reliability=main["test"].reliability,
        chat=_by_phenomenon(parts, by_set),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """Labelled reviews as the model reads them, in order."""

    windows: list[Windows]
    marks: list[Mark | None]
    labels: list[int]
    outright: list[bool]

    def part(self, of: slice) -> "_Read":
        """A slice of the reviews."""
        return _Read(self.windows[of], self.marks[of], self.labels[of], self.outright[of])


def _read(encoder: TextEncoder, reviews: Sequence[Review]) -> _Read:
    encodings = encoder.encode([review.text for review in reviews])
    return _Read(
        [encoding.windows for encoding in encodings],
        [encoding.mark for encoding in encodings],
        [review.label for review in reviews],
        [encoding.outright for encoding in encodings],
    )


def _outright(encodings: Sequence[Encoding]) -> npt.NDArray[np.bool_]:
    """(texts,), which of some texts speak of distress outright."""
    return np.array([encoding.outright for encoding in encodings], dtype=bool)


def _fit_kinds(
    encoder: Encoder,
    text_encoder: TextEncoder,
    learned: Sequence[Encoding],
    bf16: bool,
    on_event: Listener,
) -> tuple[torch.nn.Sequential, KindWords, Messages]:
    """What tells kinds apart, and the reviews that it was fitted on beside the lines."""
    lines = read_kinds().learned
    reviews = [learned[index] for index in evenly_spaced(len(learned))]
    count = len(reviews) + len(lines.texts)
    on_event(Note(f"Kinds of message are learned next, from {count:,} texts."))
    windows = [encoding.windows[:1] for encoding in reviews]
    read = text_encoder(lines.texts)
    head, logits = fit_kind_head(encoder.model, text_encoder, windows, read, lines.kinds, bf16=bf16)
    words = fit_kind_words(windows, read, lines.kinds)
    return head, words, Messages(logits + words.logits(windows), _outright(reviews))


def _messages(
    runtime: Runtime, encoder: TextEncoder, words: KindWords, texts: Sequence[str]
) -> Messages:
    encodings = encoder.encode(texts)
    windows = [encoding.windows for encoding in encodings]
    scores = words.add_to(predict(runtime, encoder, windows), windows)
    return Messages(scores.kinds, _outright(encodings))


def _choose_runtime(
    encoder: Encoder,
    head: torch.nn.Sequential,
    text_encoder: TextEncoder,
    validation: _Read,
    graph: Path,
    on_event: Listener,
) -> tuple[Exported, Runtime, Scores]:
    """Exports a graph that agrees with PyTorch to `graph`.

    Returns:
        What was exported, the runtime that will serve, and its scores on the validation reviews.
    """
    by_torch = TorchRuntime(encoder.model, head)
    scores = _predict(by_torch, text_encoder, validation.windows, "validation", on_event)
    exported, serving = export_if_it_agrees(
        encoder.model, head, text_encoder, validation.windows, validation.labels, scores, graph
    )
    if serving is None or has_gpu():
        return exported, by_torch, scores
    return exported, OnnxRuntime(graph), serving


@dataclass(frozen=True, slots=True)
class _Judged:
    """The verdicts of the judgement on some reviews."""

    figures: Figures
    doubt: SelectiveFigures
    reliability: list[Bin]
    right: npt.NDArray[np.bool_]
    """(reviews,), whether the more probable class is the true one."""


def _report(by_split: dict[str, _Judged]) -> dict[str, Any]:
    """One set's part of `training.json`."""
    return {
        "evaluation": {split: judged.figures.as_dict() for split, judged in by_split.items()},
        "doubt": {split: judged.doubt.as_dict() for split, judged in by_split.items()},
    }


def _judge(judgement: Judgement, scores: Scores, read: _Read) -> _Judged:
    probabilities, sure = judgement.weigh(scores, read.marks)
    return _Judged(
        measure(probabilities, read.labels),
        measure_selective(probabilities, read.labels, sure),
        reliability(probabilities, read.labels),
        probabilities.argmax(axis=1) == np.array(read.labels),
    )


def _on_fixed_reviews(runtime: Runtime, encoder: TextEncoder, judgement: Judgement) -> Figures:
    read = _read(encoder, fixed_reviews())
    return _judge(judgement, predict(runtime, encoder, read.windows), read).figures


def _mixed_unsure(runtime: Runtime, encoder: TextEncoder, judgement: Judgement) -> float:
    """The share of the held-out mixed reviews that is left unsure."""
    mixed = _read(encoder, [Review(text, 0) for text in read_mixed().held_out.texts])
    _, sure = judgement.weigh(predict(runtime, encoder, mixed.windows), mixed.marks)
    return float(np.mean(~sure))


def _predict(
    runtime: Runtime,
    encoder: TextEncoder,
    windows: Sequence[Windows],
    name: str,
    on_event: Listener,
) -> Scores:
    on_progress = lambda done: on_event(Judging(name, done, len(windows)))  # noqa: E731
    return predict(runtime, encoder, windows, on_progress=on_progress)


def _are_short_reviews(scores: Scores, parts: Sequence[Part]) -> npt.NDArray[np.bool_]:
    """(reviews,), which validation reviews are short, and about something that was watched.

    Posts are about anything that happened to somebody: to ask such a person for a review is no
    mistake.
    """
    phenomena = [review.phenomenon for part in parts for review in part.reviews.validation]
    return np.asarray((scores.windows == 1) & (np.array(phenomena) != _POST))


def _kinds_of_reviews(
    validated: Messages,
    short: npt.NDArray[np.bool_],
    sets: Sequence[int],
    lines: Messages,
    held_out: Lines,
    learned: Messages,
) -> tuple[list[Messages], Messages]:
    """The short validation reviews of each set, and all reviews. The latter include the held-out
    lines that are reviews but look like another kind. `short` says which reviews are short."""
    are_reviews = np.array([kind == REVIEW for kind in held_out.kinds])
    # Long texts are hardly ever mistaken for another kind: only short ones help choose thresholds.
    short = short if short.sum() >= _MIN_REVIEWS else np.ones_like(short)
    candidates = validated.part(short)
    some = [candidates.part(mine) for mine in _large_sets(np.asarray(sets)[short])]
    return some, Messages.concatenate([learned, validated, lines.part(are_reviews)])


def choose_judgement(
    scores: Scores,
    labels: Sequence[int],
    kinds: KindRule,
    abstains: bool = True,
    sets: Sequence[int] | None = None,
) -> Judgement:
    """Chooses temperature and confidences on validation reviews, for texts of one and of several
    windows.

    A group with fewer than `_MIN_REVIEWS` reviews uses the scale of all reviews.
    `sets` numbers the set of each review: the confidences hold for each set separately, so that an
    easy set does not hide a hard one. A judgement that does not abstain requires no confidence and
    has no strength.
    """
    truth = np.asarray(labels)
    numbers = np.zeros(len(truth), dtype=int) if sets is None else np.asarray(sets)
    scales = []
    for kind, target in (
        (scores.windows == 1, SHORT_TARGET_PRECISION),
        (scores.windows > 1, TARGET_PRECISION),
    ):
        kind = kind if kind.sum() >= _MIN_REVIEWS else np.ones_like(kind)
        evidence = scores.evidence()[kind]
        temperature = fit_temperature(evidence, truth[kind].tolist())
        probabilities = softmax(evidence / np.float32(temperature))
        confidences, strengths = (0.0, 0.0), None
        if abstains:
            chosen = [
                choose_confidences(probabilities[mine], truth[kind][mine].tolist(), target)
                for mine in _large_sets(numbers[kind])
            ]
            confidences = max(each[0] for each in chosen), max(each[1] for each in chosen)
            strengths = choose_bounds(probabilities, confident(probabilities, confidences))
        scales.append(Scale(temperature, confidences, strengths))
    one, several = scales
    return Judgement(one, several, kinds)


def _large_sets(sets: npt.NDArray[np.int_]) -> list[npt.NDArray[np.bool_]]:
    """Masks of the sets with at least `_MIN_REVIEWS` reviews, or one mask of all."""
    masks = [sets == number for number in np.unique(sets)]
    return [mask for mask in masks if mask.sum() >= _MIN_REVIEWS] or [
        np.ones(len(sets), dtype=bool)
    ]


def _by_phenomenon(
    parts: Sequence[Part], by_set: dict[str, dict[str, _Judged]]
) -> dict[str, float]:
    """Accuracy on the test reviews of the first set that names phenomena; empty if none does."""
    for part in parts:
        phenomena = np.array([review.phenomenon for review in part.test])
        if any(phenomena):
            right = by_set[part.reviews.name]["test"].right
            accuracies = {
                str(name): float(right[phenomena == name].mean()) for name in np.unique(phenomena)
            }
            return {"all": float(right.mean()), **accuracies}
    return {}
