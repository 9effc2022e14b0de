"""Labelled rows of JSON: one object per line, an array of objects, or an object of columns."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.data.columns import Columns, Row
from trainer.data.quoting import quote_column
from trainer.errors import ReviewsError

_EXAMPLE = '{"text": "…", "label": "positive"}'
_Object = dict[str, Any]


def read_json(name: str, text: str, columns: Columns) -> Iterator[Row]:
    """The rows of a file's text; `name` is the file's, for errors.

    Raises:
        ReviewsError: it is not valid JSON, or is not made of rows with the columns.
    """
    if not text.strip():
        raise ReviewsError(f"{name} is empty.")
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise _too_deep(name) from error
    except ValueError as error:
        if text.lstrip().startswith("["):
            line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
            raise ReviewsError(
                f"{name}, line {line}: not valid JSON. Use an array of objects like {_EXAMPLE}, "
                f"separated by commas."
            ) from error
        return _of_objects(name, list(_lines(name, text)), columns)
    if isinstance(document, list):
        objects = [(f"{name}, item {n}", item) for n, item in enumerate(document, start=1)]
    elif isinstance(document, dict) and any(
        isinstance(value, dict | list) for value in document.values()
    ):
        return _of_columns(name, document, columns)
    else:
        objects = [(f"{name}, line 1", document)]
    return _of_objects(name, objects, columns)


def _lines(name: str, text: str) -> Iterator[tuple[str, object]]:
    # Not splitlines(): that would also cut at characters that JSON allows inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            yield where, json.loads(line)
        except RecursionError as error:
            raise _too_deep(where) from error
        except ValueError as error:
            raise ReviewsError(
                f"{where}: not valid JSON. Use one object per line, like {_EXAMPLE}, or one "
                f"array of such objects."
            ) from error


def _of_objects(name: str, items: list[tuple[str, object]], columns: Columns) -> Iterator[Row]:
    objects: list[tuple[str, _Object]] = []
    for where, item in items:
        if not isinstance(item, dict):
            raise ReviewsError(f"{where}: not an object like {_EXAMPLE}.")
        objects.append((where, item))
    if not objects:
        return
    names = list(dict.fromkeys(key for _, item in objects for key in item))
    found = columns.find(names, name)
    text, label = names[found.text], names[found.label]
    for where, item in objects:
        if text not in item:
            raise ReviewsError(
                f"{where}: the object has no {quote_column(text)}, which holds the text."
            )
        phenomenon = None if found.phenomenon is None else item.get(names[found.phenomenon])
        yield where, item[text], item.get(label), phenomenon


def _of_columns(name: str, document: _Object, columns: Columns) -> Iterator[Row]:
    """The rows of pandas' default format: for each column, its values by row."""
    names = list(document)
    found = columns.find(names, name)
    texts, labels = (_values(document[names[position]]) for position in (found.text, found.label))
    if texts is None or labels is None or texts.keys() != labels.keys():
        raise ReviewsError(
            f"{name}: the text column and the label column do not have the same rows. Use one "
            f"object per line, like {_EXAMPLE}, or one array of such objects."
        )
    for number, (key, text) in enumerate(texts.items(), start=1):
        yield f"{name}, row {number}", text, labels[key], None


def _values(column: object) -> Mapping[object, object] | None:
    if isinstance(column, dict):
        return column
    return dict(enumerate(column)) if isinstance(column, list) else None


def _too_deep(where: str) -> ReviewsError:
    return ReviewsError(f"{where}: the JSON is nested too deeply. Use objects like {_EXAMPLE}.")
