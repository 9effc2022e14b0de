"""Where a package that training needs is not installed; tests/test_wheel.py does so for real."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from trainer.extras import TRAINING, missing
from trainer.model.classifier import Classifier

ROOT = Path(__file__).parents[2]


def test_says_nothing_where_all_are_installed() -> None:
    assert missing("Training", *TRAINING) == ""


def test_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    assert missing("Training", *TRAINING) == (
        "Training needs the package torch, which is not installed. Install it: "
        'pip install "review-concierge[train]"'
    )


def test_a_gpu_without_pytorch_is_not_used(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.model.classifier.has_gpu", lambda: True)
    monkeypatch.setitem(sys.modules, "torch", None)
    (verdict,) = Classifier.load(checkpoint)(["what a wonderful film"])
    assert verdict.label == "positive"


def test_every_extra_that_is_named_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    named = {
        extra
        for pattern, files in (
            (r'(?:"\.|review-concierge)\[([\w,]+)\]', (ROOT / "docs").glob("*.md")),
            (r'(?:"\.|review-concierge)\[([\w,]+)\]', ROOT.glob("*.md")),
            (r'extra="([\w,]+)"', (ROOT / "trainer").rglob("*.py")),
        )
        for file in files
        for names in re.findall(pattern, file.read_text(encoding="utf-8"))
        for extra in names.split(",")
    }
    assert {"openvino", "peers"} <= named
    assert named <= set(extras)
