"""The data sets in the settings, and the options for their columns."""

import re
import shlex

_COLUMN_OPTION = re.compile(r"\s--(?=(?:text-column|label-column|label-map)\b)")


def split_source(source: str) -> tuple[str, tuple[str, ...]]:
    """A data set of the settings, and the trainer's options for its columns.

    `/srv/my films.csv --text-column body` is the file and `("--text-column=body",)`.

    Raises:
        ValueError: an option has no value, or several, or a quotation mark is not closed.
    """
    path, *parts = _COLUMN_OPTION.split(source)
    options = []
    for part in parts:
        option, _, value = part.partition("=" if "=" in part.split()[0] else " ")
        (word,) = shlex.split(value)
        options.append(f"--{option}={word}")
    return path.strip(), tuple(options)
