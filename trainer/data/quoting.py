"""How an error message shows external input: short, on one line, and never a review.

A label or a column's name helps the reader; if a file has another layout than expected, the same
cell holds a review, which must not reach a log or a channel. So only values as short as a name are
shown, as a literal; for anything else, only type and length.
"""

from collections.abc import Iterable

from trainer.errors import printable

MAX_CHARACTERS = 24
MAX_WORDS_OF_COLUMN = 2
"""A label is one word: "Loved it" is as short, but a review."""
MAX_NAMES = 10
MAX_NAME_CHARACTERS = 80
"""Of a data set's name or a path that does not exist."""

_ENDS_OF_SENTENCES = tuple(".!?,;:…")
_KINDS: dict[type, str] = {dict: "an object", list: "a list"}


def quote(value: object, max_words: int = 1) -> str:
    """A label or another short value as a literal, or a description of a longer one."""
    if isinstance(value, str):
        is_name = len(value) <= MAX_CHARACTERS and len(value.split()) <= max_words
        if is_name and not value.rstrip().endswith(_ENDS_OF_SENTENCES):
            return repr(value)
        return f"a text of {len(value):,} characters"
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**MAX_CHARACTERS else "a very large number"
    return _KINDS.get(type(value), f"a value of type {type(value).__name__}")


def quote_column(name: object) -> str:
    """The same for a column's name."""
    return quote(name, MAX_WORDS_OF_COLUMN)


def quote_columns(names: Iterable[object]) -> str:
    """The names of columns, separated by commas."""
    quoted = [quote_column(name) for name in names]
    more = len(quoted) - MAX_NAMES
    listed = ", ".join(quoted[:MAX_NAMES]) or "none"
    return f"{listed} and {more:,} more" if more > 0 else listed


def shorten(name: str) -> str:
    """A name from the operator, on one line."""
    name = printable(name)
    return name if len(name) <= MAX_NAME_CHARACTERS else f"{name[:MAX_NAME_CHARACTERS]}…"
