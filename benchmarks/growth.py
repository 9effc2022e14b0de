"""How time grows with the amount of work, and its picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification

from benchmarks.material import chat_messages
from benchmarks.timing import Row, alternate
from benchmarks.training import BATCH_SIZE, FAST, ours
from trainer.data.review_files import Review
from trainer.model.checkpoint import graph_file
from trainer.model.runtime import OnnxRuntime, TorchRuntime
from trainer.training.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Curve:
    """Times over a size."""

    title: str
    size: str
    """The unit of the axis."""
    unit: str
    sizes: list[int]
    ours: list[float]
    theirs: list[float]
    """Empty if there is no other side."""

    def row(self) -> Row:
        """The exponent of our growth over the upper half of the sizes, where the fixed cost of a
        call matters little: the slope of a straight line through the logarithms."""
        start = (len(self.sizes) - 1) // 2
        sizes, times = self.sizes[start:], self.ours[start:]
        exponent = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
        figure = f"{self.title}, {sizes[0]:,} to {sizes[-1]:,} {self.size}"
        return Row(figure, "1 is linear", "exponent", exponent)


def answering(
    checkpoint: Path, lengths: Sequence[int], batches: Sequence[int], tokens: int, seconds: float
) -> list[Curve]:
    """The network alone: one text of increasing length, and increasingly many texts of `tokens`."""
    runtime = OnnxRuntime(graph_file(checkpoint))
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, dtype=torch.float32, trust_remote_code=False
    )
    other = TorchRuntime(model)
    shapes = [(1, length) for length in lengths] + [(batch, tokens) for batch in batches]
    rng = np.random.default_rng(0)
    inputs = [rng.integers(1000, model.config.vocab_size, size=shape) for shape in shapes]
    # Everything takes turns, so that a busy minute of the machine does not affect one point only.
    sides = [
        partial(network, ids, np.ones_like(ids)) for network in (runtime, other) for ids in inputs
    ]
    times = [1000 * median(calls) for calls in alternate(sides, seconds, block=2)]
    mine, theirs = times[: len(shapes)], times[len(shapes) :]
    cut = len(lengths)
    return [
        Curve("one text", "tokens", "ms", list(lengths), mine[:cut], theirs[:cut]),
        Curve(f"texts of {tokens} tokens", "texts", "ms", list(batches), mine[cut:], theirs[cut:]),
    ]


def training(encoder: Encoder, sizes: Sequence[int]) -> Curve:
    """One epoch of starter reviews, which are short: the time for increasingly many of them."""
    texts = chat_messages(min(1000, sizes[-1]))
    repeated = texts * math.ceil(sizes[-1] / len(texts))
    reviews = [Review(text, number % 2) for number, text in enumerate(repeated[: sizes[-1]])]
    times = ours(FAST)(encoder, reviews)
    seen = [min((step + 1) * BATCH_SIZE, len(reviews)) for step in range(len(times))]
    found = [float(value) for value in np.interp(sizes, seen, times)]
    return Curve("training, short reviews", "reviews", "s", list(sizes), found, [])


def draw(path: Path, curves: Sequence[Curve], title: str) -> None:
    """Draws the curves side by side, as a PNG file."""
    # The object interface, not pyplot: it keeps no global state and needs no screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=9)
    for axes, curve in zip(figure.subplots(1, len(curves)), curves, strict=True):
        _draw_curve(axes, curve)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _draw_curve(axes: Any, curve: Curve) -> None:
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    if curve.theirs:
        axes.plot(
            curve.sizes, curve.theirs, color="#e6550d", marker="s", label="transformers, fp32"
        )
    axes.plot(curve.sizes, curve.ours, color="#08519c", marker="o", label="ours")
    # From our last point backwards: where our curve runs parallel to it, growth is linear.
    linear = [curve.ours[-1] * size / curve.sizes[-1] for size in curve.sizes]
    axes.plot(curve.sizes, linear, color="grey", linestyle=":", linewidth=1, label="linear")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(curve.sizes, [f"{size:,}" for size in curve.sizes])
    # 1, 2 and 5 in each decade, because a curve may lie within one; plain numbers, not powers.
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.minorticks_off()
    axes.set(title=curve.title, xlabel=curve.size, ylabel=curve.unit)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="upper left")
