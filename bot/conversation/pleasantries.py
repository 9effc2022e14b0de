"""Short messages that the model misreads: "ok, no worries", "so so". Knows no platform.

Its training lines of other kinds contain polite phrases, and hardly any review is lukewarm in three
words.
"""

import re

from bot.conversation.answers import lower_letters
from bot.conversation.sightings import is_sighting
from bot.sentences.kinds import Kind

MAX_WORDS = 12
"""Of a lukewarm review that may be mistaken for something else."""

_PHRASE = (
    r"(?:ok|okay|okey|k+|cool|nice|great|fine|sure|right|alright|all right|got it|gotcha|noted|"
    r"sweet|"
    r"lovely|no (?:problem|worries|worry|probs|bother)|np|fair enough|all good|never ?mind|nvm|"
    r"(?:it|that)'?s (?:ok|okay|fine|alright|all right|cool|nice|kind|sweet|good)(?: of you)?|"
    r"(?:don'?t|do not) worry(?: about (?:it|that))?|(?:no|you don'?t) need to "
    r"(?:apologi[sz]e|be sorry|thank me)|(?:don'?t|no need to) (?:apologi[sz]e|be sorry|mention "
    r"it)|"
    r"no need|you too|same to you|likewise|good bot|great bot|nice bot|bless you|aw+|"
    r"sorry|my bad|thn?k+s|thnx|tnx|tysm|thanks?(?: you| u)?|cheers|ta|ty|thx|i will|will do|bye|"
    r"goodbye|see "
    r"you|"
    r"my pleasure|glad to help|you'?re welcome|and you|anytime|any time|"
    r"yes+|yep|yeah|yup|exactly|precisely|indeed|correct|true|absolutely|definitely|of course|"
    r"really|honestly|truly|(?:no )?i (?:really )?mean it|i meant (?:it|that|what i said)|"
    r"i stand by (?:it|that)|(?:that'?s )?(?:just )?my (?:honest )?opinion|that'?s what i think|"
    r"you got it|spot on|(?:that'?s|thats|you'?re) (?:right|correct|true|it))"
)
_ACKNOWLEDGEMENT = re.compile(
    rf"(?:(?:oh|ah|haha|lol|well|and|but|then|so) )*{_PHRASE}"
    rf"(?: (?:{_PHRASE}|then|bot|mate|pal|though|anyway|and|but|so much|a lot|haha|lol))*"
)
_GOODBYE = (
    r"(?:bye+(?:[ -]?bye+)?|good ?bye|good ?night(?: all| everyone| everybody)?|night night|gn|"
    r"nighty? night|see (?:you|u|ya)|cya|ttyl|laters?|cheerio|ta ta|toodles|take care|"
    r"(?:(?:i(?:'?ve)?|we) )?(?:need|have|got|gotta)(?: to)? (?:go|run|leave|dash|sleep)|"
    r"i'?m off|have a (?:good|nice|great|lovely) (?:one|day|evening|night|weekend|time|week)|"
    r"talk (?:to you )?(?:later|soon))"
)
_FAREWELL = re.compile(
    rf"(?:(?:ok|okay|k+|aight|well|right|alright|lol|sorry|anyway|so|and|but|thanks) )*{_GOODBYE}"
    rf"(?: (?:{_GOODBYE}|then|now|for now|bot|mate|buddy|dear|guys|later|soon|around|tomorrow|"
    r"next time|again|and|thanks|thank you|to bed|xx?|lol))*"
)
_REASSURANCE = re.compile(
    r"(?:(?:oh|ah|haha|lol|well|and|so|ok|okay) )*"
    r"(?:no (?:problems?|worr(?:y|ies)|probs?|bother|biggie|hard feelings|rush|hurry)(?: at all)?|"
    r"not a problem|(?:don'?t|dont) worry(?: about (?:it|that))?|never ?mind|nvm|"
    r"no need to (?:apologi[sz]e|be sorry|worry))"
    rf"(?: (?:{_PHRASE}|{_GOODBYE}|then|bot|mate|pal|though|anyway|and|but|lol))*"
)
_NO_LETTERS = re.compile(r"[^\w\s'-]")
_THUMBS_UP = re.compile("[\N{THUMBS UP SIGN}\N{HEAVY BLACK HEART}\N{PERSON WITH FOLDED HANDS}]")
_LUKEWARM = re.compile(
    r"\b(?:so[ -]so|me+h|mixed(?: (?:bag|feelings))?|hit (?:and|or|or a) miss|had its moments|"
    r"average|"
    r"middling|middle of the road|mediocre|passable|watchable|in two minds|nothing (?:special|to "
    r"write home)|"
    r"ok(?:ay)?-?ish|(?:some|few|couple of|a few) (?:good|nice|great|bad|funny|decent) "
    r"(?:bits|parts|scenes|moments|jokes)|good in (?:parts|places)|pass(?:ed|es) the time|"
    r"(?:does|did) the (?:job|trick)|half decent|could (?:have been|be) (?:better|worse)|"
    r"(?:ok|okay|alright|all right|fine|decent|watchable|good|fun)(?: \w+)? "
    r"(?:for a|for an|for one|but|enough)|"
    r"(?<!\bi'm )(?<!\bim )(?<!\bi am )(?:ok|okay|alright|all right|fine) "
    r"(?:i (?:guess|suppose|reckon)|tbh|overall)|"
    r"not (?:great|bad|terrible|awful|the worst|the best)|"
    r"neither good nor bad|neither here nor there|seen (?:worse|better))\b"
)


_ONLY_OK = re.compile(
    r"(?:(?:i|we) (?:thought|found|think|said|meant|mean) )?"
    r"(?:(?:it|that|this|the (?:film|movie)) )?(?:was |is )?(?:just|only|merely) (?:about )?"
    r"(?:ok(?:ay)?|alright|all right|fine|average|passable|watchable)(?: (?:i guess|really|tbh))*"
)


def is_only_ok(text: str) -> bool:
    """Whether an opinion is "it was just ok", which is neither praise nor a complaint."""
    return _ONLY_OK.fullmatch(_plain(text)) is not None


def is_acknowledgement(text: str) -> bool:
    """Whether this only acknowledges a reply: "ok, no worries", a thumb up, "bye"."""
    words = _plain(_THUMBS_UP.sub(" thanks ", text))
    return _ACKNOWLEDGEMENT.fullmatch(words) is not None


def small_talk(text: str) -> Kind | None:
    """`GOODBYE` for "bye bot" or "I have to go", `SEEN` for "saw it"; None for anything more.

    "Goodbye everyone" is left to the model, which knows distress. "Saw it" says only that they have
    seen a film.
    """
    words = _plain(text)
    if _FAREWELL.fullmatch(words) is not None:
        return Kind.GOODBYE
    return Kind.SEEN if is_sighting(text) else None


def is_reassurance(text: str) -> bool:
    """Whether this is polite and no answer, although it begins with a "no": "no worries"."""
    return _REASSURANCE.fullmatch(_plain(text)) is not None


def is_lukewarm(text: str) -> bool:
    """Whether a short text has words of an opinion that is neither praise nor a complaint."""
    words = _plain(text)
    return len(words.split()) <= MAX_WORDS and _LUKEWARM.search(words) is not None


def _plain(text: str) -> str:
    """Lower-case words; none where the text is too long."""
    return " ".join(_NO_LETTERS.sub(" ", lower_letters(text) or "").split())
