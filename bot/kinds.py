"""Why something is said: the kinds of reply, and the lists of sentences in responses.yaml."""

from enum import StrEnum
from typing import TYPE_CHECKING

from trainer.model.strength import Strength

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict


class Kind(StrEnum):
    """Why something is said; each is a list of sentences in responses.yaml."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNSURE = "unsure"
    """A review that praises and complains, or of which the model cannot tell."""
    LEANS_POSITIVE = "leans_positive"
    """A review that is more likely praise, though not surely."""
    LEANS_NEGATIVE = "leans_negative"
    BOTH = "both"
    """Asked which way it tips, somebody says both, or leaves it open."""
    NOT_YOURS = "not_yours"
    """Somebody presses a button under a question that was put to another person."""
    GREETING = "greeting"
    THANKS = "thanks"
    SERVICE = "service"
    """About a cinema, its staff, a ticket, a stream, an order or money."""
    PERSON = "person"
    """Somebody wants a human being."""
    CORRECTION = "correction"
    """Somebody says that the bot was wrong."""
    QUESTION = "question"
    DISTRESS = "distress"
    """Somebody wants to die, hurts themselves or is in danger."""
    OFF_TOPIC = "off_topic"
    """Other words that are no review, or only a link."""
    FOREIGN = "foreign"
    """Another language than English."""
    EMPTY = "empty"
    """No text at all."""
    ATTACHMENT = "attachment"
    """A file without text."""
    WORDLESS = "wordless"
    """Punctuation, and not one letter, digit, emoji or star."""
    BUSY = "busy"
    """More customers than can be answered just now."""
    FAILURE = "failure"
    """The review could not be judged."""
    HASTE = "haste"
    """Somebody writes faster than a few messages a second."""
    UNREAD = "unread"
    """A reply whose text the platform withheld."""
    ROBOT = "robot"
    """A bot wrote what is to be judged, perhaps this one."""
    UNEXPLAINED = "unexplained"
    """Somebody asks why, and the review is gone or withheld."""
    HELP = "help"
    PRIVACY = "privacy"
    POSITIVE_STRONG = "positive_strong"
    """A rave; this and the next three are lists that `Responses` chooses by the verdict's strength,
    and not kinds of reply by themselves."""
    POSITIVE_MILD = "positive_mild"
    NEGATIVE_MILD = "negative_mild"
    NEGATIVE_STRONG = "negative_strong"
    """A furious complaint."""

    @classmethod
    def of(cls, verdict: "Verdict") -> "Kind":
        """The kind of answer to a text that was judged."""
        return cls(verdict.label if verdict.is_review else verdict.kind)


QUESTIONS = (Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE)
"""These ask how somebody liked a film."""

BY_STRENGTH = {
    (Kind.POSITIVE, Strength.STRONG): Kind.POSITIVE_STRONG,
    (Kind.POSITIVE, Strength.MILD): Kind.POSITIVE_MILD,
    (Kind.NEGATIVE, Strength.MILD): Kind.NEGATIVE_MILD,
    (Kind.NEGATIVE, Strength.STRONG): Kind.NEGATIVE_STRONG,
}
"""The list for a verdict of some strength."""

FALLBACKS = {
    Kind.LEANS_POSITIVE: Kind.UNSURE,
    Kind.LEANS_NEGATIVE: Kind.UNSURE,
    **{special: general for (general, _), special in BY_STRENGTH.items()},
}
"""The list that is used in the place of one that a file lacks."""

OPTIONAL = (*FALLBACKS, Kind.BOTH, Kind.NOT_YOURS)
"""A file of before there were these is read as it is: `FALLBACKS` has a list instead of some, and
`bot.examples` a sentence for the others."""

JUDGED = (Kind.POSITIVE, Kind.NEGATIVE, *BY_STRENGTH.values(), *QUESTIONS)
"""Lists that answer a verdict, so that {confidence} has a value there."""

JUDGED_OR_ANSWERED = (Kind.POSITIVE, Kind.NEGATIVE, *QUESTIONS)
"""Those of them that are also used without a verdict, when a customer answers a question."""
