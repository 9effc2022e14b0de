"""From a customer's message to the concierge's reply. Knows no platform.

What kind of reply a message gets is decided here and in the modules that this one calls: by its
words alone (`before_model`), by the model (`judge`), or by what came before it (`follow_up`).
"""

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from cachetools import TTLCache

from bot.conversation.before_model import is_readable, says_distress
from bot.conversation.follow_up import FollowUp
from bot.conversation.judge import Judge
from bot.conversation.order import InOrder
from bot.conversation.parts import EVEN, is_balanced
from bot.conversation.questions import (
    HELD_SECONDS,
    MAX_HELD,
    Distress,
    Expected,
    GivenVerdict,
    HeldQuestion,
    HeldQuestions,
    Matter,
)
from bot.conversation.reasons import reply_to_why
from bot.conversation.reply import REQUESTS, Reply
from bot.conversation.speaker import Speaker
from bot.conversation.throttle import Pace, Throttle
from bot.conversation.why import Explainer, Explanation
from bot.engine import BusyError, UnansweredError
from bot.logs import SeldomLog
from bot.sentences.kinds import Side
from bot.sentences.responses import ANYONE, Kind, Recipient, Responses
from bot.text_engine import TextEngine

log = logging.getLogger(__name__)

_LEAVE_A_QUESTION = frozenset((Kind.ABUSE, Kind.WHY))
"""Kinds of reply after which an answer to the earlier question is still expected."""


