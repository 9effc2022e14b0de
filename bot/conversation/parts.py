"""What a customer says about parts of a film: which one they mean, and that some were good and some
bad. Knows no platform.

The model knows opinions on films. "More the story" is none, and "nice bits, dull bits" decides
nothing.
"""

import re

from bot.conversation.answers import is_filler, lower_letters
from bot.conversation.cues import word_set

MAX_WORDS = 16
"""Of a balanced review; a longer one is left to the model."""
MAX_OTHER_WORDS = 6
"""Of it that are about no part, or do not judge it: "alright I guess"."""
MAX_PART_WORDS = 12
"""Of words that only name a part."""

_PARTS = word_set(
    "story plot script writing dialogue dialogues screenplay premise idea concept ending end "
    "endings beginning start opening middle half act acts finale finish climax cast acting actor "
    "actors actress actresses performance performances lead leads characters character villain "
    "hero direction director directing pacing pace music soundtrack score songs song sound visuals "
    "cinematography camera camerawork effects cgi animation costumes sets scenery locations action "
    "fights fight humour humor jokes comedy romance twist twists scenes scene bits bit parts part "
    "moments moment chemistry editing length runtime tone mood atmosphere world drama stunts chase "
    "car credits style look photography colours colors message themes theme"
)
_VAGUE = word_set("middle half act acts bit bits part parts moment moments style world end")
"""Alone, these may be an answer: "in parts", "the middle"."""
_SECTION = re.compile(
    r"\b(?:first|second|third|last|final|opening|closing|early|later) (?:half|part|bit|act|acts|"
    r"bits|parts|third|hour|moments|minutes)\b"
)
_FOCUS = word_set(
    "more most mostly mainly largely primarily chiefly especially particularly probably maybe "
    "perhaps rather less than anything else everything id say guess suppose think its it it's was "
    "were be the a his her their whole just only really definitely and of i i'd for me to well oh "
    "um hmm hm er honestly tbh overall first second third last final closing early later hour "
    "minutes"
)
_QUALIFIED = word_set("like though tho not")
_BALANCE_NOUNS = _PARTS | word_set(
    "pictures picture places others spots stretches execution delivery ones laugh laughs line "
    "lines shots shot things thing stuff sequences"
)
_GOOD = word_set(
    "good great nice lovely fun funny cool sweet fine decent solid strong brilliant beautiful "
    "pretty gorgeous clever smart amazing excellent fantastic superb wonderful awesome charming "
    "exciting gripping interesting entertaining touching moving moody liked loved enjoyed fab neat "
    "stunning tight sharp fresh bright pleasant hilarious impressive memorable"
)
_BAD = word_set(
    "bad boring dull slow weak dumb silly stupid cringe cringey cringy flat tedious awful terrible "
    "poor lame messy rushed bland forgettable cheesy clunky long-winded draggy hated disliked "
    "annoying confusing predictable rubbish naff ropey wooden stale tired thin lazy shaky unfunny "
    "pointless horrible dragging muddled dodgy crap shit shite dreadful dreary iffy off sloppy "
    "clumsy tiresome"
)
_BOTH = re.compile(
    r"\b(?:highs and lows|lows and highs|ups and downs|hits and misses|"
    r"peaks and (?:troughs|valleys)|strengths and weaknesses|pros and cons|good and bad|"
    r"swings and roundabouts|neither good nor bad|"
    r"not (?:so |that |too |very )?(?:bad|terrible|awful|horrible)\b.{0,12} not (?:so |that |too |"
    r"very )?(?:good|great|amazing|special)|not (?:so |that |too |very )?(?:good|great|amazing)\b"
    r".{0,12} not (?:so |that |too |very )?(?:bad|terrible|awful|horrible)|"
    r"(?:a few|some|a couple of|couple of|the odd) (?:good |big )?(?:laughs|giggles|chuckles|"
    r"thrills|highs)(?: and)? (?:a few|some|a couple of|the odd|more) (?:yawns|groans|lows|lulls)|"
    r"(?:liked|loved|enjoyed) (?:some|half|most|parts|bits|much)(?: of (?:it|the film|the movie))?"
    r"(?: and| but)? (?:yawned|slept|dozed|hated|disliked|sighed|suffered|skipped|was bored|"
    r"got bored|nodded off|endured|zoned out)\b.{0,24} (?:the rest|others?|half))\b"
)
_BOTH_WORDS = word_set(
    "highs ups hits peaks strengths pros good swings neither not few some couple odd liked loved "
    "enjoyed lows"
)
"""Of these, every match of `_BOTH` has one."""
_OVERALL = word_set(
    "overall anyway still recommend worth waste hate love masterpiece never again best worst "
    "favourite favorite disappointed disappointing disappointment"
)
"""Words with which a list of parts tips to one side: "a bad script, but worth it"."""
_SPLIT = re.compile(
    r"[,.;:!?\n/+&()\u2026\u2014\u2013]+|\band\b|\bbut\b|\bthough\b|\byet\b|\bwhile\b"
)
_NO_LETTERS = re.compile(r"[^\w\s'-]")


EVEN = {"negative": 0.5, "positive": 0.5}
"""The probabilities of a balanced review, whatever the model makes of its words."""


def names_a_part(text: str) -> bool:
    """Whether words only say which part of a film is meant: "more the story", "mostly the cast"."""
    words = _words(text)
    said = frozenset(words)
    return (
        0 < len(words) <= MAX_PART_WORDS
        and (not said.isdisjoint(_PARTS - _VAGUE) or _SECTION.search(" ".join(words)) is not None)
        and all(word in _PARTS or word in _FOCUS or is_filler(word) for word in words)
        and said.isdisjoint(_QUALIFIED)
    )


def is_balanced(text: str) -> bool:
    """Whether a short review has as many good as bad parts, and no word for the whole."""
    words = _words(text)
    if not 0 < len(words) <= MAX_WORDS or not _OVERALL.isdisjoint(words):
        return False
    said = frozenset(words)
    if not _BOTH_WORDS.isdisjoint(said) and _BOTH.search(" ".join(words)) is not None:
        return True
    if _GOOD.isdisjoint(said) or _BAD.isdisjoint(said):
        return False
    clauses = [_words(clause) for clause in _SPLIT.split(lower_letters(text) or "")]
    judged = [side for clause in clauses if (side := _side_of_part(clause))]
    others = sum(len(clause) for clause in clauses if not _side_of_part(clause))
    return len(judged) > 1 and sum(judged) == 0 and others <= MAX_OTHER_WORDS


def _side(word: str) -> int:
    return (word in _GOOD) - (word in _BAD)


def _side_of_part(words: list[str]) -> int:
    """1 for a clause that only praises a part, -1 for one that only criticises it, 0 for others."""
    if _BALANCE_NOUNS.isdisjoint(words) or "not" in words or any("n't" in word for word in words):
        return 0
    sides = {side for word in words if (side := _side(word))}
    return sides.pop() if len(sides) == 1 else 0


def _words(text: str) -> list[str]:
    return _NO_LETTERS.sub(" ", lower_letters(text) or "").split()
