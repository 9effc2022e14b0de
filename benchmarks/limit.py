"""How far ours is from the machine's limits: memory for one message, products for a batch."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from transformers import AutoConfig

from benchmarks.machine import read_bandwidth
from benchmarks.material import make_classifier
from benchmarks.timing import Row, alternate
from trainer.model.checkpoint import graph_file
from trainer.model.runtime import OnnxRuntime, cores
from trainer.training.export import quantise

_CONTRIB = "com.microsoft"


def distance(
    checkpoint: Path, message: str, megabytes: int, batch: tuple[int, int], seconds: float
) -> list[Row]:
    """The times and their limits; a ratio of 1 would be the limit itself.

    One message cannot be answered before the int8 weights of all products are read once. A batch of
    (texts, tokens) cannot be answered before its products are computed.
    """
    config = AutoConfig.from_pretrained(checkpoint, trust_remote_code=False)
    bandwidth = read_bandwidth(megabytes, seconds / 4)
    weights = config.n_layers * (4 * config.dim**2 + 2 * config.dim * config.hidden_dim)
    classifier = make_classifier(checkpoint)
    (single,) = alternate([lambda: classifier([message])], seconds / 4, block=8)
    texts, tokens = batch
    ids = np.random.default_rng(0).integers(1000, config.vocab_size, size=batch)
    mask = np.ones_like(ids)
    runtime = OnnxRuntime(graph_file(checkpoint))
    products = _products(config, texts, tokens)
    x = np.random.default_rng(1).standard_normal((texts * tokens, config.dim), dtype=np.float32)
    whole, alone = alternate(
        [lambda: runtime(ids, mask), lambda: products.run(None, {"x": x})], seconds / 2, block=4
    )
    return [
        Row(
            f"one chat message of {classifier.encode(message).tokens} tokens",
            f"{weights / 1e6:.1f} MB of weights, read at {bandwidth / 1e9:.1f} GB/s",
            "ms",
            1000 * median(single),
            1000 * weights / bandwidth,
        ),
        Row(
            f"{texts} texts of {tokens} tokens",
            "their matrix products alone",
            "ms",
            1000 * median(whole),
            1000 * median(alone),
        ),
    ]


def _products(config: Any, texts: int, tokens: int) -> onnxruntime.InferenceSession:
    """A session with only the network's products, in its shapes and with its main operator.

    One number of each unused result is an output: otherwise it would not be computed.
    """
    width, hidden = config.dim, config.hidden_dim
    graph = _Graph()
    kept: list[str] = []
    x = "x"
    for layer in range(config.n_layers):
        last = layer == config.n_layers - 1
        kept.append(graph.first(graph.product(x, width, 2 * width if last else 3 * width), 1))
        if last:  # only the first token of each text continues
            x = graph.first(x, texts)
            kept.append(graph.first(graph.product(x, width, width), 1))
        x = graph.product(x, width, width)
        x = graph.product(graph.product(x, width, hidden), hidden, width)
    return graph.session((texts * tokens, width), [*kept, x])


class _Graph:
    """A graph under construction; a method returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._rng = np.random.default_rng(0)

    def product(self, x: str, inputs: int, outputs: int) -> str:
        """x times random int8 weights."""
        integers, scales = quantise(
            self._rng.standard_normal((outputs, inputs), dtype=np.float32), bits=7
        )
        # Divided, so that the numbers do not grow from product to product.
        scales /= np.float32(inputs**0.5)
        step, zero = map(self._constant, (np.array(0.05, np.float32), np.array(128, np.uint8)))
        weights, steps, zeros, bias = map(
            self._constant,
            (
                np.ascontiguousarray(integers.T),
                scales,
                np.zeros(outputs, np.int8),
                np.zeros(outputs, np.float32),
            ),
        )
        x = self._node("QuantizeLinear", [x, step, zero])
        names = [x, weights, step, steps, zero, zeros, bias]
        return self._node("MatMulIntegerToFloat", names, _CONTRIB)

    def first(self, x: str, count: int) -> str:
        """The first rows of x."""
        start, end = (self._constant(np.array([edge])) for edge in (0, count))
        return self._node("Slice", [x, start, end])

    def session(
        self, shape: tuple[int, int], outputs: Sequence[str]
    ) -> onnxruntime.InferenceSession:
        """The finished graph; its input `x` is float32 of this shape."""
        graph = helper.make_graph(
            self._nodes,
            "products",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid(_CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def _constant(self, value: Any) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def _node(self, operator: str, inputs: list[str], domain: str = "") -> str:
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], domain=domain))
        return name
