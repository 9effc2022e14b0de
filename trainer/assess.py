"""After the loop: what the fine-tuned network is worth, and how its logits become verdicts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainer.calibration import Doubt, choose_confidences, doubt, fit_temperature
from trainer.classifier import Judgement, Scale
from trainer.encoder import Encoder
from trainer.evaluation import Bin, Figures, measure, reliability
from trainer.export import Exported, export_if_it_agrees
from trainer.inference import Runtime, Scores, predict, softmax
from trainer.progress import Judging, Listener
from trainer.relevance import RelevanceFigures, choose_threshold, fit_relevance
from trainer.review_files import Review
from trainer.reviews import ReviewSet
from trainer.runtime import OnnxRuntime, TorchRuntime, has_gpu
from trainer.starter_texts import MIXED, OTHERS, read_texts
from trainer.text import TextEncoder, Windows

_ENOUGH = 100
"""Validation reviews of a kind, to choose something by them: fewer may all be right by luck."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that is known of a network when its training is over."""

    judgement: Judgement
    relevance: torch.nn.Linear
    relevance_figures: RelevanceFigures
    exported: Exported
    figures: dict[str, Figures]
    """On the validation and the test reviews of the set."""
    doubt: dict[str, Doubt]
    mixed_unsure: float
    """Share left unsure of mixed reviews that were not trained on; all should be."""
    reliability: list[Bin]
    """On the test reviews."""
    chat: dict[str, float]
    """Accuracy by phenomenon, on the test reviews of the starter set, or of the set itself; empty
    where they name none."""

    def report(self) -> dict[str, Any]:
        """What `training.json` says of it."""
        return {
            "judgement": asdict(self.judgement),
            "graph": self.exported.as_dict(),
            "evaluation": {split: figures.as_dict() for split, figures in self.figures.items()},
            "doubt": {split: doubt.as_dict() for split, doubt in self.doubt.items()},
            "reliability": [asdict(row) for row in self.reliability],
            "mixed_unsure": self.mixed_unsure,
            "relevance": asdict(self.relevance_figures),
            "chat": self.chat,
        }


def assess(
    encoder: Encoder,
    text_encoder: TextEncoder,
    learned: Sequence[Windows],
    reviews: ReviewSet,
    test: Sequence[Review],
    starter: ReviewSet | None,
    graph: Path,
    on_event: Listener,
) -> Assessment:
    """Fits the relevance regression on what was `learned`, exports to the file `graph` what agrees
    with PyTorch on the validation reviews, chooses the judgement by them, and takes the figures on
    the test reviews, which choose nothing.

    Figures are those of what will serve: the exported graph, or PyTorch where there is none or a
    GPU. The validation reviews are the set's own, and those of the starter set where it was trained
    on beside.
    """
    others, held_others = (text_encoder(texts) for texts in read_texts(OTHERS))
    relevance = fit_relevance(encoder.model, text_encoder, learned, others)
    runtime: Runtime = TorchRuntime(encoder.model, relevance)

    def scores(windows: Sequence[Windows], split: str) -> Scores:
        on_progress = lambda done: on_event(Judging(split, done, len(windows)))  # noqa: E731
        return predict(runtime, text_encoder, windows, on_progress=on_progress)

    validation = [*reviews.validation, *(starter.validation if starter else [])]
    labels = [review.label for review in validation]
    windows = text_encoder([review.text for review in validation])
    validated = scores(windows, "validation")
    exported, serving = export_if_it_agrees(
        encoder.model, relevance, text_encoder, windows, labels, validated, graph
    )
    if serving is not None and not has_gpu():
        runtime, validated = OnnxRuntime(graph), serving
    tested = scores(text_encoder([review.text for review in test]), "test")
    own = slice(len(reviews.validation))

    # Long texts are hardly ever taken for something else: short ones tell where to draw a line.
    short = validated.windows == 1
    relevance_figures = choose_threshold(
        validated.relevance[short] if short.sum() >= _ENOUGH else validated.relevance,
        predict(runtime, text_encoder, held_others).relevance,
    )
    judgement = choose_judgement(validated, labels, relevance_figures.threshold)
    judged = {
        "validation": (part(validated, own), labels[own]),
        "test": (tested, [review.label for review in test]),
    }
    mixed = predict(runtime, text_encoder, text_encoder(read_texts(MIXED).held_out))
    probabilities = {
        split: (judgement.probabilities(made), truth) for split, (made, truth) in judged.items()
    }
    return Assessment(
        judgement=judgement,
        relevance=relevance,
        relevance_figures=relevance_figures,
        exported=exported,
        figures={split: measure(*pair) for split, pair in probabilities.items()},
        doubt={
            split: doubt(*probabilities[split], judgement.sure(made))
            for split, (made, _) in judged.items()
        },
        mixed_unsure=float(np.mean(~judgement.sure(mixed))),
        reliability=reliability(*probabilities["test"]),
        chat=_by_phenomenon(runtime, text_encoder, starter.test if starter else test),
    )


def choose_judgement(scores: Scores, labels: Sequence[int], relevance: float) -> Judgement:
    """Temperature and confidences by validation reviews, for texts of one window and of several.

    Where there are under `_ENOUGH` of a kind, that kind takes the scale of all together.
    """
    truth = np.asarray(labels)
    scales = []
    for kind in (scores.windows == 1, scores.windows > 1):
        kind = kind if kind.sum() >= _ENOUGH else np.ones_like(kind)
        evidence = scores.evidence()[kind]
        temperature = fit_temperature(evidence, truth[kind].tolist())
        probabilities = softmax(evidence / np.float32(temperature))
        confidences = choose_confidences(probabilities, truth[kind].tolist())
        scales.append(Scale(temperature, confidences))
    one, several = scales
    return Judgement(one, several, relevance)


def part(scores: Scores, of: slice) -> Scores:
    """The scores of some of the reviews."""
    return Scores(scores.logits[of], scores.relevance[of], scores.windows[of])


def _by_phenomenon(
    runtime: Runtime, encoder: TextEncoder, reviews: Sequence[Review]
) -> dict[str, float]:
    phenomena = np.array([review.phenomenon for review in reviews])
    if not any(phenomena):
        return {}
    scores = predict(runtime, encoder, encoder([review.text for review in reviews]))
    right = scores.logits.argmax(axis=1) == np.array([review.label for review in reviews])
    return {
        "all": float(right.mean()),
        **{str(name): float(right[phenomena == name].mean()) for name in np.unique(phenomena)},
    }
