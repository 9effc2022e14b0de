"""What somebody wrote -> what the concierge replies. Knows no platform.

The one place that decides what kind of answer a message gets.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.engine import BusyError, Engine, UnansweredError
from bot.responses import Kind, Responses

if TYPE_CHECKING:
    from trainer.classifier import Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, why, and the verdict where the message was judged."""

    text: str
    kind: Kind
    verdict: "Verdict | None" = None


class Concierge:
    """Answers customers."""

    def __init__(self, engine: Engine, responses: Responses) -> None:
        self._engine = engine
        self._responses = responses

    async def answer(self, text: str, *, attachment: bool = False) -> Reply:
        """The reply to a message; `attachment` says that a file came with it."""
        if not text.strip():
            return self._say(Kind.ATTACHMENT if attachment else Kind.EMPTY)
        if not any(character.isalnum() for character in text):
            return self._say(Kind.WORDLESS)
        try:
            verdict = await self._engine.classify(text)
        except BusyError:
            log.warning("A customer was asked to come back: the queue is full")
            return self._say(Kind.BUSY)
        except UnansweredError as error:
            log.error("A review could not be judged: %s", error)
            return self._say(Kind.FAILURE)
        return Reply(self._responses.render(verdict), Kind(verdict.label), verdict)

    def _say(self, kind: Kind) -> Reply:
        return Reply(self._responses.say(kind), kind)
