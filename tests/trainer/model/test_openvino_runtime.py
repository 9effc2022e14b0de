"""OpenVINO, which is an extra. `test_export.py` compares its figures with PyTorch's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import separable_reviews
from trainer.errors import CheckpointError
from trainer.model.classifier import Classifier
from trainer.model.openvino_runtime import has_openvino
from trainer.model.runtime import RuntimeName

needs_openvino = pytest.mark.skipif(not has_openvino(), reason="openvino, an extra, is missing")


@needs_openvino
def test_a_checkpoint_is_judged_as_by_onnx_runtime(checkpoint: Path) -> None:
    texts = [text for text, _ in separable_reviews()]
    expected, found = (
        Classifier.load(checkpoint, runtime, threads=1)(texts)
        for runtime in (RuntimeName.ONNX, RuntimeName.OPENVINO)
    )
    for verdict, other in zip(found, expected, strict=True):
        assert (verdict.label, verdict.kind) == (other.label, other.kind)
        assert verdict.probabilities == pytest.approx(other.probabilities, abs=0.02)


@needs_openvino
def test_reports_nothing_to_its_makers(checkpoint: Path, tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from trainer.model.classifier import Classifier
from trainer.model.runtime import RuntimeName
print(Classifier.load(Path(sys.argv[1]), RuntimeName.OPENVINO)(["lovely"])[0].label)
print([name for name in sys.modules if name.startswith("openvino_telemetry.")])
"""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    run = subprocess.run(
        [sys.executable, "-c", script, str(checkpoint)],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[1:] == ["[]"]
    assert not list(tmp_path.iterdir())  # its id would lie here


def test_says_what_to_install(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(CheckpointError, match=r"pip install .*\[openvino\]"):
        Classifier.load(checkpoint, RuntimeName.OPENVINO)
