"""Whether somebody says that they want to die or hurt themselves, or says goodbye for good.

These words decide alone, before any model and in every language of `distress_phrases.toml`, which
explains how the phrases are written. `trainer.model.distress` has vaguer words, for which the model
decides.

Most texts have no key word and are read no further. The patterns take linear time: no repetition is
unbounded.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from trainer.model.marks import plain_characters

PHRASES_FILE = Path(__file__).with_name("distress_phrases.toml")

MAX_CHARACTERS = 4000
"""Of a text that are read; Discord's longest messages have as many."""
MAX_ROUNDABOUT_WORDS = 80
"""Of a message in roundabout words: in a longer text these are about something else."""

_GAP = r"(?:[^ .,]+ ){0,3}"
_NOTATION = re.compile(r"[()\[\]|^]|\.\.\.|<\w+>|[^\s()\[\]|<>^]+")

_COMBINING = re.compile("[\u0300-\u036f]+")
_OTHER_LETTERS = str.maketrans("łøđıə", "lodie")
_SAME_SHAPE = {"1": "i", "3": "e", "0": "o", "4": "a", "5": "s", "@": "a", "$": "s"}
_ENDS = ".!?;\n\N{IDEOGRAPHIC FULL STOP}"
_ASCII = str.maketrans(
    {char: " " for char in map(chr, range(128)) if not char.isalnum()}
    | dict.fromkeys(_ENDS[:-1], ".")
    | {",": ","}
    | _SAME_SHAPE
)
_WORDS_ONLY = str.maketrans(_ASCII | {ord(char): " " for char in ".,!?;\n"})
_ELLIPSIS = re.compile(r"\.\.+")
_END = re.compile(f"[{re.escape(_ENDS)}]+")
_NO_LETTER = re.compile(r"[^\w.,\u0900-\u097f]+|_+")  # vowels of Devanagari are no \w
_DOUBLED = re.compile(r"(\D)\1+")
_STRETCHED = re.compile(r"([A-Za-z])\1\1")
_WORD = re.compile(r"[^\W_]+")
_QUOTATION = re.compile('["“„«»][^"“”«»]{1,200}["”»«]')


