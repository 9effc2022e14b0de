"""The machine that a measurement ran on."""

import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.timing import alternate
from trainer.model.runtime import cores

_CPU_FEATURES = ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
_VERSIONS_OF = ("torch", "transformers", "onnxruntime", "tokenizers", "accelerate")
_EXTRAS = ("openvino", "nncf")


@dataclass(frozen=True, slots=True)
class Machine:
    """The properties that figures depend on."""

    processor: str
    cores: int
    """The number that this process may use."""
    instructions: list[str]
    """The instruction sets that speed up matrix products."""
    versions: dict[str, str]

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return f"{self.processor}, {self.cores} cores, {' '.join(self.instructions)}; {versions}"


def describe() -> Machine:
    """This machine."""
    capabilities = torch.cpu.get_capabilities()
    return Machine(
        processor=_processor(),
        cores=cores(),
        instructions=[name for name in _CPU_FEATURES if capabilities.get(name)],
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in _VERSIONS_OF},
            **{name: version(name) for name in _EXTRAS if find_spec(name)},
        },
    )


def has_bf16() -> bool:
    """Whether the processor has instructions for bf16; without them it is emulated, slowly."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def read_bandwidth(megabytes: int, seconds: float) -> float:
    """Bytes per second that all cores together read from memory.

    Each core searches a part of an array for the largest number, which only reads. The array should
    be much larger than the caches.
    """
    buffer = np.ones(megabytes * 2**20 // 4, dtype=np.float32)
    parts = np.array_split(buffer, cores())
    with ThreadPoolExecutor(len(parts)) as pool:
        (times,) = alternate([lambda: list(pool.map(np.max, parts))], seconds)
    return buffer.nbytes / median(times)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
