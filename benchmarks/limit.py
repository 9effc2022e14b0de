"""How far ours is from what the machine could do: memory for one message, products for a batch."""

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
    """The times beside the limits; a ratio of 1 would be the limit itself.

    One message cannot be answered before the int8 weights of all products were read once. A batch
    of (texts, tokens) cannot be answered before its products are computed.
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
    """A graph of nothing but the network's products, in its shapes and with its main operator.

    Of each result that nothing needs, one number is an output: else it would not be computed.
    """
    rows, width, hidden = texts * tokens, config.dim, config.hidden_dim
    nodes: list[Any] = []
    constants: list[Any] = []
    kept: list[str] = []
    rng = np.random.default_rng(0)

    def constant(value: Any) -> str:
        constants.append(numpy_helper.from_array(value, f"constant_{len(constants)}"))
        return str(constants[-1].name)

    def product(x: str, inputs: int, outputs: int) -> str:
        integers, scales = quantise(
            rng.standard_normal((outputs, inputs), dtype=np.float32), bits=7
        )
        # Divided, so that the numbers do not grow from product to product.
        scales /= np.float32(inputs**0.5)
        step, zero = constant(np.array(0.05, np.float32)), constant(np.array(128, np.uint8))
        weights, steps, zeros, bias = map(
            constant,
            (
                np.ascontiguousarray(integers.T),
                scales,
                np.zeros(outputs, np.int8),
                np.zeros(outputs, np.float32),
            ),
        )
        x = node("QuantizeLinear", [x, step, zero])
        names = [x, weights, step, steps, zero, zeros, bias]
        return node("MatMulIntegerToFloat", names, _CONTRIB)

    def first(x: str, count: int) -> str:
        return node("Slice", [x, *(constant(np.array([edge])) for edge in (0, count))])

    def node(operator: str, inputs: list[str], domain: str = "") -> str:
        name = f"{operator}_{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [name], domain=domain))
        return name

    x = "x"
    for layer in range(config.n_layers):
        last = layer == config.n_layers - 1
        kept.append(first(product(x, width, 2 * width if last else 3 * width), 1))
        if last:  # only the first token of each text goes on
            x = first(x, texts)
            kept.append(first(product(x, width, width), 1))
        x = product(x, width, width)
        x = product(product(x, width, hidden), hidden, width)
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, width])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (*kept, x)],
        constants,
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
