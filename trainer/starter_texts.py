"""Texts written for this project that are labelled otherwise than as praise or complaint.

`starter_others.csv` are messages that are no reviews, `starter_mixed.csv` reviews that are as much
the one as the other; STARTER_REVIEWS.md tells how they were made.
"""

import csv
import hashlib
from pathlib import Path
from typing import NamedTuple

OTHERS = Path(__file__).with_name("starter_others.csv")
MIXED = Path(__file__).with_name("starter_mixed.csv")
HELD_OUT_SHARE = 0.2


class Texts(NamedTuple):
    """A file's texts. Which are held out is decided by a hash of the text: no seed changes it."""

    learned: list[str]
    held_out: list[str]


def read_texts(file: Path) -> Texts:
    """The column `text` of one of the two files."""
    with file.open(encoding="utf-8", newline="") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    held_out = [_share(text) < HELD_OUT_SHARE for text in texts]
    return Texts(
        [text for text, out in zip(texts, held_out, strict=True) if not out],
        [text for text, out in zip(texts, held_out, strict=True) if out],
    )


def _share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32
