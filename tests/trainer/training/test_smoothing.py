"""Weights that compute the same with smaller numbers between them."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from trainer.model.inference import FloatArray
from trainer.training.smoothing import Range, Smoothed, measure_ranges, smooth

TEXTS = [[1, 5, 9, 2], [1, 7, 2], [1, 30, 31, 32, 33, 2]]
LAYER = "distilbert.transformer.layer.0"


@pytest.fixture(scope="module")
def model() -> DistilBertForSequenceClassification:
    """With one channel and one hidden unit that are far larger than the rest."""
    torch.manual_seed(0)
    config = DistilBertConfig(vocab_size=64, dim=32, hidden_dim=64, n_heads=4, n_layers=2)
    model = DistilBertForSequenceClassification(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * 0.1)
        model.get_parameter(f"{LAYER}.sa_layer_norm.weight")[3] += 30
        model.get_parameter(f"{LAYER}.ffn.lin1.bias")[5] += 50
    model.train(False)
    return model


@pytest.fixture(scope="module")
def ranges(model: DistilBertForSequenceClassification) -> dict[str, Range]:
    return measure_ranges(model, TEXTS)


@pytest.fixture(scope="module")
def weights(model: DistilBertForSequenceClassification) -> dict[str, FloatArray]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@pytest.fixture(scope="module")
def smoothed(
    model: DistilBertForSequenceClassification,
    weights: dict[str, FloatArray],
    ranges: dict[str, Range],
) -> Smoothed:
    return smooth(weights, model.config, ranges)


def _linear(weights: Mapping[str, FloatArray], name: str, x: FloatArray) -> FloatArray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _gelu(x: FloatArray) -> FloatArray:
    return torch.nn.functional.gelu(torch.from_numpy(x)).numpy()


def _normalised(weights: Mapping[str, FloatArray], norm: str) -> FloatArray:
    z = np.random.default_rng(0).standard_normal((6, 32), dtype=np.float32)
    return z * weights[f"{norm}.weight"] + weights[f"{norm}.bias"]


def test_ranges_are_of_what_the_layers_read(
    model: DistilBertForSequenceClassification, ranges: dict[str, Range]
) -> None:
    assert len(ranges) == 4 * model.config.n_layers
    channels = ranges[f"{LAYER}.ffn.lin1"]
    assert channels.reach().argmax() == 3
    assert ranges[f"{LAYER}.ffn.lin2"].largest.argmax() == 5
    with torch.inference_mode():
        found = [model.distilbert.embeddings(torch.tensor([text])) for text in TEXTS]
    rows = torch.cat([x[0] for x in found])
    attention = ranges[f"{LAYER}.attention.q_lin"]
    assert attention.least == pytest.approx(rows.amin(dim=0).numpy(), abs=1e-5)
    assert attention.largest == pytest.approx(rows.amax(dim=0).numpy(), abs=1e-5)


def test_measuring_leaves_no_trace(model: DistilBertForSequenceClassification) -> None:
    for mode in (True, False):  # False last: the other tests find it so
        model.train(mode)
        measure_ranges(model, TEXTS)
        assert model.training is mode
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_attention_reads_the_same(weights: dict[str, FloatArray], smoothed: Smoothed) -> None:
    norm = "distilbert.embeddings.LayerNorm"
    x, centred = (_normalised(held, norm) for held in (weights, smoothed.weights))
    assert centred + smoothed.centres[norm] == pytest.approx(x, abs=1e-4)
    for part in "qkv":
        name = f"{LAYER}.attention.{part}_lin"
        expected = _linear(weights, name, x)
        assert _linear(smoothed.weights, name, centred) == pytest.approx(expected, abs=1e-4)
    added = f"{LAYER}.attention.out_lin.bias"
    gained = smoothed.weights[added] - weights[added]
    assert gained == pytest.approx(smoothed.centres[norm], abs=1e-4)


def test_the_feed_forward_network_gives_the_same_by_smaller_numbers(
    weights: dict[str, FloatArray], smoothed: Smoothed
) -> None:
    norm, first, second = (f"{LAYER}.{name}" for name in ("sa_layer_norm", "ffn.lin1", "ffn.lin2"))
    x, small = (_normalised(held, norm) for held in (weights, smoothed.weights))
    hidden = _gelu(_linear(weights, first, x))
    small_hidden = _gelu(_linear(smoothed.weights, first, small)) * smoothed.factors[second]
    output = _linear(weights, second, hidden) + x
    found = _linear(smoothed.weights, second, small_hidden) + small * smoothed.factors[norm]
    assert found == pytest.approx(output, rel=1e-4, abs=1e-3)
    assert np.ptp(small) < np.ptp(x) / 3
    assert np.ptp(small_hidden) < np.ptp(hidden) / 3
    assert 64 < small_hidden.shape[1] < 64 + 64


def test_offsets_of_the_parts_of_a_unit_cancel(smoothed: Smoothed) -> None:
    offsets = smoothed.offsets[f"{LAYER}.ffn.lin2"]
    parts = np.rint(1 / smoothed.factors[f"{LAYER}.ffn.lin2"]).astype(int)
    assert parts.max() > 1
    assert offsets[parts == 1] == pytest.approx(0)
    assert np.abs(offsets).max() < 0.5
    assert offsets.sum() == pytest.approx(0, abs=1e-5)


def test_nothing_measured_is_nothing_changed(
    model: DistilBertForSequenceClassification, weights: dict[str, FloatArray]
) -> None:
    untouched = smooth(weights, model.config, {})
    assert untouched.weights == weights
    assert not untouched.factors


def test_channels_and_units_that_do_nothing_do_no_harm(
    model: DistilBertForSequenceClassification,
    weights: dict[str, FloatArray],
    ranges: dict[str, Range],
) -> None:
    still = {
        name: Range(np.zeros_like(seen.least), np.zeros_like(seen.least))
        for name, seen in ranges.items()
    }
    smoothed = smooth(weights, model.config, still)
    assert all(np.isfinite(array).all() for array in smoothed.weights.values())
    assert all(np.isfinite(array).all() for array in smoothed.factors.values())
