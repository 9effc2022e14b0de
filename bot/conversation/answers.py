"""The meaning of an answer to one of the bot's own questions: yes, no, one side, both sides.

Reads the words that have a meaning only after a question. Opinions are left to the model:
`Answer.opinion` has those words. Knows no platform.
"""

import re
from dataclasses import dataclass, field
from itertools import groupby

from bot.conversation.answer_words import (
    ANSWERING,
    CHOICES,
    CLEAR_NO,
    CLEAR_YES,
    CONCEDING,
    ECHO,
    ECHOES,
    EMOJI,
    FILLERS,
    GRAVE,
    IDIOMS,
    MISSPELT,
    NEGATING,
    NO,
    OPINIONATED,
    STATED,
    WEAK_NO,
    WEAK_YES,
    YES,
)
from bot.conversation.cues import read_cues
from bot.sentences.kinds import Side
from trainer.model.marks import MARK_NEGATIVE, MARK_POSITIVE, normalise, read_mark


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer says."""

    side: Side | None
    """None: no words with a meaning only here."""
    opinion: str = ""
    """The words for the model. If `side` is None, all of them; but blank for a yes or a no to a
    question that offers a choice. Otherwise the words in addition to the answer itself, such as "it
    dragged" of "no, it dragged"; blank if they only give a reason or a concession, which does not
    reverse the answer: "yes, although it dragged"."""
    is_all: bool = field(default=False, compare=False)
    """The answer has no other words, so it is unambiguous."""


MAX_WORDS = 40
"""Of an answer; a longer text is about the film, which the model reads."""

MAX_CHARACTERS = 500
"""The same limit in characters, as written and in plain letters. Some patterns take quadratic time
in the length."""

MAX_OTHER_WORDS = 3
"""Maximum words in addition to those that take a side, for an answer with no other content."""


def plain_letters(text: str) -> str | None:
    """`normalise(text)`; None where either is too long, as one emoji may become 40 letters."""
    if len(text) > MAX_CHARACTERS:
        return None
    plain = normalise(text)
    return plain if len(plain) <= MAX_CHARACTERS else None


_APOSTROPHES = str.maketrans("\u2019\u2018`", "'''")


def lower_letters(text: str) -> str | None:
    """`plain_letters(text)` in lower case, with straight apostrophes."""
    plain = plain_letters(text)
    return None if plain is None else plain.lower().translate(_APOSTROPHES)


_MAX_BOTH_WORDS = 6
"""Words of "a bit of both" that need no question before them; more are read as a review."""


def is_both(text: str) -> bool:
    """Whether a few words say that a film was both good and bad, whatever was asked."""
    if len(text.split()) > _MAX_BOTH_WORDS:
        return False
    answer = read_answer(text, None)
    return answer.side is Side.BOTH and not answer.opinion


def read_answer(text: str, yes: Side | None, *, denies: bool = False) -> Answer:
    """Reads `text` as the answer to a question to which a yes would mean `yes`.

    `yes` is None if the question offers a choice, so that a yes says nothing. `denies`: the
    question is a negation, as in "it wasn't for you".
    """
    if len(text) > MAX_CHARACTERS:
        return Answer(None, text)
    _, mark = read_mark(text)
    if mark is not None and mark.alone:
        decided = mark.share >= MARK_POSITIVE or mark.share <= MARK_NEGATIVE
        high = Side.POSITIVE if mark.share >= MARK_POSITIVE else Side.NEGATIVE
        return Answer(high if decided else Side.BOTH)
    words_alone = _THUMBS.sub(" ", text)
    if words_alone != text:  # "👍 yes, you're right": the words decide
        answer = _read_words(words_alone, yes, denies)
        if answer.side is not None:
            return answer
    return _read_words(text, yes, denies)


_THUMBS = re.compile("[\N{THUMBS UP SIGN}\N{THUMBS DOWN SIGN}\U0001f3fb-\U0001f3ff]")


def _read_words(text: str, yes: Side | None, denies: bool) -> Answer:
    symbols = {c for c in text if not c.isspace() and c not in "\ufe0f!."}
    for side, known in EMOJI.items():
        if symbols and symbols <= known:
            return Answer(side, is_all=True)
    plain = plain_letters(text) or ""
    segments = [words for part in _BREAK.split(plain) if (words := _plain(part))]
    if not 0 < sum(map(len, segments)) <= MAX_WORDS:
        return Answer(None, text)
    phrase = " ".join(" ".join(words) for words in segments)
    if denies and yes is not None and (echo := ECHO.fullmatch(phrase)) is not None:
        agrees = echo["said"] not in ("was", "is")
        return Answer(yes if agrees else yes.opposite, is_all=True)
    for side, pattern in STATED:
        if (found := pattern.search(phrase)) is not None:
            other_words = phrase[: found.start()] + phrase[found.end() :]
            return Answer(side, is_all=_is_mostly_filler(other_words))
    is_conceding = _concedes(segments)
    if not is_conceding and (cues := read_cues(segments)) is not None:
        return Answer(
            Side.POSITIVE if cues[0] else Side.NEGATIVE, is_all=_is_mostly_filler(cues[1])
        )
    if (chosen := _read_choice(segments)) is not None:
        return Answer(chosen, is_all=True)
    if _says_both(segments):
        return Answer(Side.BOTH)
    said, beside_it = _read_yes_or_no(segments)
    opinion = "" if frozenset(beside_it) <= FILLERS - OPINIONATED else " ".join(beside_it)
    if said is None or yes is None:
        return Answer(None, "" if said is not None and not opinion else text)
    is_all = all(_whole(words) is not None for words in segments)
    return Answer(yes if said else yes.opposite, opinion, is_all)


def _before_concession(clauses: list[list[str]]) -> list[list[str]]:
    """The clauses before a word such as "though", unless it comes first."""
    kept: list[list[str]] = []
    for clause in clauses:
        end = next((n for n, word in enumerate(clause) if word in CONCEDING), len(clause))
        kept.append(clause[:end])
        if end < len(clause):
            break
    return kept


def _choice_at(words: list[str], place: int) -> Side:
    """The side that one word chooses; a negation before it reverses it: "not up"."""
    side = Side.POSITIVE if words[place] in CHOICES[Side.POSITIVE] else Side.NEGATIVE
    before = words[max(0, place - 3) : place]
    is_negated = NEGATING.intersection(before) or before[-1:] == ["no"]
    return side.opposite if is_negated else side


def _concedes(segments: list[list[str]]) -> bool:
    """Whether a yes or a no is followed by a mere qualification: "yes, but I'd warn them"."""
    words = [word for segment in segments for word in segment]
    end = next((n for n, word in enumerate(words) if word in CONCEDING), 0)
    return bool(ANSWERING.intersection(words[:end])) and _whole(words[:end]) is not None


def _says_both(segments: list[list[str]]) -> bool:
    """Whether one clause has a yes and another a no, each about something: "the cast yes, ..."."""
    said = set()
    for words in segments:
        if words[-1] in CLEAR_YES | CLEAR_NO and not frozenset(words) <= ANSWERING | FILLERS:
            said.add(words[-1] in CLEAR_YES)
    return len(said) > 1


def _is_mostly_filler(text: str) -> bool:
    """Whether these words are almost only fillers, a yes or a no."""
    more = frozenset(text.split()) - ANSWERING - FILLERS
    return len(more) <= MAX_OTHER_WORDS and not more & GRAVE


def _read_choice(segments: list[list[str]]) -> Side | None:
    """The side that words like "good" and "down" choose; concessions do not count."""
    clauses = [[word for word, _ in groupby(words)] for words in segments]
    for chosen in (clauses, _before_concession(clauses), clauses[:1], clauses[-1:]):
        rest = frozenset().union(*chosen) - ECHOES - WEAK_YES - NEGATING - CLEAR_NO
        if rest and rest <= CHOICES[Side.POSITIVE] | CHOICES[Side.NEGATIVE]:
            sides = {
                _choice_at(clause, place)
                for clause in chosen
                for place, word in enumerate(clause)
                if word in rest
            }
            if len(sides) == 1:
                return sides.pop()
    return None


_BREAK = re.compile("[,.;:!?\n()\u2026\u2014\u2013]+|\\s-+\\s")


def is_filler(word: str) -> bool:
    """Whether a word, in lower case and without apostrophes, is not an opinion: "honestly"."""
    return word in FILLERS and word not in OPINIONATED


def _plain(text: str) -> list[str]:
    """Lower-case words without apostrophes; letters repeated for emphasis count once."""
    words = re.sub(r"[^\w\s]", " ", re.sub("['\u2019]", "", text.lower()))
    words = re.sub(r"([a-z])\1{2,}", r"\1", " ".join(words.split()))
    for pattern, right in MISSPELT:
        words = pattern.sub(right, words)
    return (IDIOMS.sub(" ", words).split() or words.split()) if words else []


def _read_yes_or_no(segments: list[list[str]]) -> tuple[bool | None, list[str]]:
    """The yes or no at the beginning or the end, and the other words, which may be an opinion."""
    said: bool | None = None
    while segments and (here := _whole(segments[0])) is not None:
        said = here
        segments = segments[1:]
    words = [word for segment in segments for word in segment]
    if said is not None:  # "no, it dragged"
        return said, [] if words and words[0] in CONCEDING else words
    end = 0
    for place, word in enumerate(words):
        if word in CLEAR_YES | CLEAR_NO:
            said, end = word in CLEAR_YES, place + 1  # "yeah no": the last one counts
        elif word not in FILLERS:
            break
    if said is not None:  # "no it dragged"
        return said, [] if end < len(words) and words[end] in CONCEDING else words[end:]
    before = next((n for n, word in enumerate(words) if word in CONCEDING), 0)
    if before and (here := _whole(words[:before])) is not None:  # "not really because it dragged"
        return here, []
    if words and words[-1] in CLEAR_YES | CLEAR_NO:  # "if it were shorter. As it is, no"
        return words[-1] in CLEAR_YES, []
    return None, words


def _whole(words: list[str]) -> bool | None:
    """The meaning of words that are only a yes or a no: "i really did"; else None."""
    first = next((n for n, word in enumerate(words) if word not in CLEAR_NO), 0)
    for phrase in (" ".join(words), " ".join(words[first:])):  # "no no you got it right"
        for pattern, meant in ((YES, True), (NO, False)):
            if pattern.fullmatch(phrase):
                return meant
    said: bool | None = None
    clear = False
    for word in words:
        if word in CLEAR_YES | CLEAR_NO:
            said, clear = word in CLEAR_YES, True
        elif word in WEAK_NO and not (clear and said):
            said = False
        elif word in WEAK_YES:
            said = True if said is None else said
        elif word not in ECHOES | {"again"}:
            return None
    return said
