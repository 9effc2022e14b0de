"""What `make` installs is what constraints.txt names, build tools included."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_install_is_constrained_and_so_is_the_build_backend() -> None:
    makefile = (ROOT / "Makefile").read_text()
    # The first counts for what is installed, and with an older pip for builds; the second for
    # builds with pip 25.3 and later, which would take the newest setuptools otherwise.
    for name in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"):
        assert f"\nexport {name} := constraints.txt\n" in makefile
    assert re.search(r"^setuptools==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
