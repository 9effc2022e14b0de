"""The kinds of reply, and the lists of sentences in responses.yaml."""

from enum import StrEnum
from typing import TYPE_CHECKING

from trainer.model.strength import Strength

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict


class Side(StrEnum):
    """The side of an answer. The first two are labels of a verdict."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    BOTH = "both"
    """Both equally, or undecided."""

    @property
    def opposite(self) -> "Side":
        """The other side; of `BOTH`, itself."""
        return {Side.NEGATIVE: Side.POSITIVE, Side.POSITIVE: Side.NEGATIVE}.get(self, self)


class Kind(StrEnum):
    """The kind of a reply; each is a list of sentences in responses.yaml."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNSURE = "unsure"
    """A review with praise and complaint, or one that the model is unsure of."""
    LEANS_POSITIVE = "leans_positive"
    """A review that is more likely praise, but not surely."""
    LEANS_NEGATIVE = "leans_negative"
    SEEN = "seen"
    """A customer says that they have seen a film, and not how they liked it."""
    BOTH = "both"
    """A customer who was asked says both, or leaves it open."""
    CORRECTED_POSITIVE = "corrected_positive"
    """A customer says that they liked the film, though the bot understood the opposite."""
    CORRECTED_NEGATIVE = "corrected_negative"
    WITHDRAWN = "withdrawn"
    """Replaces a reply that was wrong."""
    ABUSE = "abuse"
    """A customer insults the bot."""
    NOT_YOURS = "not_yours"
    """Somebody presses a button under a question for another person."""
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    SERVICE = "service"
    """About a cinema, its staff, a ticket, a stream, an order or money."""
    PERSON = "person"
    """A customer wants a human being."""
    HANDED_OVER = "handed_over"
    """A customer needs a person, and the staff have a card about it."""
    OUT_OF_HOURS = "out_of_hours"
    """The same, outside the working hours of the staff."""
    PERSON_IS_HERE = "person_is_here"
    """The first words in the private thread of a customer and a member of staff."""
    PERSON_HAS_LEFT = "person_has_left"
    """The last words there: staff have released the customer's card, or closed it."""
    CORRECTION = "correction"
    """A customer says that the bot was wrong."""
    QUESTION = "question"
    DISTRESS = "distress"
    """A customer wants to die, hurts themselves or is in danger."""
    AFTER_DISTRESS = "after_distress"
    """A customer writes on after that, and not about a film."""
    OFF_TOPIC = "off_topic"
    """Other text that is not a review, or only a link."""
    FOREIGN = "foreign"
    """A language other than English."""
    EMPTY = "empty"
    """No text at all."""
    ATTACHMENT = "attachment"
    """A file without text."""
    WORDLESS = "wordless"
    """Punctuation, without any letter, digit, emoji or star."""
    BUSY = "busy"
    """Too many customers at the moment."""
    FAILURE = "failure"
    """The review could not be judged."""
    HASTE = "haste"
    """A customer exceeds the rate limit."""
    UNREAD = "unread"
    """A reply whose text the platform withheld."""
    ROBOT = "robot"
    """The text to be judged was written by a bot, perhaps this one."""
    WHY = "why"
    """A customer asks in words why the bot thinks so."""
    UNEXPLAINED = "unexplained"
    """A customer asks why, and the review is gone or withheld."""
    EXPLAINED_MARK = "explained_mark"
    """In addition to the words that decided a verdict: a rating such as 7/10 counted too."""
    EXPLAINED_BALANCED = "explained_balanced"
    """The review names as many good parts as bad ones, so the bot asked."""
    EXPLAINED_EMOJI = "explained_emoji"
    EXPLAINED_TOGETHER = "explained_together"
    """A verdict combines two messages, of which this is the second."""
    EXPLAINED_WORD = "explained_word"
    """There was no verdict: the customer said themselves how they liked it."""
    HELP = "help"
    PRIVACY = "privacy"
    KEPT_REQUESTS = "kept_requests"
    """Below it, in a server with staff: what is kept. This and the next two go by its settings."""
    KEPT_FIGURES = "kept_figures"
    """The same, where no request is handed over."""
    KEPT_NOTHING = "kept_nothing"
    """The same, without a database."""
    FORGOTTEN = "forgotten"
    """Somebody had what there was of them deleted."""
    POSITIVE_STRONG = "positive_strong"
    """A rave; this and the next three are lists that `Responses` chooses by the verdict's strength,
    not kinds of reply."""
    POSITIVE_MILD = "positive_mild"
    NEGATIVE_MILD = "negative_mild"
    NEGATIVE_STRONG = "negative_strong"
    """A furious complaint."""

    @classmethod
    def of(cls, verdict: "Verdict") -> "Kind":
        """The kind of reply to a judged text."""
        return cls(verdict.outcome)


BY_STRENGTH = {
    (Kind.POSITIVE, Strength.STRONG): Kind.POSITIVE_STRONG,
    (Kind.POSITIVE, Strength.MILD): Kind.POSITIVE_MILD,
    (Kind.NEGATIVE, Strength.MILD): Kind.NEGATIVE_MILD,
    (Kind.NEGATIVE, Strength.STRONG): Kind.NEGATIVE_STRONG,
}
"""The list for a verdict of this strength."""

FALLBACKS = {
    Kind.LEANS_POSITIVE: Kind.UNSURE,
    Kind.LEANS_NEGATIVE: Kind.UNSURE,
    Kind.SEEN: Kind.UNSURE,
    Kind.GOODBYE: Kind.THANKS,
    Kind.WHY: Kind.QUESTION,
    **{special: general for (general, _), special in BY_STRENGTH.items()},
}
"""The list to use if a file lacks one."""

OPTIONAL = (
    *FALLBACKS,
    *(Kind.BOTH, Kind.NOT_YOURS, Kind.ABUSE, Kind.AFTER_DISTRESS, Kind.FORGOTTEN),
    *(Kind.CORRECTED_POSITIVE, Kind.CORRECTED_NEGATIVE, Kind.WITHDRAWN),
    *(Kind.KEPT_REQUESTS, Kind.KEPT_FIGURES, Kind.KEPT_NOTHING),
    *(Kind.HANDED_OVER, Kind.OUT_OF_HOURS, Kind.PERSON_IS_HERE, Kind.PERSON_HAS_LEFT),
    *(Kind.EXPLAINED_MARK, Kind.EXPLAINED_BALANCED, Kind.EXPLAINED_EMOJI),
    *(Kind.EXPLAINED_TOGETHER, Kind.EXPLAINED_WORD),
)
"""An older file without these is still valid: `FALLBACKS` names a list for some, and
`bot.sentences.examples` has a sentence for the others."""

_UNDECIDED = (Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE)

QUESTIONS = (*_UNDECIDED, Kind.SEEN, Kind.CORRECTION)
"""These ask how a customer liked a film."""

JUDGED = (Kind.POSITIVE, Kind.NEGATIVE, *BY_STRENGTH.values(), *_UNDECIDED)
"""Lists that answer a verdict, so that {confidence} has a value."""

JUDGED_OR_ANSWERED = (Kind.POSITIVE, Kind.NEGATIVE, *_UNDECIDED)
"""Those of them that are also used without a verdict, when a customer answers a question."""