class Concierge(Speaker):
    """Answers customers: their pace, their order, and what they may refer to."""

    def __init__(
        self,
        engine: TextEngine,
        responses: Responses,
        throttle: Throttle | None = None,
        questions: HeldQuestions | None = None,
    ) -> None:
        super().__init__(responses)
        self.engine = engine
        self._judge = Judge(engine, self)
        self._follow_up = FollowUp(self._judge, self)
        self._seldom = SeldomLog(log)
        self._explainer = Explainer(engine)
        self._throttle = throttle or Throttle(0)
        self.questions = questions or HeldQuestions()
        self._order = InOrder()
        self._insulted: TTLCache[Hashable, None] = TTLCache(MAX_HELD, HELD_SECONDS)
        """Customers, and places, that have had the reply to an insult."""
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

        - `customer`: any number that identifies its author; without it there is no rate limit.
        - `place`: where they write; without it no answer to a question is expected.
        - `to`: describes the customer and the place for the sentence.
        - `attachment`: the message has a file. `unread`: its text was withheld from the bot.
        - `is_review`: somebody calls it a review, so the model's kind is ignored.
        - `is_late`: it waited while the bot was away, so it does not count for the rate limit.
        - `is_edit`: it replaces the message that was asked about: it may answer the question, but
          is not a second opinion.
        """
        if not is_late and (rate_limited := self.slow_down(customer, to)) is not None:
            if not self.is_urgent(text):
                return rate_limited
            # Of several such messages in a row, one gets the reply.
            known = self.questions.take((place, customer))
            self._expect((place, customer), reply := self.say(Kind.DISTRESS, to))
            return replace(reply, repeated=isinstance(known, Distress))
        if unread:
            return self.say(Kind.UNREAD, to)
        if not text.strip():
            return self.say(Kind.ATTACHMENT if attachment else Kind.EMPTY, to)
        try:
            if place is None:
                return await self._judge.reply(text, to, is_review=is_review, asks=False)
            async with self._order.turn((place, customer)):
                return await self._converse(text, (place, customer), to, is_review, is_edit)
        except (BusyError, UnansweredError) as error:
            return self._failure_reply(error, to)

    async def _converse(
        self, text: str, whom: Hashable, to: Recipient, is_review: bool, is_edit: bool
    ) -> Reply:
        """The reply to a message that may answer the last one, and that can be answered.

        Raises BusyError and UnansweredError, as the engine does.
        """
        held = self.questions.take(whom)
        try:
            # An edit after a verdict belongs to another message: the question about it is answered.
            if is_review or held is None or (is_edit and isinstance(held, GivenVerdict)):
                reply = await self._judge.reply(text, to, is_review=is_review)
            elif (why := reply_to_why(text, held)) is not None:
                reply = self.say(why, to)
            else:
                reply = await self._follow_up.reply(text, held, to, is_edit=is_edit)
        except (BusyError, UnansweredError):
            if held is not None:  # they will repeat their answer
                self.questions.hold(whom, held)
            raise
        if reply.kind is Kind.ABUSE:
            reply = replace(reply, repeated=whom in self._insulted)
            self._insulted[whom] = None
        self._expect(whom, reply, held)
        return reply

    def _expect(self, whom: Hashable, reply: Reply, held: Expected | None = None) -> None:
        """Holds what the next message may refer to: this reply, or what was `held` before it."""
        expected: Expected | None = held
        if reply.is_urgent:
            expected = Distress()
        elif reply.question is not None:
            expected = reply.question
        elif reply.given is not None:
            expected = GivenVerdict(reply.given, reply.is_judgement)
        elif reply.kind in REQUESTS and isinstance(held, GivenVerdict):
            expected = replace(held, matter=reply.kind)
        elif reply.kind in REQUESTS and not isinstance(held, Distress):
            expected = Matter(reply.kind)
        elif isinstance(held, HeldQuestion) and reply.kind not in _LEAVE_A_QUESTION:
            expected = None  # it has been answered, or something new has come up
        if expected is not None:
            self.questions.hold(whom, expected)

    def is_urgent(self, text: str) -> bool:
        """Whether a text must get its reply whatever else is going on: it says that its author is
        in distress."""
        return says_distress(text)

    def decide(
        self,
        side: Side,
        *,
        customer: int | None = None,
        place: Hashable = None,
        to: Recipient = ANYONE,
    ) -> Reply:
        """The reply to a customer whose button says how they liked the film."""
        self.questions.take((place, customer))
        reply = self.say(Kind(side), to)
        self._expect((place, customer), reply)
        return reply

    def take_back(
        self, *, customer: int | None = None, place: Hashable = None, to: Recipient = ANYONE
    ) -> Reply:
        """The reply to a customer whose button says that a verdict is wrong: an apology that asks.

        It replaces the verdict.
        """
        reply = self.apologise(to)
        self._expect((place, customer), reply)
        return reply

    def forget(self, customer: int) -> None:
        """Forgets what it asked and replied this customer, in all places."""

        def is_theirs(whom: Hashable) -> bool:
            return isinstance(whom, tuple) and whom[-1] == customer

        self.questions.forget(is_theirs)
        for whom in filter(is_theirs, list(self._insulted)):
            self._insulted.pop(whom, None)

    async def explain(
        self, text: str, to: Recipient = ANYONE, *, together: bool = False
    ) -> Explanation | Reply:
        """The words of a review that decide its verdict; a reply if they cannot be determined.

        `text` is blank if the review is no longer available. `together`: it was combined with the
        message before it, of which nothing is kept.
        """
        if not is_readable(text):
            return self.say(Kind.UNEXPLAINED, to)
        try:
            explanation = await self._explainer.explain(text)
        except (BusyError, UnansweredError) as error:
            return self._failure_reply(error, to)
        balanced = is_balanced(text)
        if balanced:
            explanation = replace(explanation, probabilities=EVEN)
        occasions = {
            Kind.EXPLAINED_MARK: explanation.rests_on_mark(text),
            Kind.EXPLAINED_BALANCED: balanced,
            Kind.EXPLAINED_EMOJI: explanation.rests_on_emoji(),
            Kind.EXPLAINED_TOGETHER: together,
        }
        notes = tuple(self.say(kind, to).text for kind, applies in occasions.items() if applies)
        return replace(explanation, notes=notes)

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
        """Counts a request of this customer; returns the rate-limit reply, or None."""
        pace = Pace.FINE if customer is None else self._throttle.pace(customer)
        if pace is Pace.FINE:
            return None
        repeated = pace is Pace.STILL_TOO_FAST
        return self.say(Kind.HASTE, to, repeated=repeated)

    def _failure_reply(self, error: BusyError | UnansweredError, to: Recipient) -> Reply:
        """The reply to a review that was not judged."""
        if isinstance(error, BusyError):
            self._seldom.log(
                logging.WARNING, "A customer was asked to come back: the queue is full"
            )
            return self.say(Kind.BUSY, to)
        trouble = f"A review could not be judged: {error}"
        self._seldom.log(logging.ERROR, trouble)
        return self.say(Kind.FAILURE, to, trouble=trouble)
