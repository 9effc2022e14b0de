"""The packages that serving does without, and the sentence for a machine that lacks one of them.

They belong to extras of the project, which `pyproject.toml` lists.
"""

from importlib.util import find_spec

TRAINING = ("torch", "transformers", "datasets", "huggingface_hub", "matplotlib", "onnx", "pyarrow")
"""What the extra `train` brings."""


def missing(purpose: str, *packages: str, extra: str = "train") -> str:
    """A sentence on those of the `packages` that are not installed; empty where all of them are.

    Imports none of them. `purpose` begins the sentence: "Training".
    """
    absent = [name for name in packages if find_spec(name) is None]
    if not absent:
        return ""
    several = len(absent) > 1
    return (
        f"{purpose} needs the package{'s' if several else ''} {', '.join(absent)}, which "
        f"{'are' if several else 'is'} not installed. Install {'them' if several else 'it'}: "
        f'pip install "review-concierge[{extra}]"'
    )
