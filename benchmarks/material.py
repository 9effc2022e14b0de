"""The material of measurements: a checkpoint of DistilBERT's size, and texts.

No hub is needed: the weights are random, because speed does not depend on their values. The texts
are the starter reviews that come with the project; longer reviews are made by joining several.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from trainer.config import LABELS, RECIPES, TrainingConfig
from trainer.data.review_files import Review
from trainer.data.reviews import STARTER, load_reviews
from trainer.model import checkpoint
from trainer.model.calibration import SelectiveFigures
from trainer.model.classifier import Classifier, Judgement, read_words
from trainer.model.inference import Runtime
from trainer.model.kind_words import BUCKETS, KindWords
from trainer.model.kinds import KINDS, head_layers
from trainer.model.record import (
    SCHEMA,
    BaseModel,
    Dataset,
    Exported,
    Figures,
    Hyperparameters,
    NamedKindFigures,
    TrainingRecord,
)
from trainer.model.runtime import OnnxRuntime
from trainer.model.text import MAX_WINDOWS, TextEncoder
from trainer.training.encoder import STAND_IN, load_encoder
from trainer.training.export import GraphPrecision, export
from trainer.training.kind_head import UNITS

MAX_LENGTH = 128
"""Tokens of a window, the trainer's default."""

# IMDb's training reviews: the median has 174 words, the mean 234.
_MEDIAN_WORDS, _SPREAD = 174, 0.75


def make_checkpoint(path: Path, size: dict[str, Any]) -> Path:
    """Writes a checkpoint of a DistilBERT with random weights, as `python -m trainer fit` would.

    `size` holds the differences from `DistilBertConfig`, whose defaults are
    distilbert-base-uncased's.
    """
    torch.manual_seed(0)
    labels = dict(enumerate(LABELS))
    config = DistilBertConfig(
        # Twice the usual: otherwise all texts get similar answers, and a wrong answer looks right.
        **({"initializer_range": 0.04} | size),
        id2label=labels,
        label2id={word: label for label, word in labels.items()},
    )
    model = DistilBertForSequenceClassification(config)
    tokenizer = load_encoder(STAND_IN, 0).tokenizer
    tokenizer.model_max_length = MAX_LENGTH
    head = torch.nn.Sequential(
        torch.nn.Linear(2 * len(head_layers(config.n_layers)) * config.dim, UNITS),
        torch.nn.ReLU(),
        torch.nn.Linear(UNITS, len(KINDS)),
    )
    # So that the graph has all operators of one exported after a training.
    measured = [tokenizer(text).input_ids for text in chat_messages(16)]
    assert config.pad_token_id is not None
    training = _untrained(path.name, config.pad_token_id)
    with checkpoint.new_checkpoint(path) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        save_file(head.state_dict(), checkpoint.head_file(folder))
        words = np.random.default_rng(0).normal(size=(BUCKETS, len(KINDS))).astype(np.float32)
        KindWords(words, words[0]).save(checkpoint.words_file(folder))
        export(model, checkpoint.graph_file(folder), GraphPrecision.INT8, head, measured)
        checkpoint.write_report(folder, training, "Random weights, to measure speed with.\n")
    return path


def _untrained(name: str, pad_id: int) -> TrainingRecord:
    """A record with no figures, only what is needed to load the checkpoint."""
    none = Figures(0, 0.0, 0.0, 0.0, 0.0, [], {}, 0.0, 0.0)
    by_split = {"validation": none, "test": none}
    doubts = {split: SelectiveFigures(0, 0.0, 0.0) for split in by_split}
    settings = TrainingConfig(max_length=MAX_LENGTH)
    resolved = RECIPES[settings.recipe].done()
    return TrainingRecord(
        schema=SCHEMA,
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        base_model=BaseModel("random", "random weights"),
        datasets=[Dataset("none", "", 0.0, {}, {})],
        texts=[],
        hyperparameters=Hyperparameters(**{**settings.hyperparameters(), **resolved}),
        pad_id=pad_id,
        device="cpu",
        threads=1,
        versions={},
        arithmetic="fp32",
        seconds=0.0,
        tokens=0,
        tokens_per_second=0.0,
        losses=[],
        judgement=Judgement(),
        graph=Exported(None, "", []),
        evaluation=by_split,
        doubt=doubts,
        reliability=[],
        mixed_unsure=0.0,
        kinds=NamedKindFigures(0, 0.0, [], 0, 0.0, 0.0, []),
        by_set={},
        chat={},
    )


def make_classifier(
    path: Path,
    *,
    runtime: Runtime | None = None,
    windows: int = MAX_WINDOWS,
    marks: bool = True,
    threads: int | None = None,
) -> Classifier:
    """Our side: the checkpoint's graph, or another `runtime`, with the checkpoint's tokenizer.

    `marks`: whether ratings are taken out and emoji turned into words, which no other side does.
    """
    runtime = runtime or OnnxRuntime(checkpoint.graph_file(path), threads)
    pad_id = checkpoint.read_training(path).pad_id
    encoder = TextEncoder(checkpoint.read_tokenizer(path), MAX_LENGTH, pad_id, windows, marks)
    return Classifier(path.name, runtime, encoder, Judgement(), read_words(path))


def chat_messages(count: int) -> list[str]:
    """Different starter reviews, at random: as people write in a chat."""
    texts = sorted({review.text for review in load_reviews(STARTER).train})
    return random.Random(0).sample(texts, count)


def long_review(words: int) -> str:
    """Starter reviews, joined to the given number of words."""
    return _joined(random.Random(1), chat_messages(500), words)


def long_reviews(count: int) -> list[Review]:
    """Reviews as long as IMDb's: starter reviews, joined to lengths drawn at random."""
    rng = random.Random(2)
    texts = chat_messages(1000)
    lengths = [round(rng.lognormvariate(0, _SPREAD) * _MEDIAN_WORDS) for _ in range(count)]
    return [
        Review(_joined(rng, texts, max(10, words)), number % len(LABELS))
        for number, words in enumerate(lengths)
    ]


def _joined(rng: random.Random, texts: Sequence[str], words: int) -> str:
    joined: list[str] = []
    while len(joined) < words:
        joined += rng.choice(texts).split()
    return " ".join(joined[:words])
