"""Runs the network: ONNX Runtime if a checkpoint has an exported graph, else PyTorch.

Serving with ONNX Runtime imports neither torch nor transformers; serving with PyTorch imports both.
"""

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.model.batching import PADDED_TOKENS, PADDED_TOKENS_ON_GPU
from trainer.model.inference import FloatArray
from trainer.model.kinds import PADDING_DEPTH, head_layers
from trainer.model.text import IntArray

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class RuntimeName(StrEnum):
    """What runs the network."""

    AUTO = "auto"
    """PyTorch if there is an NVIDIA GPU, else ONNX Runtime if the checkpoint has a graph."""
    ONNX = "onnx"
    OPENVINO = "openvino"
    """The same graph in OpenVINO, an extra: faster in batches, slower to start."""
    TORCH = "torch"


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU; checked without importing torch."""
    return Path("/dev/nvidiactl").exists()


def to_best_device(model: "PreTrainedModel") -> None:
    """Moves the model to the accelerator, if there is one."""
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    torch.nn.Module.to(model, accelerator or torch.device("cpu"))


def cores() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_SPIN_MICROSECONDS = "20"
"""As fast as without a limit on an idle machine; with no spinning at all, one message takes 1.2
times as long."""


class OnnxRuntime:
    """An exported graph on the processor."""

    padded_tokens = PADDED_TOKENS

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        """Loads `graph`; `threads` work on one batch. None: one per core, which `make bench` found
        best for batches, and no worse for a single message."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or cores()
        options.inter_op_num_threads = 1
        # It is written in its final form: to search it for what could be fused takes time only.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        # Within a batch, threads wait for each other in a busy loop, since waking one takes as long
        # as a small product. The loop is short: where another process, such as a training, has one
        # of the cores, a thread that spins takes time from the very thread that it waits for, and
        # a message took up to twice as long. Between batches all of them sleep.
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_MICROSECONDS)
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, input_ids: IntArray, attention_mask: IntArray) -> FloatArray:
        """See `trainer.model.inference.Runtime`."""
        feeds = {"input_ids": input_ids, "attention_mask": attention_mask}
        (outputs,) = self._session.run(None, feeds)
        return np.asarray(outputs, dtype=np.float32)


class TorchRuntime:
    """A model in memory, on the device it is on."""

    def __init__(self, model: "PreTrainedModel", head: "torch.nn.Sequential | None" = None) -> None:
        """`head` recognises kinds of message from the middle layers."""
        self._model = model
        self._head = head

    @property
    def padded_tokens(self) -> int:
        """See `trainer.model.inference.Runtime`."""
        return PADDED_TOKENS if self._model.device.type == "cpu" else PADDED_TOKENS_ON_GPU

    @classmethod
    def load(cls, path: Path, head_file: Path, threads: int | None = None) -> "TorchRuntime":
        """Loads a checkpoint's weights onto the GPU, if there is one; takes seconds."""
        import torch
        from transformers import AutoModelForSequenceClassification
        from transformers.utils import logging as transformers_logging

        if threads is not None:
            torch.set_num_threads(threads)
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = AutoModelForSequenceClassification.from_pretrained(
            path,
            use_safetensors=True,
            dtype=torch.float32,
            local_files_only=True,
            # Without it, transformers asks on standard input, where customers' texts arrive.
            trust_remote_code=False,
        )
        to_best_device(model)
        head = read_head(head_file).to(model.device) if head_file.exists() else None
        return cls(model, head)

    def before_head(self) -> "TorchRuntime":
        """A runtime that returns, in place of the logits of kinds, what their head reads of a text:
        `pooled_layers`."""
        import torch

        return TorchRuntime(self._model, torch.nn.Sequential())

    def __call__(self, input_ids: IntArray, attention_mask: IntArray) -> FloatArray:
        """See `trainer.model.inference.Runtime`. The model's train or eval mode is restored."""
        import torch

        device = self._model.device
        was_training = self._model.training
        self._model.train(False)
        with torch.inference_mode():
            mask = torch.from_numpy(attention_mask).to(device)
            outputs = self._model(
                torch.from_numpy(input_ids).to(device),
                attention_mask=mask,
                output_hidden_states=self._head is not None,
            )
            columns = [outputs.logits.float()]
            if self._head is not None:
                columns.append(self._head(pooled_layers(outputs.hidden_states, mask)))
            both = torch.cat(columns, dim=1).cpu()
        self._model.train(was_training)
        return both.numpy()


def pooled_layers(hidden_states: Sequence["torch.Tensor"], mask: "torch.Tensor") -> "torch.Tensor":
    """For each layer in `head_layers`: the mean over the tokens, and the maximum.

    A word such as "refund" shows the kind wherever it occurs; a maximum keeps it, a mean alone
    dilutes it. `hidden_states` are those of transformers, embeddings first, each (batch, length,
    width); `mask` is (batch, length).

    Returns:
        (batch, layers x 2 x width) float32
    """
    import torch

    weights = mask[..., None].float()
    shares = weights / weights.sum(dim=1, keepdim=True)
    padding = (weights - 1) * PADDING_DEPTH
    pooled = []
    for layer in head_layers(len(hidden_states) - 1):
        hidden = hidden_states[layer].float()
        pooled += [(hidden * shares).sum(dim=1), (hidden + padding).amax(dim=1)]
    return torch.cat(pooled, dim=1)


def read_head(file: Path) -> "torch.nn.Sequential":
    """Loads the head from the weights in `file`."""
    import torch
    from safetensors.torch import load_file

    weights = load_file(file)
    linear = [
        torch.nn.Linear(weights[f"{number}.weight"].shape[1], weights[f"{number}.weight"].shape[0])
        for number in (0, 2)
    ]
    head = torch.nn.Sequential(linear[0], torch.nn.ReLU(), linear[1])
    head.load_state_dict(weights)
    return head
