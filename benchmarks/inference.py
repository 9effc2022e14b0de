"""Answering: ours against `transformers.pipeline`, with the same checkpoint, texts and machine."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from transformers import pipeline
from transformers.utils import logging as transformers_logging

from benchmarks.machine import has_bf16
from benchmarks.material import long_review, make_classifier
from benchmarks.timing import Row, Side, alternate
from bot.engine import Engine
from trainer.config import LABELS
from trainer.model.classifier import Classifier
from trainer.model.runtime import OnnxRuntime, cores
from trainer.training.export import GraphPrecision, export

Pipe = Callable[..., Any]

OUTSTANDING = 64
"""Concurrent callers, each with one message."""
FP32_BOUND = 1e-4
"""The largest allowed difference between a probability of our graph in fp32 and the pipeline's."""
INT8_BOUND = 0.25
"""The same in int8, as a share of the spread. Random weights lose more than trained ones: the loss
of a trained checkpoint is in its `training.json`."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether both sides give the same answers: otherwise their times are not comparable."""

    texts: int
    fp32: float
    """The largest difference of a probability between our graph in fp32 and the pipeline."""
    int8: float
    """The same for the graph in int8, which is the one measured."""
    spread: float
    """From the lowest to the highest probability of the pipeline: the scale for differences."""

    @property
    def holds(self) -> bool:
        """Whether both are within their limits."""
        return self.fp32 <= FP32_BOUND and self.int8 <= INT8_BOUND * self.spread


def make_pipe(checkpoint: Path, dtype: torch.dtype = torch.float32) -> Pipe:
    """The other side, with torch's own choice of threads."""
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    pipe: Pipe = pipeline(
        "text-classification", model=str(checkpoint), truncation=True, device="cpu", dtype=dtype
    )
    return pipe


def agreement(checkpoint: Path, texts: Sequence[str], scratch: Path) -> Agreement:
    """Compares the answers of both sides to the same words, ratings and emoji among them."""
    expected = [
        {answer["label"]: answer["score"] for answer in answers}
        for answers in make_pipe(checkpoint)(list(texts), top_k=None)
    ]
    fp32 = scratch / "fp32.onnx"
    _export_fp32(checkpoint, fp32)

    def difference(classifier: Classifier) -> float:
        return max(
            float(abs(verdict.probabilities[word] - answer[word]))
            for verdict, answer in zip(classifier(texts), expected, strict=True)
            for word in LABELS
        )

    positive = [answer["positive"] for answer in expected]
    return Agreement(
        texts=len(texts),
        fp32=difference(
            make_classifier(checkpoint, runtime=OnnxRuntime(fp32), windows=1, marks=False)
        ),
        int8=difference(make_classifier(checkpoint, windows=1, marks=False)),
        spread=max(positive) - min(positive),
    )


def one_message(checkpoint: Path, texts: Sequence[str], seconds: float) -> list[Row]:
    """One chat message at a time, from its text to its verdict."""
    pipes = {"pipeline": make_pipe(checkpoint)}
    if has_bf16():
        pipes["pipeline in bf16"] = make_pipe(checkpoint, torch.bfloat16)
    sides = [_alone(make_classifier(checkpoint), texts)]
    sides += [_one_by_one(pipe, texts) for pipe in pipes.values()]
    ours, *others = alternate(sides, seconds, block=8)
    rows = []
    for name, theirs in zip(pipes, others, strict=True):
        for which, at in (("p50", 49), ("p95", 94)):
            mine, other = (1000 * quantiles(times, n=100)[at] for times in (ours, theirs))
            target = 6.0 if name == "pipeline" else None
            rows.append(Row(f"one chat message, {which}", name, "ms", mine, other, target))
    return rows


