"""Whether a customer who has asked for help goes on about it: "hello?? is anybody there".

By themselves these words are a greeting or a complaint about a film; after a request they mean the
same matter. Knows no platform.
"""

import re

from bot.conversation.answers import lower_letters

MAX_WORDS = 25
"""Of such a message; a longer one is read by itself."""

_SOMEBODY = r"(?:any ?(?:body|one)|some ?(?:body|one)|you|u|the team|a (?:human|person|moderator))"
_ANSWER = r"(?:answer|reply|respond|help|listen|react|do something)"
_URGING = re.compile(
    rf"(?:hello+ |hey+ |hi+ |so |and |but |please |well )*(?:"
    rf"(?:is |are )?(?:there )?{_SOMEBODY} (?:even |still |actually )?(?:out )?(?:there|here|home|"
    r"listening|reading(?: this)?|alive|awake|ignoring me|(?:going to|gonna) "
    rf"{_ANSWER})(?: at all| me| now)*|"
    r"(?:did|have|do) you (?:even |not |actually )?(?:read|seen?|got?|get|hear|heard|understand)"
    r"(?: (?:that|this|it|me|my \w+|what i \w+))*(?: at all)?|"
    r"(?:i'?m |i am |i have been |i'?ve been )?(?:still )?waiting(?: here)?(?: for .{1,30})?|"
    r"(?:is there )?(?:any|no) (?:news|updates?|answer|reply|response|progress|reaction)"
    r"(?: (?:yet|now|on (?:this|that|it|my \w+)))*|"
    r"what (?:now|next|happens (?:now|next)|(?:do|can|should) i do(?: now)?|about (?:my|the) \w+|"
    r"(?:are|will|can) you (?:going to |gonna )?do(?:ing)?(?: about (?:it|this|that))?)|"
    rf"(?:will|can|could|would) {_SOMEBODY} (?:please )?{_ANSWER}(?: me)?|{_ANSWER}(?: me)?"
    r"(?: please| now)*|hurry up|(?:when|how long) (?:will|do|does|can|is|until) .{1,30}|"
    r"(?:this|that|it)(?:'?s| is| was) (?:just |so |completely |absolutely |really )*(?:ridiculous|"
    r"unacceptable|outrageous|a (?:joke|scam|disgrace)|theft|robbery|not (?:ok|okay|good enough)|"
    r"unbelievable|urgent|important)|(?:ridiculous|unacceptable|outrageous|unbelievable)|"
    r"(?:i|we)(?: have|'?ve)? (?:already )?paid .{1,40}"
    r")(?: (?:please|now|then|bot|lol|mate|again))*"
)
_ADVISED = re.compile(
    r"(?:(?:ok|okay|fine|right|alright|thanks|then|well|so|and) )*"
    r"i(?:'?ll| will|'?m going to)? (?:just )?"
    r"(?:write|ask|tell|contact|message|talk|email|ring|call) (?:to )?"
    r"(?:them|him|her|one|somebody|someone|"
    r"(?:a|the|your) (?:moderators?|team|staff|manager|cinema))(?: (?:then|thanks|now))*"
)
_CALLING = re.compile(r"(?:(?:hello+|hey+|hi+|hallo+|yo|so|well|and|ok|okay|please|um|er|bot) ?)+")
_CLAUSE = re.compile(r"[,.;:!?\n\u2026\u2014\u2013]+")
_NO_LETTERS = re.compile(r"[^\w\s']")


def takes_advice(text: str) -> bool:
    """Whether a customer says that they turn to the team: "ok, I'll ask them"."""
    plain = " ".join(_NO_LETTERS.sub(" ", lower_letters(text) or "").split())
    return _ADVISED.fullmatch(plain) is not None


def goes_on(text: str) -> bool:
    """Whether a message after a request urges: "hello??", "did you read that?", "I'm waiting"."""
    plain = lower_letters(text) or ""
    clauses = [" ".join(_NO_LETTERS.sub(" ", each).split()) for each in _CLAUSE.split(plain)]
    said = [clause for clause in clauses if clause]
    if not said or sum(len(clause.split()) for clause in said) > MAX_WORDS:
        return False
    if any(_URGING.fullmatch(clause) is not None for clause in said):
        return True
    return all(_CALLING.fullmatch(clause) is not None for clause in said)
