"""What `make run </dev/null` does on a fresh machine without a hub, and how good the result is.

The starter texts are a sixth of those that come with the project: with all of them, this test alone
took a third of the suite's time. `docs/benchmarks.md` has the figures of all.
"""

import asyncio
import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bot.removal import removal
from trainer.data.reviews import load_reviews, take
from trainer.model.classifier import Classifier

ROOT = Path(__file__).parents[1]
STARTER_TEXTS = ("reviews", "kinds", "mixed")
SHARE = 1 / 6
EXPLAINED_REVIEWS = 100


def make_small_checkout(folder: Path) -> None:
    """A copy of the program with fewer starter texts."""
    for package in ("bot", "trainer"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "responses.yaml", folder)
    for name in STARTER_TEXTS:
        file = folder / "trainer" / "data" / f"starter_{name}.csv"
        with file.open(encoding="utf-8", newline="") as opened:
            header, *rows = csv.reader(opened)
        with file.open("w", encoding="utf-8", newline="") as opened:
            some = random.Random(0).sample(rows, round(SHARE * len(rows)))
            csv.writer(opened).writerows([header, *some])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_trains_on_the_starter_reviews_and_ends_well(tmp_path: Path) -> None:
    make_small_checkout(tmp_path)
    environment = {**os.environ, "DISCORD_TOKEN": ""}
    reviews = "I loved every minute of it!\nWhat a boring waste of time.\n"
    first = subprocess.run(
        [sys.executable, "-m", "bot", "start"],
        cwd=tmp_path,
        env=environment,
        input=reviews,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert first.returncode == 0, first.stderr
    assert "the starter reviews that come with this project are used" in first.stderr
    assert "MiniLM weights" in first.stderr
    answers = first.stdout.splitlines()[-2:]
    assert answers[0].startswith("[positive ")
    assert answers[1].startswith("[negative ")

    (checkpoint,) = (path for path in (tmp_path / "checkpoints").iterdir() if path.is_dir())
    training = json.loads((checkpoint / "training.json").read_text())
    assert training["base_model"]["name"] == "stand-in"
    # Reviews that it has not seen, and that no default was chosen by.
    assert training["evaluation"]["test"]["reviews"] >= 400
    assert training["evaluation"]["test"]["accuracy"] > 0.7  # of which half are hard on purpose
    assert training["chat"]["chat"] > 0.7

    # And the words that an explanation marks carry its verdicts on them.
    held_back = take(load_reviews("starter").test, EXPLAINED_REVIEWS)
    texts = [review.text for review in held_back]
    by_weight, by_chance = asyncio.run(removal(Classifier.load(checkpoint), texts))
    assert by_weight > 0.25
    assert by_weight > 2 * by_chance
