"""Makes DistilBERT's activations fit into 8 bits, without changing what it computes.

The input of a product has one scale, so a single large number costs all others precision.
Encoders have such numbers, always in the same few channels and mostly at the first token. Exact
changes of the weights remove them:
- the output of a normalisation is centred, channel by channel; later biases compensate, so it costs
  nothing (Wei et al. 2023, Outlier Suppression+);
- between attention and the feed-forward network its channels are also scaled to similar sizes; the
  weights that read it and a product on the residual undo this (Xiao et al. 2023, SmoothQuant);
- a hidden unit of the feed-forward network that grows too large is split into several, each of
  which passes on its part (Zhao et al. 2019, outlier channel splitting).

The size of the channels is measured on a few texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.model.inference import FloatArray
from trainer.model.text import Tokens

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_READERS = ("attention.q_lin", "attention.out_lin", "ffn.lin1", "ffn.lin2")
_MIGRATION = 0.65
"""How much of the spread between channels moves from the activations to the weights: at 0.5 the
activations lose more of the product's precision, at 0.8 the weights."""
_SPLIT = 4
"""How many units may be split, to parts no larger than the next one: one or two per layer stand
out, by a factor of 3 to 5 in fine-tuned stand-ins."""
_MAX_PARTS = 16
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class Range:
    """The range observed in each channel, (width,) each."""

    least: FloatArray
    largest: FloatArray

    def middle(self) -> FloatArray:
        """The middle of each channel."""
        return (self.least + self.largest) * np.float32(0.5)

    def reach(self) -> FloatArray:
        """The largest distance of each channel from its middle."""
        return (self.largest - self.least) * np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A network that computes the same once its `factors` are applied."""

    weights: dict[str, FloatArray]
    factors: dict[str, FloatArray]
    """By layer: for a normalisation, what turns its output into the residual; for `ffn.lin2`, what
    its input is multiplied by."""
    centres: dict[str, FloatArray]
    """By normalisation: what was subtracted from its output. In a residual sum, the other summand
    contains it."""
    offsets: dict[str, FloatArray]
    """By layer: fractions of a step to add before the weights that read a channel are rounded. For
    all parts of a split unit they sum to zero, and their rounding errors nearly so: its weights,
    which multiply the largest numbers, are rounded more finely."""
    inputs: dict[str, tuple[float, float]]
    """By layer: the minimum and maximum of its input, after all changes. They set the scales of the
    products."""


def measure_ranges(model: "PreTrainedModel", texts: Sequence[Tokens]) -> dict[str, Range]:
    """Runs the model on the texts; returns the ranges of the inputs of its linear layers, by name.

    Query, key and value have the same input, so only the query is listed.
    """
    import torch

    seen: dict[str, list[tuple[FloatArray, FloatArray]]] = {}

    def note(name: str, x: "torch.Tensor") -> None:
        flat = x.detach().float().flatten(end_dim=-2)
        seen.setdefault(name, []).append(
            (flat.amin(dim=0).cpu().numpy(), flat.amax(dim=0).cpu().numpy())
        )

    handles = [
        module.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs[0]))
        for name, module in model.named_modules()
        if name.endswith(_READERS)
    ]
    was_training = model.training
    model.train(False)
    try:
        with torch.inference_mode():
            for text in texts:
                model(torch.tensor([text], device=model.device))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    return {
        name: Range(
            np.min([least for least, _ in pairs], axis=0),
            np.max([largest for _, largest in pairs], axis=0),
        )
        for name, pairs in seen.items()
    }


def smooth(weights: Mapping[str, FloatArray], config: Any, ranges: Mapping[str, Range]) -> Smoothed:
    """Changes all layers but the last, which computes only keys and values for more than the
    first token. Changes nothing without `ranges`."""
    smoothed = Smoothed(dict(weights), {}, {}, {}, {})
    if not ranges:
        return smoothed
    norm = "distilbert.embeddings.LayerNorm"
    for number in range(config.n_layers):
        prefix = f"distilbert.transformer.layer.{number}"
        readers = [f"{prefix}.attention.{part}_lin" for part in "qkv"]
        out = f"{prefix}.attention.out_lin"
        _centre(smoothed, norm, readers, out, ranges[readers[0]])
        reach = float(ranges[readers[0]].reach().max())
        smoothed.inputs.update(dict.fromkeys(readers, (-reach, reach)))
        smoothed.inputs[out] = float(ranges[out].least.min()), float(ranges[out].largest.max())
        if number == config.n_layers - 1:
            break
        first, second = f"{prefix}.ffn.lin1", f"{prefix}.ffn.lin2"
        norm = f"{prefix}.sa_layer_norm"
        _centre(smoothed, norm, [first], second, ranges[first])
        _scale(smoothed, norm, first, ranges[first])
        _split(smoothed, first, second, ranges[second])
        norm = f"{prefix}.output_layer_norm"
    return smoothed


def _centre(
    smoothed: Smoothed, norm: str, readers: Sequence[str], summand: str, seen: Range
) -> None:
    """Subtracts the middle of each channel from the output of `norm`, which `readers` read, and
    adds it to the output of `summand`."""
    weights = smoothed.weights
    centres = seen.middle()
    weights[f"{norm}.bias"] = weights[f"{norm}.bias"] - centres
    for name in readers:
        weights[f"{name}.bias"] = weights[f"{name}.bias"] + weights[f"{name}.weight"] @ centres
    weights[f"{summand}.bias"] = weights[f"{summand}.bias"] + centres
    smoothed.centres[norm] = centres


def _scale(smoothed: Smoothed, norm: str, reader: str, seen: Range) -> None:
    """Divides the output of `norm`, already centred, by factors that `reader` compensates for."""
    weights = smoothed.weights
    reach = _floored(seen.reach())
    used = _floored(np.abs(weights[f"{reader}.weight"]).max(axis=0))
    powers = _MIGRATION * np.log(reach) - (1 - _MIGRATION) * np.log(used)
    factors = np.exp(powers - powers.mean()).astype(np.float32)
    for kind in ("weight", "bias"):
        weights[f"{norm}.{kind}"] = weights[f"{norm}.{kind}"] / factors
    weights[f"{reader}.weight"] = weights[f"{reader}.weight"] * factors
    smoothed.factors[norm] = factors
    largest = float((seen.reach() / factors).max())
    smoothed.inputs[reader] = -largest, largest


def _floored(sizes: FloatArray) -> FloatArray:
    # A channel that hardly moved in the sample may still do so.
    return np.maximum(sizes, np.median(sizes) / 100 + _TINY).astype(np.float32)


def _split(smoothed: Smoothed, first: str, second: str, seen: Range) -> None:
    """Repeats hidden units between the products `first` and `second`."""
    weights = smoothed.weights
    size = np.maximum(seen.largest, -seen.least)
    limit = max(np.sort(size)[-min(_SPLIT + 1, len(size))], size.max() / _MAX_PARTS, _TINY)
    parts = np.maximum(1, np.ceil(size / limit)).astype(int)
    for name in (f"{first}.weight", f"{first}.bias"):
        weights[name] = np.repeat(weights[name], parts, axis=0)
    weights[f"{second}.weight"] = np.repeat(weights[f"{second}.weight"], parts, axis=1)
    smoothed.factors[second] = (1 / np.repeat(parts, parts)).astype(np.float32)
    smoothed.inputs[second] = float((seen.least / parts).min()), float((seen.largest / parts).max())
    offsets = [(np.arange(count) + 0.5) / count - 0.5 for count in parts]
    smoothed.offsets[second] = np.concatenate(offsets).astype(np.float32)
