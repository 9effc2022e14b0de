"""The reply to a message that may refer to the one before: an answer to a question, a correction of
a verdict, or what follows distress. Each may also be a new topic."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.conversation.answers import Answer, is_both, read_answer
from bot.conversation.before_model import kind_before_model
from bot.conversation.care import is_about_a_film
from bot.conversation.corrections import Correction, Strength, is_reservation, read_correction
from bot.conversation.insults import without_insults
from bot.conversation.judge import Judge, log_odds_of
from bot.conversation.matters import goes_on, takes_advice
from bot.conversation.parts import names_a_part
from bot.conversation.pleasantries import is_acknowledgement, is_reassurance
from bot.conversation.questions import (
    MAX_ASKED,
    Distress,
    Expected,
    GivenVerdict,
    HeldQuestion,
    Matter,
)
from bot.conversation.reply import CORRECTED, Reply
from bot.conversation.requests import read_request
from bot.conversation.speaker import Speaker
from bot.conversation.subject import read_subject
from bot.sentences.kinds import Side
from bot.sentences.responses import Kind, Recipient
from trainer.model.kinds import DISTRESS

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

DECIDED_FROM = 0.9
"""If neither of two opinions on one film is clear, they decide together from this probability of
the more probable class on."""

_DROP_A_QUESTION = frozenset((DISTRESS, Kind.SERVICE, Kind.PERSON))
"""Kinds of message that are a new topic even if they begin like an answer: "no, I want my money
back"."""


