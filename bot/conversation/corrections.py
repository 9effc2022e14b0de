"""Whether a customer says that the bot misunderstood them, and what they say instead.

Reads what makes sense only after a verdict: "no, I hated it", "that was sarcasm". Opinions are left
to the model: `Correction.opinion` has those words. Knows no platform.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from bot.conversation.answers import MAX_WORDS, is_filler, lower_letters
from bot.conversation.cues import word_set


class Strength(Enum):
    """What a correction by itself says about the verdict."""

    HINT = auto()
    """It is a correction only if its opinion differs from the verdict: "no, it dragged"."""
    WRONG = auto()
    """The verdict is wrong: "you misread me"."""
    TURNED = auto()
    """The opposite is right: "that was sarcasm"."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The parts of a correction."""

    strength: Strength
    opinion: str = ""
    """The words for the model: those that are not part of the correction itself, if any."""


_ADVERB = (
    r"(?:totally|completely|clearly|obviously|really|just|all|so|quite|very|only|actually|kinda|"
    r"a bit|being|meant to be|supposed to be|meant as|meant|have|'ve|'re|are|were|r|is|was|a)"
)
_ADVERBS = rf"(?:{_ADVERB} )*"
_BOT = r"(?:you|u|ya|ye|you'?ve|you'?re|ur|bot|the bot|this bot)"
_MINE = r"(?:me|that|it|this|that one|this one|my (?:review|message|post|comment|words?|point))"
_NOT = r"(?:not|n't|never|isn'?t|wasn'?t|ain'?t|wasnt|isnt|don'?t|didn'?t|haven'?t)"

_NOT_YET = r"(?:have(?:n'?t| not)|did(?:n'?t| not)|never)"
_OF_IT = r"(?: (?:about|of|on) (?:it|that|this|the (?:film|movie)))?(?: (?:yet|at all|so far))?"

