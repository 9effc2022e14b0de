"""What somebody wrote -> what the concierge replies. Knows no platform.

The one place that decides what kind of answer a message gets.
"""

import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.engine import BusyError, Engine, UnansweredError
from bot.language import is_foreign
from bot.responses import Kind, Responses
from bot.throttle import Pace, Throttle
from bot.why import Explainer, Explanation
from trainer.model.kinds import DISTRESS, REVIEW
from trainer.model.marks import normalise, read_mark

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(?:https?://|\bwww\.)\S+", re.IGNORECASE)


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
    ) -> Reply:
        """The reply to a message.

        `customer` is any number that stands for its author, without which nobody is too fast;
        `attachment` says that a file came with it, `unread` that its text was withheld from us, and
        `is_review` that somebody calls it a review, whatever kind the model takes it for.
        """
        if (hasty := self._slow_down(customer)) is not None:
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
        kind = Kind.of(verdict)
        return Reply(self.responses.say(kind), kind, verdict if verdict.is_review else None)

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
        """What those hear who write too fast."""
        pace = Pace.FINE if customer is None else self._throttle.pace(customer)
        if pace is Pace.FINE:
            return None
        repeated = pace is Pace.STILL_TOO_FAST
        return Reply(self.responses.say(Kind.HASTE), Kind.HASTE, repeated=repeated)

    def _excuse(self, error: BusyError | UnansweredError) -> Reply:
        """What those hear whose review was not judged."""
        if isinstance(error, BusyError):
            log.warning("A customer was asked to come back: the queue is full")
            return self.say(Kind.BUSY)
        trouble = f"A review could not be judged: {error}"
        log.error("%s", trouble)
        return Reply(self.responses.say(Kind.FAILURE), Kind.FAILURE, trouble=trouble)

    def say(self, kind: Kind) -> Reply:
        """What there is to say on an occasion that needs no judging."""
        return Reply(self.responses.say(kind), kind)


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
