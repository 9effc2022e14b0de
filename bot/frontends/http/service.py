"""From a request to the concierge, and back. Knows no HTTP beyond the errors."""

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.conversation.throttle import Pace, Throttle
from bot.conversation.why import Explanation, split
from bot.engine import STUCK
from bot.frontends.http import health
from bot.frontends.http.access import MAX_VISITOR_CHARACTERS, Caller
from bot.frontends.http.metrics import Metrics
from bot.frontends.http.problems import Problem
from bot.frontends.http.schemas import (
    AnswerRequest,
    AnswerResult,
    ChooseRequest,
    Classified,
    ClassifyResult,
    ExplainRequest,
    ExplainResult,
)
from bot.sentences.kinds import Kind, Side
from bot.sentences.responses import Recipient
from bot.settings import Settings
from bot.text_engine import TextEngine

WEIGHT_DECIMALS = 4

RETRY_SECONDS = 5
"""Until a full queue has room, and until a model is loaded."""

ANSWER_SECONDS = 30.0
"""An explanation waits for up to eight others, which take a second or two each."""

PLACE = "http"


class Service:
    """What the front end does for its clients; `concierge` is None until a model is loaded."""

    def __init__(self, settings: Settings) -> None:
        self.concierge: Concierge | None = None
        self.metrics = Metrics()
        self._texts = Throttle(settings.http_texts_per_second)
        rate = settings.messages_per_second
        self._haste_seconds = max(1, math.ceil(1 / rate)) if rate else 1

    def unready(self) -> str | None:
        """Why no text can be judged now, as a sentence; None if one can."""
        return health.unready(self._engine)

    async def figures(self) -> bytes:
        """For Prometheus."""
        return self.metrics.expose(self._engine, ready=self.unready() is None)

    @property
    def _engine(self) -> TextEngine | None:
        return None if self.concierge is None else self.concierge.engine

    async def classify(self, caller: Caller, texts: Sequence[str]) -> ClassifyResult:
        """Judges texts without a conversation. Raises Problem."""
        async with self._serving(caller, len(texts)) as concierge:
            replies = await asyncio.gather(*map(concierge.answer, texts))
        for reply in replies:
            self._count_and_require_answered(reply)
        return ClassifyResult(results=[Classified(**_verdict(reply)) for reply in replies])

    async def answer(self, caller: Caller, request: AnswerRequest) -> AnswerResult:
        """Answers a message of a conversation. Raises Problem."""
        customer = _number(caller.name, request.conversation)
        _require_short(caller, request.text)
        async with self._serving(caller) as concierge:
            self._slow_down(caller, concierge)
            reply = await concierge.answer(
                request.text, customer=customer, place=PLACE, to=Recipient(place=customer)
            )
        return self._answered(reply)

    async def choose(self, caller: Caller, request: ChooseRequest) -> AnswerResult:
        """Answers a button below a question of a conversation. Raises Problem."""
        customer = _number(caller.name, request.conversation)
        async with self._serving(caller) as concierge:
            self._slow_down(caller, concierge)
            reply = concierge.slow_down(customer) or concierge.decide(
                Side(request.choice), customer=customer, place=PLACE, to=Recipient(place=customer)
            )
        return self._answered(reply)

    def _answered(self, reply: Reply) -> AnswerResult:
        """Raises Problem: it is none."""
        self._count_and_require_answered(reply)
        return AnswerResult(
            **_verdict(reply),
            question=reply.question is not None,
            withdrawn=reply.withdrawn,
            together=reply.together,
            repeated=reply.repeated,
        )

    async def explain(self, caller: Caller, request: ExplainRequest) -> ExplainResult:
        """Explains the verdict on a review. Raises Problem."""
        customer = _number(caller.name, request.conversation or "")
        if caller.network is not None:  # who can choose any conversation
            customer = _number(*caller.limited)
        _require_short(caller, request.text)
        # Each word is left out once.
        async with self._serving(caller, 1 + len(split(request.text))) as concierge:
            self._slow_down(caller, concierge)
            with concierge.explaining(customer) as waiting:
                if waiting is not None:
                    raise Problem(
                        429,
                        "An explanation for this conversation, or for this key, is being made: "
                        "wait for it. Give `conversation` to explain for several customers.",
                        retry_after=1,
                        **_reply(waiting),
                    )
                # Only a verdict on a review is explained, not which words sound like distress.
                reply = await concierge.answer(request.text)
                explained: Explanation | Reply = reply
                if reply.is_judgement:
                    explained = await concierge.explain(request.text, together=request.together)
        if isinstance(explained, Reply):
            self._count_and_require_answered(explained)
            return ExplainResult(
                label=None, probabilities=None, words=[], notes=[], reply=explained.text
            )
        return _explained(explained)

    @asynccontextmanager
    async def _serving(self, caller: Caller, texts: int = 1) -> AsyncIterator[Concierge]:
        """Counts texts of a key or a visitor, and gives the concierge for a bounded time.

        Raises Problem.
        """
        reason = self.unready()
        # With a failing worker, the next text shows whether it still fails.
        if self.concierge is None or reason == STUCK:
            raise Problem(503, reason or health.NO_MODEL, retry_after=RETRY_SECONDS)
        customer = _number(*caller.limited)
        if self._texts.pace(customer, texts) is not Pace.FINE:
            who = "This key" if caller.network is None else "Your address"
            raise Problem(
                429,
                f"{who} has sent too many texts: wait as many seconds as Retry-After says. The "
                "operator of this server can change the limit: HTTP_TEXTS_PER_SECOND.",
                retry_after=math.ceil(self._texts.seconds_to_wait(customer)),
            )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                yield self.concierge
        except TimeoutError:
            raise Problem(
                503,
                f"The model has not answered within {ANSWER_SECONDS:.0f} seconds. Try again.",
                retry_after=RETRY_SECONDS,
            ) from None

    def _slow_down(self, caller: Caller, concierge: Concierge) -> None:
        """Counts a message of a visitor, who would not be slowed down by a conversation: they can
        begin another at any time. Raises Problem."""
        if caller.network is None:
            return
        if (reply := concierge.slow_down(_number(*caller.limited))) is not None:
            self._count_and_require_answered(reply)

    def _count_and_require_answered(self, reply: Reply) -> None:
        """Counts a reply. Raises Problem: the text was not judged, and the client can send it again
        later."""
        self.metrics.count_reply(reply)
        if reply.kind is Kind.HASTE:
            raise Problem(
                429,
                "This conversation, or this visitor, has too many messages: wait as many seconds "
                "as Retry-After says, then send the last one again.",
                retry_after=self._haste_seconds,
                **_reply(reply),
            )
        if reply.kind is Kind.BUSY:
            raise Problem(
                503,
                "The server is busy, and has judged nothing of this request: wait as many seconds "
                "as Retry-After says, then send it again.",
                retry_after=RETRY_SECONDS,
                **_reply(reply),
            )


