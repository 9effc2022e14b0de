"""From a customer's message to the concierge's reply. Knows no platform.

The only place that decides what kind of reply a message gets.
"""

import logging
import math
import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cachetools import TTLCache

from bot.conversation.answers import Answer, is_both, read_answer
from bot.conversation.care import (
    beside_praise,
    is_about_a_film,
    states_distress_beside_praise,
)
from bot.conversation.corrections import (
    Correction,
    Strength,
    is_reservation,
    read_correction,
)
from bot.conversation.insults import without_insults
from bot.conversation.language import is_foreign
from bot.conversation.matters import goes_on, takes_advice
from bot.conversation.order import InOrder
from bot.conversation.parts import is_balanced, names_a_part
from bot.conversation.pleasantries import (
    is_acknowledgement,
    is_lukewarm,
    is_reassurance,
    small_talk,
)
from bot.conversation.questions import (
    HELD_SECONDS,
    MAX_ASKED,
    MAX_HELD,
    Distress,
    Expected,
    GivenVerdict,
    HeldQuestion,
    HeldQuestions,
    Matter,
    leaning,
)
from bot.conversation.reasons import reply_to_why
from bot.conversation.requests import read_request
from bot.conversation.throttle import Pace, Throttle
from bot.conversation.why import Explainer, Explanation
from bot.engine import BusyError, Engine, UnansweredError
from bot.logs import SeldomLog
from bot.sentences.kinds import Side
from bot.sentences.placeholders import OWNER
from bot.sentences.responses import ANYONE, Kind, Recipient, Responses
from trainer.model.kinds import DISTRESS, REVIEW
from trainer.model.marks import normalise, read_mark
from trainer.model.statements import states_distress
from trainer.model.strength import Strength as Emphasis
from trainer.model.strength import emphasised

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(?:https?://|\bwww\.)\S+", re.IGNORECASE)

DECIDED_FROM = 0.9
"""If neither of two opinions on one film is clear, they decide together from this probability of
the more probable class on."""

_REQUESTS = (Kind.SERVICE, Kind.PERSON)

MAX_TITLE_WORDS = 6
"""Of a foreign title beside a rating; more words are a review in that language."""

_DROP_A_QUESTION = frozenset((DISTRESS, Kind.SERVICE, Kind.PERSON))
"""Kinds of message that are a new topic even if they begin like an answer: "no, I want my money
back"."""

_LEAVE_A_QUESTION = frozenset((Kind.ABUSE, Kind.WHY))
"""Kinds of reply after which an answer to the earlier question is still expected."""

_LUKEWARM_TAKEN_FOR = frozenset(
    (Kind.GREETING, Kind.THANKS, Kind.PERSON, Kind.CORRECTION, Kind.OFF_TOPIC)
)
"""Kinds for which the model mistakes a short review that is neither praise nor complaint."""

_ASKS_AGAIN = frozenset(
    (
        *(Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE, Kind.SEEN, Kind.CORRECTION),
        *(Kind.FOREIGN, Kind.WORDLESS),
        *(Kind.EMPTY, Kind.ATTACHMENT, Kind.UNREAD),
        *(Kind.BUSY, Kind.FAILURE),
    )
)


_VERDICTS = {
    Kind.POSITIVE: Side.POSITIVE,
    Kind.NEGATIVE: Side.NEGATIVE,
    Kind.BOTH: Side.BOTH,
    Kind.CORRECTED_POSITIVE: Side.POSITIVE,
    Kind.CORRECTED_NEGATIVE: Side.NEGATIVE,
}
"""Replies that take a side, which the customer may correct."""

_LEANING = {
    Side.POSITIVE: Kind.LEANS_POSITIVE,
    Side.NEGATIVE: Kind.LEANS_NEGATIVE,
    None: Kind.UNSURE,
}

_CORRECTED = {
    Side.POSITIVE: Kind.CORRECTED_POSITIVE,
    Side.NEGATIVE: Kind.CORRECTED_NEGATIVE,
    Side.BOTH: Kind.BOTH,
}


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
    emphasis: Emphasis | None = None
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


class Concierge:
    """Answers customers with `responses`, which may be replaced at any time."""

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
        """Replaces {owner}: how customers reach the person who runs the bot."""
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
                return await self._judge(text, to, is_review=is_review, asks=False)
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
                reply = await self._judge(text, to, is_review=is_review)
            elif (why := reply_to_why(text, held)) is not None:
                reply = self.say(why, to)
            elif isinstance(held, Distress):
                reply = await self._care(text, to)
            elif isinstance(held, Matter):
                reply = await self._go_on(text, held, to)
            elif isinstance(held, GivenVerdict):
                reply = await self._reconsider(text, held.side, to)
            else:
                reply = await self._answer_to_question(text, held, is_edit, to)
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
        elif reply.kind in _REQUESTS and not isinstance(held, GivenVerdict | Distress):
            expected = Matter(reply.kind)
        elif isinstance(held, HeldQuestion) and reply.kind not in _LEAVE_A_QUESTION:
            expected = None  # it has been answered, or something new has come up
        if expected is not None:
            self.questions.hold(whom, expected)

    def is_urgent(self, text: str) -> bool:
        """Whether a text must get its reply whatever else is going on: it says that its author is
        in distress."""
        return states_distress(text) or states_distress_beside_praise(text)

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
        reply = self._apologise(to)
        self._expect((place, customer), reply)
        return reply

    def forget(self, customer: int) -> None:
        """Forgets what it asked and replied this customer, in all places."""

        def is_theirs(whom: Hashable) -> bool:
            return isinstance(whom, tuple) and whom[-1] == customer

        self.questions.forget(is_theirs)
        for whom in filter(is_theirs, list(self._insulted)):
            self._insulted.pop(whom, None)

    async def _classify(self, text: str) -> "Verdict":
        """The engine's verdict; emphasis makes it stronger.

        Raises BusyError and UnansweredError, as the engine does.
        """
        verdict = await self.engine.classify(text)
        strength = emphasised(verdict.strength, text)
        return verdict if strength is verdict.strength else replace(verdict, strength=strength)

    async def _judge(
        self,
        text: str,
        to: Recipient,
        *,
        is_review: bool = False,
        asks: bool = True,
        verdict: "Verdict | None" = None,
    ) -> Reply:
        """The reply to a message by itself; `asks`: an answer to a question can be understood.

        `verdict` is the verdict on the text, if it has been judged already. Raises BusyError and
        UnansweredError, as the engine does.
        """
        if verdict is None:
            kind = _unjudged(text)
            if kind is Kind.SEEN and asks:
                return self._ask_again(kind, to)
            if kind is not None and not (is_review and kind is Kind.ABUSE):
                return self.say(kind, to)
            verdict = await self._classify(text)
            if aside := beside_praise(text):  # such as "nothing matters now"
                apart = await self.engine.classify(aside)
                verdict = apart if apart.kind == DISTRESS else verdict
        also = None
        if is_review and verdict.kind != DISTRESS:
            also = Kind(verdict.kind) if verdict.kind in _REQUESTS else None
            verdict = replace(verdict, kind=REVIEW)
        may_be_lukewarm = verdict.kind in _LUKEWARM_TAKEN_FOR and read_correction(text) is None
        if (may_be_lukewarm and is_lukewarm(text)) or (verdict.is_review and is_balanced(text)):
            even = dict.fromkeys((Side.NEGATIVE.value, Side.POSITIVE.value), 0.5)
            verdict = replace(
                verdict, kind=REVIEW, label=Kind.UNSURE, confidence=0.5, probabilities=even
            )
        kind = Kind.of(verdict)
        if kind is Kind.UNSURE and asks:
            reply = self._ask(_log_odds(verdict), to, verdict=verdict)
        elif kind is Kind.CORRECTION and asks:
            reply = self._apologise(to)
        else:
            reply = self.say(kind, to, verdict=verdict if verdict.is_review else None)
        if verdict.strength is None and also is None:
            return reply
        return replace(reply, emphasis=verdict.strength, also=also)

    async def _reconsider(self, text: str, given: Side, to: Recipient) -> Reply:
        """The reply to a message after a verdict: a correction of it, or a new topic.

        Raises BusyError and UnansweredError, as the engine does.
        """
        if _unjudged(text) is not None:
            return await self._judge(text, to)
        if is_acknowledgement(text):
            return self.say(Kind.THANKS, to)
        if names_a_part(text):  # what they liked, or did not like, above all
            return self.say(Kind(given), to)
        if given is not Side.BOTH and is_both(text):
            return replace(self.say(Kind.BOTH, to), withdrawn=self.say(Kind.WITHDRAWN, to).text)
        verdict = await self._classify(text)
        if verdict.kind != DISTRESS and (request := read_request(text)) is not None:
            return replace(self.say(Kind(request), to), emphasis=verdict.strength)
        if verdict.is_review and verdict.label == given.opposite and is_reservation(text):
            return replace(self.say(Kind.BOTH, to), withdrawn=self.say(Kind.WITHDRAWN, to).text)
        correction = read_correction(without_insults(text) or text)
        if correction is None and verdict.kind == Kind.CORRECTION:
            correction = Correction(Strength.WRONG)
        if correction is None or verdict.kind in _DROP_A_QUESTION:
            return await self._judge(text, to, verdict=verdict)
        side = await self._intended_side(correction, given.opposite)
        if side is given and correction.strength is Strength.HINT:  # "no, really, I loved it"
            return self.say(Kind(given), to)
        withdrawn = self.say(Kind.WITHDRAWN, to).text
        if side is None or side is given:
            return replace(self._apologise(to), withdrawn=withdrawn)
        return replace(self.say(_CORRECTED[side], to), withdrawn=withdrawn)

    async def _go_on(self, text: str, matter: Matter, to: Recipient) -> Reply:
        """The reply to a message after a request for help. Raises as the engine does."""
        if _unjudged(text) is None:
            if goes_on(text):
                return self.say(matter.kind, to)
            if takes_advice(text):
                return self.say(Kind.THANKS, to)
        return await self._judge(text, to)

    async def _care(self, text: str, to: Recipient) -> Reply:
        """The reply to a customer who was in distress a few minutes ago.

        Unless they write about a film, or ask for a person or the team, they are pointed to help
        again: "it's all pointless" must not be taken for a review. Raises as the engine does.
        """
        if is_about_a_film(text):
            return await self._judge(text, to)
        reply = await self._judge(text, to, asks=False)
        if reply.kind in (Kind.DISTRESS, Kind.SERVICE, Kind.PERSON):
            return reply
        return self.say(Kind.AFTER_DISTRESS, to)

    async def _intended_side(self, correction: Correction, opposite: Side) -> Side | None:
        """Whether a customer who corrects the bot liked the film; None if they leave it open.

        `opposite` is the opposite of the side that the bot took. Raises as the engine does.
        """
        if correction.opinion:
            if (side := read_answer(correction.opinion, None).side) is not None:
                return side
            verdict = await self.engine.classify(correction.opinion)
            if verdict.label in (Side.POSITIVE, Side.NEGATIVE):
                return Side(verdict.label)
        turned = correction.strength is Strength.TURNED and opposite is not Side.BOTH
        return opposite if turned else None

    def _apologise(self, to: Recipient) -> Reply:
        """An apology for a wrong verdict, which asks how they liked the film."""
        return self._ask_again(Kind.CORRECTION, to)

    def _ask_again(self, kind: Kind, to: Recipient) -> Reply:
        """A question that takes nothing for known: how did they like the film?"""
        sentence = self.responses.ask(kind, to, owner=self.owner)
        return Reply(
            sentence.text,
            kind,
            question=HeldQuestion.of(sentence.text, sentence.yes, log_odds=0.0),
            to=to,
        )

    async def _answer_to_question(
        self, text: str, held: HeldQuestion, is_edit: bool, to: Recipient
    ) -> Reply:
        """The reply to an answer to the held question, or to a new topic after it.

        Raises BusyError and UnansweredError, as the engine does.
        """
        unjudged = _unjudged(text)
        if unjudged is Kind.DISTRESS:
            return self.say(Kind.DISTRESS, to)
        if is_reassurance(text):
            return self.say(Kind.THANKS, to)
        if names_a_part(text):  # it says nothing about liking
            return replace(self._ask_once_more(held, 0.0, to), settles=True)
        answer = read_answer(text, held.yes, denies=held.denies)
        is_open = answer.side is None and bool(answer.opinion)
        if unjudged is Kind.ABUSE or (is_open and (is_edit or unjudged is not None)):
            return await self._judge(text, to)
        verdict = await self._classify(text)
        if verdict.kind != DISTRESS and (request := read_request(text)) is not None:
            return replace(self.say(Kind(request), to), emphasis=verdict.strength)
        if answer.opinion and verdict.kind != DISTRESS:
            side = await self._corrected_side(text, held)
            if side is not None:
                kind = _CORRECTED[side] if held.leans else Kind(side)
                return replace(self.say(kind, to), settles=True)
        drops = not answer.is_all and (
            verdict.kind in _DROP_A_QUESTION if answer.opinion else verdict.kind == DISTRESS
        )
        if drops or (is_open and not verdict.is_review):
            return await self._judge(text, to, verdict=verdict)
        return replace(await self._settle(answer, verdict, held, to), settles=True)

    async def _corrected_side(self, text: str, held: HeldQuestion) -> Side | None:
        """The side of a customer who says that the question itself misunderstood them.

        None if they do not say so, or not how they liked the film. Raises as the engine does.
        """
        correction = read_correction(text)
        if correction is None or correction.strength is Strength.HINT:
            return None
        if held.leans and not correction.opinion:
            return held.leans.opposite
        return await self._intended_side(
            correction, held.leans.opposite if held.leans else Side.BOTH
        )

    async def _settle(
        self, answer: Answer, verdict: "Verdict", held: HeldQuestion, to: Recipient
    ) -> Reply:
        """The reply to an answer; `verdict` is the one on its whole text.

        Raises as the engine does.
        """
        if answer.side is None:
            if answer.opinion:
                return self._weigh(verdict, held, to)
            return self._ask_once_more(held, 0.0, to)
        if answer.opinion:
            other = await self.engine.classify(answer.opinion)
            if other.is_review and other.label == answer.side.opposite:  # "yes, it was awful"
                return self._ask_once_more(held, _log_odds(other), to)
        return self.say(Kind(answer.side), to)

    def _weigh(self, verdict: "Verdict", held: HeldQuestion, to: Recipient) -> Reply:
        """The reply to a second opinion on one film, which is combined with the first."""
        if verdict.label != Kind.UNSURE:
            return self.say(Kind.of(verdict), to, verdict=verdict)
        log_odds = _log_odds(verdict)
        together = held.log_odds + log_odds
        agree = held.log_odds * log_odds > 0
        if agree and abs(together) >= math.log(DECIDED_FROM / (1 - DECIDED_FROM)):
            kind = Kind.POSITIVE if together > 0 else Kind.NEGATIVE
            return replace(self.say(kind, to), together=True)
        return self._ask_once_more(held, together, to)

    def _ask_once_more(self, held: HeldQuestion, log_odds: float, to: Recipient) -> Reply:
        """Another question about the same review; after the last one, accepts both sides."""
        if held.asked >= MAX_ASKED:
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
        """Asks which side a review is on, and names the side that the bot leans to."""
        kind = _LEANING[leaning(log_odds)]
        sentence = self.responses.ask(kind, to, owner=self.owner, verdict=verdict)
        return Reply(
            sentence.text,
            kind,
            verdict,
            question=HeldQuestion.of(
                sentence.text, sentence.yes, log_odds, asked, is_judgement=verdict is not None
            ),
            to=to,
        )

    async def explain(
        self, text: str, to: Recipient = ANYONE, *, together: bool = False
    ) -> Explanation | Reply:
        """The words of a review that decide its verdict; a reply if they cannot be determined.

        `text` is blank if the review is no longer available. `together`: it was combined with the
        message before it, of which nothing is kept.
        """
        if not _is_readable(text):
            return self.say(Kind.UNEXPLAINED, to)
        try:
            explanation = await self._explainer.explain(text)
        except (BusyError, UnansweredError) as error:
            return self._failure_reply(error, to)
        occasions = {
            Kind.EXPLAINED_MARK: explanation.rests_on_mark(text),
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

    def say(
        self,
        kind: Kind,
        to: Recipient = ANYONE,
        *,
        verdict: "Verdict | None" = None,
        repeated: bool = False,
        trouble: str | None = None,
    ) -> Reply:
        """The reply of this kind: the only place where replies are made."""
        text = self.responses.say(kind, to, owner=self.owner, verdict=verdict)
        return Reply(text, kind, verdict, repeated, trouble, to=to)


def _log_odds(verdict: "Verdict") -> float:
    """Log-odds of a positive review, within +-5, so that one opinion does not outweigh all
    others."""
    positive, negative = (verdict.probabilities[label] for label in (Side.POSITIVE, Side.NEGATIVE))
    return math.log(max(positive, 0.0067) / max(negative, 0.0067))


def _unjudged(text: str) -> Kind | None:
    """The kind of a text that the model need not see; None for one to be judged."""
    if not _is_readable(text):
        return Kind.WORDLESS
    if states_distress(text) or states_distress_beside_praise(text):
        return Kind.DISTRESS
    words = _ADDRESS.sub(" ", text)
    if words != text and not _is_readable(words):
        return Kind.OFF_TOPIC
    if without_insults(text) == "":
        return Kind.ABUSE
    if (kind := small_talk(words)) is not None:
        return kind
    if not is_foreign(words):
        return None
    rest, mark = read_mark(text)  # "Y tu mamá también 4.5/5" is a title and a rating
    is_rating = mark is not None and len(rest.split()) <= MAX_TITLE_WORDS
    return None if is_rating else Kind.FOREIGN


def _is_readable(text: str) -> bool:
    """Whether the model has something to read: words, a number, emoji, or stars as in "★☆☆☆☆"."""
    if any(map(str.isalnum, text)):
        return True
    _, mark = read_mark(text)
    return mark is not None or any(map(str.isalnum, normalise(text)))