class FollowUp:
    """Answers messages after which something is expected; its methods raise BusyError and
    UnansweredError, as the engine does."""

    def __init__(self, judge: Judge, speaker: Speaker) -> None:
        self._judge = judge
        self._speaker = speaker

    async def reply(self, text: str, expected: Expected, to: Recipient, *, is_edit: bool) -> Reply:
        """The reply to a message after `expected`.

        `is_edit`: it replaces the message that was asked about.
        """
        if isinstance(expected, Distress):
            return await self._care(text, to)
        if isinstance(expected, Matter):
            return await self._go_on(text, expected, to)
        if isinstance(expected, GivenVerdict):
            return await self._reconsider(text, expected, to)
        return await self._answer_to_question(text, expected, is_edit, to)

    async def _reconsider(self, text: str, expected: GivenVerdict, to: Recipient) -> Reply:
        """The reply to a message after a verdict: a correction of it, or a new topic."""
        given = expected.side
        if kind_before_model(text) is not None:
            return await self._judge.reply(text, to)
        if expected.matter is not None and goes_on(text):
            return self._speaker.say(expected.matter, to)
        if is_acknowledgement(text):
            return self._speaker.say(Kind.THANKS, to)
        if names_a_part(text):  # what they liked, or did not like, above all
            return self._speaker.say(Kind(given), to)
        if given is not Side.BOTH and is_both(text):
            return self._withdraw(self._speaker.say(Kind.BOTH, to), to)
        verdict = await self._judge.classify(text)
        by_words = read_correction(without_insults(text) or text)
        by_model = Correction(Strength.WRONG) if verdict.kind == Kind.CORRECTION else None
        correction = by_words or by_model
        is_wrong = correction is not None and correction.strength is not Strength.HINT
        if (other := _read_other_subject(text, verdict, is_correction=is_wrong)) is not None:
            reply = replace(self._speaker.say(other.kind, to), emphasis=verdict.strength)
            return self._withdraw(reply, to) if is_wrong or other.was_misread else reply
        if verdict.is_review and verdict.label == given.opposite and is_reservation(text):
            return self._withdraw(self._speaker.say(Kind.BOTH, to), to)
        if correction is None or verdict.kind in _DROP_A_QUESTION:
            return await self._judge.reply(text, to, verdict=verdict)
        if by_words is None:
            side = await self._judge.side_of_a_clause(text)
        else:
            side = await self._intended_side(by_words, given.opposite)
        if side is given and correction.strength is Strength.HINT:  # "no, really, I loved it"
            return self._speaker.say(Kind(given), to)
        if side is None or side is given:
            return self._withdraw(self._speaker.apologise(to), to)
        return self._withdraw(self._speaker.say(CORRECTED[side], to), to)

    def _withdraw(self, reply: Reply, to: Recipient) -> Reply:
        """The reply, with the words that replace the wrong verdict before it."""
        return replace(reply, withdrawn=self._speaker.say(Kind.WITHDRAWN, to).text)

    async def _go_on(self, text: str, matter: Matter, to: Recipient) -> Reply:
        """The reply to a message after a request for help."""
        if kind_before_model(text) is None:
            if goes_on(text):
                return self._speaker.say(matter.kind, to)
            if takes_advice(text):
                return self._speaker.say(Kind.THANKS, to)
        return await self._judge.reply(text, to)

    async def _care(self, text: str, to: Recipient) -> Reply:
        """The reply to a customer who was in distress a few minutes ago.

        Unless they write about a film, or ask for a person or the team, they are pointed to help
        again: "it's all pointless" must not be taken for a review.
        """
        if is_about_a_film(text):
            return await self._judge.reply(text, to)
        reply = await self._judge.reply(text, to, asks=False)
        if reply.kind in (Kind.DISTRESS, Kind.SERVICE, Kind.PERSON):
            return reply
        return self._speaker.say(Kind.AFTER_DISTRESS, to)

    async def _answer_to_question(
        self, text: str, held: HeldQuestion, is_edit: bool, to: Recipient
    ) -> Reply:
        """The reply to an answer to the held question, or to a new topic after it."""
        unjudged = kind_before_model(text)
        if unjudged is Kind.DISTRESS:
            return self._speaker.say(Kind.DISTRESS, to)
        if is_reassurance(text):
            return self._speaker.say(Kind.THANKS, to)
        if names_a_part(text):  # it says nothing about liking
            return replace(self._ask_once_more(held, 0.0, to), settles=True)
        answer = read_answer(text, held.yes, denies=held.denies)
        is_open = answer.side is None and bool(answer.opinion)
        if unjudged is Kind.ABUSE or (is_open and (is_edit or unjudged is not None)):
            return await self._judge.reply(text, to)
        verdict = await self._judge.classify(text)
        if (other := _read_other_subject(text, verdict, is_answer=True)) is not None:
            return replace(self._speaker.say(other.kind, to), emphasis=verdict.strength)
        if answer.opinion and verdict.kind != DISTRESS:
            side = await self._corrected_side(text, held)
            if side is not None:
                kind = CORRECTED[side] if held.leans else Kind(side)
                return replace(self._speaker.say(kind, to), settles=True)
        drops = not answer.is_all and (
            verdict.kind in _DROP_A_QUESTION if answer.opinion else verdict.kind == DISTRESS
        )
        if drops or (is_open and not verdict.is_review):
            return await self._judge.reply(text, to, verdict=verdict)
        return replace(await self._settle(answer, verdict, held, to), settles=True)

    async def _corrected_side(self, text: str, held: HeldQuestion) -> Side | None:
        """The side of a customer who says that the question itself misunderstood them.

        None if they do not say so, or not how they liked the film.
        """
        correction = read_correction(text)
        if correction is None or correction.strength is Strength.HINT:
            return None
        if held.leans and not correction.opinion:
            return held.leans.opposite
        return await self._intended_side(
            correction, held.leans.opposite if held.leans else Side.BOTH
        )

    async def _intended_side(self, correction: Correction, opposite: Side) -> Side | None:
        """Whether a customer who corrects the bot liked the film; None if they leave it open.

        `opposite` is the opposite of the side that the bot took.
        """
        side = await self._judge.side_of(correction.opinion) if correction.opinion else None
        if side is not None:
            return side
        turned = correction.strength is Strength.TURNED and opposite is not Side.BOTH
        return opposite if turned else None

    async def _settle(
        self, answer: Answer, verdict: "Verdict", held: HeldQuestion, to: Recipient
    ) -> Reply:
        """The reply to an answer; `verdict` is the one on its whole text."""
        if answer.side is None:
            if answer.opinion:
                return self._weigh(verdict, held, to)
            return self._ask_once_more(held, 0.0, to)
        if answer.opinion:
            other = await self._judge.classify(answer.opinion)
            if other.is_review and other.label == answer.side.opposite:  # "yes, it was awful"
                return self._ask_once_more(held, log_odds_of(other), to)
        return self._speaker.say(Kind(answer.side), to)

    def _weigh(self, verdict: "Verdict", held: HeldQuestion, to: Recipient) -> Reply:
        """The reply to a second opinion on one film, which is combined with the first."""
        if verdict.label != Kind.UNSURE:
            return self._speaker.say(Kind.of(verdict), to, verdict=verdict)
        log_odds = log_odds_of(verdict)
        together = held.log_odds + log_odds
        agree = held.log_odds * log_odds > 0
        if agree and abs(together) >= math.log(DECIDED_FROM / (1 - DECIDED_FROM)):
            kind = Kind.POSITIVE if together > 0 else Kind.NEGATIVE
            return replace(self._speaker.say(kind, to), together=True)
        return self._ask_once_more(held, together, to)

    def _ask_once_more(self, held: HeldQuestion, log_odds: float, to: Recipient) -> Reply:
        """Another question about the same review; after the last one, accepts both sides."""
        if held.asked >= MAX_ASKED:
            return self._speaker.say(Kind.BOTH, to)
        return self._speaker.ask(log_odds, to, asked=held.asked + 1)


@dataclass(frozen=True, slots=True)
class _NotAFilm:
    """The kind of a message that is not about a film."""

    kind: Kind
    was_misread: bool = False
    """The customer says that the message before it was not about a film either."""


def _read_other_subject(
    text: str, verdict: "Verdict", *, is_correction: bool = False, is_answer: bool = False
) -> _NotAFilm | None:
    """None if the message is about a film, or does not say; options as in `read_subject`."""
    if verdict.kind == DISTRESS:
        return None
    request = read_request(text)
    if request not in (None, Kind.OFF_TOPIC):
        return _NotAFilm(Kind(request))
    if verdict.kind not in _DROP_A_QUESTION:
        subject = read_subject(text, is_correction=is_correction, is_answer=is_answer)
        if subject is not None:
            return _NotAFilm(subject, was_misread=True)
    return _NotAFilm(Kind.OFF_TOPIC) if request else None
