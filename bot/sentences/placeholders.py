"""The placeholders in {curly brackets} in a sentence, and their values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

HELP_LINE = "https://findahelpline.com, which lists help lines by country"
"""The help line in a sentence of `distress` if the settings name no local one."""

OWNER = "the person who runs this bot"
"""The value of {owner} if the front end has no better name."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder."""

    meaning: str
    example: str
    max_length: int
    """The maximum length of its value, in characters."""
    otherwise: str | None = None
    """Used if there is no value, and no sentence without the placeholder. None: such a sentence is
    not said."""


PLACEHOLDERS = {
    "user": Placeholder("the customer's name, without a ping", "Maria", 64, "friend"),
    "server": Placeholder("the server's name", "Film Club", 100, "our server"),
    "owner": Placeholder("who runs the bot", OWNER, 40, OWNER),
    "help_line": Placeholder("HELP_LINE of .env", HELP_LINE, len(HELP_LINE), HELP_LINE),
    "retention": Placeholder("how long figures are kept", "90 days", 10, "90 days"),
    "confidence": Placeholder("how sure the verdict is, only where there is one", "92%", 4),
}

_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")


@lru_cache(maxsize=4096)
def placeholders_in(sentence: str) -> tuple[str, ...]:
    """The names in curly brackets, known or not, in order.

    Remembered, because every reply asks for those of all sentences that it could say.
    """
    return tuple(_PLACEHOLDER.findall(sentence))


def fill(sentence: str, values: Mapping[str, str | None]) -> str:
    """Fills in the sentence's placeholders, but none inside their values.

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
    """Whether each placeholder has a value, or a default."""
    return all(
        values.get(name) or PLACEHOLDERS[name].otherwise for name in placeholders_in(sentence)
    )
