"""Labelled rows of CSV and tab-separated text, with any separator, with or without a header.

The separator is the one with which the header has a text and a label column. Every row must have
as many fields as the header: otherwise a text with an unquoted comma would be cut.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from trainer.data.columns import Columns, Found, Row, is_known_name, is_same_label
from trainer.data.quoting import quote
from trainer.errors import ReviewsError

if TYPE_CHECKING:
    from _csv import Reader

_Quoting = Literal[0, 3]
"""`csv.QUOTE_MINIMAL` or `csv.QUOTE_NONE`."""
_Fields = list[str]
_Record = tuple[int, int, _Fields]
"""The numbers of its first line and of the line after its last one, from 0; and its fields."""

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>[^\w\s"]|\t)"?\s*', re.IGNORECASE)
"""With it, Excel names the separator, on a line of its own before the header."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to read a file."""

    separator: str
    found: Found
    width: int
    """Fields per row."""
    start: int
    """The number of the first line with data, from 0."""
    label: str | None
    """The first label, if the file has no header."""


def read_delimited(name: str, text: str, columns: Columns) -> Iterator[Row]:
    """The rows of a file's text; `name` is the file's, for errors.

    Raises:
        ReviewsError: no header is recognised, a row has fewer or more fields than the header, or a
        quotation mark is not closed.
    """
    lines = list(io.StringIO(text, newline=""))
    layout = _find_layout(name, lines, columns)
    records = _read_records(name, lines, layout, columns)
    found = layout.found
    if layout.label is not None:
        alike = sum(is_same_label(fields[found.label], layout.label) for _, _, fields in records)
        if alike < 2:
            raise ReviewsError(
                f"{name}, line {layout.start + 1}: this may be a header or a review. Start the "
                f"file with a line that names the columns, such as text,label."
            )
    for first, _, fields in records:
        phenomenon = None if found.phenomenon is None else fields[found.phenomenon]
        yield f"{name}, line {first + 1}", fields[found.text], fields[found.label], phenomenon


def _find_layout(name: str, lines: Sequence[str], columns: Columns) -> _Layout:
    start = _skip_blank(lines, 0)
    separators = tuple(_SEPARATORS)
    if start < len(lines) and (named := _SEPARATOR_LINE.fullmatch(lines[start])):
        separators = (named["separator"],)
        start = _skip_blank(lines, start + 1)
    if start == len(lines):
        raise ReviewsError(f"{name} is empty.")
    headers = {separator: _split(lines[start], separator) for separator in separators}
    found, errors = {}, {}
    for separator, header in headers.items():
        try:
            found[separator] = columns.find(header, f"{name}, line {start + 1}")
        except ReviewsError as error:
            errors[separator] = error
    if not found:
        return _without_header(headers, start, columns) or _refuse(headers, errors)
    if len(found) > 1:
        listed = " or ".join(_SEPARATORS[separator] for separator in found)
        raise ReviewsError(
            f"{name}: the header can be read with {listed} between the columns. Start the file "
            f"with a line that names the separator, such as sep=;"
        )
    ((separator, positions),) = found.items()
    return _Layout(separator, positions, len(headers[separator]), start + 1, None)


def _without_header(headers: dict[str, _Fields], start: int, columns: Columns) -> _Layout | None:
    """The layout of a file that starts with a row of two fields, one of which is a label."""
    if columns.text is not None or columns.label is not None:
        return None
    layouts = []
    for separator, fields in headers.items():
        labels = [index for index, field in enumerate(fields) if columns.is_label(field)]
        if len(fields) == 2 and len(labels) == 1 and not any(map(is_known_name, fields)):
            found = Found(text=1 - labels[0], label=labels[0], phenomenon=None)
            layouts.append(_Layout(separator, found, 2, start, fields[labels[0]]))
    return layouts[0] if len(layouts) == 1 else None


def _refuse(headers: dict[str, _Fields], errors: dict[str, ReviewsError]) -> _Layout:
    """Raises the error for the most probable separator of the header."""
    widest = max(errors, key=lambda separator: len(headers[separator]))
    raise errors[widest]


