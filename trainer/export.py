"""DistilBERT as an ONNX graph for ONNX Runtime: what the bot serves, without torch.

The graph is written out by hand rather than traced, in the form that runs fastest:

- weights are int8, one scale an output channel; activations are quantised on the fly, in the same
  operator that multiplies (`DynamicQuantizeMatMul`). Weights keep to 7 bits: older processors
  (AVX2) add two products in 16 bits, which full 8 would overflow;
- the word embeddings, a third of the weights or more, are int8 with a scale a word;
- query, key and value are one product, attention one operator, a residual sum and its
  normalisation one;
- of the last layer, only what the first token needs is computed: the head reads nothing else.

The operators are described in ONNX Runtime's docs/ContribOperators.md.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trainer.inference import Scores, predict
from trainer.runtime import OnnxRuntime
from trainer.text import TextEncoder, Windows

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Array = npt.NDArray[Any]

_CONTRIB = "com.microsoft"
_OPSET = 20
_IR_VERSION = 10
_LARGEST = {8: 127, 7: 63}


class GraphPrecision(StrEnum):
    """How the weights of an exported graph are kept, from fast to safe."""

    INT8 = "int8"
    MIXED = "int8, but the second feed-forward products in fp32"
    """Their inputs have the outliers that 8 bits lose most on (Bondarenko et al. 2021)."""
    FP32 = "fp32"


MOST_LOST = 0.003
"""Of accuracy on the validation reviews, that a faster graph may cost."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One exported graph beside PyTorch, on the validation reviews."""

    precision: str
    accuracy: float
    torch_accuracy: float
    disagreements: int
    """Reviews that the two put into different classes."""
    reviews: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Exported:
    """Which graph a checkpoint carries, and why."""

    precision: str | None
    """None: no graph; PyTorch serves."""
    reason: str
    trials: list[Trial]

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def export_if_it_agrees(
    model: "PreTrainedModel",
    relevance: "torch.nn.Linear",
    encoder: TextEncoder,
    reviews: Sequence[Windows],
    labels: Sequence[int],
    scores: Scores,
    file: Path,
) -> tuple[Exported, Scores | None]:
    """Writes the fastest graph whose accuracy on the validation reviews is no more than
    `MOST_LOST` below that of PyTorch, whose `scores` on them are given; or none.

    Returns:
        What was exported, and the scores of the graph that was kept.
    """
    if model.config.model_type != "distilbert":
        reason = f"no graph is known for the family {model.config.model_type}"
        return Exported(None, reason, []), None
    truth = np.asarray(labels)
    expected = scores.logits.argmax(axis=1)
    trials = []
    for precision in GraphPrecision:
        export(model, file, precision, relevance)
        serving = predict(OnnxRuntime(file), encoder, reviews)
        found = serving.logits.argmax(axis=1)
        accuracy, torch_accuracy = (float(np.mean(made == truth)) for made in (found, expected))
        kept = accuracy >= torch_accuracy - MOST_LOST
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
    relevance: "torch.nn.Linear | None" = None,
) -> None:
    """Writes the model as an ONNX graph.

    Inputs: `input_ids` and `attention_mask`, (batch, length) int64, padded on the right. Output:
    `outputs`, (batch, 3) float32, as `trainer.inference.Runtime` says. Without `relevance`, every
    text counts as a review.
    """
    import onnx
    from onnx import TensorProto, helper

    weights = {
        name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()
    }
    graph = _Graph(weights, precision)
    _write_network(graph, model.config, relevance)
    made = helper.make_graph(
        graph.nodes,
        "DistilBertForSequenceClassification",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["batch", 3])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION), file)


