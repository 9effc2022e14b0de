"""What a customer whom the bot misread had written about, where it was not a film.

Reads what makes sense only after a verdict: "no, I meant the seats", "I was only asking when it
starts". Whether they liked the film is read by `bot.conversation.corrections`. Knows no platform.
"""

import re

from bot.conversation.answers import MAX_WORDS, lower_letters
from bot.conversation.requests import OF_A_FILM, OURS
from bot.sentences.responses import Kind

_I = r"(?:i|we|im|ive|id)(?:'m|'ve|'d)?"
_WAS = r"(?: (?:am|was|were|only|just|actually|really|merely|simply|clearly))+"
_MEANT = re.compile(
    rf"\b{_I}{_WAS} (?:trying to )?(?:talk(?:ing?)? (?:about|of|bout)|speaking (?:about|of)|"
    r"(?:going )?on about|complaining?|moaning|giving out|referring|writing (?:about|to)|"
    r"tell(?:ing)? (?:you|ye|u)|say(?:ing)?|prais(?:e|ing)|describ(?:e|ing))\b|"
    r"\b(?:im|i'm|we're) (?:on about|talking (?:about|bout)|complaining|asking)\b|"
    rf"\b{_I} (?:\w+ )?(?:meant|ment|mean|referred to|complained|told (?:you|ye|u)|"
    r"said (?:\w+ ){0,2}about)\b(?! to\b)|"
    r"\b(?:that|mine)(?:'s| is| was) (?:all )?(?:about|for|to do with|regarding)\b|"
    r"\bmy (?:\w+ )?(?:message|msg|note|comment|point|remark|text|complaint|email|post)\b|"
    r"\b(?:that|which|what)(?:'s| is| was)? (?:what )?(?:i|im|i'm) (?:was |am )?(?:on about|meant|"
    r"mean|said|wrote|describing|described|talking about|getting at)\b"
)
"""The customer says what their message was about. Not "I told my friends", which is a story."""
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
_WAS_ASKING = re.compile(
    rf"\b{_I}{_WAS} (?:ask(?:ed|ing?)?|enquir(?:ed|ing)|inquir(?:ed|ing)|"
    r"(?:want(?:ed)?|need(?:ed)?|trying) to (?:know|find out|ask))\b|"
    rf"\b{_I}(?: am| was| were)? (?:only|just|merely|simply) wondering\b|"
    r"\b(?:that|it|this)(?:'s| is| was) (?:\w+ )?an? (?:\w+ )?"
    r"(?:question|enquiry|inquiry|query)\b|"
    r"\bmy (?:\w+ )?(?:question|enquiry|inquiry|query)\b|\bquestion mark\b|"
    r"\b(?:answer|answered) (?:me|my|the|what)\b|"
    r"\b(?:just|please) tell me (?:if|when|where|what|who|how|whether)\b"
)
"""The customer says that their message was a question."""
_ASKED = re.compile(
    rf"\b{_I}(?: had| have)? (?:asked|enquired|inquired|(?:want(?:ed)?|like|need(?:ed)?|tried) to "
    r"(?:know|find out|ask)|wanna know)\b|"
    r"\bwas wondering\b|\bi said (?:is|are|does|do|when|where|what|how|who)\b"
)
"""The same, or part of a story: "I asked my friend"."""
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
    r"\b(?:i|we)(?:'ve| have| did)? (?:\w+ )?(?:lov|lik|enjoy|ador|hat|loath|despis)\w*"
)
"""The customer liked the film, or did not: "no, I loved it, great seats too"."""
_FIGURES = re.compile(
    r"\b(?:edge of (?:my|our|the|your) seats?|(?:worth|waste of) (?:\w+ )?(?:tickets?|price)|"
    r"(?:i|we) mean\b(?=,| it\b| the (?:film|movie)))"
)
"""Figures of speech that sound like something else."""


def read_subject(text: str, *, is_correction: bool = False, is_answer: bool = False) -> Kind | None:
    """`SERVICE`, `QUESTION` or `OFF_TOPIC`; None if the text, after a verdict, does not say so.

    `is_correction`: it says by other words that the bot is wrong. `is_answer`: the bot has asked
    how they liked the film, so that a "no" is an answer.
    """
    plain = lower_letters(text)
    if plain is None or len(plain.split()) > MAX_WORDS:  # a longer text is about the film
        return None
    plain = _FIGURES.sub(" ", plain)
    says = _MEANT.search(plain) is not None
    no_film = _NO_FILM.search(plain) is not None
    denies = is_correction or (not is_answer and _NO.search(plain) is not None)
    is_question = _WAS_ASKING.search(plain) is not None or (
        (says or no_film or denies) and _ASKED.search(plain) is not None
    )
    if is_question and _ASKED_NOT.search(plain) is None:
        return Kind.QUESTION
    if not (says or no_film or (denies and _LIKING.search(plain) is None)):
        return None
    names_a_film = OF_A_FILM.search(plain) is not None
    if OURS.search(plain) is not None and (no_film or not names_a_film):
        return Kind.SERVICE
    if _ASKS.search(plain) is not None and not names_a_film:
        return Kind.QUESTION
    return Kind.OFF_TOPIC if no_film and says else None
