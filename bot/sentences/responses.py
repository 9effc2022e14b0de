"""Chooses a sentence of responses.yaml for a verdict or another occasion, in the customer's
language."""

import random
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cachetools import LRUCache

from bot.sentences.examples import EXAMPLES
from bot.sentences.file import ENGLISH, Lists, Sentence, read_responses
from bot.sentences.file import MAX_CHARACTERS as MAX_CHARACTERS
from bot.sentences.kinds import BY_STRENGTH, FALLBACKS
from bot.sentences.kinds import Kind as Kind
from bot.sentences.placeholders import (
    HELP_LINE,
    OWNER,
    can_be_said,
    fill,
    has_values,
    placeholders_in,
)
from trainer.model.checks import FILE as CHECKS_FILE

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

MAX_PLACES = 1_000
"""Places whose last sentences are remembered; beyond that, the least recently used are
forgotten."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """The person a reply is for, as far as the front end knows them."""

    name: str | None = None
    """The value of {user}; already escaped for the platform, so that it pings no one."""
    server: str | None = None
    """The value of {server}; likewise."""
    locale: str | None = None
    """The language to reply in, such as "de" or "pt-BR"; None: English."""
    retention: str | None = None
    """The value of {retention}: how long their server keeps figures."""
    place: Hashable = None
    """Where it is said: no sentence is repeated in a row there. None: a place of its own."""


ANYONE = Recipient()
"""A recipient about whom nothing is known."""


@dataclass(slots=True)
class _Said:
    """What was said in one place, before its placeholders were filled in."""

    last: str = ""
    by_list: dict[Kind, str] = field(default_factory=dict)


class Responses:
    """The sentences of one responses.yaml; it remembers what it said last, to vary."""

    def __init__(
        self,
        variants: Mapping[Kind, Sequence[Sentence | str]],
        help_line: str = HELP_LINE,
        locales: Mapping[str, Lists] | None = None,
    ) -> None:
        """`variants` are the English lists, `locales` those of other languages, by their codes in
        lower case."""
        english = {
            kind: [Sentence(each) if isinstance(each, str) else each for each in sentences]
            for kind, sentences in variants.items()
        }
        self._languages: dict[str, Lists] = {**(locales or {}), ENGLISH: english}
        self.count = sum(len(each) for lists in self._languages.values() for each in lists.values())
        """The number of sentences, of all kinds and languages."""
        self._help_line = help_line
        self._said: LRUCache[Hashable, _Said] = LRUCache(MAX_PLACES)

    @classmethod
    def load(cls, file: Path, help_line: str = HELP_LINE) -> "Responses":
        """Reads and validates `file`; `help_line` replaces {help_line}.

        Raises ResponsesError: the file, the line, what is wrong and what to do.
        """
        languages = read_responses(file, help_line)
        return cls(languages.pop(ENGLISH), help_line, languages)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages that have sentences, English first, in lower case."""
        return (ENGLISH, *sorted(code for code in self._languages if code != ENGLISH))

    def render(self, verdict: "Verdict") -> str:
        """A sentence that answers a judged text."""
        return self.say(Kind.of(verdict), verdict=verdict)

    def say(
        self,
        kind: Kind,
        to: Recipient = ANYONE,
        *,
        owner: str = OWNER,
        verdict: "Verdict | None" = None,
    ) -> str:
        """A sentence of this kind; see `ask`."""
        return self.ask(kind, to, owner=owner, verdict=verdict).text

    def ask(
        self,
        kind: Kind,
        to: Recipient = ANYONE,
        *,
        owner: str = OWNER,
        verdict: "Verdict | None" = None,
    ) -> Sentence:
        """A sentence of this kind, its placeholders filled in, and the meaning of a yes to it.

        Not the last one used in that place, if there is another. `owner` says how to reach the
        person who runs the bot; the strength of `verdict` chooses between lists, and its confidence
        replaces {confidence}.
        """
        values = {
            "user": to.name,
            "server": to.server,
            "retention": to.retention,
            "owner": owner,
            "help_line": self._help_line,
            # Rounded down, because nothing is certain.
            "confidence": None if verdict is None else f"{int(verdict.confidence * 100)}%",
        }
        chosen_list, sentences = self._find(kind, to.locale, verdict)
        usable = [sentence for sentence in sentences if has_values(sentence.text, values)]
        usable = usable or [each for each in sentences if can_be_said(each.text, values)]
        chosen = self._choose(usable or sentences, chosen_list, to.place)
        if not placeholders_in(chosen.text):
            return chosen
        return replace(chosen, text=fill(chosen.text, values))

    def _find(
        self, kind: Kind, locale: str | None, verdict: "Verdict | None"
    ) -> tuple[Kind, Sequence[Sentence]]:
        """The list to choose from: the first available one, by language, and then by strength."""
        wanted = [kind]
        if verdict is not None and verdict.strength is not None:
            wanted.insert(0, BY_STRENGTH.get((kind, verdict.strength), kind))
        wanted += [FALLBACKS[kind]] if kind in FALLBACKS else []
        for code in _from_narrow_to_wide(locale):
            lists = self._languages.get(code, {})
            for each in wanted:
                if sentences := lists.get(each):
                    return each, sentences
        return kind, [Sentence(EXAMPLES[kind])]

    def _choose(self, sentences: Sequence[Sentence], listed: Kind, place: Hashable) -> Sentence:
        """One at random: neither the last of its list in this place, nor the last of all there."""
        said = self._said.get(place)
        if said is None:
            said = self._said[place] = _Said()
        others = [each for each in sentences if each.text != said.last] or sentences
        fresh = [each for each in others if each.text != said.by_list.get(listed)] or others
        chosen = random.choice(fresh)
        said.last = said.by_list[listed] = chosen.text
        return chosen


def _from_narrow_to_wide(locale: str | None) -> Iterator[str]:
    """ "pt-BR": "pt-br", "pt", "en"."""
    if locale is not None:
        yield locale.lower()
        yield locale.lower().partition("-")[0]
    yield ENGLISH


_PACKAGE = Path(__file__).parents[1]
_PACKAGED_IN = (_PACKAGE, _PACKAGE.parent)
"""A wheel has responses.yaml inside the package, a checkout at its top."""


def default_responses_file() -> Path:
    """responses.yaml of the working directory; if there is none, the packaged one."""
    files = [folder / "responses.yaml" for folder in (Path(), *_PACKAGED_IN)]
    return next((file for file in files if file.exists()), files[-1])


def checks_file(responses_file: Path) -> Path:
    """checks.yaml beside a file of sentences, if there is one.

    If the sentences are the packaged ones, it is in the working directory.
    """
    folder = responses_file.parent
    return (Path() if folder in _PACKAGED_IN else folder) / CHECKS_FILE
