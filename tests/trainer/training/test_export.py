"""The hand-written graph compared with PyTorch."""

import random
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from tests.conftest import separable_reviews
from trainer.model.inference import Scores, predict, softmax
from trainer.model.kinds import KINDS, head_layers
from trainer.model.openvino_runtime import OpenVinoRuntime, has_openvino
from trainer.model.runtime import OnnxRuntime, TorchRuntime
from trainer.model.text import TextEncoder, Tokens, Windows
from trainer.training.encoder import load_encoder
from trainer.training.export import GraphPrecision, export, export_if_it_agrees, quantise

WORDS = sorted({word for text, _ in separable_reviews() for word in text.split()})
TEXTS = ("what a wonderful film", "", "the plot was dreadful " * 20, "such a lovely story indeed")

needs_openvino = pytest.mark.skipif(not has_openvino(), reason="openvino, an extra, is missing")
both_runtimes = pytest.mark.parametrize(
    "runtime", [OnnxRuntime, pytest.param(OpenVinoRuntime, marks=needs_openvino)]
)


@pytest.fixture(scope="module")
def model() -> DistilBertForSequenceClassification:
    """Three layers with weights far from nothing, so that what is left out would be seen."""
    torch.manual_seed(0)
    config = DistilBertConfig(vocab_size=64, dim=48, hidden_dim=96, n_heads=4, n_layers=3)
    model = DistilBertForSequenceClassification(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * 0.1)
    return model


@pytest.fixture(scope="module")
def head() -> torch.nn.Sequential:
    torch.manual_seed(1)
    width = 2 * 48 * len(head_layers(3))
    return torch.nn.Sequential(
        torch.nn.Linear(width, 16), torch.nn.ReLU(), torch.nn.Linear(16, len(KINDS))
    )


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> TextEncoder:
    return load_encoder(str(tiny_encoder), 0).text_encoder(32)


@pytest.fixture(scope="module")
def windows(encoder: TextEncoder) -> list[Windows]:
    """Of one review, several: they have several windows, and stand in one batch."""
    return encoder(TEXTS)


@both_runtimes
def test_fp32_computes_what_pytorch_does(
    model: DistilBertForSequenceClassification,
    head: torch.nn.Sequential,
    encoder: TextEncoder,
    windows: list[Windows],
    tmp_path: Path,
    runtime: type[OnnxRuntime | OpenVinoRuntime],
) -> None:
    assert max(map(len, windows)) > 1
    for layer in (head, None):
        expected = predict(TorchRuntime(model, layer), encoder, windows)
        export(model, tmp_path / "graph", GraphPrecision.FP32, layer)
        found = predict(runtime(tmp_path / "graph"), encoder, windows)
        assert found.logits == pytest.approx(expected.logits, abs=1e-5)
        assert found.kinds == pytest.approx(expected.kinds, abs=1e-5)
    assert np.ptp(expected.logits[:, 0]) > 0.1  # so that equal is not equally nothing


def _error(
    model: DistilBertForSequenceClassification,
    head: torch.nn.Sequential,
    encoder: TextEncoder,
    windows: list[Windows],
    file: Path,
    precision: GraphPrecision,
    texts: list[Tokens],
    runtime: type[OnnxRuntime | OpenVinoRuntime] = OnnxRuntime,
) -> float:
    """The largest of a logit, as a share of their spread."""
    expected = predict(TorchRuntime(model, head), encoder, windows)
    export(model, file, precision, head, texts)
    found = predict(runtime(file), encoder, windows)
    errors = [
        np.abs(a - b).max() / np.ptp(b)
        for a, b in ((found.logits, expected.logits), (found.kinds, expected.kinds))
    ]
    return float(max(errors))


@both_runtimes
def test_int8_comes_close(
    model: DistilBertForSequenceClassification,
    head: torch.nn.Sequential,
    encoder: TextEncoder,
    windows: list[Windows],
    tmp_path: Path,
    runtime: type[OnnxRuntime | OpenVinoRuntime],
) -> None:
    texts = [window for review in windows for window in review]
    calibrated, blocks = (
        _error(model, head, encoder, windows, tmp_path / "graph", precision, measured, runtime)
        for precision, measured in ((GraphPrecision.INT8, texts), (GraphPrecision.BLOCKS, []))
    )
    assert 0 < calibrated < 0.15
    assert 0 < blocks < 0.05


def test_int8_needs_texts_to_be_calibrated_by(
    model: DistilBertForSequenceClassification, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="calibrated by texts"):
        export(model, tmp_path / "graph", GraphPrecision.INT8)
    assert not (tmp_path / "graph").exists()


