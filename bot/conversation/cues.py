"""Words of an answer that take a side whatever the question: "I'd drag them there myself".

The model was trained on reviews, which have hardly any of these: whether a film is worth the time,
or seeing again, or recommending, which thumb, and what won. A preceding negation reverses them.
Knows no platform.
"""

import re
from collections.abc import Iterable, Sequence


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


_NEGATIONS = word_set(
    "not no never didnt wasnt isnt dont doesnt cant cannot couldnt wouldnt wont shant shouldnt "
    "hardly barely scarcely without aint havent hasnt hadnt werent nobody none nothing "
    "rarely doubt doubtful unlikely"
)
_REACH = 6
"""How many words before a cue a negation may be."""

_IT = (
    r"(?:about|it|this|that|them|the (?:film|movie|thing|whole thing)|every\w*|all of it|watching|"
    r"seeing)"
)
_WHOM = (
    r"(?:them|him|her|everyone|everybody|anyone|all|people|(?:my |a |all my )?(?:friends?|mates?|"
    r"family|mum|mom|dad|sister|brother|kids)|(?:two|three|some|half) of them|others)"
)

_POSITIVE = (
    rf"(?:liked?|loved?|enjoy(?:ed)?|adored?|dug|recommend(?:ed)?) {_IT}",
    r"(?:i|really|quite|still|did|do|would|id|definitely) (?:liked|loved|enjoyed|adored|"
    r"recommend)$",
    r"(?:did|do|didnt|dont|not) (?:like|love|enjoy|recommend)|recommend$",
    r"worth(?:while)?(?: (?:it|every|the|my|your|a|watching|seeing|while|going|\w+ hours?))?",
    r"(?:watch|see|seen|go|going|seeing|watching|view|buy)(?:ed)? again",
    r"(?:it|this|that|one|film|movie|through) again",
    r"rewatch\w*|again and again|over and over|on repeat|back for more|again (?:tomorrow|tonight|"
    r"and)",
    r"(?:a |for |the )?(?:second|third|2nd|3rd|another) (?:helping|time|viewing|watch|round|go|"
    r"look)",
    r"be (?:back|there again)|(?:going|come|coming) back|(?:more than once|twice|many times)",
    r"(?:good|great|lovely|brilliant|fab|nice|super|wonderful) time|had (?:such )?(?:a )?(?:lot "
    r"of )?"
    r"(?:fun|ball|blast|laugh)|thrilled|delighted|over the moon|well spent|time of my life",
    rf"(?:tell|told|telling|take|drag|send|urge|beg|bring|make|force|march) {_WHOM}(?: "
    rf"\w+){{0,2}}? "
    r"(?:go|see|watch|about|there|along|book|book tickets|with me|to it|buy)",
    rf"(?:send|drag|take|bring) {_WHOM}|(?:go|come|tag)(?: along)? with (?:them|you|him|her)",
    rf"(?:tell|telling|recommend\w*|shout\w*)(?: it)?(?: to)? {_WHOM}$",
    r"(?:they|you|everyone|everybody|people|he|she|friends?|all)(?: really)? "
    r"(?:should|must|have to|need to|ought to|gotta|better)(?: \w+)? (?:go|see|watch)",
    r"(?:mad|crazy|daft|silly|foolish|stupid|bonkers|nuts) (?:not to|to miss)",
    r"^every (?:second|minute|penny|moment|bit|frame)|(?:rush|hurry|run|race|dash)(?:ing)? back",
    r"give (?:it|this) (?:a )?(?:go|try|chance|watch|whirl|shot|whirl)|must (?:see|watch)|dont "
    r"miss",
    r"(?:was|is|its|isnt|wasnt|not|one|totally|definitely|very much)(?: (?:not|one|really|just|so|"
    r"totally|definitely|certainly|very|exactly|quite|perfect|great|good|right|made|the one|film|"
    r"movie))? for me|my (?:thing|"
    r"cup|bag|jam|cuppa)|up my street|good one|a (?:hit|winner|yes|go)",
    r"thumbs? (?:\w+ )?up|two up|an up|(?:big|solid|slight|definite|cautious|firm) up",
    r"made up for|(?:cant|couldnt) (?:complain|fault it)|glad i (?:went|saw|watched)|(?:am|was) "
    r"glad",
)
_NEGATIVE = (
    rf"(?:hated?|disliked?|loathed?|detest(?:ed)?|despised?|regret(?:ted)?) (?:{_IT}|going)",
    r"wish (?:i|id|we|wed)(?: had|d)? (?:stayed|never|not|hadnt|gone)|wait (?:for|until|till)",
    r"(?:not to|wouldnt|dont|not|didnt|why|never|cant be) bother(?:ed)?",
    r"regret|let (?:me |us )?down|disappoint\w*",
    r"wast(?:e|ed|ing)|(?:want|like|get|give me|have) (?!(?:\w+ ){0,3}(?:money|cash|"
    r"refund))(?:\w+ ){1,4}back|i wont get back",
    r"(?:save|saving|keep) (?:their|your|the|his|her|my) (?:money|time|cash|pennies|evening)",
    r"(?:skip|avoid|miss) (?:it|this)|stay (?:away|home|at home|in)|something else|clear of",
    r"(?:steer|warn|talk|put|keep) (?:them|people|him|her|everyone) |run a mile|give it a miss",
    r"one (?:viewing|watch|go|sitting|trip|showing) (?:was|is|will|did|does|enough|and)|did me$",
    r"pay me|paid me|in a million|over my dead body|for a lifetime|rather (?:have |watch|do|not|"
    r"be)",
    r"thumbs? (?:\w+ )?down|two down|a down|(?:big|solid|definite|firm) down",
    r"the (?:wrong|losing) side|a (?:miss|dud|no|pass)$|cant say (?:that )?i (?:did|would|was)",
)
_TURNED_BY_NEGATION = re.compile("let|disappoint|thumb|regret|wast|hate|dislike|loath")
"""The negative cues that a negation turns into praise; "don't skip it" is rare."""

