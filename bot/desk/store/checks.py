"""Keeps text out of the store: what an id, a link and a short name may look like."""

import re
from datetime import datetime

_REFERENCE = re.compile(r"[!-~]{1,200}")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}|")


def check_reference(**values: str | None) -> None:
    """Raises ValueError unless each value is an id or a link: ASCII, no blanks, 200 at most.

    The error names the field, not the value.
    """
    for name, value in values.items():
        if value is not None and not _REFERENCE.fullmatch(value):
            raise ValueError(f"{name} must be an id or a link of 1 to 200 characters, no blanks")


def check_token(**values: str) -> None:
    """Raises ValueError unless each value is a short name such as `leans_positive`, or empty.

    The error names the field, not the value.
    """
    for name, value in values.items():
        if not _TOKEN.fullmatch(value):
            raise ValueError(f"{name} must be a name of up to 80 letters, digits, and .-_")


def check_time(**values: datetime) -> None:
    """Raises ValueError unless each time has a time zone."""
    for name, value in values.items():
        if value.tzinfo is None:
            raise ValueError(f"{name} must have a time zone")
