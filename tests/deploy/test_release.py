"""A release: its version, its notes, and the workflow that drafts it.

tests/test_wheel.py builds what it consists of.
"""

import os
import re
import subprocess
from typing import Any

import pytest
import yaml

import trainer
from tests.deploy.files import ROOT

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())


def _check(**variables: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: v for name, v in os.environ.items() if not name.startswith("GITHUB_")}
    return subprocess.run(
        [ROOT / ".ci/release", "--check"],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_changelog_has_the_version() -> None:
    assert _check().returncode == 0
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(trainer.__version__)} - \d{{4}}-\d\d-\d\d", headings[1])


@pytest.mark.parametrize(
    ("tag", "code"), [(f"v{trainer.__version__}", 0), (trainer.__version__, 1), ("v9.9.9", 1)]
)
def test_the_tag_must_be_the_version(tag: str, code: int) -> None:
    done = _check(GITHUB_REF_TYPE="tag", GITHUB_REF_NAME=tag)
    assert done.returncode == code
    assert ("error: the tag is" in done.stderr) == bool(code)


def test_only_a_tag_makes_a_release_and_only_that_job_may_write() -> None:
    on = WORKFLOW[True]  # YAML 1.1 takes `on` for a truth value
    assert on == {"push": {"tags": ["v*"]}, "workflow_dispatch": None}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    build, draft = WORKFLOW["jobs"]["build"], WORKFLOW["jobs"]["draft"]
    assert "permissions" not in build
    assert draft["if"] == "github.ref_type == 'tag'"
    assert draft["needs"] == "build"
    assert draft["permissions"] == {"contents": "write"}
    assert {"run": ".ci/release"} in build["steps"]
    assert "--draft" in draft["steps"][-1]["run"]
