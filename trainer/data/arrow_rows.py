"""Labelled rows of parquet files, and of data sets of the `datasets` library.

Both may store a label as a number and name the numbers (ClassLabel). The names decide: in a file
that calls 0 positive, 0 is positive.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from trainer.data.columns import Columns, Row
from trainer.data.files import require_regular, too_large, unpacked_limit
from trainer.data.quoting import quote
from trainer.errors import ReviewsError, printable
from trainer.extras import missing

_BATCH_ROWS = 1_024
_ROW_BYTES = 64
"""The minimum: even an empty row takes memory."""
_NO_LABEL = -1
"""The number of a missing label, by the hub's convention."""


def read_parquet(name: str, content: bytes, columns: Columns) -> Iterator[Row]:
    """The rows of a parquet file; `name` is the file's, for errors.

    Raises:
        ReviewsError: it is damaged, or a column is missing.
    """
    if problem := missing(f"Reading {name}", "pyarrow"):
        raise ReviewsError(problem)
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        names = file.schema_arrow.names
        metadata = file.schema_arrow.metadata or {}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise _damaged(name) from error
    found = columns.find(names, name)
    text, label = names[found.text], names[found.label]
    wanted = [text, label] + ([] if found.phenomenon is None else [names[found.phenomenon]])
    rows: list[dict[str, Any]] = []
    left = unpacked_limit(len(content))
    try:
        # In small batches: a text that is stored once may occur in every row.
        for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
            left -= batch.nbytes + _ROW_BYTES * len(batch)
            if left < 0:
                raise too_large(name)
            rows += batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise _damaged(name) from error
    labelled = _namer(_class_names(metadata.get(b"huggingface", b""), label))
    for number, row in enumerate(rows, start=1):
        where = f"{name}, row {number}"
        yield where, row[text], labelled(row[label], where), row.get("phenomenon")


def read_split(name: str, split: Any, columns: Columns) -> Iterator[Row]:
    """The rows of a `datasets.Dataset`."""
    names = split.column_names
    found = columns.find(names, name)
    text, label = names[found.text], names[found.label]
    labelled = _namer(getattr(split.features[label], "names", None))
    pairs = zip(split[text], split[label], strict=True)
    for number, (value, raw) in enumerate(pairs, start=1):
        where = f"{name}, row {number}"
        yield where, value, labelled(raw, where), None


def read_saved(path: Path, columns: Columns) -> dict[str, list[Row]]:
    """The rows of a folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote.

    Raises:
        ReviewsError: it is damaged, has no train split, or a column is missing.
    """
    if problem := missing(f"Reading {printable(path)}", "datasets"):
        raise ReviewsError(problem)
    import datasets

    for file in path.rglob("*"):
        if not file.is_dir():
            require_regular(file)
    shown = printable(path)
    datasets.disable_progress_bars()
    try:
        saved = datasets.load_from_disk(str(path))
    except Exception as error:  # the library raises the errors of its parsers
        raise ReviewsError(
            f"{shown} was not written by `save_to_disk`, or is damaged. Save it "
            f"again, or pass a file with the columns text and label."
        ) from error
    splits = saved if isinstance(saved, datasets.DatasetDict) else {"train": saved}
    if "train" not in splits:
        raise ReviewsError(f"The data set in {shown} has no train split.")
    return {
        split: list(read_split(f"{shown}, {split}", splits[split], columns))
        for split in ("train", "test")
        if split in splits
    }


def is_saved(path: Path) -> bool:
    """Whether `save_to_disk` wrote this folder."""
    markers = (("dataset_dict.json",), ("dataset_info.json", "state.json"))
    return any(all((path / name).is_file() for name in names) for names in markers)


def _class_names(metadata: bytes, column: str) -> Sequence[str] | None:
    """The names of a column's numbers, from the metadata that `datasets` writes into a schema."""
    try:
        names = json.loads(metadata)["info"]["features"][column]["names"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return names if isinstance(names, list) and all(isinstance(n, str) for n in names) else None


def _namer(names: Sequence[str] | None) -> Callable[[object, str], object]:
    """Turns a stored label into its name; into itself if the numbers have no names."""

    def name(value: object, where: str) -> object:
        if names is None or value is None or not isinstance(value, int):
            return value
        if value == _NO_LABEL:
            return None
        if not 0 <= value < len(names):
            raise ReviewsError(
                f"{where}: the label is {quote(value)}, but the file names only "
                f"{len(names)} labels, from 0."
            )
        return names[value]

    return name


def _damaged(name: str) -> ReviewsError:
    return ReviewsError(
        f"{name} is not a parquet file, or is damaged. Download or export it again."
    )