def _read_records(
    name: str, lines: Sequence[str], layout: _Layout, columns: Columns
) -> list[_Record]:
    """The records of the file, with the convention for quotation marks that it follows."""

    def read(quoting: "_Quoting") -> list[_Record]:
        return list(_records(name, lines, layout, quoting))

    def checked(records: list[_Record]) -> list[_Record]:
        for record in records:
            _refuse_swallowed_rows(name, lines, record, layout, columns)
        return records

    if layout.separator != "\t":
        return checked(read(csv.QUOTE_MINIMAL))
    # Some tab-separated files have quoted fields, others quotation marks without meaning, which
    # would join lines. If each line alone is a row, the marks must not join any.
    try:
        quoted = read(csv.QUOTE_MINIMAL)
        if all(after == first + 1 for first, after, _ in quoted):
            return quoted
    except ReviewsError as error:
        try:
            return read(csv.QUOTE_NONE)
        except ReviewsError:
            raise error from None
    try:
        return read(csv.QUOTE_NONE)
    except ReviewsError:
        return checked(quoted)


def _records(
    name: str, lines: Sequence[str], layout: _Layout, quoting: "_Quoting"
) -> Iterator[_Record]:
    reader = _reader(islice(lines, layout.start, None), layout.separator, quoting)
    first = layout.start
    try:
        for fields in reader:
            after = layout.start + reader.line_num
            if len(fields) > 1 or any(field.strip() for field in fields):
                _require_width(name, first, fields, layout)
                yield first, after, fields
            first = after
    except csv.Error as error:
        last = layout.start + reader.line_num
        if not any('"' in line for line in lines[first:last]):
            raise ReviewsError(
                f"{name}, line {first + 1}: a field has over {csv.field_size_limit():,} characters."
                f" Shorten it, or remove the row."
            ) from error
        raise ReviewsError(
            f"{name}, line {first + 1}: a quotation mark opens a field that is not closed "
            f"properly{'' if last <= first + 1 else f', up to line {last}'}. Close it before the "
            f'separator, and double each quotation mark within the field ("").'
        ) from error


def _require_width(name: str, line: int, fields: _Fields, layout: _Layout) -> None:
    if len(fields) == layout.width:
        return
    separator = _SEPARATORS.get(layout.separator, quote(layout.separator))
    reference = "the header" if layout.label is None else "the first row"
    advice = f"Put each text that contains {separator} in quotation marks."
    if len(fields) < layout.width:
        advice = f"Complete the row; {separator} separates its fields."
    raise ReviewsError(
        f"{name}, line {line + 1} has {len(fields)} field{'s'[: len(fields) != 1]}, {reference} "
        f"{layout.width}. {advice}"
    )


def _refuse_swallowed_rows(
    name: str, lines: Sequence[str], record: _Record, layout: _Layout, columns: Columns
) -> None:
    """Refuses a record over several lines that are rows themselves: a mark was not closed."""
    first, after, _ = record
    if after == first + 1:
        return
    found = layout.found
    # The line on which the mark correctly opens or closes looks like a row too if it contains the
    # label: the first one if the label comes first, else the last one.
    inner = lines[first : after - 1] if found.text < found.label else lines[first + 1 : after]
    for line in inner:
        (fields,) = _reader([line], layout.separator, csv.QUOTE_NONE)
        if len(fields) == layout.width and columns.is_label(fields[found.label]):
            raise ReviewsError(
                f"{name}, line {first + 1}: a quotation mark opens here and closes on line "
                f"{after}, with whole rows in between. Close it on its own line, or double it "
                f'("") within a quoted text.'
            )


def _split(line: str, separator: str) -> _Fields:
    quotings: tuple[_Quoting, ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
    for quoting in quotings:
        try:
            return next(_reader([line], separator, quoting), [])
        except csv.Error:
            continue
    return []


def _reader(lines: Sequence[str] | Iterator[str], separator: str, quoting: "_Quoting") -> "Reader":
    return csv.reader(
        lines, delimiter=separator, quoting=quoting, skipinitialspace=True, strict=True
    )


def _skip_blank(lines: Sequence[str], start: int) -> int:
    while start < len(lines) and not lines[start].strip(" \t\r\n,;|"):
        start += 1
    return start