def fold(text: str) -> str:
    """Lower-case words without accents, apostrophes, emoji and doubled letters; "." ends sentences.

    "Wanna DIEEE 😭" and "wana die" are the same.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", plain_characters(text))
        text = unicodedata.normalize("NFC", _COMBINING.sub("", text))
        text = text.casefold().translate(_OTHER_LETTERS)
        text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
        text = _NO_LETTER.sub(" ", _END.sub(".", text.replace("'", "")))
    text = text.lower().replace("'", "").translate(_ASCII)
    return _DOUBLED.sub(r"\1", text)


def load_phrases() -> None:
    """Reads the phrases, once, in half a second; otherwise the first text waits."""
    _phrases()


def states_distress(text: str) -> bool:
    """Whether the text says so in words that leave little doubt, in any of the languages."""
    text = text[:MAX_CHARACTERS]
    phrases = _phrases()
    if text.isascii() and not phrases.may_match(text):
        return False
    # "i just want... to die": three dots may end a sentence or not.
    readings = [text, _ELLIPSIS.sub(" ", text)] if ".." in text else [text]
    return any(phrases.match(fold(_without_quotations(reading))) for reading in readings)


def _without_quotations(text: str) -> str:
    """The text without quotations, unless it is nothing but one."""
    rest = _QUOTATION.sub(" ", text)
    return rest if any(map(str.isalnum, rest)) else text


@dataclass(frozen=True, slots=True)
class _Language:
    """The phrases of one language, ready to be searched for in folded sentences.

    A sentence has a space before and after each word, and begins and ends with " . ".
    """

    plain_keys: frozenset[str]
    """Every plain phrase has one of these words."""
    roundabout_keys: frozenset[str]
    """The same for roundabout phrases."""
    plain: re.Pattern[str] | None
    roundabout: re.Pattern[str] | None
    others: frozenset[str]
    """Words about a film, and words that make fun."""
    figurative: re.Pattern[str] | None
    """Other words around a phrase that make a figure of speech of it."""
    harmless: frozenset[str]
    """Words that give roundabout phrases another meaning."""
    turns: re.Pattern[str]
    """Words such as "but", behind which a sentence may be about something else."""
    spelling: Mapping[str, str]
    variants: re.Pattern[str] | None
    """Of the `spelling`."""
    spaced: bool
    """Whether words are divided by spaces."""

    def spelled(self, sentence: str) -> str:
        """The sentence in the spelling of the phrases."""
        if self.variants is None:
            return sentence
        return self.variants.sub(lambda found: f" {self.spelling[found[0][1:]]}", sentence)

    def says(self, sentence: str) -> bool:
        """Whether a sentence has one of the plain phrases, and means it."""
        if not self.spaced:
            joined = sentence.replace(" ", "")
            is_other = any(word in joined for word in self.others)
            return _around(self.plain, joined) is not None and not is_other
        parts = [f" . {part.strip(' .')} . " for part in self.turns.split(self.spelled(sentence))]
        return any(
            self._is_meant(" ".join(around))
            for part in parts
            if (around := _around(self.plain, part)) is not None
        )

    def hints(self, sentences: Sequence[str]) -> bool:
        """Whether a short message has one of the roundabout phrases, and means it."""
        for number, sentence in enumerate(sentences):
            if self.roundabout_keys.isdisjoint(sentence.split()):
                continue
            if (around := _around(self.roundabout, self.spelled(sentence))) is not None:
                rest = " ".join((*sentences[:number], *around, *sentences[number + 1 :]))
                return self._is_meant(rest) and self.harmless.isdisjoint(rest.split())
        return False

    def _is_meant(self, words: str) -> bool:
        """Whether no words are about a film or make fun."""
        if not self.others.isdisjoint(words.split()):
            return False
        return self.figurative is None or self.figurative.search(words) is None


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The phrases of all languages."""

    keys: frozenset[str]
    """Of all languages that divide words by spaces, also as they are written before `fold`."""
    plain: Mapping[str, Sequence[_Language]]
    """The languages with this word among the keys of their plain phrases."""
    roundabout: Mapping[str, Sequence[_Language]]
    """The same for roundabout phrases."""
    unspaced: Sequence[_Language]
    """Those that do not divide words by spaces."""

    def may_match(self, text: str) -> bool:
        """Whether a text in ASCII must be read further: it has a key, or a letter three times."""
        words = text.lower().replace("'", "").translate(_WORDS_ONLY).split()
        return not self.keys.isdisjoint(words) or _STRETCHED.search(text) is not None

    def match(self, folded: str) -> bool:
        """Whether a folded text has a phrase of any language, and means it."""
        folded = folded.replace(",", " , ")
        sentences = [words for part in folded.split(".") if (words := part.split())]
        for words in sentences:
            sentence = _sentence(words)
            unspaced = () if sentence.isascii() else self.unspaced
            if any(each.says(sentence) for each in (*_of(self.plain, words), *unspaced)):
                return True
        words = [word for sentence in sentences for word in sentence]
        if len(words) > MAX_ROUNDABOUT_WORDS:
            return False
        return any(each.hints([*map(_sentence, sentences)]) for each in _of(self.roundabout, words))


def _of(languages: Mapping[str, Sequence[_Language]], words: Sequence[str]) -> list[_Language]:
    """The languages that have one of the words among their keys."""
    found = {id(each): each for word in words for each in languages.get(word, ())}
    return [*found.values()]


def _around(pattern: re.Pattern[str] | None, sentence: str) -> list[str] | None:
    """What is left of a sentence around the phrases in it, with or without the commas."""
    if pattern is None:
        return None
    for each in (sentence, sentence.replace(" , ", " ")) if " , " in sentence else (sentence,):
        parts = pattern.split(each)
        if len(parts) > 1:
            return parts
    return None


def _sentence(words: Sequence[str]) -> str:
    return f" . {' '.join(words)} . "


@cache
def _phrases() -> _Phrases:
    sections = tomllib.loads(PHRASES_FILE.read_text("utf-8"))
    common = sections.pop("common")
    languages = [_language(section, common) for section in sections.values()]
    spaced = [language for language in languages if language.spaced]
    plain: dict[str, list[_Language]] = {}
    roundabout: dict[str, list[_Language]] = {}
    for language in spaced:
        for key in language.plain_keys:
            plain.setdefault(key, []).append(language)
        for key in language.roundabout_keys:
            roundabout.setdefault(key, []).append(language)
    return _Phrases(
        keys=frozenset((*plain, *roundabout)),
        plain=plain,
        roundabout=roundabout,
        unspaced=[language for language in languages if not language.spaced],
    )


