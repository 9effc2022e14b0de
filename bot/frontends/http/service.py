"""From a request to the concierge, and back. Knows no HTTP beyond the errors."""

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.conversation.concierge import Concierge, Reply
from bot.conversation.throttle import Pace, Throttle
from bot.conversation.why import Explanation, split
from bot.engine import Engine
from bot.frontends.http import health
from bot.frontends.http.metrics import Metrics
from bot.frontends.http.problems import Problem
from bot.frontends.http.schemas import (
    AnswerRequest,
    AnswerResult,
    Classified,
    ClassifyResult,
    ExplainRequest,
    ExplainResult,
)
from bot.sentences.kinds import Kind
from bot.sentences.responses import Recipient
from bot.settings import Settings

WEIGHT_DECIMALS = 4

RETRY_SECONDS = 5
"""Until a full queue has room, and until a model is loaded."""

ANSWER_SECONDS = 30.0
"""An explanation waits for up to eight others, which take a second or two each."""


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
    def _engine(self) -> Engine | None:
        return None if self.concierge is None else self.concierge.engine

    async def classify(self, key: str, texts: Sequence[str]) -> ClassifyResult:
        """Judges texts without a conversation. Raises Problem."""
        async with self._serving(key, len(texts)) as concierge:
            replies = await asyncio.gather(*map(concierge.answer, texts))
        for reply in replies:
            self._count_and_require_answered(reply)
        return ClassifyResult(results=[Classified(**_verdict(reply)) for reply in replies])

    async def answer(self, key: str, request: AnswerRequest) -> AnswerResult:
        """Answers a message of a conversation. Raises Problem."""
        customer = _number(key, request.conversation)
        async with self._serving(key) as concierge:
            reply = await concierge.answer(
                request.text, customer=customer, place="http", to=Recipient(place=customer)
            )
        self._count_and_require_answered(reply)
        return AnswerResult(
            **_verdict(reply),
            question=reply.question is not None,
            withdrawn=reply.withdrawn,
            together=reply.together,
            repeated=reply.repeated,
        )

    async def explain(self, key: str, request: ExplainRequest) -> ExplainResult:
        """Explains the verdict on a review. Raises Problem."""
        customer = _number(key, request.conversation or "")
        # Each word is left out once.
        async with self._serving(key, 1 + len(split(request.text))) as concierge:
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
    async def _serving(self, key: str, texts: int = 1) -> AsyncIterator[Concierge]:
        """Counts texts of a key, and gives the concierge for a bounded time. Raises Problem."""
        reason = self.unready()
        # With a failing worker, the next text shows whether it still fails.
        if self.concierge is None or reason == health.STUCK:
            raise Problem(503, reason or health.NO_MODEL, retry_after=RETRY_SECONDS)
        customer = _number(key)
        if self._texts.pace(customer, texts) is not Pace.FINE:
            raise Problem(
                429,
                "This key has sent too many texts: wait as many seconds as Retry-After says. The "
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

    def _count_and_require_answered(self, reply: Reply) -> None:
        """Counts a reply. Raises Problem: the text was not judged, and the client can send it again
        later."""
        self.metrics.count_reply(reply)
        if reply.kind is Kind.HASTE:
            raise Problem(
                429,
                "This conversation has too many messages: wait as many seconds as Retry-After "
                "says, then send the last one again.",
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


def _number(*names: str) -> int:
    """Identifies a key, or a conversation of a key; the id itself is not kept."""
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
