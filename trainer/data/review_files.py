"""Labelled reviews on disk: parquet, CSV, TSV and JSON files, also compressed, and folders.

Every error names the file and the row, and says what is allowed. None quotes a review.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from trainer.data import files
from trainer.data.arrow_rows import is_saved, read_parquet, read_saved
from trainer.data.columns import Columns, Row
from trainer.data.delimited import read_delimited
from trainer.data.files import DataFile
from trainer.data.json_rows import read_json
from trainer.errors import ReviewsError, printable

Rows = list["Review"]


@dataclass(frozen=True, slots=True)
class Review:
    """One labelled review."""

    text: str
    label: int
    """0 negative, 1 positive: an index into `trainer.config.LABELS`."""
    phenomenon: str = ""
    """What makes it hard to judge, if the file has a column of that name; for reports only."""
    where: str = field(default="", compare=False, repr=False)
    """Its file and row, for reports only; empty if it is from the original aclImdb layout."""


@dataclass(slots=True)
class Source:
    """The content of a file or a folder."""

    rows: dict[str, Rows] = field(default_factory=dict)
    """The labelled reviews of `train` and, if there is one, of `test`."""
    unlabelled: int = 0
    """Rows without a label, or with one that `--label-map` skips."""

    def add(self, split: str, rows: Iterable[Row], columns: Columns) -> None:
        """Adds rows to a split.

        Raises:
            ReviewsError: a label is not allowed, or a text is not a string.
        """
        reviews = self.rows.setdefault(split, [])
        for row in rows:
            review = _review(row, columns)
            if review is None:
                self.unlabelled += 1
            else:
                reviews.append(review)

    def checked(self, name: str) -> Self:
        """Itself, without a test split that was published without labels.

        Raises:
            ReviewsError: there are no training reviews.
        """
        if not self.rows.get("train"):
            raise ReviewsError(f"{name} holds no reviews with a label.")
        if "test" in self.rows and not self.rows["test"]:
            del self.rows["test"]
        return self


def read_source(path: Path, columns: Columns | None = None) -> Source:
    """Reads a file, or the files of a folder.

    Raises:
        ReviewsError: nothing is there, the layout is unknown, or a row is malformed (the first one
            is named).
    """
    columns = columns or Columns()
    if not path.exists():
        raise ReviewsError(
            f"There is no file or folder {printable(path)}. Check the path to the reviews."
        )
    try:
        source = _read(path, columns)
    except OSError as error:
        raise ReviewsError(
            f"{printable(error.filename or path)} cannot be read: {error.strerror}. Check its "
            f"permissions."
        ) from error
    return source.checked(printable(path))


def looks_like_path(name: str) -> bool:
    """Whether a name that is not on this disk looks like a path rather than a hub name."""
    return name.startswith((".", "/", "~")) or files.suffix_of(name) is not None


def _read(path: Path, columns: Columns) -> Source:
    if not path.is_dir():
        return _from_files(files.read_file(path), columns)
    if (path / "train" / "pos").is_dir():
        return _read_acl_imdb(path)
    if is_saved(path):
        source = Source()
        for split, rows in read_saved(path, columns).items():
            source.add(split, rows, columns)
        return source
    found = files.read_folder(path)
    if found is None:
        raise ReviewsError(
            f"The folder {printable(path)} holds no training reviews: it needs a file "
            f"train.parquet, .csv, .tsv or .jsonl (and may have a test file), the layout of "
            f"aclImdb (train/pos/*.txt and train/neg/*.txt), or what `save_to_disk` of datasets "
            f"writes."
        )
    return _from_files(found, columns)


def _from_files(found: dict[str, list[DataFile]], columns: Columns) -> Source:
    source = Source()
    for split, members in found.items():
        for file in members:
            source.add(split, _rows(file, columns), columns)
    return source


def _rows(file: DataFile, columns: Columns) -> Iterable[Row]:
    if file.suffix == ".parquet":
        return read_parquet(file.name, file.content, columns)
    return _TEXT_READERS.get(file.suffix, read_delimited)(file.name, file.text(), columns)


def _read_acl_imdb(path: Path) -> Source:
    source = Source()
    for split in ("train", "test"):
        if not (path / split).is_dir():
            continue
        source.rows[split] = [
            Review(DataFile(printable(file), ".txt", files.read_bytes(file)).text(), label)
            for label, word in enumerate(("neg", "pos"))
            for file in sorted((path / split / word).glob("*.txt"))
        ]
    return source


def _review(row: Row, columns: Columns) -> Review | None:
    """The row as a review; None if it has no label."""
    where, text, raw, phenomenon = row
    if isinstance(text, float) and text != text:  # NaN, which pandas writes for a missing text
        text = None
    try:
        label = columns.read_label(raw, where)
    except ReviewsError:
        if columns.is_label(text) and isinstance(raw, str):
            raise ReviewsError(
                f"{where}: the label is where the text should be: the two columns are swapped. "
                f"Swap their names in the header, or name them with --text-column and "
                f"--label-column."
            ) from None
        raise
    if text is not None and not isinstance(text, str):
        raise ReviewsError(
            f"{where}: the text must be a string, but is of type {type(text).__name__}."
        )
    if label is None:
        return None
    return Review(text or "", label, str(phenomenon or ""), where)


_TEXT_READERS: dict[str, Callable[[str, str, Columns], Iterable[Row]]] = {
    ".json": read_json,
    ".jsonl": read_json,
    ".ndjson": read_json,
}
"""The others are delimited."""