@dataclass
class _Graph:
    """Nodes and constants in the making; each node's outputs get names of their own."""

    weights: dict[str, npt.NDArray[np.float32]]
    precision: GraphPrecision
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """A standard operator; returns the names of its outputs."""
        return self._add("", operator, inputs, outputs, attributes)

    def fused(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One of ONNX Runtime's own operators; returns the name of its output."""
        return self._add(_CONTRIB, operator, inputs, 1, attributes)[0]

    def constant(self, value: Array) -> str:
        """Returns its name."""
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

    def linear(self, x: str, *names: str, precision: GraphPrecision | None = None) -> str:
        """x W^T + b, for one linear layer or several side by side on the same input."""
        weight = np.concatenate([self.weights[f"{name}.weight"] for name in names])
        bias = self.constant(np.concatenate([self.weights[f"{name}.bias"] for name in names]))
        if (precision or self.precision) is GraphPrecision.FP32:
            return self.add("Add", *self.add("MatMul", x, self.constant(weight.T)), bias)[0]
        quantised, scales = quantise(weight, bits=7)
        zeros = np.zeros(len(scales), dtype=np.int8)
        constants = [self.constant(array) for array in (quantised.T, scales, zeros)]
        return self.fused("DynamicQuantizeMatMul", x, *constants, bias)

    def normalised_sum(self, x: str, residual: str, name: str, epsilon: float) -> str:
        """LayerNorm(x + residual)."""
        parameters = self._parameters(name)
        return self.fused("SkipLayerNormalization", x, residual, *parameters, epsilon=epsilon)

    def normalised(self, x: str, name: str, epsilon: float) -> str:
        """LayerNorm(x)."""
        parameters = self._parameters(name)
        return self.add("LayerNormalization", x, *parameters, axis=-1, epsilon=epsilon)[0]

    def _parameters(self, name: str) -> tuple[str, str]:
        weight, bias = (self.weights[f"{name}.{kind}"] for kind in ("weight", "bias"))
        return self.constant(weight), self.constant(bias)


def quantise(
    weight: npt.NDArray[np.float32], bits: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric quantisation, one scale a row: weight = scale x integer, to half a scale.

    Returns:
        The integers, shaped like `weight` (rows, columns), and the scales (rows,).
    """
    largest = _LARGEST[bits]
    # A row of zeros is represented by any scale.
    scales = np.maximum(np.abs(weight).max(axis=1), np.finfo(np.float32).tiny) / largest
    return np.rint(weight / scales[:, None]).astype(np.int8), scales.astype(np.float32)


_EPSILON = 1e-12
"""Of every LayerNorm in DistilBERT; transformers writes it out in the model's code."""


def _write_network(graph: _Graph, config: Any, relevance: "torch.nn.Linear | None") -> None:
    from onnx import TensorProto

    (mask,) = graph.add("Cast", "attention_mask", to=TensorProto.INT32)
    x = _embeddings(graph)
    middle = x
    for layer in range(config.n_layers):
        if layer == config.n_layers // 2:
            middle = x
        x = _layer(graph, config, layer, x, mask)
    (first,) = graph.add("Squeeze", x, graph.constant(np.array([1])))
    (hidden,) = graph.add(
        "Relu", graph.linear(first, "pre_classifier", precision=GraphPrecision.FP32)
    )
    logits = graph.linear(hidden, "classifier", precision=GraphPrecision.FP32)
    _relevance(graph, middle, logits, relevance)


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
    (placed,) = graph.add("Add", words, *positions)
    return graph.normalised(placed, f"{prefix}.LayerNorm", _EPSILON)


def _layer(graph: _Graph, config: Any, number: int, x: str, mask: str) -> str:
    prefix = f"distilbert.transformer.layer.{number}"
    query, key, value = (f"{prefix}.attention.{part}_lin" for part in "qkv")
    if number < config.n_layers - 1:
        product = graph.linear(x, query, key, value)
        q, k, v = graph.add("Split", product, outputs=3, axis=-1, num_outputs=3)
    else:
        k, v = graph.add("Split", graph.linear(x, key, value), outputs=2, axis=-1, num_outputs=2)
        zero, one = graph.constant(np.array([0])), graph.constant(np.array([1]))
        (x,) = graph.add("Slice", x, zero, one, one)
        q = graph.linear(x, query)
    attention = graph.fused("MultiHeadAttention", q, k, v, "", mask, num_heads=config.n_heads)
    attended = graph.linear(attention, f"{prefix}.attention.out_lin")
    x = graph.normalised_sum(attended, x, f"{prefix}.sa_layer_norm", _EPSILON)
    hidden = graph.fused("Gelu", graph.linear(x, f"{prefix}.ffn.lin1"))
    safer = GraphPrecision.FP32 if graph.precision is GraphPrecision.MIXED else graph.precision
    output = graph.linear(hidden, f"{prefix}.ffn.lin2", precision=safer)
    return graph.normalised_sum(output, x, f"{prefix}.output_layer_norm", _EPSILON)


def _relevance(
    graph: _Graph, middle: str, logits: str, relevance: "torch.nn.Linear | None"
) -> None:
    """The third output; `trainer.runtime.middle_mean` is the same in torch."""
    from onnx import TensorProto, numpy_helper

    if relevance is None:
        (rows,) = graph.add("Shape", "input_ids", end=1)
        shape = graph.add("Concat", rows, graph.constant(np.array([1])), axis=0)
        infinity = numpy_helper.from_array(np.array([np.inf], dtype=np.float32))
        third = graph.add("ConstantOfShape", *shape, value=infinity)
    else:
        (weights,) = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
        axis = graph.constant(np.array([1]))
        (column,) = graph.add("Unsqueeze", weights, graph.constant(np.array([2])))
        (masked,) = graph.add("Mul", middle, column)
        (total,) = graph.add("ReduceSum", masked, axis, keepdims=0)
        (count,) = graph.add("ReduceSum", weights, axis, keepdims=1)
        mean = graph.add("Div", total, count)
        weight, bias = (p.detach().float().cpu().numpy() for p in relevance.parameters())
        third = graph.add("Gemm", *mean, graph.constant(weight), graph.constant(bias), transB=1)
    graph.add("Concat", logits, *third, axis=1)
    graph.nodes[-1].output[0] = "outputs"