def _require_short(caller: Caller, text: str) -> None:
    """Raises Problem: a visitor's text is too long."""
    if caller.network is not None and len(text) > MAX_VISITOR_CHARACTERS:
        raise Problem(
            422, f"Without a key, `text` may have up to {MAX_VISITOR_CHARACTERS:,} characters."
        )


def _number(*names: str) -> int:
    """Identifies a key, a visitor, or a conversation; names, ids and addresses are not kept."""
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        digest.update(f"{name}\n".encode())
    return int.from_bytes(digest.digest())


def _verdict(reply: Reply) -> dict[str, Any]:
    verdict = reply.verdict
    return {
        "label": verdict and verdict.label,
        "confidence": verdict and verdict.confidence,
        "probabilities": verdict and verdict.probabilities,
        **_reply(reply),
    }


def _reply(reply: Reply) -> dict[str, Any]:
    return {"kind": reply.kind, "reply": reply.text}


def _explained(explanation: Explanation) -> ExplainResult:
    words = [
        {
            "text": part.text,
            "weight": round(part.weight, WEIGHT_DECIMALS),
            "mark": part.mark.name.lower(),
        }
        for part in explanation.parts
    ]
    return ExplainResult.model_validate(
        {
            "label": explanation.label,
            "probabilities": explanation.probabilities,
            "words": words,
            "notes": explanation.notes,
            "reply": None,
        }
    )
