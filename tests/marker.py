"""The marker that customers' texts carry, and the search for it in all that tests leave behind.

`tests.bot.conftest` puts it into what customers write on Discord, whichever test does so; tests of
the other ways in use `marked` themselves. `tests.conftest` searches when the session ends.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARKER = "xylophonemoon"
"""One word, which nothing else contains."""

_inputs: set[Path] = set()
_printed: list[str] = []


def marked(text: str) -> str:
    """The text with the marker at its beginning, which is what a cut leaves.

    Without words besides mentions, emoji and addresses it is what it was: with a word beside it, it
    would get another answer.
    """
    has_words = re.search(r"\w", re.sub(r"<[^>]*>|https?://\S+", "", text))
    return f"{MARKER} {text}" if has_words and MARKER not in text else text


def unmarked(text: str) -> str:
    """The text as the test wrote it."""
    return text.replace(MARKER, "").strip()


def write_input(path: Path, text: str) -> Path:
    """Writes a file that a test gives to the bot: the marker may be in it."""
    path.write_text(text, "utf-8")
    _inputs.add(path.resolve())
    return path


def search_output(test: str, output: str) -> None:
    """Notes whether a test, named for the report, has let the bot print the marker."""
    if MARKER in output:
        _printed.append(f"the output of {test}")


def traces(folder: Path) -> list[str]:
    """Where the marker is, in words: in files below the folder, and in what was printed."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    found = [
        f"the file {file}"
        for file in files
        if (MARKER in file.name or MARKER.encode() in file.read_bytes())
        and file.resolve() not in _inputs
    ]
    return found + _printed


@contextmanager
def log_watched() -> Iterator[list[str]]:
    """Yields a list that gets the place of each log record with the marker, from here on.

    Records are seen as they are made: whoever handles them, and whether or not anybody does.
    """
    found: list[str] = []
    make = logging.getLogRecordFactory()

    def watch(*args: Any, **others: Any) -> logging.LogRecord:
        record = make(*args, **others)
        if MARKER in record.getMessage():
            found.append(f"a log record of {record.pathname}:{record.lineno}")
        return record

    logging.setLogRecordFactory(watch)
    yield found
    logging.setLogRecordFactory(make)