@both_runtimes
@pytest.mark.parametrize("precision", list(GraphPrecision))
def test_a_text_has_one_verdict_in_whatever_batch(
    model: DistilBertForSequenceClassification,
    head: torch.nn.Sequential,
    encoder: TextEncoder,
    tmp_path: Path,
    precision: GraphPrecision,
    runtime: type[OnnxRuntime | OpenVinoRuntime],
) -> None:
    rng = random.Random(0)
    reviews = [encoder([" ".join(rng.choices(WORDS, k=rng.randint(1, 28)))])[0] for _ in range(500)]
    export(model, tmp_path / "graph", precision, head, [review[0] for review in reviews[:200]])
    run = runtime(tmp_path / "graph")
    alone = [predict(run, encoder, [review]) for review in reviews]
    order = rng.sample(range(500), 500)
    while order:
        members, order = order[: (size := rng.randint(1, 48))], order[size:]
        # Cut by tokens or in one batch, so that most are padded, and to several lengths.
        found = predict(run, encoder, [reviews[index] for index in members], padded_tokens=10**6)
        for row, index in enumerate(members):
            for mine, theirs in (
                (found.logits[row], alone[index].logits[0]),
                (found.kinds[row], alone[index].kinds[0]),
            ):
                assert softmax(mine) == pytest.approx(softmax(theirs), abs=0.005)
                assert mine.argmax() == theirs.argmax() or np.ptp(np.sort(theirs)[-2:]) < 0.02


def test_outliers_cost_int8_little_once_they_are_measured(
    model: DistilBertForSequenceClassification,
    head: torch.nn.Sequential,
    encoder: TextEncoder,
    windows: list[Windows],
    tmp_path: Path,
) -> None:
    with_outliers = deepcopy(model)
    with torch.no_grad():
        for number in range(model.config.n_layers):
            norm, first, second = (
                {
                    kind: with_outliers.get_parameter(
                        f"distilbert.transformer.layer.{number}.{name}.{kind}"
                    )
                    for kind in ("weight", "bias")
                }
                for name in ("sa_layer_norm", "ffn.lin1", "ffn.lin2")
            )
            norm["bias"][3] += 60
            first["bias"].sub_(60 * first["weight"][:, 3])
            first["bias"][5] += 60
            second["bias"].sub_(60 * second["weight"][:, 5])
    texts = [window for review in windows for window in review]
    mended = _error(
        with_outliers, head, encoder, windows, tmp_path / "graph", GraphPrecision.INT8, texts
    )
    assert mended < 0.2  # without `trainer.training.smoothing`, the error is more than twice that


class TestChoice:
    @pytest.mark.parametrize(
        ("sign", "chosen", "kept"),
        [
            (1, "int8", [True]),
            # As if PyTorch had been right where every graph is wrong.
            (-1, None, [False] * 3),
        ],
    )
    def test_keeps_the_fastest_that_is_as_often_right(
        self,
        model: DistilBertForSequenceClassification,
        head: torch.nn.Sequential,
        encoder: TextEncoder,
        windows: list[Windows],
        tmp_path: Path,
        sign: int,
        chosen: str | None,
        kept: list[bool],
    ) -> None:
        logits = sign * predict(TorchRuntime(model), encoder, windows).logits
        labels = logits.argmax(axis=1).tolist()
        scores = Scores(logits, logits[:, 0], np.ones(len(logits), np.int64))
        file = tmp_path / "graph"
        exported, serving = export_if_it_agrees(model, head, encoder, windows, labels, scores, file)
        assert (serving is not None) == file.exists() == (exported.precision is not None)
        assert exported.precision == chosen
        assert [trial.kept for trial in exported.trials] == kept

    def test_has_no_graph_for_another_family(
        self, families: dict[str, Path], head: torch.nn.Sequential, tmp_path: Path
    ) -> None:
        gpt2 = load_encoder(str(families["gpt2"]), seed=0)
        scores = Scores(np.zeros((1, 2), np.float32), np.zeros(1, np.float32), np.ones(1, np.int64))
        exported, serving = export_if_it_agrees(
            gpt2.model, head, gpt2.text_encoder(16), [[[1]]], [0], scores, tmp_path / "graph"
        )
        assert exported.precision is None
        assert serving is None
        assert "gpt2" in exported.reason


def test_quantising_errs_by_half_a_step() -> None:
    weight = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    weight[2] = 0
    for bits in (7, 8):
        integers, scales = quantise(weight, bits)
        assert np.abs(integers).max() == 2 ** (bits - 1) - 1
        assert (np.abs(integers * scales[:, None] - weight) <= scales[:, None] * 0.5001).all()


def test_parts_that_are_rounded_apart_err_less_together() -> None:
    weight = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    whole, parts = weight[:, :1], 4
    weight = np.concatenate([np.repeat(whole, parts, axis=1), weight[:, 1:]], axis=1)
    offsets = np.zeros(weight.shape[1], np.float32)
    offsets[:parts] = (np.arange(parts) + 0.5) / parts - 0.5
    integers, scales = quantise(weight, 7, offsets)
    mean = (integers[:, :parts] * scales[:, None]).mean(axis=1)
    assert (np.abs(mean - whole[:, 0]) <= scales * 0.5001 / parts).all()
