"""Measures the engine with a checkpoint: the time of a batch, and latencies under open load."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

from bot.engine import Engine, estimate_tokens
from trainer.model.batching import PADDED_TOKENS, batches
from trainer.model.classifier import Classifier

BATCH_TEXTS = (1, 2, 4, 8, 16, 32)
"""The sizes of the batches whose time is measured."""


@dataclass(frozen=True, slots=True)
class Text:
    """What the queue and the batches need to know of a message."""

    tokens: int
    """That the model reads."""
    estimate: int
    """That the engine expects before the text is tokenised."""


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Seconds of the worker: `fixed` for each batch, `padded_token` for each token of it with
    padding, and `text` for each text, which includes tokenising it."""

    fixed: float
    text: float
    padded_token: float

    def batch(self, lengths: Sequence[int]) -> float:
        """Seconds for a batch of texts of these lengths, in tokens."""
        padded = max(lengths) * len(lengths)
        return self.fixed + self.text * len(lengths) + self.padded_token * padded


def sizes(classifier: Classifier, texts: Sequence[str]) -> list[Text]:
    """The sizes of texts."""
    return [Text(classifier.encode(text).tokens, estimate_tokens(text)) for text in texts]


def measure_service(classifier: Classifier, texts: Sequence[str], seconds: float) -> ServiceTime:
    """Times batches of different sizes for about `seconds`, in turn, and fits a plane through them.

    The fit is by least squares of the relative errors, so that small batches, which are the most
    frequent, count as much as large ones.
    """
    supply = cycle(texts)
    rows: list[tuple[float, float, float]] = []
    times: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 2 * len(BATCH_TEXTS):
        for count in BATCH_TEXTS:
            taken = list(islice(supply, count))
            start = time.perf_counter()
            encodings = [classifier.encode(text) for text in taken]
            encoded = time.perf_counter() - start
            lengths = [encoding.tokens for encoding in encodings]
            cut = list(batches(lengths, PADDED_TOKENS))
            for batch in cut:
                start = time.perf_counter()
                classifier.judge([encodings[index] for index in batch])
                longest = max(lengths[index] for index in batch)
                times.append(time.perf_counter() - start + encoded * len(batch) / count)
                rows.append((1.0, len(batch), longest * len(batch)))
    weights = 1 / np.array(times)
    solution, *_ = np.linalg.lstsq(np.array(rows) * weights[:, None], np.ones(len(times)))
    fixed, text, padded_token = (max(0.0, float(value)) for value in solution)
    return ServiceTime(fixed, text, padded_token)


async def latencies(
    engine: Engine, texts: Sequence[str], per_second: float, seconds: float, rng: random.Random
) -> list[float]:
    """Seconds from arrival to verdict, of messages that arrive at random, `per_second` on average.

    A message that arrives while others are judged does not wait for them to be sent: the load is
    open, as customers are.
    """
    found: list[float] = []
    running: set[asyncio.Task[None]] = set()

    async def one(text: str, due: float) -> None:
        await engine.classify(text)
        found.append(time.perf_counter() - due)

    # In turn: equal texts that wait at the same time would be judged once.
    supply = cycle(rng.sample(texts, len(texts)))
    due = time.perf_counter()
    end = due + seconds
    while (due := due + rng.expovariate(per_second)) < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(next(supply), due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return found