_GOOD = r"(?:good|positives?|pros|upsides?|ups?|plus(?:es)?)"
_BAD = r"(?:bad|negatives?|cons|downsides?|downs?|minus(?:es)?)"
_WINS = (
    r"(?:outweigh\w*|beats?|drown\w*|trump\w*|overshadow\w*|overpower\w*|over[ck]\w+|edg\w+|won|"
    r"wins?|winning|eclips\w*|cancel\w*|ruin\w*|spoil\w*|prevail\w*|dominat\w*|stuck|stick|sticks|"
    r"stays?|stayed|made up|makes up|lingers?|came out|comes out|by (?:a|far|miles|some))"
)
_LOSES = r"(?:lost|loses|lose|losing|(?:didnt|doesnt|did not|does not|couldnt|cant|never|dont) \w+)"
_PASSIVE = (
    r"(?:was|were|is|are|got|gets)(?: \w+)? (?:outweigh|drown|overshadow|overpower|beaten|ruin)"
)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


_CUES = ((True, _any_of(_POSITIVE)), (False, _any_of(_NEGATIVE)))
_CONTEST = re.compile(
    rf"\b(?:(?P<good>{_GOOD})|{_BAD})\b(?: \w+){{0,4}}? (?P<won>{_PASSIVE}|{_LOSES}|{_WINS})"
)
_MORE = re.compile(
    rf"\b(?:more(?: of an?)?|mostly|mainly|leaning|leans|lean|edging|slightly)(?: \w+){{0,2}}? "
    rf"(?:(?P<good>{_GOOD}|yes|yeah|like\w*|positive)|(?:{_BAD}|no|nah|dislike\w*|negative))\b"
)
_SPOKEN_NO = re.compile(
    r"^(?:(?:oh|well|no|nope|nah) )+(?=(?:i|its?|id|im|ive|that|this|we|they|you|he|she|the)\b)"
)
"""A "no" to the question: "no I loved it"."""
_NOT_NEGATIONS = re.compile(
    r"\b(?:(?:not|dont|wouldnt|would not|wont) mind|(?:cant|couldnt|can not) wait|not (?:only|"
    r"just)|"
    r"no (?:doubt|question|problem|hesitation)|without (?:a doubt|question|hesitation)|"
    r"(?:cant|couldnt|cannot|can not|could not) (?=\w+ (?:it |this )?(?:enough|more)))\b"
)


def read_cues(segments: Sequence[Sequence[str]]) -> tuple[bool, str] | None:
    """Whether the cues of an answer favour the film, and the other words.

    `segments` are its clauses, in lower case without apostrophes. None if there are no cues, or if
    they contradict each other.
    """
    found: set[bool] = set()
    rest = []
    for words in segments:
        text = _NOT_NEGATIONS.sub("", _SPOKEN_NO.sub("", " ".join(words)))
        for pattern in (_CONTEST, _MORE):
            for contest in pattern.finditer(text):
                turned = pattern is _CONTEST and re.match(f"{_PASSIVE}|{_LOSES}", contest["won"])
                found.add((contest["good"] is not None) != bool(turned))
            if found:
                text = pattern.sub(" ", text)
        for is_praise, pattern in _CUES:
            for cue in pattern.finditer(text):
                negations = _NEGATIONS.intersection(text[: cue.start()].split()[-_REACH:])
                inside = _NEGATIONS.intersection(cue[0].removesuffix(" not to").split())
                can_turn = is_praise or _TURNED_BY_NEGATION.search(cue[0])
                found.add(is_praise != bool((negations or (is_praise and inside)) and can_turn))
            text = pattern.sub(" ", text)
        rest.append(text)
    return (found.pop(), " ".join(" ".join(rest).split())) if len(found) == 1 else None
