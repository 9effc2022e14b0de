"""Where the time goes: the operators of one answer and of one training step.

    python -m benchmarks.profile

The answer comes from the DistilBERT-size graph of `make bench`; the step trains the stand-in with
the best recipe, 16 windows of 128 tokens.
"""

import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from trainer.config import RECIPES, Precision, RecipeName
from trainer.model.runtime import cores
from trainer.training.encoder import load_encoder
from trainer.training.export import GraphPrecision, export
from trainer.training.loop import make_optimizer, prepared, uses_bf16

REPEATS = 50
SHOWN = 8


def answer(tokens: int) -> Counter[str]:
    """Microseconds by operator for one text of the given length, from ONNX Runtime's profile."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph"
        model = DistilBertForSequenceClassification(DistilBertConfig())
        ids = np.random.default_rng(0).integers(1000, 30000, (1, tokens))
        export(model, graph, GraphPrecision.INT8, texts=ids.tolist())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        for _ in range(REPEATS):
            session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        events = json.loads(Path(session.end_profiling()).read_text())
    times: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            times[event["args"]["op_name"]] += event["dur"] / REPEATS
    return times


def step() -> Counter[str]:
    """Microseconds by operator for one training step, from PyTorch's profile."""
    model = load_encoder("stand-in", 0).model
    recipe = RECIPES[RecipeName.BEST]
    bf16 = uses_bf16(model.device, Precision.AUTO, recipe)
    ids = torch.randint(1000, 30000, (16, 128))
    labels = torch.randint(0, 2, (16,))
    with prepared(model, recipe, bf16):
        optimizer = make_optimizer(model, recipe, 1e-5)

        def train_once() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = model(ids, attention_mask=torch.ones_like(ids)).logits
            cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()

        train_once()  # the first step allocates
        with profile(activities=[ProfilerActivity.CPU]) as found:
            train_once()
    return Counter({row.key: int(row.self_cpu_time_total) for row in found.key_averages()})


def main() -> None:
    """Print the slowest operators."""
    console = Console(width=100)
    for title, times in (
        ("one text of 14 tokens", answer(14)),
        ("one text of 60 tokens", answer(60)),
        ("one training step", step()),
    ):
        total = times.total()
        table = Table("operator", "ms", "share", title=f"{title}: {total / 1000:.2f} ms in all")
        for name, microseconds in times.most_common(SHOWN):
            table.add_row(name, f"{microseconds / 1000:.2f}", f"{microseconds / total:.0%}")
        console.print(table)


if __name__ == "__main__":
    main()
