"""Labelled reviews on disk: parquet, CSV, TSV, JSON Lines, and the `aclImdb` folder layout.

Every error names the file and the row, and says what is allowed there.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import ReviewsError

Rows = list["Review"]
_Record = tuple[str, dict[str, Any]]
"""Where a row stands, for an error to name, and its columns."""

_LABEL_WORDS = {"0": 0, "neg": 0, "negative": 0, "1": 1, "pos": 1, "positive": 1}
_LABELS_ALLOWED = "0 or 1, neg or pos, negative or positive"


@dataclass(frozen=True, slots=True)
class Review:
    """One labelled review."""

    text: str
    label: int
    """0 negative, 1 positive: an index into `trainer.config.LABELS`."""
    phenomenon: str = ""
    """What makes it hard to judge, where the file has a column of that name; for reports only."""


def read_source(path: Path) -> dict[str, Rows]:
    """Reads a file, or the files of a folder, into `train` and, where there is one, `test`.

    Raises:
        ReviewsError: nothing there, an unknown layout, or a malformed row (the first is named).
    """
    if not path.exists():
        raise ReviewsError(f"There is no file or folder {path}. Check the path to the reviews.")
    try:
        if path.is_file():
            return {"train": _read_file(path)}
        if (path / "train" / "pos").is_dir():
            return _read_acl_imdb(path)
        return _read_folder(path)
    except OSError as error:
        raise ReviewsError(
            f"{error.filename or path} cannot be read: {error.strerror}. Check its permissions."
        ) from error


def looks_like_path(name: str) -> bool:
    """Whether a name that is not on this disk was meant as a path rather than a hub name."""
    return name.startswith((".", "/", "~")) or Path(name).suffix.lower() in _READERS


def read_label(value: object, where: str) -> int:
    """0 or 1 for any spelling of a label.

    Raises:
        ReviewsError: the value is none of them; `where` says whose it is.
    """
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    label = _LABEL_WORDS.get(str(whole).strip().lower())
    if label is None:
        raise ReviewsError(f"{where}: the label is {value!r}, but must be {_LABELS_ALLOWED}.")
    return label


def _read_folder(path: Path) -> dict[str, Rows]:
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in _READERS)
    splits = {
        split: [file for file in files if file.stem.lower().startswith(split)]
        for split in ("train", "test")
    }
    if not splits["train"] and len(files) == 1:
        splits = {"train": files, "test": []}
    if not splits["train"]:
        raise ReviewsError(
            f"The folder {path} holds no reviews to train on: it needs a file train.parquet, "
            f".csv, .tsv or .jsonl (and may have a test file), or the layout of aclImdb "
            f"(train/pos/*.txt and train/neg/*.txt)."
        )
    return {
        split: [review for file in members for review in _read_file(file)]
        for split, members in splits.items()
        if members
    }


def _read_acl_imdb(path: Path) -> dict[str, Rows]:
    rows: dict[str, Rows] = {}
    for split in ("train", "test"):
        if not (path / split).is_dir():
            continue
        rows[split] = [
            Review(_decode(file), label)
            for label, word in enumerate(("neg", "pos"))
            for file in sorted((path / split / word).glob("*.txt"))
        ]
    return rows


def _read_file(path: Path) -> Rows:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ReviewsError(
            f"{path} is no kind of file that is understood here: bring parquet, CSV, TSV or "
            f"JSON Lines ({', '.join(_READERS)}) with the columns text and label."
        )
    rows = []
    for where, record in reader(path):
        _require_columns(where, list(record))
        text = record["text"]
        if text is not None and not isinstance(text, str):
            raise ReviewsError(f"{where}: the text is {text!r}, but must be a string.")
        label = read_label(record["label"], where)
        rows.append(Review(text or "", label, str(record.get("phenomenon") or "")))
    if not rows:
        raise ReviewsError(f"{path} holds no reviews.")
    return rows


def _require_columns(where: str, columns: list[str]) -> None:
    if missing := [column for column in ("text", "label") if column not in columns]:
        found = ", ".join(str(column) for column in columns) or "none"
        raise ReviewsError(
            f"{where}: no column {' and no column '.join(missing)}. The columns text and label "
            f"are needed; found: {found}."
        )


def _read_csv(path: Path, delimiter: str = ",") -> Iterator[_Record]:
    rows = csv.DictReader(io.StringIO(_decode(path), newline=""), delimiter=delimiter, strict=True)
    try:
        _require_columns(str(path), list(rows.fieldnames or []))
        for row in rows:
            yield f"{path}, line {rows.line_num}", row
    except csv.Error as error:
        raise ReviewsError(f"{path}, line {rows.line_num}: {error}.") from error


def _read_tsv(path: Path) -> Iterator[_Record]:
    return _read_csv(path, delimiter="\t")


def _read_json_lines(path: Path) -> Iterator[_Record]:
    # Not splitlines(): that would also cut at characters that JSON allows inside a string.
    for number, line in enumerate(_decode(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ReviewsError(f"{where}: not valid JSON. One object a line is needed.") from error
        if not isinstance(record, dict):
            raise ReviewsError(f'{where}: not an object like {{"text": "…", "label": "pos"}}.')
        yield where, record


def _read_parquet(path: Path) -> Iterator[_Record]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        _require_columns(str(path), file.schema_arrow.names)
        table = file.read(columns=["text", "label"])
    except pyarrow.ArrowException as error:
        raise ReviewsError(f"{path} is not a parquet file, or a damaged one.") from error
    for number, record in enumerate(table.to_pylist(), start=1):
        yield f"{path}, row {number}", record


def _decode(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReviewsError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8. Save the file as "
            f"UTF-8 and try again."
        ) from error


_READERS: dict[str, Callable[[Path], Iterator[_Record]]] = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,
}