_TURNED = (
    rf"(?:(?:i|i'?m|i am|i was|we|that|that'?s|that was|this was|it'?s meant|it was meant)"
    rf"(?: not| never)? {_ADVERBS}|(?:it|it'?s|it was) {_ADVERBS}(?=sarcasm|irony)|"
    rf"(?:^|\| )(?:no |lol |bot |sorry )*{_ADVERBS}"
    r"(?=\w+(?: lol| mate| bot| obviously)?(?: \||$)))"
    r"(?:sarcasm|sarcastic(?:ally)?|ironic(?:ally)?|irony|facetious)",
    r"(?:i was|i'?m|i am|i wasn'?t|i'?m not|i was not|was|just|only) (?:just |only |obviously |"
    r"clearly )*"
    r"(?:joking|kidding|jesting|trolling|messing|taking the (?:mick|mickey|piss|p)|"
    r"pulling your leg)",
    r"that was (?:just |only )?(?:a joke|in jest|tongue in cheek|me joking)|/s$",
    rf"(?:i |we )?(?:{_ADVERBS}(?:meant|said|mean) )?(?:(?:it'?s|that'?s|quite|the|just|exactly|"
    r"complete(?:ly)?|total(?:ly)?|very|actually|precisely) )*(?:opposite|reverse)"
    r"(?: of (?:that|what you (?:said|think|thought)))?(?: is true)?(?! of)",
    r"(?:it'?s |that'?s |quite )?(?:the )?(?:other|wrong) way (?:a?round|about)|on the contrary",
    rf"{_BOT} (?:have |'ve )?(?:got|read|took|taken|have|had) {_MINE} {_ADVERBS}"
    r"(?:backwards?|back to front|upside down|the wrong way(?: a?round| about)?|arse about face)",
    rf"{_BOT} (?:have |'ve )?(?:completely |totally |clearly )*(?:miss(?:ed)?|didn'?t (?:get|spot|"
    r"see|catch)) (?:the|my) (?:sarcasm|irony|joke|jest|tone)",
)
_WRONG = (
    rf"{_BOT} {_ADVERBS}(?:got|get|read|took|taken|understood|understand|heard|judged|have|had|"
    rf"interpreted) {_MINE} {_ADVERBS}(?:wrong|wrongly|incorrect(?:ly)?|badly|mistaken(?:ly)?)",
    rf"{_BOT} {_ADVERBS}(?:mis\w+|mistook)(?: {_MINE})?",
    rf"{_BOT} {_ADVERBS}(?:wrong|mistaken|incorrect|confused|off|way off|mixed up)"
    r"(?: there| here| about (?:that|me|this|it))?",
    rf"{_BOT} (?:do|did|have|clearly|really|just|obviously)? ?{_NOT}"
    r" (?:really |even |quite )?(?:understand|understood|get|got|read|listen(?:ed)?(?: to)?)"
    rf" {_MINE}"
    r"(?: (?:right|correctly|properly))?",
    rf"(?:that|this|it)(?:'?s| is| was|s| isn'?t| wasn'?t)(?: {_NOT})?(?: at all)? "
    r"(?:what|how) (?:i|we) (?:meant|mean|said|say|wrote|felt|feel|thought|think|was saying)"
    r"(?: at all)?",
    rf"(?:{_NOT}|isn'?t|wasn'?t) (?:at all )?(?:what|how) (?:i|we) "
    r"(?:meant|mean|said|say|wrote|felt|feel|thought|think)(?: at all)?",
    r"(?:i|we) (?:did|do|have|would)(?: not|n'?t|nt|nae) (?:say|mean|said) (?:that|it that way|so)",
    r"(?:i|we) never said (?:that|so)",
    rf"(?:i|we) {_NOT_YET} (?:even )?(?:said?|say|told you|tell you|given you|written) "
    r"(?:anything|any such thing|a (?:word|thing)|what i (?:think|thought)|how (?:i liked )?it "
    rf"(?:was|is)?){_OF_IT}",
    rf"(?:i|we) (?:have |'ve )?said nothing{_OF_IT}",
    r"(?:i|we) (?:only|just|merely) (?:said|mentioned|told you|wrote) (?:that )?"
    r"(?:i|we|i'?ve|we'?ve) (?:just |only |already )?(?:saw|seen|watched|went)(?: to see)?"
    r"(?: it| that| this)?(?= \||$)",
    r"(?:that|this|it)(?:'?s|s| is| was) (?:so |just |completely |totally |simply |actually )*"
    r"(?:wrong|incorrect|not right|not correct|not true|untrue|a mistake|an error|"
    r"a misunderstanding)|(?:that|this|it) (?:isn'?t|wasn'?t) (?:right|correct|true)",
    r"(?:try|read|look at) (?:that |it |my review |my message |me )?again|^try again|"
    r"wrong (?:answer|guess|conclusion|one|reply)|bad guess|wrong bot",
    r"(?:why|what) (?:are|r) (?:you|u) (?:even |so )?(?:thanking|apologi[sz]ing|sorry|glad|happy)"
    r"(?: me)?(?: for)?",
    rf"{_BOT} miss(?:ed)? (?:the|my) point",
)


_POLITE = (
    r"(?:don'?t|dont|do not|no need to|you don'?t (?:have|need) to|there'?s no need to) "
    r"(?:be sorry|apologi[sz]e|thank me|be (?:glad|happy)|feel sorry)",
)
"""Polite phrases; before an opinion other than the verdict, a hint that the verdict is wrong."""


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'])(?:{'|'.join(patterns)})(?![\w'])")


