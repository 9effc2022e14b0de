"""Ours against other low-precision ways to serve the same network on the processor.

ONNX Runtime's `quantize_dynamic` of a traced graph; OpenVINO in bf16, or in fp32 if the processor
has no bf16; OpenVINO in int8 by NNCF, with scales measured on chat messages, like ours.
OpenVINO's need two more packages:
.venv/bin/pip install --constraint constraints.txt --editable ".[peers]"
"""

import asyncio
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from benchmarks.inference import INT8_BOUND, OUTSTANDING, through_engine
from benchmarks.machine import has_bf16
from benchmarks.material import chat_messages, make_classifier
from benchmarks.timing import Row, Side, alternate
from trainer.model import checkpoint as files
from trainer.model.batching import PADDED_TOKENS
from trainer.model.classifier import Classifier
from trainer.model.inference import FloatArray, Runtime
from trainer.model.openvino_runtime import OpenVinoRuntime, has_openvino, without_telemetry
from trainer.model.runtime import OnnxRuntime, TorchRuntime, cores
from trainer.model.text import IntArray

ONNX, OPENVINO = "by ONNX Runtime", "by OpenVINO"
DYNAMIC, NNCF = "ONNX Runtime, quantize_dynamic", "OpenVINO, int8 by NNCF"

_OPSET = 17
_CALIBRATED_BY = 64
_INPUTS = ("input_ids", "attention_mask")


@dataclass(frozen=True, slots=True)
class Sides:
    """The runtimes to measure, by name."""

    ours: dict[str, Runtime]
    theirs: dict[str, Runtime]
    left_out: str | None
    """A sentence about packages that are not installed."""

    def rows(self, figure: str, unit: str, found: Sequence[float]) -> list[Row]:
        """`found` has a figure for each of ours, then for each of theirs."""
        ours = dict(zip(self.ours, found, strict=False))
        theirs = dict(zip(self.theirs, found[len(ours) :], strict=True))
        return [
            Row(
                f"{figure}, {name}",
                other,
                unit,
                mine,
                their,
                1.0 if other == NNCF else None,
                more_is_better=unit == "/s",
            )
            for name, mine in ours.items()
            for other, their in theirs.items()
            if name == ONNX or other == NNCF
        ]


def make_sides(checkpoint: Path, scratch: Path) -> Sides:
    """Loads ours, and makes the others from the same weights; takes half a minute."""
    graph = files.graph_file(checkpoint)
    ours: dict[str, Runtime] = {ONNX: OnnxRuntime(graph)}
    with _quietly():
        theirs: dict[str, Runtime] = {DYNAMIC: _quantized_dynamically(checkpoint, scratch)}
        if not has_openvino():
            return Sides(ours, theirs, "OpenVINO is skipped: openvino is not installed.")
        ours[OPENVINO] = OpenVinoRuntime(graph)
        model = _openvino_model(checkpoint)
        precision = "bf16" if has_bf16() else "f32"
        theirs[f"OpenVINO, {precision}"] = _OpenVino(model, precision)
        if find_spec("nncf") is None:
            return Sides(ours, theirs, "OpenVINO in int8 is skipped: nncf is not installed.")
        theirs[NNCF] = _OpenVino(_quantized_by_nncf(model, checkpoint))
    return Sides(ours, theirs, None)


