"""The exported graph in OpenVINO: faster than ONNX Runtime in batches, slower to start.

It reads the same file, with the same weights and scales; the code below translates ONNX Runtime's
own operators into OpenVINO's. Needs the package openvino, which is an extra.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import CheckpointError
from trainer.extras import missing
from trainer.model.batching import PADDED_TOKENS
from trainer.model.inference import FloatArray
from trainer.model.runtime import cores
from trainer.model.text import IntArray

_CONTRIB = "com.microsoft"
_MASKED = 1e4
"""Subtracted from the attention scores of padding: far more than scores differ by."""
_BLOCKS_ZERO = 128
"""The integer that represents 0 in `MatMulNBits` with 8 bits."""


def has_openvino() -> bool:
    """Whether the package is installed; checked without importing it."""
    return find_spec("openvino") is not None


def without_telemetry() -> None:
    """Must be called before openvino is imported; otherwise it reports each start to its makers and
    stores an id for that in the home folder."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


class OpenVinoRuntime:
    """An exported graph on the processor."""

    padded_tokens = PADDED_TOKENS

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        """Loads `graph`; `threads` work on one batch. None: one per core.

        Raises:
            CheckpointError: the package openvino is not installed.
        """
        absent = missing("Serving by OpenVINO", "openvino", extra="openvino")
        if absent:
            raise CheckpointError(absent)
        without_telemetry()
        import openvino
        from openvino.frontend.onnx import ConversionExtension

        core = openvino.Core()
        for operator, convert in (
            ("MatMulIntegerToFloat", _integer_product),
            ("MatMulNBits", _product_in_blocks),
            ("MultiHeadAttention", _attention),
        ):
            core.add_extension(ConversionExtension(operator, _CONTRIB, convert))
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads or cores(),
            # With all cores, pinned threads answer a short message about 5% sooner. With fewer, two
            # processes would be pinned to the same ones.
            "ENABLE_CPU_PINNING": threads is None,
            # Operations that are not int8 stay fp32. In bf16 a batch is 6% faster, but the rest of
            # a batch changes a probability by more than 0.005: the order of sums differs.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = core.compile_model(core.read_model(graph), "CPU", options)
        self._request = compiled.create_infer_request()

    def __call__(self, input_ids: IntArray, attention_mask: IntArray) -> FloatArray:
        """See `trainer.model.inference.Runtime`."""
        feeds = {"input_ids": input_ids, "attention_mask": attention_mask}
        (outputs,) = self._request.infer(feeds, share_inputs=True).values()
        return np.asarray(outputs, dtype=np.float32)


def _integer_product(node: Any) -> Any:
    """`MatMulIntegerToFloat` in a form that OpenVINO computes in int8."""
    from openvino import opset13

    x, weight, x_scale, scales, x_zero, _, bias = _inputs(node)
    numbers = opset13.multiply(opset13.subtract(_as_float(x), _as_float(x_zero)), x_scale)
    product = opset13.matmul(numbers, opset13.multiply(_as_float(weight), scales), False, False)
    return opset13.add(product, bias).outputs()


def _product_in_blocks(node: Any) -> Any:
    """`MatMulNBits`: the weights stay 8 bits in memory."""
    from openvino import opset13

    x, integers, scales, *_, bias = _inputs(node)
    outputs, inputs = node.get_attribute("N"), node.get_attribute("K")
    zero = opset13.constant(np.float32(_BLOCKS_ZERO))
    shape = opset13.constant([outputs, -1, 1])
    blocks = opset13.multiply(
        opset13.subtract(_as_float(integers), zero), opset13.reshape(scales, shape, False)
    )
    # The last block of a row may be padded.
    rows = opset13.reshape(blocks, opset13.constant([outputs, -1]), False)
    if integers.get_shape()[1] * integers.get_shape()[2] > inputs:
        start, stop, step, axis = (opset13.constant([number]) for number in (0, inputs, 1, 1))
        rows = opset13.slice(rows, start, stop, step, axis)
    return opset13.add(opset13.matmul(x, rows, False, True), bias).outputs()


def _attention(node: Any) -> Any:
    """`MultiHeadAttention`, with a mask over the keys: (batch, length), 0 for padding."""
    from openvino import opset13

    query, key, value, *_, mask = _inputs(node)
    head_first = opset13.constant([0, 2, 1, 3])
    by_head = opset13.constant([0, 0, node.get_attribute("num_heads"), -1])

    def heads(x: Any) -> Any:
        return opset13.transpose(opset13.reshape(x, by_head, True), head_first)

    padding = opset13.subtract(_as_float(mask), opset13.constant(np.float32(1)))
    added = opset13.multiply(padding, opset13.constant(np.float32(_MASKED)))
    (attended,) = opset13.scaled_dot_product_attention(
        heads(query), heads(key), heads(value), opset13.unsqueeze(added, opset13.constant([1, 2]))
    ).outputs()
    attended = opset13.transpose(attended, head_first)
    return opset13.reshape(attended, opset13.constant([0, 0, -1]), True).outputs()


def _inputs(node: Any) -> list[Any]:
    return [node.get_input(number) for number in range(node.get_input_size())]


def _as_float(x: Any) -> Any:
    from openvino import opset13

    return opset13.convert(x, "f32")