_TURNED_PATTERN, _WRONG_PATTERN = _any_of(_TURNED), _any_of(_WRONG)
_POLITE_PATTERN = _any_of(_POLITE)
_STATED = re.compile(
    r"\b(?:that|it|mine|this)(?: was|'s| is| were) (?:meant to be |supposed to be |meant as |"
    r"actually |"
    r"clearly |not a \w+ \w+ but )*(?:an? )?(?:(?P<bad>negative|bad|critical|scathing)|positive|"
    r"good|"
    r"favou?rable|glowing) (?:review|one|comment|verdict)\b|"
    r"\b(?:that|it|mine|this)(?: was|'s| is) (?:meant (?:to be |as )|supposed to be |actually |"
    r"clearly )*(?:an? )?(?:(?P<complaint>complaint|criticism|slating|pan)|compliment|praise|rave)"
    r"\b"
)
_MEANT = re.compile(
    r"\b(?:as in|meaning|meant (?:it )?as|mean(?:t|s)?(?: it)? in)(?: an?| the| so+| really| very)?"
    r" (?:(?P<bad>bad|awful|terrible|worst|negative|disgusting)|good|great|amazing|awesome|"
    r"brilliant|wonderful|beautiful|fantastic|cool|best|positive|excellent)\b"
)
"""The meaning of a word that can praise and complain: "sick as in good"."""
_NEGATED = re.compile(rf"(?:{_NOT}|no|without)(?: being| any| the)? $|{_NOT}\b")
_OPENER = re.compile(
    r"^(?:(?:oh|ah|um|uh|er|erm|lol|haha|hey|hm+|bot|mate|sorry|but|well|ok|okay|so|and|hi) )*"
    r"(?P<said>(?:(?:no way|no+|nope|nah|naw|nay|what|huh|wait|hang on|hold on|actually|wrong|"
    r"incorrect|"
    r"false|excuse me|come on|er+|i mean|i meant|sorry|afraid not|not really|not at all|"
    r"not quite|not exactly|"
    r"i (?:only |just |already |literally )?(?:said|told you)|um+|uh+|not true)\b"
    r"(?: (?:mate|bot|man|bro|dude|sorry|love|pal)\b)?[ ]?)+)"
)
_SUBJECT = re.compile(
    r"^(?:that |when i say )?(?:i|i'[a-z]+|we|it|it's|its|this|that|that's|thats|the film|"
    r"the movie|the ending|the whole|not|my|absolutely|really|loved|liked|hated|thought|was|"
    r"wasn't|didn't)\b"
)
"""Beginnings of an opinion that may follow a "no": not "no plot", nor "No Time to Die"."""
_BARE = word_set(
    "no nope nah naw nay wrong incorrect false what huh afraid not really quite exactly at all "
    "uh um er oh sorry bot mate lol ok excuse me"
)
_NO = word_set("no nope nah naw nay wrong incorrect false not")


def read_correction(text: str) -> Correction | None:
    """Reads `text` as the message after a verdict; None if it does not say that this is wrong."""
    plain = _plain(text)
    if not 0 < len(plain.split()) <= MAX_WORDS:
        return None
    strength, rest = Strength.HINT, plain
    for found in _TURNED_PATTERN.finditer(plain):
        is_negated = strength is Strength.WRONG or _is_negated(plain, found)
        strength = Strength.WRONG if is_negated else Strength.TURNED
    rest = _TURNED_PATTERN.sub(" | ", rest)
    if _WRONG_PATTERN.search(rest):
        strength = Strength.WRONG if strength is Strength.HINT else strength
        rest = _WRONG_PATTERN.sub(" | ", rest)
    if strength is not Strength.HINT:
        return Correction(strength, _opinion(rest))
    return _read_hint(plain)


_PART = (
    r"(?:the|its|it's|his|her|their|some of the|that|those|a few) (?:\w+ ){0,2}(?:ending|end|"
    r"middle|beginning|start|half|plot|story|script|dialogues?|writing|acting|actors?|actress|cast|music|"
    r"soundtrack|score|songs?|effects|cgi|pacing|pace|jokes|humou?r|villain|lead|runtime|length|"
    r"visuals|cinematography|camera\w*|sound|twist|romance|action|fights?|characters?|scenes?|parts?|"
    r"bits?|accents?|costumes?|sets?)"
)
_RESERVATION = re.compile(
    r"(?:(?:oh|ah|well|wait|actually|hmm+|lol|ok|okay|and|yeah|yes) )*"
    rf"(?:(?:but|although|though|tho|except|only|however) {_PART}\b.*"
    rf"|{_PART}\b.* (?:tho|though)(?: (?:lol|haha|tbh|ngl|mate|bro))*)"
)