@contextmanager
def _quietly() -> Iterator[None]:
    """Hides harmless warnings and the progress of the exporter and the quantisers."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"), redirect_stdout(sys.stderr):
            yield
    finally:
        logging.disable(logging.NOTSET)


def check(sides: Sides, checkpoint: Path, texts: Sequence[str]) -> None:
    """Compares the answers of all of them with PyTorch's.

    Raises:
        SystemExit: the answers of one differ, so its time would be meaningless.
    """

    def positive(runtime: Runtime) -> FloatArray:
        verdicts = make_classifier(checkpoint, runtime=runtime)(texts)
        return np.array([verdict.probabilities["positive"] for verdict in verdicts], np.float32)

    expected = positive(TorchRuntime.load(checkpoint, files.head_file(checkpoint)))
    for name, runtime in (sides.ours | sides.theirs).items():
        error = float(np.abs(positive(runtime) - expected).max())
        if error > INT8_BOUND * np.ptp(expected):
            raise SystemExit(f"{name} gives different answers from PyTorch, by up to {error:.2f}.")


def forward_passes(
    sides: Sides, shapes: Sequence[tuple[int, int]], vocabulary: int, seconds: float
) -> list[Row]:
    """The network alone, on batches of (texts, tokens) without padding."""
    rows = []
    runtimes = [*sides.ours.values(), *sides.theirs.values()]
    rng = np.random.default_rng(0)
    for texts, tokens in shapes:
        ids = rng.integers(vocabulary // 2, vocabulary, (texts, tokens))
        calls: list[Side] = [partial(run, ids, np.ones_like(ids)) for run in runtimes]
        times = alternate(calls, seconds, block=8 if texts == 1 else 2)
        rows += sides.rows(f"{texts} x {tokens}", "ms", [1000 * median(side) for side in times])
    return rows


def through_the_engine(
    sides: Sides, checkpoint: Path, texts: Sequence[str], seconds: float
) -> list[Row]:
    """All texts through the bot's engine, from text to verdict, in each runtime."""
    classifiers = [
        make_classifier(checkpoint, runtime=runtime)
        for runtime in (*sides.ours.values(), *sides.theirs.values())
    ]
    calls: list[Side] = [partial(_once, classifier, texts) for classifier in classifiers]
    found = [len(texts) / median(times) for times in alternate(calls, seconds)]
    figure = f"{len(texts)} messages, {OUTSTANDING} at a time"
    return sides.rows(figure, "/s", found)


def _once(classifier: Classifier, texts: Sequence[str]) -> None:
    asyncio.run(through_engine(classifier, texts))


class _Logits(torch.nn.Module):
    """The model with a tensor as output, which tracing needs."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def _model(checkpoint: Path, attention: str) -> tuple[_Logits, tuple[torch.Tensor, torch.Tensor]]:
    """The model, and an input to trace it with."""
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation=attention
    )
    ids = torch.ones((2, 4), dtype=torch.int64)
    return _Logits(model.eval()), (ids, torch.ones_like(ids))


def _quantized_dynamically(checkpoint: Path, scratch: Path) -> Runtime:
    from onnxruntime.quantization import quantize_dynamic

    model, example = _model(checkpoint, "eager")
    traced, quantized = scratch / "traced.onnx", scratch / "dynamic.onnx"
    torch.onnx.export(
        model,
        example,
        traced,
        input_names=list(_INPUTS),
        dynamic_axes={name: {0: "batch", 1: "length"} for name in _INPUTS},
        opset_version=_OPSET,
        dynamo=False,  # the new exporter needs one more package
    )
    quantize_dynamic(traced, quantized, per_channel=True)
    return _Optimized(quantized)


class _Optimized:
    """Any graph, fused by ONNX Runtime itself."""

    padded_tokens = PADDED_TOKENS

    def __init__(self, graph: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, input_ids: IntArray, attention_mask: IntArray) -> FloatArray:
        feeds = dict(zip(_INPUTS, (input_ids, attention_mask), strict=True))
        (logits,) = self._session.run(None, feeds)
        return np.asarray(logits, dtype=np.float32)


class _OpenVino:
    """An OpenVINO model; without a `precision`, OpenVINO chooses one for what is not int8."""

    padded_tokens = PADDED_TOKENS

    def __init__(self, model: Any, precision: str | None = None) -> None:
        import openvino

        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": cores()}
        if precision is not None:
            options["INFERENCE_PRECISION_HINT"] = precision
        self._request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()

    def __call__(self, input_ids: IntArray, attention_mask: IntArray) -> FloatArray:
        (logits,) = self._request.infer([input_ids, attention_mask], share_inputs=True).values()
        return np.asarray(logits, dtype=np.float32)


def _openvino_model(checkpoint: Path) -> Any:
    without_telemetry()
    import openvino

    model, example = _model(checkpoint, "sdpa")
    shape = ([-1, -1], openvino.Type.i64)
    return openvino.convert_model(model, example_input=example, input=[shape, shape])


def _quantized_by_nncf(model: Any, checkpoint: Path) -> Any:
    import nncf

    tokenizer = files.read_tokenizer(checkpoint)
    texts = [tokenizer.encode(text).ids for text in chat_messages(_CALIBRATED_BY)]
    return nncf.quantize(
        model,
        nncf.Dataset([(np.array([ids]), np.ones((1, len(ids)), np.int64)) for ids in texts]),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=_CALIBRATED_BY,
    )
