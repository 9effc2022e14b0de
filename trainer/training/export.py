"""DistilBERT as an ONNX graph for ONNX Runtime: the bot serves it without torch.

The graph is written by hand rather than traced, in its fastest form:
- weights are int8 with one scale per output channel; activations are uint8 with scales measured in
  advance, after `smoothing` has removed their outliers. A text's verdict therefore does not depend
  on the rest of its batch, and no pass over the activations is needed to find their range. Weights
  use 7 bits: older processors (AVX2) add two products in 16 bits, which 8 bits would overflow;
- where there is one row per text, the products are `MatMulNBits`: with so few rows it is the faster
  operator and the most precise, because each block of each row has its own scale and weights use
  all 8 bits (its AVX2 kernel does not overflow);
- the word embeddings, a third of the weights or more, are int8 with one scale per word;
- query, key and value are one product, attention one operator. A residual sum and its normalisation
  are two: `SkipLayerNormalization` does both, but is not vectorised and takes 2 to 8 times as long;
- of the last layer, only the part for the first token is computed: the head reads nothing else.

The operators are described in ONNX Runtime's docs/ContribOperators.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trainer.model.inference import FloatArray, Scores, predict
from trainer.model.kinds import PADDING_DEPTH, head_layers
from trainer.model.record import Exported as Exported
from trainer.model.record import Trial as Trial
from trainer.model.runtime import OnnxRuntime
from trainer.model.text import TextEncoder, Tokens, Windows
from trainer.training.evaluation import compare
from trainer.training.smoothing import Smoothed, measure_ranges, smooth

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Array = npt.NDArray[Any]

_CONTRIB = "com.microsoft"
_OPSET = 20
_IR_VERSION = 10
_LARGEST = {8: 127, 7: 63}


class GraphPrecision(StrEnum):
    """How the weights of an exported graph are stored, from fast to safe."""

    INT8 = "int8"
    BLOCKS = "int8, with a scale for each block of a row"
    """All products are `MatMulNBits`: almost no loss, for 1.3 to 1.9 times the time."""
    FP32 = "fp32"


_MEASURED = 256
"""Maximum windows for measuring the ranges of activations; values outside are clipped."""
_WIDEST_BLOCK = 256
"""The widest block of numbers that share a scale in `MatMulNBits`, and the fastest."""

MAX_ACCURACY_DROP = 0.003
"""The accuracy on the validation reviews that a faster graph may lose."""
MAX_UNCLEAR_DROP = 0.01
"""The same if the drop is not significant (McNemar's exact test, 5%): three of a thousand
reviews are easily lost by chance."""


def export_if_it_agrees(
    model: "PreTrainedModel",
    head: "torch.nn.Sequential",
    encoder: TextEncoder,
    reviews: Sequence[Windows],
    labels: Sequence[int],
    scores: Scores,
    file: Path,
) -> tuple[Exported, Scores | None]:
    """Writes the fastest graph whose accuracy on the validation reviews is at most the drop above
    below that of PyTorch, or none. `scores` are PyTorch's on these reviews. The ranges of
    activations are measured on some of the same reviews, without using their labels.

    Returns:
        What was exported, and the scores of the graph that was kept.
    """
    if model.config.model_type != "distilbert":
        reason = f"no graph is known for the family {model.config.model_type}"
        return Exported(None, reason, []), None
    truth = np.asarray(labels)
    expected = scores.logits.argmax(axis=1)
    every = max(1, -(-len(reviews) // _MEASURED))
    measured = [windows[0] for windows in reviews[::every]]
    trials = []
    for precision in GraphPrecision:
        export(model, file, precision, head, measured)
        serving = predict(OnnxRuntime(file), encoder, reviews)
        found = serving.logits.argmax(axis=1)
        accuracy, torch_accuracy = (float(np.mean(made == truth)) for made in (found, expected))
        kept = accuracy >= torch_accuracy - MAX_ACCURACY_DROP or (
            accuracy >= torch_accuracy - MAX_UNCLEAR_DROP
            and compare(serving.logits, scores.logits, labels).not_worse
        )
        trials.append(
            Trial(
                precision=str(precision),
                accuracy=accuracy,
                torch_accuracy=torch_accuracy,
                disagreements=int(np.sum(found != expected)),
                reviews=len(truth),
                kept=kept,
            )
        )
        if kept:
            return Exported(str(precision), "the fastest that agrees", trials), serving
    file.unlink()
    return Exported(None, "none agrees with PyTorch", trials), None


def export(
    model: "PreTrainedModel",
    file: Path,
    precision: GraphPrecision,
    head: "torch.nn.Sequential | None" = None,
    texts: Sequence[Tokens] = (),
) -> None:
    """Writes the model as an ONNX graph.

    Inputs: `input_ids` and `attention_mask`, (batch, length) int64, padded on the right. Output:
    `outputs`, (batch, 2 + kinds) float32, as in `Runtime`; `head` computes the logits of the kinds.
    `texts` calibrate int8.

    Raises:
        ValueError: there are no texts, and the precision is int8.
    """
    if precision is GraphPrecision.INT8 and not texts:
        raise ValueError("int8 is calibrated by texts, and there are none")
    import onnx
    from onnx import TensorProto, helper

    weights = {
        name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()
    }
    ranges = measure_ranges(model, texts) if precision is GraphPrecision.INT8 else {}
    graph = _Graph(smooth(weights, model.config, ranges), precision)
    _write_network(graph, model.config, head)
    made = helper.make_graph(
        graph.nodes,
        "DistilBertForSequenceClassification",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["batch", "columns"])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION), file)


@dataclass
class _Graph:
    """A graph under construction; each node's outputs get unique names."""

    network: Smoothed
    precision: GraphPrecision
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    @property
    def weights(self) -> dict[str, FloatArray]:
        """The network's weights, by their names in PyTorch."""
        return self.network.weights

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Adds a standard operator; returns the names of its outputs."""
        return self._add("", operator, inputs, outputs, attributes)

    def fused(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Adds one of ONNX Runtime's own operators; returns the name of its output."""
        return self._add(_CONTRIB, operator, inputs, 1, attributes)[0]

    def constant(self, value: Array) -> str:
        """Adds a constant; returns its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def _add(
        self,
        domain: str,
        operator: str,
        inputs: tuple[str, ...],
        outputs: int,
        attributes: dict[str, Any],
    ) -> list[str]:
        from onnx import helper

        names = [f"{operator}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names

    def linear(self, x: str, *names: str, few_rows: bool = False, exact: bool = False) -> str:
        """x W^T + b, for one linear layer or several in parallel on the same input.

        `few_rows`: there is only one row per text. `exact`: in fp32, whatever the precision of the
        graph.
        """
        weight = np.concatenate([self.weights[f"{name}.weight"] for name in names])
        bias = self.constant(np.concatenate([self.weights[f"{name}.bias"] for name in names]))
        if exact or self.precision is GraphPrecision.FP32:
            return self.add("Add", *self.add("MatMul", x, self.constant(weight.T)), bias)[0]
        if few_rows or self.precision is GraphPrecision.BLOCKS:
            return self.linear_in_blocks(x, weight, bias)
        offsets = self.network.offsets.get(names[0]) if len(names) == 1 else None
        quantised, scales = quantise(weight, bits=7, offsets=offsets)
        zeros = np.zeros(len(scales), dtype=np.int8)
        constants = [self.constant(array) for array in (quantised.T, scales, zeros)]
        integers, steps, middles = constants
        scale, middle = _unsigned_scale(*self.network.inputs[names[0]])
        step, zero = self.constant(scale), self.constant(middle)
        (x,) = self.add("QuantizeLinear", x, step, zero)
        return self.fused("MatMulIntegerToFloat", x, integers, step, steps, zero, middles, bias)

    def linear_in_blocks(self, x: str, weight: FloatArray, bias: str) -> str:
        """x W^T + b, both in int8, with a scale for each block of numbers: for one row per text,
        where the time is that of reading the weights."""
        outputs, inputs = weight.shape
        # The largest power of two that divides the width, so that no block needs padding.
        size = max(16, min(_WIDEST_BLOCK, inputs & -inputs))
        blocks = np.pad(weight, ((0, 0), (0, -inputs % size))).reshape(-1, size)
        quantised, scales = quantise(blocks, bits=8)
        unsigned = (quantised.astype(np.int16) + 128).astype(np.uint8)
        return self.fused(
            "MatMulNBits",
            x,
            self.constant(unsigned.reshape(outputs, -1, size)),
            self.constant(scales.reshape(outputs, -1)),
            "",  # zero points: 128
            "",
            bias,
            K=inputs,
            N=outputs,
            bits=8,
            block_size=size,
            accuracy_level=4,  # the activations too as int8
        )

    def multiplied(self, x: str, name: str) -> str:
        """x multiplied by the factors of smoothing for the layer `name`, if any."""
        factors = self.network.factors.get(name)
        return x if factors is None else self.add("Mul", x, self.constant(factors))[0]

    def normalised(self, x: str, name: str) -> str:
        """LayerNorm(x)."""
        parameters = self._parameters(name)
        return self.add("LayerNormalization", x, *parameters, axis=-1, epsilon=_EPSILON)[0]

    def _parameters(self, name: str) -> tuple[str, str]:
        weight, bias = (self.weights[f"{name}.{kind}"] for kind in ("weight", "bias"))
        return self.constant(weight), self.constant(bias)


def quantise(
    weight: FloatArray, bits: int, offsets: FloatArray | None = None
) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Symmetric quantisation, one scale per row: weight = scale x integer, to within half a scale.
    `offsets` (columns,), each below half a step, are added before rounding.

    Returns:
        The integers, shaped like `weight` (rows, columns), and the scales (rows,).
    """
    largest = _LARGEST[bits]
    # Any scale represents a row of zeros.
    scales = np.maximum(np.abs(weight).max(axis=1), np.finfo(np.float32).tiny) / largest
    steps = weight / scales[:, None] + (0 if offsets is None else offsets)
    return np.rint(steps).astype(np.int8), scales.astype(np.float32)


def _unsigned_scale(least: float, largest: float) -> tuple[Array, Array]:
    """The step (float32) and the zero point (uint8) for numbers in this range; 0 is exact."""
    least, largest = min(0.0, least), max(0.0, largest)
    step = max(largest - least, float(np.finfo(np.float32).tiny)) / 255
    return np.array(step, np.float32), np.array(np.rint(-least / step), np.uint8)


_EPSILON = 1e-12
"""Of every LayerNorm in DistilBERT; hard-coded in transformers' model."""


def _write_network(graph: _Graph, config: Any, head: "torch.nn.Sequential | None") -> None:
    from onnx import TensorProto

    (mask,) = graph.add("Cast", "attention_mask", to=TensorProto.INT32)
    norm = "distilbert.embeddings.LayerNorm"
    x = graph.normalised(_embeddings(graph), norm)
    middle = []
    for layer in range(config.n_layers):
        if layer in head_layers(config.n_layers):
            middle.append((x, norm))
        x, norm = _layer(graph, config, layer, x, norm, mask)
    (first,) = graph.add("Squeeze", x, graph.constant(np.array([1])))
    (hidden,) = graph.add("Relu", graph.linear(first, "pre_classifier", few_rows=True))
    logits = graph.linear(hidden, "classifier", exact=True)
    _kinds(graph, middle, logits, head)


def _embeddings(graph: _Graph) -> str:
    from onnx import TensorProto

    prefix = "distilbert.embeddings"
    table = graph.weights[f"{prefix}.word_embeddings.weight"]
    if graph.precision is GraphPrecision.FP32:
        (words,) = graph.add("Gather", graph.constant(table), "input_ids")
    else:
        quantised, scales = quantise(table, bits=8)  # nothing is added up here
        (integers,) = graph.add("Gather", graph.constant(quantised), "input_ids")
        (scale,) = graph.add("Gather", graph.constant(scales[:, None]), "input_ids")
        words = graph.add("Mul", *graph.add("Cast", integers, to=TensorProto.FLOAT), scale)[0]
    (length,) = graph.add("Shape", "input_ids", start=1, end=2)
    table = graph.weights[f"{prefix}.position_embeddings.weight"]
    zero = graph.constant(np.array([0]))
    positions = graph.add("Slice", graph.constant(table), zero, length)
    return graph.add("Add", words, *positions)[0]


def _layer(
    graph: _Graph, config: Any, number: int, x: str, norm: str, mask: str
) -> tuple[str, str]:
    """One layer on `x`, the output of the normalisation `norm`; returns the same of its own."""
    prefix = f"distilbert.transformer.layer.{number}"
    query, key, value = (f"{prefix}.attention.{part}_lin" for part in "qkv")
    last = number == config.n_layers - 1
    if not last:
        product = graph.linear(x, query, key, value)
        q, k, v = graph.add("Split", product, outputs=3, axis=-1, num_outputs=3)
    else:
        k, v = graph.add("Split", graph.linear(x, key, value), outputs=2, axis=-1, num_outputs=2)
        zero, one = graph.constant(np.array([0])), graph.constant(np.array([1]))
        (x,) = graph.add("Slice", x, zero, one, one)
        q = graph.linear(x, query, few_rows=True)
    attention = graph.fused("MultiHeadAttention", q, k, v, "", mask, num_heads=config.n_heads)
    attended = graph.linear(attention, f"{prefix}.attention.out_lin", few_rows=last)
    (total,) = graph.add("Add", attended, graph.multiplied(x, norm))
    norm = f"{prefix}.sa_layer_norm"
    x = graph.normalised(total, norm)
    hidden = graph.fused("Gelu", graph.linear(x, f"{prefix}.ffn.lin1", few_rows=last))
    second = f"{prefix}.ffn.lin2"
    output = graph.linear(graph.multiplied(hidden, second), second, few_rows=last)
    (total,) = graph.add("Add", output, graph.multiplied(x, norm))
    norm = f"{prefix}.output_layer_norm"
    return graph.normalised(total, norm), norm


def _kinds(
    graph: _Graph,
    middle: Sequence[tuple[str, str]],
    logits: str,
    head: "torch.nn.Sequential | None",
) -> None:
    """The outputs after the classes; `middle` are the layers that `head_layers` names, each with
    the normalisation that produced it. `pooled_layers` is the same in torch.
    """
    from onnx import TensorProto

    columns = [logits]
    if head is not None:
        (mask,) = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
        one = graph.constant(np.array([1]))
        (count,) = graph.add("ReduceSum", mask, one, keepdims=1)
        (shares,) = graph.add("Unsqueeze", *graph.add("Div", mask, count), one)
        depth = graph.constant(np.array(PADDING_DEPTH, np.float32))
        (missing,) = graph.add("Sub", mask, graph.constant(np.array(1, np.float32)))
        two = graph.constant(np.array([2]))
        (padding,) = graph.add("Unsqueeze", *graph.add("Mul", missing, depth), two)
        pooled = []
        for x, _ in middle:
            pooled += graph.add("MatMul", shares, x)
            pooled += graph.add("ReduceMax", *graph.add("Add", x, padding), one, keepdims=1)
        (side_by_side,) = graph.add("Concat", *pooled, axis=2)
        (features,) = graph.add("Squeeze", side_by_side, one)
        first, second = (
            [p.detach().float().cpu().numpy() for p in layer.parameters()]
            for layer in (head[0], head[2])
        )
        width = graph.weights["distilbert.embeddings.LayerNorm.bias"].shape[0]
        centres = [
            graph.network.centres.get(norm, np.zeros(width)) for _, norm in middle for _ in range(2)
        ]
        first[1] = (first[1] + first[0] @ np.concatenate(centres)).astype(np.float32)
        weight, bias = first[0], graph.constant(first[1])
        if graph.precision is GraphPrecision.FP32:
            (hidden,) = graph.add("Gemm", features, graph.constant(weight), bias, transB=1)
        else:
            hidden = graph.linear_in_blocks(features, weight, bias)
        (hidden,) = graph.add("Relu", hidden)
        columns += graph.add("Gemm", hidden, *map(graph.constant, second), transB=1)
    graph.add("Concat", *columns, axis=1)
    graph.nodes[-1].output[0] = "outputs"
