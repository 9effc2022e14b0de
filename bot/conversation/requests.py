"""Requests of a customer who answers the bot with something that is not about the film.

"No, I want my money back" begins like an answer, and the model, trained on reviews, takes it for
one. Used only if an answer is expected: in a review, the same words may be a figure of speech.
Knows no platform.
"""

import re

from bot.conversation.answers import is_filler, lower_letters
from bot.conversation.cues import word_set

_MINE = r"(?:my|our|the|your|a)"
_BOUGHT = (
    r"(?:tickets?|orders?|bookings?|payments?|cards?|vouchers?|subscriptions?|accounts?|passwords?|"
    r"stream|projector|heating|seats?|discs?|dvds?|app|website|coat|bag|reservation|refund)"
)
_PEOPLE = (
    r"(?:ushers?|staff|cashiers?|manager|popcorn|toilets?|loos?|doors?|queues?|cinema|car park)"
)
_WRONG = (
    r"(?:did ?n'?t|does ?n'?t|would ?n'?t|was|were|is|are|has|had|never|kept|keeps|failed|fails|"
    r"broke|"
    r"froze|crashed|crashes|stopped|not|wo ?n'?t|wasn'?t)"
)
_SERVICE = re.compile(
    r"\b(?:(?:money|cash) back|refund\w*|compensat\w*|reimburse\w*|(?:over|double ?)charged|"
    r"charged (?:me |us |my card )?(?:twice|double|too much|extra)|paid (?:twice|for two)|"
    rf"(?:cancel|return|exchange|change|find|lost|never got|receive[d]?|where is|where are) "
    rf"{_MINE} "
    rf"{_BOUGHT}|{_MINE} {_BOUGHT} (?:\w+ )?{_WRONG}|{_MINE} {_PEOPLE} (?:\w+ )?(?:was|were|is|"
    rf"are)|"
    r"(?:can'?t|couldn'?t|cannot) (?:log ?in|sign in|pay (?:for|with|by|online)|book)|the app "
    r"crash\w*|buffering|"
    rf"(?:complain\w*|complaint|talking|speaking|writing) (?:\w+ )?about (?:\w+ )?{_MINE} (?:\w+ )?"
    rf"(?:{_PEOPLE}|{_BOUGHT}|sound|service|prices?)|"
    r"(?:want|like|where (?:can|do) i|how (?:can|do) i) (?:to )?complain|wait(?:ed)? (?:\w+ "
    r"){1,3}for "
    r"(?:the doors|our seats|tickets)|lost (?:my|our) \w+ (?:there|in there|at the))\b"
)
_PERSON = re.compile(
    r"\b(?:(?:speak|talk|chat|put me through|transfer me|get me) (?:to |with )?(?:a |an |the |"
    r"your |"
    r"some ?(?:one|body) )?(?:real |actual |live |human )?(?:person|human(?: being)?|manager|agent|"
    r"operator|someone|somebody|customer service|staff|moderator|advisor)|"
    r"is there a (?:real )?(?:human|person))\b"
)


_COMPLAINING = re.compile(
    r"\b(?:(?:want|wants|like|need|have|wish|going|about|how (?:can|do|would) (?:i|we)|"
    r"where (?:can|do|should) (?:i|we)|who (?:can|do|should) (?:i|we)|(?:can|may|could|might) "
    r"(?:i|we)) (?:to )?"
    r"(?:complain(?: to)?|(?:make|file|lodge|raise|submit|register|place|leave) (?:a|an) (?:\w+ )?"
    r"complaint)|(?:have|got|is|here'?s) (?:a|another|my) complaint)\b"
)
_OURS = (
    r"cinemas?|theat(?:er|re)s?|ushers?|staff|managers?|cashiers?|employees?|workers?|"
    r"bar(?:man|maid)|popcorn|nachos|drinks?|food|snacks?|sweets|toilets?|loos?|bathrooms?|"
    r"restrooms?|seats?|seating|sofas?|recliners?|projectors?|projection|heating|air ?con\w*|"
    r"speakers|floors?|foyer|lobby|lifts?|escalators?|car park|parking|kiosks?|counters?|"
    r"box office|queues?|queu(?:ed|ing)|streams?|streaming|buffer(?:s|ing)|apps?|websites?|"
    r"log ?in|tickets?|book(?:ed|ings?)|reservations?|orders?|payments?|cards?|vouchers?|"
    r"refunds?|prices?|pricing|charged|accounts?|subscriptions?|memberships?|deliver\w*|parcels?|"
    r"packages?|couriers?|discs?|dvds?|blu ?rays?|screening|adverts?|ads|customer service"
)
OURS = re.compile(rf"\b(?:{_OURS})\b")
"""What belongs to a cinema, a stream or a shop, and hardly ever to a film."""
_STAFFED = re.compile(
    rf"\b(?:{_OURS}|screens?|sound|volume|subtitles|lights|sites?|lines?|service|doors?|phones?|"
    r"(?:other|some) (?:people|customers|guests)|somebody|someone|one of (?:your|the))\b"
)
OF_A_FILM = re.compile(
    r"\b(?:films?|movies?|flicks?|plots?|scripts?|acting|actors?|actress(?:es)?|endings?|"
    r"directors?|story|sequels?|episodes?|seasons?|series|characters?|dialogues?)\b"
)

_NO_REVIEW = re.compile(
    r"(?:\b(?:not?|never|nothing)|n'?t) (?:really |even |actually |just )*"
    r"(?:(?:talking |speaking |writing |asking |meant |to do )?(?:about|with) "
    r"(?:a|the|any|this|that) (?:films?|movies?|shows?|series)|(?:a |any |my )?(?:film )?review)"
    r"(?= *(?:$|[,.;:!?\n]|but ))"
)
"""They say themselves that it is no review: asking how they liked a film does not help."""


def read_request(text: str) -> str | None:
    """ "service" or "person", if an answer begins with such a request; "off_topic", if it says that
    it is not about a film; otherwise None."""
    if (plain := lower_letters(text)) is None:
        return None
    for clause in re.split(r"[,.;:!?\n]+|\b(?:but|because|cos|and)\b", plain):
        for kind, pattern in (("person", _PERSON), ("service", _SERVICE)):
            found = pattern.search(clause)
            if found is not None and _only_leads(clause[: found.start()]):
                return kind
        if not _only_leads(clause):
            break
    return "off_topic" if _NO_REVIEW.search(plain) else None


def complains_to_staff(text: str) -> bool:
    """Whether a text begins by saying that it is a complaint, and not about a film: "how do I
    complain about the seats", "I'd like to make a complaint"."""
    plain = lower_letters(text)
    if plain is None or "complain" not in plain:  # quick, and true of most messages
        return False
    found = _COMPLAINING.search(plain)
    if found is None or not _only_leads(plain[: found.start()]):
        return False
    about = plain[found.end() :]
    if _only_leads(about):
        return True
    return _STAFFED.search(about) is not None and OF_A_FILM.search(about) is None


_LEADING = word_set(
    "yes yeah yep no nope nah not couldnt cant id want need give demand get my me us our would "
    "like "
    "can could send some where how is are was were again instead full id still today what huh wait "
    "hello hi hey please excuse"
)


def _only_leads(words: str) -> bool:
    """Whether these words say nothing about the film: "no, I still want my"."""
    plain = re.sub(r"[^\w\s]", "", words).split()
    return all(is_filler(word) or word in _LEADING for word in plain)
