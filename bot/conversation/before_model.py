"""What needs no model: texts without words, in another language, small talk, insults, distress.

Knows no platform.
"""

import re

from bot.conversation.care import states_distress_beside_praise
from bot.conversation.insults import without_insults
from bot.conversation.language import is_foreign
from bot.conversation.pleasantries import small_talk
from bot.sentences.kinds import Kind
from trainer.model.marks import normalise, read_mark
from trainer.model.statements import states_distress

_ADDRESS = re.compile(r"(?:https?://|\bwww\.)\S+", re.IGNORECASE)

MAX_TITLE_WORDS = 6
"""Of a foreign title beside a rating; more words are a review in that language."""


def says_distress(text: str) -> bool:
    """Whether the words of a text say that its author is in distress."""
    return states_distress(text) or states_distress_beside_praise(text)


def kind_before_model(text: str) -> Kind | None:
    """The kind of a text that the model need not see; None for one to be judged."""
    if not is_readable(text):
        return Kind.WORDLESS
    if says_distress(text):
        return Kind.DISTRESS
    words = _ADDRESS.sub(" ", text)
    if words != text and not is_readable(words):
        return Kind.OFF_TOPIC
    if without_insults(text) == "":
        return Kind.ABUSE
    if (kind := small_talk(words)) is not None:
        return kind
    if not is_foreign(words):
        return None
    rest, mark = read_mark(text)  # "Y tu mamá también 4.5/5" is a title and a rating
    is_rating = mark is not None and len(rest.split()) <= MAX_TITLE_WORDS
    return None if is_rating else Kind.FOREIGN


def is_readable(text: str) -> bool:
    """Whether the model has something to read: words, a number, emoji, or stars as in "★☆☆☆☆"."""
    if any(map(str.isalnum, text)):
        return True
    _, mark = read_mark(text)
    return mark is not None or any(map(str.isalnum, normalise(text)))
