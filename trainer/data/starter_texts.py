"""Texts written for this project whose labels are other than praise or complaint.

`starter_kinds.csv` has messages of every kind, `starter_mixed.csv` reviews with as much praise as
complaint; STARTER_REVIEWS.md describes how they were made. Which of them are held out depends on a
hash of the text, not on a seed.
"""

import csv
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

KINDS_FILE = Path(__file__).with_name("starter_kinds.csv")
MIXED_FILE = Path(__file__).with_name("starter_mixed.csv")
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a file."""

    texts: list[str]
    kinds: list[str]
    """One of `trainer.model.kinds.KINDS` for each text."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A file's lines: those for training, and the held-out ones."""

    learned: Lines
    held_out: Lines
    fingerprint: str
    """SHA-256 of the file."""

    def record(self, name: str) -> dict[str, Any]:
        """Its part of `training.json`."""
        return {"name": name, "fingerprint": self.fingerprint, "learned": len(self.learned.texts)}


@cache
def read_kinds() -> Texts:
    """Messages of every kind."""
    return _read(KINDS_FILE)


@cache
def read_mixed() -> Texts:
    """Mixed reviews."""
    return _read(MIXED_FILE)


def _read(file: Path) -> Texts:
    content = file.read_bytes()
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    learned, held_out = (
        [row for row in rows if (_share(row["text"]) < HELD_OUT_SHARE) is out]
        for out in (False, True)
    )
    return Texts(_lines(learned), _lines(held_out), hashlib.sha256(content).hexdigest())


def _lines(rows: list[dict[str, str]]) -> Lines:
    return Lines([row["text"] for row in rows], [row.get("kind", "review") for row in rows])


def _share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32
