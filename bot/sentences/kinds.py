"""Why something is said: the kinds of reply, and the lists of sentences in responses.yaml."""

from enum import StrEnum
from typing import TYPE_CHECKING

from trainer.model.strength import Strength

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict


class Side(StrEnum):
    """Which way an answer tips. The first two are labels of a verdict."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    BOTH = "both"
    """As much the one as the other, or they cannot say."""

    @property
    def opposite(self) -> "Side":
        """The other side; of `BOTH`, itself."""
        return {Side.NEGATIVE: Side.POSITIVE, Side.POSITIVE: Side.NEGATIVE}.get(self, self)


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
    CORRECTED_POSITIVE = "corrected_positive"
    """Somebody says that they did like the film, though the bot took it otherwise."""
    CORRECTED_NEGATIVE = "corrected_negative"
    WITHDRAWN = "withdrawn"
    """What stands in the place of a reply that was wrong."""
    ABUSE = "abuse"
    """Somebody insults the bot."""
    NOT_YOURS = "not_yours"
    """Somebody presses a button under a question that was put to another person."""
    GREETING = "greeting"
    THANKS = "thanks"
    SERVICE = "service"
    """About a cinema, its staff, a ticket, a stream, an order or money."""
    PERSON = "person"
    """Somebody wants a human being."""
    HANDED_OVER = "handed_over"
    """Somebody needs a person, and the staff have a card about it."""
    OUT_OF_HOURS = "out_of_hours"
    """The same, outside the working hours of the staff."""
    PERSON_IS_HERE = "person_is_here"
    """The first words in the private thread of a customer and a member of staff."""
    CORRECTION = "correction"
    """Somebody says that the bot was wrong."""
    QUESTION = "question"
    DISTRESS = "distress"
    """Somebody wants to die, hurts themselves or is in danger."""
    AFTER_DISTRESS = "after_distress"
    """Somebody writes on after that, and not about a film."""
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
    EXPLAINED_MARK = "explained_mark"
    """Beside the words that carried a verdict: a mark such as 7/10 did, too."""
    EXPLAINED_EMOJI = "explained_emoji"
    EXPLAINED_TOGETHER = "explained_together"
    """A verdict counts two messages together, of which this is the second."""
    EXPLAINED_WORD = "explained_word"
    """There was no verdict: somebody said themselves how they liked it."""
    HELP = "help"
    PRIVACY = "privacy"
    FORGOTTEN = "forgotten"
    """Somebody had what there was of them deleted."""
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

OPTIONAL = (
    *FALLBACKS,
    *(Kind.BOTH, Kind.NOT_YOURS, Kind.ABUSE, Kind.AFTER_DISTRESS, Kind.FORGOTTEN),
    *(Kind.CORRECTED_POSITIVE, Kind.CORRECTED_NEGATIVE, Kind.WITHDRAWN),
    *(Kind.HANDED_OVER, Kind.OUT_OF_HOURS, Kind.PERSON_IS_HERE),
    *(Kind.EXPLAINED_MARK, Kind.EXPLAINED_EMOJI, Kind.EXPLAINED_TOGETHER, Kind.EXPLAINED_WORD),
)
"""A file of before there were these is read as it is: `FALLBACKS` has a list instead of some, and
`bot.sentences.examples` a sentence for the others."""

_UNDECIDED = (Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE)

QUESTIONS = (*_UNDECIDED, Kind.CORRECTION)
"""These ask how somebody liked a film."""

JUDGED = (Kind.POSITIVE, Kind.NEGATIVE, *BY_STRENGTH.values(), *_UNDECIDED)
"""Lists that answer a verdict, so that {confidence} has a value there."""

JUDGED_OR_ANSWERED = (Kind.POSITIVE, Kind.NEGATIVE, *_UNDECIDED)
"""Those of them that are also used without a verdict, when a customer answers a question."""
