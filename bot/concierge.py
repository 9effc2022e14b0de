"""What somebody wrote -> what the concierge replies. Knows no platform.

The one place that decides what kind of answer a message gets.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.engine import BusyError, Engine, UnansweredError
from bot.responses import Kind, Responses
from bot.throttle import Pace, Throttle

if TYPE_CHECKING:
    from trainer.classifier import Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, why, and the verdict where the message was judged."""

    text: str
    kind: Kind
    verdict: "Verdict | None" = None
    repeated: bool = False
    """They have been told already: nothing need be said, where the platform allows silence."""
    trouble: str | None = None
    """What the operator should know; it holds nothing of the message."""


class Concierge:
    """Answers customers with `responses`, which may be exchanged at any time."""

    def __init__(
        self, engine: Engine, responses: Responses, throttle: Throttle | None = None
    ) -> None:
        self.responses = responses
        self.engine = engine
        self._throttle = throttle or Throttle(0)

    async def answer(
        self,
        text: str,
        *,
        customer: int | None = None,
        attachment: bool = False,
        unread: bool = False,
    ) -> Reply:
        """The reply to a message.

        `customer` is any number that stands for its author, without which nobody is too fast;
        `attachment` says that a file came with it, `unread` that its text was withheld from us.
        """
        pace = Pace.FINE if customer is None else self._throttle.pace(customer)
        if pace is not Pace.FINE:
            repeated = pace is Pace.STILL_TOO_FAST
            return Reply(self.responses.say(Kind.HASTE), Kind.HASTE, repeated=repeated)
        if unread:
            return self.say(Kind.UNREAD)
        if not text.strip():
            return self.say(Kind.ATTACHMENT if attachment else Kind.EMPTY)
        if not any(character.isalnum() for character in text):
            return self.say(Kind.WORDLESS)
        try:
            verdict = await self.engine.classify(text)
        except BusyError:
            log.warning("A customer was asked to come back: the queue is full")
            return self.say(Kind.BUSY)
        except UnansweredError as error:
            log.error("A review could not be judged: %s", error)
            trouble = f"A review could not be judged: {error}"
            return Reply(self.responses.say(Kind.FAILURE), Kind.FAILURE, trouble=trouble)
        return Reply(self.responses.render(verdict), Kind(verdict.label), verdict)

    def say(self, kind: Kind) -> Reply:
        """What there is to say on an occasion that needs no judging."""
        return Reply(self.responses.say(kind), kind)
