"""What a customer whom the bot misread had written about, where it was not a film.

Reads what makes sense only after a verdict: "no, I meant the seats", "I was only asking when it
starts". Whether they liked the film is read by `bot.conversation.corrections`. Knows no platform.
"""

import re

from bot.conversation.answers import MAX_WORDS, lower_letters
from bot.conversation.requests import OF_A_FILM, OURS
from bot.sentences.responses import Kind

_I = r"(?:i|we|im|ive|id)(?:'m|'ve|'d)?"
_ONLY = r"(?: (?:am|was|were|had|have|did|only|just|actually|really|merely|simply|literally))*"
_MEANT = re.compile(
    rf"\b{_I}{_ONLY} (?:trying to )?(?:talk(?:ed|ing?)? (?:about|of|bout)|"
    r"speak(?:ing)? (?:about|of)|(?:going )?on about|complain(?:ed|ing?)?|moan(?:ed|ing?)?|"
    r"giving out|refer(?:red|ring)?|writ(?:ing|e)|wrote|tell(?:ing)?|told|say(?:ing)?|said|"
    r"prais(?:ed|ing)|describ(?:ed|ing)|mean|meant|ment|point(?:ed)? (?:out|at))\b|"
    r"\b(?:that|it|this|mine)(?:'s| is| was) (?:all )?(?:about|for|to do with|regarding)\b|"
    r"\bmy (?:\w+ )?(?:message|msg|note|comment|point|remark|text|complaint|email|post|review)\b|"
    r"\b(?:that|which|what)(?:'s| is| was)? (?:what )?(?:i|im|i'm) (?:was |am )?(?:on about|meant|"
    r"mean|said|wrote|describing|described|talking about|getting at)\b"
)
"""The customer says what their message was about."""
_NO_FILM = re.compile(
    r"(?:\b(?:not|never|nothing|rather than|instead of)|n'?t)(?: \w+){0,3} "
    r"(?:films?|movies?|pictures?|plot|review\w*|flicks?|feedback|opinions?)\b|"
    r"\b(?:who|nobody|no one) (?:said|mentioned|asked|is talking) (?:anything )?"
    r"about (?:a|any|the) (?:film|movie)\b"
)
"""It was about no film, or no review."""
_NO = re.compile(
    r"^(?:(?:oh|ah|ehm?|er+m?|um+|lol|haha+|lmao|hey|bot|mate|bro|sorry|but|well|hmm+|ok|okay|so)"
    r"\W+)*"
    r"(?:no+|nah+|nope|naw|na|wrong|not|what|wtf|huh|wait|hang on|hold on|excuse me|actually|"
    r"seriously)\b"
)
_ASKED = re.compile(
    rf"\b{_I}{_ONLY} (?:ask(?:ed|ing?)?|enquir(?:ed|ing|e)|inquir(?:ed|ing|e)|wonder(?:ed|ing)?|"
    r"(?:want(?:ed)?|like|need(?:ed)?|trying|tried) to (?:know|find out|ask)|wanna know)\b|"
    r"\b(?:that|it|this)(?:'s| is| was) (?:\w+ )?an? (?:\w+ )?"
    r"(?:question|enquiry|inquiry|query)\b|"
    r"\bmy (?:\w+ )?(?:question|enquiry|inquiry|query)\b|\bquestion mark\b|"
    r"\b(?:answer|answered) (?:me|my|the|what)\b|"
    r"\b(?:just|please) tell me (?:if|when|where|what|who|how|whether)\b"
)
_ASKED_NOT = re.compile(r"(?:not|n'?t|never|stop|no ?(?:one|body)) (?:\w+ )?ask")
_ASKS = re.compile(
    r"(?:^|[.!?,:;|\n-] *|\b(?:so|but|or|and|do you know|i said) )"
    r"(?:(?:is|are|will|does|did|do|has|can|could|may) (?:it|there|the|they|this|he|she|i|we|my|"
    r"these|any|kids|children|you (?:have|know|sell|take|show|do|still))|"
    r"when(?:'s| is| does| do| will| are)|what(?:'s the| is the| time)|"
    r"where(?:'s| is| can| do| are)|who(?:'s| is| directed| plays| made)|"
    r"how (?:long|much|many|old|do i|can i|late|early)|"
    r"which (?:screen|cinema|room|version|day))\b"
)
"""A clause that asks for a fact."""
_LIKING = re.compile(
    r"\b(?:i|we)(?:'ve| have| did)? (?:\w+ )?(?:lov|lik|enjoy|ador|hat|loath|despis)\w*|"
    r"\bedge of (?:my|our|the) seats?|\b(?:worth|waste of) (?:the |every |a )?(?:ticket|price)"
)
"""The customer liked the film, or did not: "no, I loved it, great seats too"."""


def read_subject(text: str, *, is_correction: bool = False, is_answer: bool = False) -> Kind | None:
    """`SERVICE`, `QUESTION` or `OFF_TOPIC`; None if the text, after a verdict, does not say so.

    `is_correction`: it says by other words that the bot is wrong. `is_answer`: the bot has asked
    how they liked the film, so that a "no" is an answer.
    """
    plain = lower_letters(text)
    if plain is None or len(plain.split()) > MAX_WORDS:  # a longer text is about the film
        return None
    says = _MEANT.search(plain) is not None
    no_film = _NO_FILM.search(plain) is not None
    if _ASKED.search(plain) is not None and _ASKED_NOT.search(plain) is None:
        return Kind.QUESTION
    if not (says or no_film):
        denies = is_correction or (not is_answer and _NO.search(plain) is not None)
        if not denies or _LIKING.search(plain) is not None:
            return None
    if OURS.search(plain) is not None and (no_film or OF_A_FILM.search(plain) is None):
        return Kind.SERVICE
    if _ASKS.search(plain) is not None and OF_A_FILM.search(plain) is None:
        return Kind.QUESTION
    return Kind.OFF_TOPIC if no_film and says else None
