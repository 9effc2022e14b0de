"""Whether a customer who was in distress a few minutes ago writes about a film now. No platform.

The model judges every text as if it could be a review: "it's all pointless" is a complaint to it.
"""

import re

from bot.conversation.answers import MAX_CHARACTERS
from trainer.model.marks import MARK_POSITIVE, normalise, read_mark
from trainer.model.statements import states_distress

_CLAUSE = re.compile(r"[.!?;,:\n\u2026]+(?=\s|$)|\bbut\b", re.IGNORECASE)
_CONTRAST = re.compile(
    r"\b(?:but|though|tho|at least|anyways?|btw|by the way|still|however|otherwise|other than that|"
    r"on the (?:bright|plus) side)\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:good|great|nice|lovely|brilliant|beautiful|amazing|awesome|wonderful|fantastic|excellent|"
    r"perfect|superb|fun|funny|best|masterpiece|loved|liked|enjoyed|banger|fire|decent|solid)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(?:not|never|no|nothing)\b|n['\u2019]t\b", re.IGNORECASE)
_FILM = re.compile(
    r"\b(?:films?|movies?|flicks?|cinemas?|sequels?|prequels?|trilogy|trailers?|seasons?|episodes?|"
    r"series|sitcom|soundtracks?|actors?|actress(?:es)?|acting|directors?|screenplays?|scripts?|"
    r"cgi|watched|rewatch(?:ed)?|binged|reviews?|stars?|\d{1,2} ?/ ?(?:5|10))\b",
    re.IGNORECASE,
)


def beside_praise(text: str) -> str:
    """What a message says besides praise that contrasts with it; blank where there is neither.

    "Can't go on" of "can't go on. 10/10 film though": by itself it may be about a bad film, but not
    beside praise.
    """
    if len(text) > MAX_CHARACTERS or _CONTRAST.search(text) is None:
        return ""
    on_film: list[str] = []
    others: list[str] = []
    for clause in filter(None, map(str.strip, _CLAUSE.split(text))):
        (on_film if is_about_a_film(clause) else others).append(clause)
    return ". ".join(others) if others and any(map(_praises, on_film)) else ""


def states_distress_beside_praise(text: str) -> bool:
    """Whether what a message says besides praise states distress, also without its "I"."""
    rest = beside_praise(text)
    return bool(rest) and (states_distress(rest) or states_distress(f"I {rest}"))


def _praises(clause: str) -> bool:
    """Whether a clause about a film praises it."""
    if _NEGATION.search(clause) is not None:
        return False
    _, mark = read_mark(clause)
    return mark.share >= MARK_POSITIVE if mark is not None else _PRAISE.search(clause) is not None


def is_about_a_film(text: str) -> bool:
    """Whether a text has a word of film or television in it, or states a rating such as 7/10.

    A thumb or another emoji is none: after words of help it is an answer to them.
    """
    return _FILM.search(normalise(text)) is not None
