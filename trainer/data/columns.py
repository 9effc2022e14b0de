"""Which columns of a data set hold the text and the label, and what a label means.

Ambiguous input is refused with a sentence; the options `--text-column`, `--label-column` and
`--label-map` resolve it.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from trainer.data.quoting import quote, quote_column, quote_columns
from trainer.errors import ReviewsError

# The documented name of each comes first and wins; a file may have only one of the others.
_TEXT_NAMES = ("text", "review", "sentence", "comment", "content", "body", "review_text")
_LABEL_NAMES = ("label", "sentiment", "liked", "polarity", "class", "target")
_PHENOMENON = "phenomenon"

_WORDS = {"neg": 0, "negative": 0, "pos": 1, "positive": 1}
_SPELLINGS = {"0": 0, "false": 0, "1": 1, "true": 1, **_WORDS}
_ALLOWED = "0 or 1, false or true, neg or pos, negative or positive"
_NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d*)?\s*")
_MISSING = frozenset({"", "nan", "null", "none", "na", "n/a", "<na>"})
_SKIP = "skip"
_WHOLE_FLOAT = re.compile(r"([+-]?\d+)\.0*")

Row = tuple[str, object, object, object]
"""The row's place, for errors; its text, its label, and its phenomenon or None."""


@dataclass(frozen=True, slots=True)
class Found:
    """The positions of a table's columns."""

    text: int
    label: int
    phenomenon: int | None


@dataclass(frozen=True, slots=True)
class Columns:
    """The options about a data set's columns; by default, none."""

    text: str | None = None
    label: str | None = None
    meanings: Mapping[str, int | None] = field(default_factory=dict)
    """The class of each label in `--label-map`; rows with the label None are skipped."""

    @classmethod
    def of(
        cls, text: str | None = None, label: str | None = None, label_map: Iterable[str] | None = ()
    ) -> Self:
        """Reads the options.

        Raises:
            ReviewsError: an entry of the label map is malformed, or contradicts another one.
        """
        meanings: dict[str, int | None] = {}
        for entry in label_map or ():
            left, _, right = entry.rpartition("=")
            key, word = _spelling(left), right.strip().casefold()
            if not key or (word != _SKIP and word not in _SPELLINGS):
                raise ReviewsError(
                    f"--label-map has the entry {quote(entry)}, but each must be like 5=positive, "
                    f"1=negative or 3={_SKIP}, which skips such rows."
                )
            meaning = _SPELLINGS.get(word)
            if meanings.setdefault(key, meaning) != meaning:
                raise ReviewsError(f"--label-map gives {quote(key)} two meanings. Keep one.")
        return cls(text, label, meanings)

    def find(self, names: Sequence[str], where: str) -> Found:
        """The positions of the text and of the label among a table's columns.

        Raises:
            ReviewsError: a column is missing, or several are possible.
        """
        text = _position(names, self.text, _TEXT_NAMES, "--text-column", where)
        label = _position(names, self.label, _LABEL_NAMES, "--label-column", where)
        missing = [
            (what, option)
            for what, option, position in (
                ("text", "--text-column", text),
                ("label", "--label-column", label),
            )
            if position is None
        ]
        if text is None or label is None:
            options = " and ".join(option for _, option in missing)
            raise ReviewsError(
                f"{where}: no {' and no '.join(f'{what} column' for what, _ in missing)} was "
                f"recognised. {_describe(names)} Name the columns text and label, or give "
                f"their names with {options}."
            )
        if text == label:
            raise ReviewsError(
                f"{where}: the column {quote_column(names[text])} cannot be both the text and the "
                f"label."
            )
        phenomenon = _position(names, None, (_PHENOMENON,), "", where)
        return Found(text, label, phenomenon)

    def read_label(self, value: object, where: str) -> int | None:
        """0 or 1 for a label; None if it is missing or skipped by `--label-map`.

        Raises:
            ReviewsError: the value is not allowed; `where` is its place.
        """
        key = _spelling(value)
        if key is None:
            return None
        known = self._known()
        if key in known:
            return known[key]
        if self.meanings:
            raise ReviewsError(
                f"{where}: the label is {quote(value)}, which is not in --label-map. Add it, "
                f"as positive, negative or {_SKIP}."
            )
        raise ReviewsError(
            f"{where}: the label is {quote(value)}, but must be {_ALLOWED}. Give other labels a "
            f"meaning with --label-map, for instance --label-map 1=negative,5=positive,3={_SKIP}."
        )

    def is_label(self, value: object) -> bool:
        """Whether the value is a label, and not a missing one."""
        return _spelling(value) in self._known()

    def _known(self) -> dict[str | None, int | None]:
        # As a star rating, 1 is not the 1 of "0 or 1": a map with numbers must name all of them.
        has_numbers = any(_NUMBER.fullmatch(key) for key in self.meanings)
        known: dict[str | None, int | None] = {}
        known.update(_WORDS if has_numbers else _SPELLINGS)
        known.update(self.meanings)
        return known


def is_known_name(name: str) -> bool:
    """Whether a column of this name would be recognised."""
    return _plain(name) in (*_TEXT_NAMES, *_LABEL_NAMES)


def is_same_label(one: object, other: object) -> bool:
    """Whether two labels are the same except for case and blanks."""
    return _spelling(one) == _spelling(other)


def _position(
    names: Sequence[str], wanted: str | None, known: Sequence[str], option: str, where: str
) -> int | None:
    if wanted is not None:
        exact = [index for index, name in enumerate(names) if name == wanted]
        found = exact or [i for i, name in enumerate(names) if _plain(name) == _plain(wanted)]
        if not found:
            raise ReviewsError(
                f"{where}: there is no column {quote_column(wanted)}, which {option} names. "
                f"{_describe(names)}"
            )
    else:
        plain = [_plain(name) for name in names]
        documented = [index for index, name in enumerate(plain) if name == known[0]]
        found = documented or [index for index, name in enumerate(plain) if name in known]
    if len(found) > 1:
        listed = " and ".join(quote_column(names[index]) for index in found)
        raise ReviewsError(
            f"{where}: the columns {listed} are both possible. Name one of them"
            f"{f' with {option}' if option and not wanted else ''}, or rename the others."
        )
    return found[0] if found else None


def _describe(names: Sequence[str]) -> str:
    if any(_NUMBER.fullmatch(name) for name in names):
        return "The file starts with a row, not with a header."
    return f"Found: {quote_columns(names)}."


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _spelling(value: object) -> str | None:
    """A label in lower case, whole numbers without a decimal point; None if it is missing."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, int) and abs(value) >= 10**9:
        return "a large number"  # Python refuses to print the largest
    if value is not None and not isinstance(value, str | int | float | Decimal):
        return type(value).__name__
    word = str("" if value is None else value).strip().casefold()
    if word in _MISSING:
        return None
    whole = _WHOLE_FLOAT.fullmatch(word)
    return whole[1] if whole else word