def many_messages(checkpoint: Path, texts: Sequence[str], seconds: float) -> list[Row]:
    """All texts, `OUTSTANDING` at a time: through the bot's engine, and by common alternatives."""
    classifier, pipe = make_classifier(checkpoint), make_pipe(checkpoint)
    sides: dict[str, Side] = {
        "pipeline, one at a time in an executor": lambda: asyncio.run(_in_executor(pipe, texts)),
        "pipeline, batch_size=32": lambda: pipe(list(texts), batch_size=32),
    }
    if has_bf16():
        bf16 = make_pipe(checkpoint, torch.bfloat16)
        sides["pipeline in bf16, batch_size=32"] = lambda: bf16(list(texts), batch_size=32)
    times = alternate(
        [lambda: asyncio.run(through_engine(classifier, texts)), *sides.values()], seconds
    )
    ours, *others = (len(texts) / median(calls) for calls in times)
    figure = f"{len(texts)} messages of mixed length, {OUTSTANDING} at a time"
    return [
        Row(figure, name, "/s", ours, theirs, target, more_is_better=True)
        # The last is not a target, and has no row without bf16.
        for name, theirs, target in zip(sides, others, (8.0, 3.0, None), strict=False)
    ]


def long_text(checkpoint: Path, words: int, seconds: float) -> list[Row]:
    """A long review: the pipeline truncates it to its first 128 tokens, ours can read all of it."""
    text = long_review(words)
    first, whole = make_classifier(checkpoint, windows=1), make_classifier(checkpoint)
    pipe = make_pipe(checkpoint)
    sides: list[Side] = [lambda: first([text]), lambda: pipe(text), lambda: whole([text])]
    ours, theirs, all_of_it = (1000 * median(times) for times in alternate(sides, seconds, block=4))
    figure = f"review of {words} words"
    tokens = whole.encode(text).tokens
    return [
        Row(f"{figure}, its first 128 tokens", "pipeline", "ms", ours, theirs, 1.0),
        Row(f"{figure}, all {tokens} tokens", "pipeline, 128 of them", "ms", all_of_it, theirs),
    ]


def threads(checkpoint: Path, texts: Sequence[str], seconds: float) -> list[Row]:
    """Our side with 1, 2, 4, ... threads per batch; the last is the default, one per core."""
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count < cores()] + [cores()]
    made = [make_classifier(checkpoint, threads=count) for count in counts]
    batch = texts[:32]
    single = alternate([_alone(classifier, texts) for classifier in made], seconds / 2, block=8)
    batches = alternate([partial(classifier, batch) for classifier in made], seconds / 2, block=2)
    return [
        Row(f"{figure}, threads: {count}", "", "ms", 1000 * median(calls))
        for figure, found in (("one chat message", single), (f"{len(batch)} messages", batches))
        for count, calls in zip(counts, found, strict=True)
    ]


def _alone(classifier: Classifier, texts: Sequence[str]) -> Side:
    return _one_by_one(lambda text: classifier([text]), texts)


def _one_by_one(judge: Callable[[str], object], texts: Sequence[str]) -> Side:
    """A side that takes the next text at each call: all sides get the same texts in the same
    order."""
    left = cycle(texts)
    return lambda: judge(next(left))


async def through_engine(classifier: Classifier, texts: Sequence[str]) -> None:
    """All texts through the bot's engine, `OUTSTANDING` at a time."""
    async with Engine(classifier) as engine:
        await _customers(texts, engine.classify)


async def _in_executor(pipe: Pipe, texts: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:

        async def judge(text: str) -> object:
            return await loop.run_in_executor(pool, pipe, text)

        await _customers(texts, judge)


async def _customers(
    texts: Sequence[str], judge: Callable[[str], Coroutine[Any, Any, object]]
) -> None:
    left = iter(texts)

    async def customer() -> None:
        for text in left:
            await judge(text)

    await asyncio.gather(*(customer() for _ in range(OUTSTANDING)))


def _export_fp32(checkpoint: Path, file: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, dtype=torch.float32, trust_remote_code=False
    )
    export(model, file, GraphPrecision.FP32)