def _language(section: Mapping[str, Any], common: str) -> _Language:
    """The phrases of one section of the file."""
    spelling = {
        fold(variant): fold(canonical)
        for canonical, variants in section.get("spelling", {}).items()
        for variant in variants
    }
    reader = _Reader(section, common)
    phrases = section["phrases"]
    plain, roundabout = phrases["plain"], phrases.get("roundabout", [])
    as_written = _WORD.findall(f"{phrases} {section.get('lists')} {[*spelling]}")

    def keys_of(phrases: Sequence[str]) -> frozenset[str]:
        keys = {key for phrase in phrases for key in reader.read(phrase)[1]}
        for variant, canonical in spelling.items():
            if canonical in keys:
                keys.update(set(variant.split()) - reader.common)
        return frozenset(keys.union(word for word in as_written if fold(word) in keys))

    others = " ".join(section.get(name, "") for name in ("film", "figures"))
    variants = sorted(spelling, key=len, reverse=True)
    return _Language(
        plain_keys=keys_of(plain),
        roundabout_keys=keys_of(roundabout),
        plain=reader.compile(plain),
        roundabout=reader.compile(roundabout),
        others=frozenset(fold(others).split()),
        figurative=reader.compile(section.get("figurative", [])),
        harmless=frozenset(fold(section.get("harmless", "")).split()),
        turns=re.compile(rf"(?<= )(?:{'|'.join(fold(section.get('turns', '-')).split())})(?= )"),
        spelling=spelling,
        variants=re.compile(rf" (?:{'|'.join(variants)})(?= )") if variants else None,
        spaced=reader.spaced,
    )


_Read = tuple[str, frozenset[str] | None]
"""A pattern, and words one of which is in whatever it matches; None: it may match no word."""


class _Reader:
    """Turns phrases, as the file has them, into patterns for folded text."""

    def __init__(self, section: Mapping[str, Any], common: str) -> None:
        self.spaced: bool = section.get("spaced", True)
        self._lists: Mapping[str, str] = section.get("lists", {})
        self._not: list[str] = fold(section.get("not", "")).split()
        self.common = frozenset(fold(f"{common} {section.get('common', '')}").split())
        self._tokens: list[str] = []

    def read(self, phrase: str) -> tuple[str, frozenset[str]]:
        """The pattern of a phrase, and its keys. Raises ValueError: it cannot be read."""
        self._tokens = _NOTATION.findall(phrase)[::-1]
        pattern, keys = self._alternatives()
        if self._tokens or keys is None:
            raise ValueError(f"cannot read the phrase {phrase!r}")
        return pattern, keys

    def compile(self, phrases: Sequence[str]) -> re.Pattern[str] | None:
        """A pattern for any of the phrases; None if there are none."""
        either = "|".join(self.read(phrase)[0] for phrase in phrases)
        behind = "".join(f"(?<! {word} )" for word in self._not)
        # The space first: what is searched for must begin in the same way to be found fast.
        return re.compile(f"{' ' * self.spaced}{behind}(?:{either})") if phrases else None

    def _alternatives(self) -> _Read:
        """What stands between two brackets, which "|" divides."""
        read = [self._sequence()]
        while self._tokens and self._tokens[-1] == "|":
            self._tokens.pop()
            read.append(self._sequence())
        keys = [keys for _, keys in read if keys is not None]
        certain = frozenset().union(*keys) if len(keys) == len(read) else None
        return f"(?:{'|'.join(pattern for pattern, _ in read)})", certain

    def _sequence(self) -> _Read:
        """What follows one another: its keys are the rarest of them."""
        patterns: list[str] = []
        found: list[frozenset[str]] = []
        while self._tokens and self._tokens[-1] not in ("|", ")", "]"):
            pattern, keys = self._item(self._tokens.pop())
            patterns.append(pattern)
            if keys is not None:
                found.append(keys)
        return "".join(patterns), min(found, key=self._frequency, default=None)

    def _frequency(self, keys: frozenset[str]) -> tuple[int, int]:
        return len(keys & self.common), len(keys)

    def _item(self, token: str) -> _Read:
        if token in ("(", "["):
            pattern, keys = self._alternatives()
            self._tokens.pop()
            return (pattern, keys) if token == "(" else (f"{pattern}?", None)
        if token == "...":
            return _GAP, None
        if token == "^":
            return "(?<=[.,] )", None
        if token.startswith("<"):
            rest, self._tokens = self._tokens, _NOTATION.findall(self._lists[token[1:-1]])[::-1]
            read = self._alternatives()
            self._tokens = rest
            return read
        if token == ".":
            return "(?=[.,] )", None
        word = fold(token.rstrip("*"))
        ending = "[^ ]*" if token.endswith("*") else ""
        return re.escape(word) + ending + " " * self.spaced, None if ending else frozenset((word,))
