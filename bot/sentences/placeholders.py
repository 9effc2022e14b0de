"""What may stand in {curly brackets} in a sentence, and what takes its place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

HELP_LINE = "https://findahelpline.com, which lists help lines by country"
"""What a sentence of `distress` points to where the settings name no local help line."""

OWNER = "the person who runs this bot"
"""What takes the place of {owner} where the front end has no better way to name them."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One of the fixed list."""

    meaning: str
    example: str
    longest: int
    """In characters, that a front end puts in its place."""
    otherwise: str | None = None
    """What stands there where there is no value, and no sentence without it. None: such a sentence
    is not said."""


PLACEHOLDERS = {
    "user": Placeholder("the customer's name, without a ping", "Maria", 64, "friend"),
    "server": Placeholder("the server's name", "Film Club", 100, "our server"),
    "owner": Placeholder("who runs the bot", OWNER, 40, OWNER),
    "help_line": Placeholder("HELP_LINE of .env", HELP_LINE, len(HELP_LINE), HELP_LINE),
    "confidence": Placeholder("how sure the verdict is, only where there is one", "92%", 4),
}

_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")


def placeholders_in(sentence: str) -> Iterator[str]:
    """The names in curly brackets, known or not, in their order."""
    return (found[1] for found in _PLACEHOLDER.finditer(sentence))


def fill(sentence: str, values: Mapping[str, str | None]) -> str:
    """The sentence with its placeholders filled in, and with nothing filled in within those.

    `values` are by name; one that is None or missing becomes `Placeholder.otherwise`.
    """

    def word(found: re.Match[str]) -> str:
        name = found[1]
        if name not in PLACEHOLDERS:
            return found[0]
        return values.get(name) or PLACEHOLDERS[name].otherwise or ""

    return _PLACEHOLDER.sub(word, sentence)


def has_values(sentence: str, values: Mapping[str, str | None]) -> bool:
    """Whether each placeholder of the sentence has a value of its own."""
    return all(values.get(name) for name in placeholders_in(sentence))


def can_be_said(sentence: str, values: Mapping[str, str | None]) -> bool:
    """Whether each placeholder has a value, or something stands in its place."""
    return all(
        values.get(name) or PLACEHOLDERS[name].otherwise for name in placeholders_in(sentence)
    )
