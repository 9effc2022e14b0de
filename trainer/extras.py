"""Optional packages, and the error message if one of them is missing.

They belong to extras of the project, which `pyproject.toml` lists.
"""

from importlib.util import find_spec

TRAINING = ("torch", "transformers", "datasets", "huggingface_hub", "matplotlib", "onnx", "pyarrow")
"""The packages of the extra `train`."""

HTTP = ("fastapi", "uvicorn", "prometheus_client")
"""The packages of the extra `http`."""

SCALE = ("ray", "starlette")
"""The packages of the extra `scale`."""

OTEL = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
"""The packages of the extra `otel`."""


def missing(purpose: str, *packages: str, extra: str = "train") -> str:
    """A sentence naming the `packages` that are not installed; empty if none is missing.

    Imports none of them. `purpose` starts the sentence: "Training".
    """
    absent = [name for name in packages if not _is_installed(name)]
    if not absent:
        return ""
    several = len(absent) > 1
    return (
        f"{purpose} needs the package{'s' if several else ''} {', '.join(absent)}, which "
        f"{'are' if several else 'is'} not installed. Install {'them' if several else 'it'}: "
        f'pip install "review-concierge[{extra}]"'
    )


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package that would contain it
        return False
