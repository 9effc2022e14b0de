"""The reply to a message by itself: what the model, and the rules before it, say of it."""

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.conversation.answers import is_filler, read_answer
from bot.conversation.before_model import kind_before_model
from bot.conversation.care import beside_praise
from bot.conversation.corrections import read_correction
from bot.conversation.parts import EVEN, is_balanced
from bot.conversation.pleasantries import is_lukewarm, is_only_ok
from bot.conversation.reply import CORRECTED, REQUESTS, Reply
from bot.conversation.requests import complains_to_staff
from bot.conversation.speaker import Speaker
from bot.sentences.kinds import Side
from bot.sentences.responses import Kind, Recipient
from bot.text_engine import TextEngine
from trainer.model.kinds import DISTRESS, REVIEW
from trainer.model.strength import emphasised

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

_LUKEWARM_TAKEN_FOR = frozenset(
    (Kind.GREETING, Kind.THANKS, Kind.PERSON, Kind.CORRECTION, Kind.OFF_TOPIC)
)
"""Kinds for which the model mistakes a short review that is neither praise nor complaint."""
MAX_CLAUSES = 4
"""Clauses of a correction that are judged, so that one message costs a few short texts at most."""

_CLAUSE_END = re.compile(r"[.;:!?\n]+|, ")
_SAID = re.compile(
    r"(?:(?:i|we) (?:only |just |clearly |actually |literally )*"
    r"(?:said|told you|wrote|meant) (?:that )?)+"
)
"""At the beginning, such words say nothing of a side: "i said it was terrible"."""


class Judge:
    """Judges messages with `engine`; its methods raise BusyError and UnansweredError, as the engine
    does."""

    def __init__(self, engine: TextEngine, speaker: Speaker) -> None:
        self._engine = engine
        self._speaker = speaker

    async def classify(self, text: str) -> "Verdict":
        """The engine's verdict; emphasis makes it stronger."""
        verdict = await self._engine.classify(text)
        strength = emphasised(verdict.strength, text)
        return verdict if strength is verdict.strength else replace(verdict, strength=strength)

    async def side_of(self, opinion: str) -> Side | None:
        """The side that the words of a correction take; None if they leave it open."""
        if (side := _side_in_words(opinion)) is not None:
            return side
        label = (await self.classify(opinion)).label
        return Side(label) if label in (Side.POSITIVE, Side.NEGATIVE) else None

    async def side_of_a_clause(self, text: str) -> Side | None:
        """The side of the clauses that are reviews by themselves: "sorry for what? I loved it".

        None if there are none, or if they disagree.
        """
        clauses = [clause for clause in _CLAUSE_END.split(text) if len(clause.split()) > 1]
        sides = {await self._side_of_review(clause) for clause in clauses[:MAX_CLAUSES]} - {None}
        return sides.pop() if len(sides) == 1 else None

    async def _stated_side(self, text: str) -> Side | None:
        """The side of a customer who corrects a verdict that is not known any more, as in "you got
        that wrong, I hated it". Other words than those of liking count only if they are a review by
        themselves: "you got that wrong, I meant the book" says nothing of a side."""
        correction = read_correction(text)
        if correction is None or not correction.opinion:
            return None
        if (side := _side_in_words(correction.opinion)) is not None:
            return side
        said = _SAID.match(correction.opinion)
        return await self._side_of_review(
            correction.opinion[said.end() :] if said else correction.opinion
        )

    async def _side_of_review(self, opinion: str) -> Side | None:
        """The side of a text that is a review by itself; None if it is none, or unclear."""
        # A single word may be the name of a film.
        if len(opinion.split()) < 2 or all(map(is_filler, opinion.lower().split())):
            return None
        if kind_before_model(opinion) is not None:
            return None
        verdict = await self.classify(opinion)
        is_clear = verdict.is_review and verdict.label in (Side.POSITIVE, Side.NEGATIVE)
        return Side(verdict.label) if is_clear else None

    async def reply(
        self,
        text: str,
        to: Recipient,
        *,
        is_review: bool = False,
        asks: bool = True,
        verdict: "Verdict | None" = None,
    ) -> Reply:
        """The reply to a message by itself; `asks`: an answer to a question can be understood.

        `verdict` is the verdict on the text, if it has been judged already.
        """
        if verdict is None:
            kind = kind_before_model(text)
            if kind is Kind.SEEN and asks:
                return self._speaker.ask_again(kind, to)
            if kind is not None and not (is_review and kind is Kind.ABUSE):
                return self._speaker.say(kind, to)
            verdict = await self.classify(text)
            if aside := beside_praise(text):  # such as "nothing matters now"
                apart = await self._engine.classify(aside)
                verdict = apart if apart.kind == DISTRESS else verdict
        if verdict.kind != DISTRESS and complains_to_staff(text):
            verdict = replace(verdict, kind=Kind.SERVICE.value)
        also = None
        if is_review and verdict.kind != DISTRESS:
            also = Kind(verdict.kind) if verdict.kind in REQUESTS else None
            verdict = replace(verdict, kind=REVIEW)
        may_be_lukewarm = verdict.kind in _LUKEWARM_TAKEN_FOR and read_correction(text) is None
        if (may_be_lukewarm and is_lukewarm(text)) or (verdict.is_review and is_balanced(text)):
            verdict = replace(
                verdict, kind=REVIEW, label=Kind.UNSURE, confidence=0.5, probabilities=EVEN
            )
        kind = Kind.of(verdict)
        if kind is Kind.UNSURE and asks:
            reply = self._speaker.ask(log_odds_of(verdict), to, verdict=verdict)
        elif kind is Kind.CORRECTION and (side := await self._stated_side(text)) is not None:
            reply = self._speaker.say(CORRECTED[side], to)
        elif kind is Kind.CORRECTION and asks:
            reply = self._speaker.apologise(to)
        else:
            reply = self._speaker.say(kind, to, verdict=verdict if verdict.is_review else None)
        if verdict.strength is None and also is None:
            return reply
        return replace(reply, emphasis=verdict.strength, also=also)


def _side_in_words(opinion: str) -> Side | None:
    return Side.BOTH if is_only_ok(opinion) else read_answer(opinion, None).side


def log_odds_of(verdict: "Verdict") -> float:
    """Log-odds of a positive review, within +-5, so that one opinion does not outweigh all
    others."""
    positive, negative = (verdict.probabilities[label] for label in (Side.POSITIVE, Side.NEGATIVE))
    return math.log(max(positive, 0.0067) / max(negative, 0.0067))
