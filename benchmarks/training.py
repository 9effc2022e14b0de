"""Training: ours against the original recipe and Hugging Face's `Trainer`, on the same reviews.

All train the stand-in on the first 128 tokens of each review, 16 reviews per step. A sample is
timed and extrapolated to an epoch: all steps of an epoch are alike.
"""

import copy
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from statistics import median
from typing import Any

import torch
from torch.nn import CrossEntropyLoss
from torch.optim import AdamW
from torch.utils.data import DataLoader, TensorDataset
from transformers import (
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks.machine import has_bf16
from benchmarks.material import MAX_LENGTH
from benchmarks.timing import Row
from trainer.config import RECIPES, Recipe, RecipeName
from trainer.data.review_files import Review
from trainer.events import Step
from trainer.training.encoder import Encoder
from trainer.training.loop import make_batches, train

BATCH_SIZE = 16
LEARNING_RATE = 5e-5
EPOCH = 2500
"""Reviews: a tenth of IMDb."""
PLAIN = RECIPES[RecipeName.PLAIN]
FAST = replace(RECIPES[RecipeName.BEST], windows=1, whole_review=False, companions=False)
"""The plain recipe's reviews, with the parts of the best one that make it fast, but not those that
make it better, which take extra time."""

_Side = Callable[[Encoder, Sequence[Review]], list[float]]
"""Trains a copy of the model for one epoch; returns the seconds from the start of the loop to the
end of each step."""


def epoch(encoder: Encoder, reviews: Sequence[Review], seconds: float) -> list[Row]:
    """Times one epoch of `reviews` on each side, alternating, until `seconds` have passed."""
    trainer, settings = best_trainer(encoder, reviews[: 3 * BATCH_SIZE])
    sides: list[_Side] = [ours(FAST), ours(PLAIN), original, trainer]
    times: list[list[float]] = [[] for _ in sides]
    for side in sides:  # work done only in the first step is not part of the other 156
        side(encoder, reviews[:BATCH_SIZE])
    began = time.perf_counter()
    while not times[0] or time.perf_counter() - began < seconds:
        for side, found in zip(sides, times, strict=True):
            found.append(side(encoder, reviews)[-1] * EPOCH / len(reviews))
    fast, plain, first, hugging_face = map(median, times)
    figure = f"one epoch of {EPOCH:,} reviews"
    return [
        Row(figure, "the original recipe", "s", fast, first, 3.0),
        Row(figure, f"Trainer, {settings}", "s", fast, hugging_face, 1.5),
        Row(f"{figure}, --recipe plain", "the original recipe", "s", plain, first),
        Row(f"{figure}, --recipe plain", f"Trainer, {settings}", "s", plain, hugging_face),
    ]


def ours(recipe: Recipe) -> _Side:
    """Our loop."""

    def run(encoder: Encoder, reviews: Sequence[Review]) -> list[float]:
        text_encoder = encoder.text_encoder(MAX_LENGTH, most_windows=1)
        windows = text_encoder([review.text for review in reviews])
        examples = list(zip(windows, (review.label for review in reviews), strict=True))
        steps: list[Step] = []
        train(
            copy.deepcopy(encoder.model),
            make_batches(examples, text_encoder, BATCH_SIZE, 0),
            recipe,
            epochs=1,
            learning_rate=LEARNING_RATE,
            on_step=steps.append,
        )
        return [step.seconds for step in steps]

    return run


def original(encoder: Encoder, reviews: Sequence[Review]) -> list[float]:
    """Exactly the original recipe: fp32, everything padded to 128 tokens, AdamW's defaults."""
    model = copy.deepcopy(encoder.model)
    encoded = encoder.tokenizer(
        [review.text for review in reviews],
        truncation=True,
        padding="max_length",
        max_length=MAX_LENGTH,
        return_tensors="pt",
    )
    labels = torch.tensor([review.label for review in reviews])
    dataset = TensorDataset(encoded["input_ids"], encoded["attention_mask"], labels)
    loader = DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True)
    optimizer = AdamW(model.parameters(), lr=LEARNING_RATE)
    criterion = CrossEntropyLoss()
    model.train()
    ends = []
    began = time.perf_counter()
    for ids, mask, truth in loader:
        optimizer.zero_grad()
        loss = criterion(model(ids, attention_mask=mask).logits, truth)
        loss.backward()
        optimizer.step()
        ends.append(time.perf_counter() - began)
    return ends


def best_trainer(encoder: Encoder, reviews: Sequence[Review]) -> tuple[_Side, str]:
    """`Trainer` with the settings that are fastest here, found by trying; and their names."""
    precisions = {"fp32": False} | ({"bf16": True} if has_bf16() else {})
    sides = {
        f"{precision}, {attention} attention": hugging_face(bf16, attention)
        for (precision, bf16), attention in product(precisions.items(), ("sdpa", "eager"))
    }
    times = {name: side(encoder, reviews)[-1] for name, side in sides.items()}
    best = min(times, key=times.__getitem__)
    return sides[best], best


class _Clock(TrainerCallback):
    """Times the loop without the set-up of `Trainer`."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self._began = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter() - self._began)


def hugging_face(bf16: bool, attention: str) -> _Side:
    """`Trainer` with everything that makes it fast: little padding, the fused optimiser, bf16."""

    def run(encoder: Encoder, reviews: Sequence[Review]) -> list[float]:
        model = copy.deepcopy(encoder.model)
        model.set_attn_implementation(attention)
        encoded = encoder.tokenizer(
            [review.text for review in reviews], truncation=True, max_length=MAX_LENGTH
        )
        examples = [
            {"input_ids": ids, "labels": review.label}
            for ids, review in zip(encoded["input_ids"], reviews, strict=True)
        ]
        clock = _Clock()
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder,
                num_train_epochs=1,
                per_device_train_batch_size=BATCH_SIZE,
                learning_rate=LEARNING_RATE,
                train_sampling_strategy="group_by_length",
                optim="adamw_torch_fused",
                bf16=bf16,
                use_cpu=True,
                dataloader_pin_memory=False,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
            )
            trainer = Trainer(
                model=model,
                args=arguments,
                train_dataset=examples,
                data_collator=DataCollatorWithPadding(encoder.tokenizer),
                callbacks=[clock],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        return clock.ends

    return run