def is_reservation(text: str) -> bool:
    """Whether a message after a verdict adds what one part of the film was like: "but the music was
    awful", "the ending was great though". It qualifies the verdict, and does not turn it round.
    """
    plain = _tidy(_plain(text))
    return len(plain.split()) <= MAX_WORDS and _RESERVATION.fullmatch(plain) is not None


def _is_negated(plain: str, found: re.Match[str]) -> bool:
    """Whether it was no joke: "I was not joking", but "you didn't get the joke"."""
    if re.match(rf"{_BOT}\b", found[0]):
        return False
    before = plain[: found.start()][-12:]
    return any(_NEGATED.search(each) is not None for each in (before, found[0]))


def _read_hint(plain: str) -> Correction | None:
    """A correction if its opinion differs from the verdict, or if it is only a no."""
    words = _tidy(plain).split()
    if words and frozenset(words) <= _BARE and frozenset(words) & _NO:
        return Correction(Strength.WRONG)
    if (stated := _STATED.search(plain)) is not None:
        return Correction(
            Strength.HINT, "thumbs down" if stated["bad"] or stated["complaint"] else "thumbs up"
        )
    if (meant := _MEANT.search(plain)) is not None and not _is_negated(plain, meant):
        return Correction(Strength.HINT, "thumbs down" if meant["bad"] else "thumbs up")
    text = _tidy(plain, keep=True)
    if _POLITE_PATTERN.search(text):
        opinion = _opinion(_POLITE_PATTERN.sub(" | ", text))
        return Correction(Strength.HINT, opinion) if opinion else None
    opener = _OPENER.match(text)
    if opener is None:
        return None
    after = text[opener.end() :]
    opinion = after.strip(" |")
    if not opinion or not (after.startswith("|") or _SUBJECT.match(opinion)):
        return None
    opinion = _tidy(opinion)
    if all(map(_says_nothing, opinion.split())) and _NO.intersection(opener["said"].split()):
        return Correction(Strength.WRONG)  # "no it wasn't"
    return Correction(Strength.HINT, opinion)


def _plain(text: str) -> str:
    """Lower-case, with "|" for every mark between clauses and no other punctuation.

    Nothing where the text is too long.
    """
    text = lower_letters(text) or ""
    text = re.sub(r"[,.;:!?\n()\u2026\u2014\u2013]+|\s-+\s", " | ", text)
    return " ".join(re.sub(r"[^\w\s'|/-]", " ", text).split())


def _tidy(text: str, *, keep: bool = False) -> str:
    """Without the marks between clauses; `keep`: keeps those inside, but not at the ends."""
    text = text.strip(" |")
    return text if keep else " ".join(text.replace("|", " ").split())


def _opinion(rest: str) -> str:
    """The text without its correction, if it says more than "no" and "sorry"."""
    clauses = [" ".join(clause.split()) for clause in rest.split("|")]
    said = [c for c in clauses if c and not all(map(_says_nothing, c.split()))]
    return ", ".join(re.sub(r"^(?:no|nope|nah|but|and|so|because|cos|as) ", "", c) for c in said)


_EMPTY = word_set(
    "wasn't isn't didn't don't doesn't did was is do wasnt isnt didnt "
    "no nope nah yes but and because cos as was is were being there here again wrong you bot "
    "because im i'm am i that's it's with by about film movie review"
)


def _says_nothing(word: str) -> bool:
    return word in _EMPTY or (word != "like" and is_filler(word.replace("'", "")))
