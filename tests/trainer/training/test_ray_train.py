"""The script for Ray Train in docs/scaling.md, on a cluster of this machine alone."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from trainer.extras import missing

PAGE = Path(__file__).parents[3] / "docs" / "scaling.md"

pytestmark = pytest.mark.skipif(
    bool(missing("", "ray")),
    reason='ray is not installed: pip install --editable ".[train,scale]"',
)


def test_the_script_of_the_page_trains(tmp_path: Path, tiny_encoder: Path, reviews: Path) -> None:
    (script,) = re.findall(r"```python\n(from pathlib.*?)```", PAGE.read_text("utf-8"), re.S)
    (tmp_path / "reviews.csv").write_bytes(reviews.read_bytes())
    more = f'"base_model": "{tiny_encoder}", "max_length": 16, "epochs": 1, "fraction": 1.0'
    for old, new in (
        ("/shared", str(tmp_path)),
        ("use_gpu=True", "use_gpu=False"),
        ('options = {"', f'options = {{{more}, "'),
    ):
        assert old in script
        script = script.replace(old, new)
    (tmp_path / "script.py").write_text(script)
    # Paths of sockets may have 107 characters, too few for pytest's folders.
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        result = subprocess.run(
            [sys.executable, tmp_path / "script.py"],
            env={
                **os.environ,
                **{"RAY_ADDRESS": "local", "RAY_TMPDIR": folder, "RAY_USAGE_STATS_ENABLED": "0"},
            },
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    training = json.loads((tmp_path / "checkpoints" / "mine" / "training.json").read_text())
    assert training["processes"] == 2
