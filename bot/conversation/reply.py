"""A reply of the concierge, and what the front ends, the desk and the next message need to know of
it. Knows no platform."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.conversation.questions import HeldQuestion
from bot.sentences.kinds import Side
from bot.sentences.responses import ANYONE, Kind, Recipient
from trainer.model.strength import Strength

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

REQUESTS = (Kind.SERVICE, Kind.PERSON)
"""Kinds of messages that ask for something other than a reply to a review."""

_ASKS_AGAIN = frozenset(
    (
        *(Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE, Kind.SEEN, Kind.CORRECTION),
        *(Kind.FOREIGN, Kind.WORDLESS),
        *(Kind.EMPTY, Kind.ATTACHMENT, Kind.UNREAD),
        *(Kind.BUSY, Kind.FAILURE),
    )
)

CORRECTED = {
    Side.POSITIVE: Kind.CORRECTED_POSITIVE,
    Side.NEGATIVE: Kind.CORRECTED_NEGATIVE,
    Side.BOTH: Kind.BOTH,
}
"""Kinds of reply to a customer who says what the bot should have understood."""

_VERDICTS = {
    Kind.POSITIVE: Side.POSITIVE,
    Kind.NEGATIVE: Side.NEGATIVE,
    Kind.BOTH: Side.BOTH,
    Kind.CORRECTED_POSITIVE: Side.POSITIVE,
    Kind.CORRECTED_NEGATIVE: Side.NEGATIVE,
}
"""Replies that take a side, which the customer may correct."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its text and kind, and the verdict if the message was judged as a review."""

    text: str
    kind: Kind
    verdict: "Verdict | None" = None
    repeated: bool = False
    """They have this reply already: it may be left out if the platform allows silence."""
    trouble: str | None = None
    """For the operator; contains nothing of the message."""
    question: HeldQuestion | None = None
    """The question, if an answer is expected."""
    settles: bool = False
    """It follows an answer to the previous question, whose buttons can be removed."""
    withdrawn: str | None = None
    """Replaces the previous verdict, if that was wrong."""
    together: bool = False
    """It combines two messages, neither of which has a verdict by itself."""
    to: Recipient = ANYONE
    """The recipient, in case another reply must be sent instead."""
    emphasis: Strength | None = None
    """How strong the words of the message are, also where it is no review; None: not known."""
    also: Kind | None = None
    """`SERVICE` or `PERSON`, where a text that was called a review reads like such a request."""

    @property
    def given(self) -> Side | None:
        """The side that it assumes the customer is on; None if it assumes none."""
        return _VERDICTS.get(self.kind)

    @property
    def is_urgent(self) -> bool:
        """Whether it must not wait behind replies to reviews."""
        return self.kind in (Kind.DISTRESS, Kind.AFTER_DISTRESS)

    @property
    def asks_again(self) -> bool:
        """Whether it asks for the same in other words: an edit of the message gets a new reply."""
        return self.kind in _ASKS_AGAIN

    @property
    def is_judgement(self) -> bool:
        """Whether it judges a review, so that `Concierge.explain` can explain it."""
        return self.verdict is not None or self.together
