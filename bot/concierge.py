"""What somebody wrote -> what the concierge replies. Knows no platform.

The one place that decides what kind of answer a message gets.
"""

import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.engine import BusyError, Engine, UnansweredError
from bot.language import is_foreign
from bot.logs import SeldomLog
from bot.responses import OWNER, Kind, Responses
from bot.throttle import Pace, Throttle
from bot.why import Explainer, Explanation
from trainer.model.kinds import DISTRESS, REVIEW
from trainer.model.marks import normalise, read_mark

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(?:https?://|\bwww\.)\S+", re.IGNORECASE)


_ASKS_AGAIN = frozenset(
    (
        *(Kind.UNSURE, Kind.FOREIGN, Kind.WORDLESS),
        *(Kind.EMPTY, Kind.ATTACHMENT, Kind.UNREAD),
        *(Kind.BUSY, Kind.FAILURE),
    )
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, why, and the verdict where the message was judged to be a review."""

    text: str
    kind: Kind
    verdict: "Verdict | None" = None
    repeated: bool = False
    """They have been told already: nothing need be said, where the platform allows silence."""
    trouble: str | None = None
    """What the operator should know; it holds nothing of the message."""

    @property
    def asks_again(self) -> bool:
        """Whether it asks for the same in other words: an edit of the message is answered anew."""
        return self.kind in _ASKS_AGAIN

    @property
    def is_judgement(self) -> bool:
        """Whether there is a verdict in it that `Concierge.explain` can give reasons for."""
        return self.verdict is not None


class Concierge:
    """Answers customers with `responses`, which may be exchanged at any time."""

    def __init__(
        self, engine: Engine, responses: Responses, throttle: Throttle | None = None
    ) -> None:
        self.responses = responses
        self.engine = engine
        self.owner = OWNER
        """What takes the place of {owner}: how customers reach the one who runs the bot."""
        self._seldom = SeldomLog(log)
        self._explainer = Explainer(engine)
        self._throttle = throttle or Throttle(0)

    async def answer(
        self,
        text: str,
        *,
        customer: int | None = None,
        attachment: bool = False,
        unread: bool = False,
        is_review: bool = False,
        is_late: bool = False,
    ) -> Reply:
        """The reply to a message.

        `customer` is any number that stands for its author, without which nobody is too fast;
        `attachment` says that a file came with it, `unread` that its text was withheld from us,
        `is_review` that somebody calls it a review, whatever kind the model takes it for, and
        `is_late` that it has waited while the bot was away, so that its pace says nothing.
        """
        if not is_late and (hasty := self._slow_down(customer)) is not None:
            return hasty
        if unread:
            return self.say(Kind.UNREAD)
        if not text.strip():
            return self.say(Kind.ATTACHMENT if attachment else Kind.EMPTY)
        if kind := _unjudged(text):
            return self.say(kind)
        try:
            verdict = await self.engine.classify(text)
        except (BusyError, UnansweredError) as error:
            return self._excuse(error)
        if is_review and verdict.kind != DISTRESS:
            verdict = replace(verdict, kind=REVIEW)
        return self.say(Kind.of(verdict), verdict=verdict if verdict.is_review else None)

    async def explain(self, text: str, *, customer: int | None = None) -> Explanation | Reply:
        """Which words of a review carry its verdict; a reply where that cannot be told.

        `text` is blank where the review cannot be had any more; `customer` is who asks, as above.
        """
        if (hasty := self._slow_down(customer)) is not None:
            return hasty
        if not _is_readable(text):
            return self.say(Kind.UNEXPLAINED)
        try:
            return await self._explainer.explain(text)
        except (BusyError, UnansweredError) as error:
            return self._excuse(error)

    def _slow_down(self, customer: int | None) -> Reply | None:
        """The reply to a message that comes too fast; None for one that does not."""
        pace = Pace.FINE if customer is None else self._throttle.pace(customer)
        if pace is Pace.FINE:
            return None
        repeated = pace is Pace.STILL_TOO_FAST
        return self.say(Kind.HASTE, repeated=repeated)

    def _excuse(self, error: BusyError | UnansweredError) -> Reply:
        """The reply to a review that was not judged."""
        if isinstance(error, BusyError):
            self._seldom.log(
                logging.WARNING, "A customer was asked to come back: the queue is full"
            )
            return self.say(Kind.BUSY)
        trouble = f"A review could not be judged: {error}"
        self._seldom.log(logging.ERROR, trouble)
        return self.say(Kind.FAILURE, trouble=trouble)

    def say(
        self,
        kind: Kind,
        *,
        verdict: "Verdict | None" = None,
        repeated: bool = False,
        trouble: str | None = None,
    ) -> Reply:
        """The reply of this kind: the one place where a reply is made."""
        text = self.responses.say(kind, owner=self.owner)
        return Reply(text, kind, verdict, repeated, trouble)


def _unjudged(text: str) -> Kind | None:
    """What a text is that the model need not see; None for one to be judged."""
    if not _is_readable(text):
        return Kind.WORDLESS
    words = _ADDRESS.sub(" ", text)
    if not _is_readable(words):
        return Kind.OFF_TOPIC
    return Kind.FOREIGN if is_foreign(words) else None


def _is_readable(text: str) -> bool:
    """Whether the model has something to read: words, a number, emoji, or stars as in "★☆☆☆☆"."""
    if any(map(str.isalnum, text)):
        return True
    _, mark = read_mark(text)
    return mark is not None or any(map(str.isalnum, normalise(text)))
