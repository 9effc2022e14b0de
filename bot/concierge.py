"""What somebody wrote -> what the concierge replies. Knows no platform.

The one place that decides what kind of answer a message gets.
"""

import logging
import math
import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.answers import Side, read_answer
from bot.engine import BusyError, Engine, UnansweredError
from bot.language import is_foreign
from bot.logs import SeldomLog
from bot.placeholders import OWNER
from bot.questions import MOST_ASKED, Held, HeldQuestions
from bot.responses import ANYONE, Kind, Recipient, Responses
from bot.throttle import Pace, Throttle
from bot.why import Explainer, Explanation
from trainer.model.calibration import LEANS_FROM
from trainer.model.kinds import DISTRESS, REVIEW
from trainer.model.marks import normalise, read_mark
from trainer.model.strength import emphasised

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(?:https?://|\bwww\.)\S+", re.IGNORECASE)

DECIDED_FROM = 0.9
"""The probability of the likelier class from which on two opinions on one film together decide,
neither of which is clear by itself."""

_DROP_A_QUESTION = frozenset((DISTRESS, Kind.SERVICE, Kind.PERSON))
"""Kinds of message that are something new, also where they begin like an answer: "no, I want my
money back"."""

_ASKS_AGAIN = frozenset(
    (
        *(Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE),
        *(Kind.FOREIGN, Kind.WORDLESS),
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
    question: Held | None = None
    """What is asked, where an answer is expected."""
    to: Recipient = ANYONE
    """Whom it is for, should something else have to be said in its place."""

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
        self,
        engine: Engine,
        responses: Responses,
        throttle: Throttle | None = None,
        questions: HeldQuestions | None = None,
    ) -> None:
        self.responses = responses
        self.engine = engine
        self.owner = OWNER
        """What takes the place of {owner}: how customers reach the one who runs the bot."""
        self._seldom = SeldomLog(log)
        self._explainer = Explainer(engine)
        self._throttle = throttle or Throttle(0)
        self._questions = questions or HeldQuestions()
        self._explaining: set[int] = set()

    async def answer(
        self,
        text: str,
        *,
        customer: int | None = None,
        place: Hashable = None,
        to: Recipient = ANYONE,
        attachment: bool = False,
        unread: bool = False,
        is_review: bool = False,
        is_late: bool = False,
        is_edit: bool = False,
    ) -> Reply:
        """The reply to a message.

        `customer` is any number that stands for its author, without which nobody is too fast;
        `place` is where they write, without which no answer to a question is expected;
        `to` is what the sentence needs to know of them and of where it is said;
        `attachment` says that a file came with it, `unread` that its text was withheld from us,
        `is_review` that somebody calls it a review, whatever kind the model takes it for,
        `is_late` that it has waited while the bot was away, so that its pace says nothing, and
        `is_edit` that it stands in the place of what was asked about: it may answer the question,
        but is no second opinion.
        """
        if not is_late and (hasty := self.slow_down(customer, to)) is not None:
            return hasty
        if unread:
            return self.say(Kind.UNREAD, to)
        if not text.strip():
            return self.say(Kind.ATTACHMENT if attachment else Kind.EMPTY, to)
        held = None if place is None else self._questions.take((place, customer))
        try:
            if held is not None and not is_review:
                reply = await self._hear(text, held, is_edit, to)
            else:
                reply = await self._judge(text, is_review, place is not None, to)
        except (BusyError, UnansweredError) as error:
            if held is not None:  # they will say it once more
                self._questions.hold((place, customer), held)
            return self._excuse(error, to)
        if reply.question is not None:
            self._questions.hold((place, customer), reply.question)
        return reply

    def decide(
        self,
        side: Side,
        *,
        customer: int | None = None,
        place: Hashable = None,
        to: Recipient = ANYONE,
    ) -> Reply:
        """The reply to somebody who says by a button how they liked the film."""
        self._questions.take((place, customer))
        return self.say(Kind(side), to)

    async def _classify(self, text: str) -> "Verdict":
        """The engine's verdict; what is written with emphasis counts as stronger.

        Raises BusyError and UnansweredError, as the engine does.
        """
        verdict = await self.engine.classify(text)
        return replace(verdict, strength=emphasised(verdict.strength, text))

    async def _judge(
        self,
        text: str,
        is_review: bool,
        asks: bool,
        to: Recipient,
        verdict: "Verdict | None" = None,
    ) -> Reply:
        """The reply to a message that stands by itself; `asks`: an answer to a question is heard.

        `verdict` is the one on the text, where it has been judged already. Raises BusyError and
        UnansweredError, as the engine does.
        """
        if kind := _unjudged(text):
            return self.say(kind, to)
        verdict = verdict or await self._classify(text)
        if is_review and verdict.kind != DISTRESS:
            verdict = replace(verdict, kind=REVIEW)
        kind = Kind.of(verdict)
        if kind is Kind.UNSURE and asks:
            return self._ask(_log_odds(verdict), to, verdict=verdict)
        return self.say(kind, to, verdict=verdict if verdict.is_review else None)

    async def _hear(self, text: str, held: Held, is_edit: bool, to: Recipient) -> Reply:
        """The reply to an answer to a question that was asked, or to something new after it.

        Raises BusyError and UnansweredError, as the engine does.
        """
        answer = read_answer(text, held.yes)
        if answer.side is None and (is_edit or _unjudged(text) is not None):
            return await self._judge(text, False, True, to)
        verdict = await self._classify(text)
        if answer.side is None:
            is_new = not verdict.is_review
        else:
            is_new = verdict.kind == DISTRESS or (
                bool(answer.opinion) and verdict.kind in _DROP_A_QUESTION
            )
        if is_new:
            return await self._judge(text, False, True, to, verdict)
        if answer.side is None:
            return self._weigh(verdict, held, to)
        if answer.opinion:
            beside = await self.engine.classify(answer.opinion)
            if beside.is_review and beside.label == answer.side.opposite:  # "yes, it was awful"
                return self._ask_once_more(held, _log_odds(beside), to)
        return self.say(Kind(answer.side), to)

    def _weigh(self, verdict: "Verdict", held: Held, to: Recipient) -> Reply:
        """The reply to a second opinion on one film, which counts together with the first."""
        if verdict.label != Kind.UNSURE:
            return self.say(Kind.of(verdict), to, verdict=verdict)
        log_odds = _log_odds(verdict)
        together = held.log_odds + log_odds
        agree = held.log_odds * log_odds > 0
        if agree and abs(together) >= math.log(DECIDED_FROM / (1 - DECIDED_FROM)):
            return self.say(Kind.POSITIVE if together > 0 else Kind.NEGATIVE, to)
        return self._ask_once_more(held, together, to)

    def _ask_once_more(self, held: Held, log_odds: float, to: Recipient) -> Reply:
        """Another question about the same review; after the last one, both sides are taken."""
        if held.asked >= MOST_ASKED:
            return self.say(Kind.BOTH, to)
        return self._ask(log_odds, to, asked=held.asked + 1)

    def _ask(
        self,
        log_odds: float,
        to: Recipient,
        *,
        verdict: "Verdict | None" = None,
        asked: int = 1,
    ) -> Reply:
        """Asks which way a review tips, and says so where the bot leans to one side."""
        kind = Kind.UNSURE
        if abs(log_odds) >= math.log(LEANS_FROM / (1 - LEANS_FROM)):
            kind = Kind.LEANS_POSITIVE if log_odds > 0 else Kind.LEANS_NEGATIVE
        sentence = self.responses.ask(kind, to, owner=self.owner, verdict=verdict)
        question = Held(sentence.yes, log_odds, asked)
        return Reply(sentence.text, kind, verdict, question=question, to=to)

    async def explain(self, text: str, to: Recipient = ANYONE) -> Explanation | Reply:
        """Which words of a review carry its verdict; a reply where that cannot be told.

        `text` is blank where the review cannot be had any more.
        """
        if not _is_readable(text):
            return self.say(Kind.UNEXPLAINED, to)
        try:
            return await self._explainer.explain(text)
        except (BusyError, UnansweredError) as error:
            return self._excuse(error, to)

    @contextmanager
    def explaining(self, customer: int, to: Recipient = ANYONE) -> Iterator[Reply | None]:
        """Within, this customer gets an explanation; yields a reply instead if they wait for one.

        An explanation costs as much as fifty reviews, so each customer gets one at a time.
        """
        if customer in self._explaining:
            yield self.say(Kind.HASTE, to)
            return
        self._explaining.add(customer)
        try:
            yield None
        finally:
            self._explaining.discard(customer)

    def slow_down(self, customer: int | None, to: Recipient = ANYONE) -> Reply | None:
        """Counts a request of this customer; the reply to one that comes too fast, or None."""
        pace = Pace.FINE if customer is None else self._throttle.pace(customer)
        if pace is Pace.FINE:
            return None
        repeated = pace is Pace.STILL_TOO_FAST
        return self.say(Kind.HASTE, to, repeated=repeated)

    def _excuse(self, error: BusyError | UnansweredError, to: Recipient) -> Reply:
        """The reply to a review that was not judged."""
        if isinstance(error, BusyError):
            self._seldom.log(
                logging.WARNING, "A customer was asked to come back: the queue is full"
            )
            return self.say(Kind.BUSY, to)
        trouble = f"A review could not be judged: {error}"
        self._seldom.log(logging.ERROR, trouble)
        return self.say(Kind.FAILURE, to, trouble=trouble)

    def say(
        self,
        kind: Kind,
        to: Recipient = ANYONE,
        *,
        verdict: "Verdict | None" = None,
        repeated: bool = False,
        trouble: str | None = None,
    ) -> Reply:
        """The reply of this kind: the one place where a reply is made."""
        text = self.responses.say(kind, to, owner=self.owner, verdict=verdict)
        return Reply(text, kind, verdict, repeated, trouble, to=to)


def _log_odds(verdict: "Verdict") -> float:
    """Of a positive review, within +-5, so that one opinion does not drown another."""
    positive, negative = (verdict.probabilities[label] for label in (Side.POSITIVE, Side.NEGATIVE))
    return math.log(max(positive, 0.0067) / max(negative, 0.0067))


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
