"""From the start of a process to its first answer, and its memory then."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import psutil

from benchmarks.timing import Row
from trainer.model.openvino_runtime import has_openvino
from trainer.model.runtime import RuntimeName

_ROOT = Path(__file__).parents[1]
_OURS = """
import sys
from pathlib import Path
from trainer.model.classifier import Classifier
from trainer.model.runtime import RuntimeName
classifier = Classifier.load(Path(sys.argv[1]), RuntimeName(sys.argv[3]))
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
    """All sides alternate, each in its own process; the files are in the page cache.

    If there are several rounds, an additional one goes first and does not count.
    """
    sides = {"ours": (_OURS, RuntimeName.ONNX), "pipeline": (_THEIRS, "")}
    if has_openvino():
        sides["ours by OpenVINO"] = (_OURS, RuntimeName.OPENVINO)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for number in range(rounds if rounds == 1 else rounds + 1):
        for name, (script, runtime) in sides.items():
            measured = _run(script, str(checkpoint), text, runtime)
            if number or rounds == 1:
                found[name].append(measured)
    seconds, memory = (
        {name: median(pair[which] for pair in pairs) for name, pairs in found.items()}
        for which in (0, 1)
    )
    targets = {"pipeline": (5.0, 2.0)}
    rows = []
    for name in list(sides)[1:]:
        faster, smaller = targets.get(name, (None, None))
        rows += [
            Row("process start to first answer", name, "s", seconds["ours"], seconds[name], faster),
            Row("resident memory after it", name, "MiB", memory["ours"], memory[name], smaller),
        ]
    return rows


def _run(script: str, *arguments: str) -> tuple[float, float]:
    """Seconds to the first answer, and MiB resident then."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
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
