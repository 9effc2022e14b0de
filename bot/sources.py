"""Which data sets the settings name, and how their columns are read."""

import re
import shlex

_COLUMN_OPTION = re.compile(r"\s--(?=(?:text-column|label-column|label-map)\b)")


def split_source(source: str) -> tuple[str, tuple[str, ...]]:
    """A data set of the settings, and the trainer's options on its columns that follow it.

    `/srv/my films.csv --text-column body` is the file and `("--text-column=body",)`.

    Raises:
        ValueError: an option has no value, or several, or a quotation mark is left open.
    """
    path, *parts = _COLUMN_OPTION.split(source)
    options = []
    for part in parts:
        option, _, value = part.partition("=" if "=" in part.split()[0] else " ")
        (word,) = shlex.split(value)
        options.append(f"--{option}={word}")
    return path.strip(), tuple(options)
