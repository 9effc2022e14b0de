"""What an answer to one of the bot's own questions means: yes, no, the good, a bit of both.

Reads the words that mean something only after a question. What is an opinion in itself is left to
the model: `Answer.opinion` says which words those are. Knows no platform.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from trainer.model.marks import MARK_NEGATIVE, MARK_POSITIVE, normalise, read_mark


class Side(StrEnum):
    """Which way an answer tips. The first two are labels of a verdict."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    BOTH = "both"
    """As much the one as the other, or they cannot say."""

    @property
    def opposite(self) -> "Side":
        """The other side; of `BOTH`, itself."""
        return {Side.NEGATIVE: Side.POSITIVE, Side.POSITIVE: Side.NEGATIVE}.get(self, self)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read in an answer."""

    side: Side | None
    """None: it has no words that mean something only here."""
    opinion: str = ""
    """What the model is to judge. All of it where `side` is None; blank then for a yes or a no to a
    question that offers a choice. Else the words beside the answer proper, such as "it dragged" of
    "no, it dragged"; blank where they only give a reason or a concession, which does not turn the
    answer round: "yes, although it dragged"."""


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


MOST_WORDS = 40
"""Of an answer; whoever writes more tells of the film, which the model reads."""

MOST_CHARACTERS = 500
"""The same. It bounds the time that an answer takes, as some patterns need the square of that."""

# Words are lower-case and without apostrophes: "didnt". A clear yes or no may have an opinion
# beside it: "no it dragged".
_CLEAR_YES = word_set(
    "yes yeah yep yup yea yee ye ya yah yeh yas yis yess yepp aye mhm mmhm yessir yeppers yuppers"
)
_CLEAR_NO = word_set("no nope nah na naw nay nup noo nopes nein nuh")
# These are an answer only where nothing but fillers stands beside them: "i did", "not really".
_WEAK_YES = word_set(
    "sure surely definitely definately definitly defo deffo def totally absolutely absolutly "
    "certainly obviously indeed correct right exactly precisely true did was were would do does "
    "could will is have has affirmative ok okay ofc duh course agreed bingo k y totes always"
)
_WEAK_NO = word_set(
    "not never hardly barely scarcely doubt doubtful wrong incorrect pass negative n unlikely "
    "opposite didnt wasnt werent wouldnt dont doesnt couldnt wont isnt shouldnt aint "
    "havent hasnt"
)
_FILLERS = word_set(
    "oh ah uh um umm er erm hm hmm well so i id ill im we it its they theyd theyre he she you youd "
    "youre that thats this there really very quite just honestly tbh truthfully frankly "
    "personally actually probably probaly prolly probs prob guess think thought suppose reckon "
    "believe say hope afraid unfortunately unfortunatly sadly sorry lol haha hahaha ha lmao xd "
    "please pls plz thanks thank ty cheers mate man bro dude bot buddy much too to at all for the "
    "a of as in on whole overall mostly mainly largely still even then like hell heck god damn "
    "fuck fucking bloody way chance sir luck any doing have had has been be am enjoy enjoyed liked "
    "love tell go going watch see seeing recommend worth them got get time now though tho "
    "particularly especially quite entirely completely remotely close least bit own was did do"
)
_OPINIONATED = word_set("enjoy enjoyed liked love recommend worth fuck fucking hell bloody")
"""Fillers of "yes i enjoyed it" that are an opinion beside another answer: "no, i enjoyed it"."""
_CONCEDING = word_set(
    "but though tho although despite because cause cos coz cuz since as even except only if when "
    "apart minus besides however albeit while considering given"
)
_ANY_FILLER = "|".join(sorted(_FILLERS, key=len, reverse=True))

_YES_PHRASES = (
    "(?:afraid|think|guess|suppose|reckon|believe|hope|say|thought) so",
    "spot on|bang on|dead on|dead right|of course|for sure|more or less|very much|very much so",
    "100 ?(?:percent)?|hundred percent|you bet|how could i not|any ?day|any time",
    "(?:not|never|arent|isnt|wasnt|werent|aint) (?:far |too |that |so )?(?:wrong|incorrect|off)",
    "(?:cant|cannot|couldnt|wont|wouldnt|dont|didnt|never) (?:say|said) no|not (?:un|dis)true",
    "(?:in a|without a) (?:heartbeat|shot|doubt|second|flash)|without question",
    "you(?: have| ve)? got it|you could say that|id say so|no (?:doubt|question)",
)
_NO_PHRASES = (
    "the opposite|the reverse|(?:other|wrong) way (?:a?round|about)|anything but|far from it",
    "as if|not a chance|no way|over my dead body|think again|couldnt be (?:more wrong|further)",
    "you got (?:that|it|me) wrong|(?:thats )?not right|you (?:did not|didnt)(?: get that right)?",
)


def _alone(*patterns: str) -> re.Pattern[str]:
    """One of the patterns, with fillers around it."""
    fillers = rf"(?:{_ANY_FILLER})"
    return re.compile(rf"(?:{fillers} )*?(?:{'|'.join(patterns)})(?: {fillers})*")


_YES, _NO = _alone(*_YES_PHRASES), _alone(*_NO_PHRASES)

# They need no question to be understood, but the model, which has seen reviews, does not know them.
# The first that is found decides.
_STATED = (
    (
        Side.BOTH,
        _any_of(
            r"both(?! (?:big |of )*thumbs)|bit of each|half(?: and| n)? half|halfway|half right",
            r"50 ?50|fifty fifty|in ?between|(?:in|down) the middle|middling|a (?:tie|draw|wash)",
            r"^(?:tie|draw|even|equal|middle|ish|meh|maybe|perhaps|possibly)$|toss ?up|stalemate",
            r"mixed|even split|dead even|evenly|equally|equal parts|so so|im torn|^torn|undecided",
            r"on the fence|sideways|back and forth|either way|swings and roundabouts|neither",
            r"(?:cant|cannot|couldnt)(?: really)? (?:decide|tell|choose|pick|make up)",
            r"(?:cant|cannot|couldnt|hard to|hard) (?:honestly |really )?say$",
            r"idk|i ?dk|dunno|(?:dont|do not) (?:really )?know$|not sure|unsure|no idea|half of me",
            r"hard to (?:tell|call)|tough (?:call|one)|depends|jury.? (?:is )?(?:still )?out",
            r"(?:yes|yea?h?) and no|no and yes|yes no$|yes .* no for|no .* yes for",
            r"one up one down|^up and down|thumbs? up .*thumbs? down",
            r"(?:about )?as much as|as much .* as|just as much|but .* either",
            r"(?:some|bits|parts)\b.* (?:some|bits|parts) (?:of|not|no|were?nt)",
        ),
    ),
    (
        Side.POSITIVE,
        _any_of(
            r"no (?:complaints?|regrets?|notes|question yes)",
            r"(?:once|one|twice) (?:time )?(?:is|was|isnt|wasnt|is not|was not|will) ?"
            r"(?:never|not|nowhere near|hardly|nearly) ?(?:be )?enough",
            r"once (?:isnt|wasnt|aint) enough|(?:more|not) (?:than |just )?once",
            r"more (?:up|good) than (?:down|bad)",
            r"(?:good|up)(?: \w+)? (?:won|wins|outweigh\w*|by (?:a mile|far|miles))",
        ),
    ),
    (
        Side.NEGATIVE,
        _any_of(
            r"once (?:was|is|will|did)? ?(?:(?:more than|quite|plenty|well|definitely) )?"
            r"(?:enough|plenty|too (?:many|much|often)|do|it|sufficient)",
            r"(?:just|only) once|never again|not again|one and done|waste of|not worth",
            r"more (?:down|bad) than (?:up|good)|not my (?:thing|cup|bag)",
            r"(?:bad|down)(?: \w+)? (?:won|wins|outweigh\w*|by (?:a mile|far|miles))",
            r"(?:not|wasnt|isnt)(?: \w+)? for me|^no (?:good|fun|use)",
        ),
    ),
    (Side.POSITIVE, _any_of(r"thumbs? (?:\w+ )?up|two up")),
    (Side.NEGATIVE, _any_of(r"thumbs? (?:\w+ )?down|two down")),
)
_CHOICES = {
    Side.POSITIVE: word_set("good up ups upp former again twice"),
    Side.NEGATIVE: word_set("bad down downs dwon latter once"),
}
"""An answer of these and `_ECHOES` alone chooses a side: "the good bits", "up i think"."""
_ECHOES = _FILLERS | word_set(
    "bits side one stuff parts part more big definitely def thumb thumbs is won"
)


def read_answer(text: str, yes: Side | None) -> Answer:
    """Reads `text` as the answer to a question to which a yes would mean `yes`.

    `yes` is None where a yes says nothing, because the question offers a choice.
    """
    _, mark = read_mark(text)
    if mark is not None and mark.alone:
        decided = mark.share >= MARK_POSITIVE or mark.share <= MARK_NEGATIVE
        high = Side.POSITIVE if mark.share >= MARK_POSITIVE else Side.NEGATIVE
        return Answer(high if decided else Side.BOTH)
    plain = "" if len(text) > MOST_CHARACTERS else normalise(text)
    segments = [words for part in _BREAK.split(plain) if (words := _plain(part))]
    if not 0 < sum(map(len, segments)) <= MOST_WORDS:
        return Answer(None, text)
    phrase = " ".join(" ".join(words) for words in segments)
    for side, pattern in _STATED:
        if pattern.search(phrase):
            return Answer(side)
    words = [word for word, _ in groupby(phrase.split())]
    rest = frozenset(words) - _ECHOES
    for side, choices in _CHOICES.items():
        if rest and rest <= choices:
            return Answer(side)
    said, beside = _read_yes_or_no(segments)
    opinion = "" if frozenset(beside) <= _FILLERS - _OPINIONATED else " ".join(beside)
    if said is None or yes is None:
        return Answer(None, "" if said is not None and not opinion else text)
    return Answer(yes if said else yes.opposite, opinion)


_BREAK = re.compile("[,.;:!?\n()\u2026\u2014\u2013]+|\\s-+\\s")


def is_filler(word: str) -> bool:
    """Whether a word, in small letters and without apostrophes, is no opinion: "honestly"."""
    return word in _FILLERS and word not in _OPINIONATED


def _plain(text: str) -> list[str]:
    """Lower-case words without apostrophes; letters repeated for emphasis stand once."""
    words = re.sub(r"[^\w\s]", " ", re.sub("['\u2019]", "", text.lower()))
    return re.sub(r"([a-z])\1{2,}", r"\1", words).split()


def _read_yes_or_no(segments: list[list[str]]) -> tuple[bool | None, list[str]]:
    """The yes or no that stands first or last, and the words that may be an opinion beside it."""
    said: bool | None = None
    while segments and (here := _whole(segments[0])) is not None:
        said = here
        segments = segments[1:]
    words = [word for segment in segments for word in segment]
    if said is not None:  # "no, it dragged"
        return said, [] if words and words[0] in _CONCEDING else words
    end = 0
    for place, word in enumerate(words):
        if word in _CLEAR_YES | _CLEAR_NO:
            said, end = word in _CLEAR_YES, place + 1  # "yeah no": the last one counts
        elif word not in _FILLERS:
            break
    if said is not None:  # "no it dragged"
        return said, [] if end < len(words) and words[end] in _CONCEDING else words[end:]
    before = next((n for n, word in enumerate(words) if word in _CONCEDING), 0)
    if before and (here := _whole(words[:before])) is not None:  # "not really because it dragged"
        return here, []
    if words and words[-1] in _CLEAR_YES | _CLEAR_NO:  # "if it were shorter. As it is, no"
        return words[-1] in _CLEAR_YES, []
    return None, words


def _whole(words: list[str]) -> bool | None:
    """What words mean that are a yes or a no and nothing else: "i really did"; else None."""
    phrase = " ".join(words)
    for pattern, meant in ((_YES, True), (_NO, False)):
        if pattern.fullmatch(phrase):
            return meant
    said: bool | None = None
    clear = False
    for word in words:
        if word in _CLEAR_YES | _CLEAR_NO:
            said, clear = word in _CLEAR_YES, True
        elif word in _WEAK_NO and not (clear and said):
            said = False
        elif word in _WEAK_YES:
            said = True if said is None else said
        elif word not in _ECHOES | {"again"}:
            return None
    return said
