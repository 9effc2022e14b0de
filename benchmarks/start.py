"""From the start of a process to its first answer, and the memory that it then holds."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import psutil

from benchmarks.timing import Row

_ROOT = Path(__file__).parents[1]
_OURS = """
import sys
from pathlib import Path
from trainer.model.classifier import Classifier
from trainer.model.runtime import RuntimeName
classifier = Classifier.load(Path(sys.argv[1]), RuntimeName.ONNX)
print(classifier([sys.argv[2]])[0].label, flush=True)
sys.stdin.read()
"""
_THEIRS = """
import sys
from transformers import pipeline
judge = pipeline("text-classification", model=sys.argv[1], truncation=True, device="cpu")
print(judge(sys.argv[2])[0]["label"], flush=True)
sys.stdin.read()
"""


def first_answer(checkpoint: Path, text: str, rounds: int) -> list[Row]:
    """Both sides in turns, each in a process of its own; the files are in the page cache.

    A round that does not count goes first where there are several.
    """
    found: list[list[tuple[float, float]]] = [[], []]
    for number in range(rounds if rounds == 1 else rounds + 1):
        for script, figures in zip((_OURS, _THEIRS), found, strict=True):
            measured = _run(script, checkpoint, text)
            if number or rounds == 1:
                figures.append(measured)
    (our_seconds, our_memory), (their_seconds, their_memory) = (
        [median(values) for values in zip(*figures, strict=True)] for figures in found
    )
    return [
        Row("process start to first answer", "pipeline", "s", our_seconds, their_seconds, 5.0),
        Row("resident memory after it", "pipeline", "MiB", our_memory, their_memory, 2.0),
    ]


def _run(script: str, checkpoint: Path, text: str) -> tuple[float, float]:
    """Seconds to the first answer, and MiB resident then."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", script, str(checkpoint), text],
        cwd=_ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(_ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
        seconds = time.perf_counter() - began
        memory = psutil.Process(process.pid).memory_info().rss / 2**20 if answer else 0.0
        _, errors = process.communicate("")
    if not answer:
        raise SystemExit(f"A side ended without an answer:\n{errors}")
    return seconds, memory
