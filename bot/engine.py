"""One queue, one worker thread, one model: texts of many callers in, a verdict for each out.

Texts that arrive while the model is busy form the worker's next round, up to a limit; nothing ever
waits for a batch to fill. A round is tokenised once, on the worker thread, because a text of 4,000
characters takes 10 ms, and cut into batches as in `trainer.model.batching`.

Each text has a due time: its arrival, plus an allowance for its length. Rounds take the texts that
are due first. So a short text overtakes long ones that came shortly before it, but none waits for
ever. The queue is limited by tokens, because the work is proportional to them.

Everything but `_judge_round` and below runs on the event loop, so there are no locks.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, Self

from bot.logs import whereabouts
from bot.tracing import record_judging
from trainer.model.batching import PADDED_TOKENS, batches

if TYPE_CHECKING:
    from trainer.model.classifier import Encoding, Verdict

log = logging.getLogger(__name__)

QUEUE_TOKENS = 131_072
"""The maximum number of waiting tokens: about ten seconds of work on two cores, which is as long as
people in a chat wait."""

ROUND_TOKENS = 4_096
"""Per round: a third of a second of work, for which a text that arrives meanwhile waits."""

MAX_TOKENS = 2_048
"""Of one text, the maximum that a model reads (`trainer.model.text.MAX_WINDOWS`)."""

SECONDS_A_TOKEN = 0.005
"""How long a text lets shorter ones overtake it, for each of its tokens: 10 s at most."""

BACKGROUND_SECONDS = 5.0
"""How much longer a text waits in the background, behind customers' new messages."""


WATCH_SECONDS = 1.0
"""How often it is checked, while the worker is busy, that its thread is still alive."""

STUCK_SECONDS = 30.0
"""A round is a third of a second of work. One that takes this long does not end."""

STUCK = (
    "The model has not finished its last texts for half a minute: its worker hangs. Restart the "
    "process."
)
NO_WORKER = "The model's worker could not be started for the last texts. Restart the process."


class BusyError(Exception):
    """The queue is full, or the engine is closing: try again later."""


class UnansweredError(Exception):
    """The model failed on this text; str(error) says where, and contains nothing of the text."""


class TextClassifier(Protocol):
    """The engine's interface to a model; trainer.model.classifier.Classifier implements it."""

    name: str
    """The checkpoint's name."""

    def encode(self, text: str) -> "Encoding":
        """The text as the model reads it; blocks."""

    def judge(self, encodings: "Sequence[Encoding]") -> "list[Verdict]":
        """One verdict for each text from `encode`, in order; blocks."""


@dataclass(slots=True, eq=False)
class _Request:
    """One text, and all callers that wait for its verdict."""

    text: str
    answer: "asyncio.Future[Verdict]"
    tokens: int
    due: float
    """On the clock of time.monotonic, in seconds."""
    callers: int = 0
    taken: float = 0.0
    """By the worker, on the same clock."""
    batch: "Batch | None" = None
    """In which it was judged."""
    checkpoint: str = ""
    """That judged it."""
    is_retried: bool = False
    """Whether the worker has died over it once."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that the model judged at once."""

    texts: int
    tokens: int
    """Of all texts, without padding."""
    began: float
    """On the clock of time.monotonic, in seconds."""
    ended: float


_Encoded = tuple[_Request, "Encoding"]
_Outcome = tuple[_Request, "Verdict | UnansweredError"]


class Engine:
    """Judges texts off the event loop. Use it under `async with`, which finishes pending texts."""

    def __init__(
        self,
        classifier: TextClassifier,
        *,
        queue_tokens: int = QUEUE_TOKENS,
        padded_tokens: int = PADDED_TOKENS,
    ) -> None:
        self._classifier = classifier
        self._queue_tokens = queue_tokens
        self._padded_tokens = padded_tokens
        self._waiting_tokens = 0
        self.swaps = 0
        """How often the model was replaced."""
        self.on_verdict: Callable[[str, Verdict], None] | None = None
        """Called with each customer's text that was judged, not those in the background; must not
        block."""
        self.on_batch: Callable[[Batch], None] | None = None
        """Called with each batch that was judged; must not block."""
        self._queued: dict[str, _Request] = {}
        self._judging: dict[str, _Request] = {}
        self._round: asyncio.Future[None] | None = None
        self._round_began = 0.0
        self.worker_fails = False
        """Whether the last round could not be started: its callers got an error."""
        self._thread: threading.Thread | None = None
        """The worker's, once it has started."""
        self._watching: asyncio.TimerHandle | None = None
        """One for many rounds."""
        self._worker = self._new_worker()
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Accepts no more texts, and returns when all pending ones are answered."""
        self._closing = True
        self._start_round()
        try:
            while self._round is not None:
                await asyncio.wait({self._round})
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the texts that are being judged or waiting."""
        return self._waiting_tokens

    @property
    def waiting_texts(self) -> int:
        """Different texts that are being judged or waiting."""
        return len(self._queued) + len(self._judging)

    @property
    def round_seconds(self) -> float:
        """How long the worker has been at its present round; 0 if it is idle.

        Minutes mean that it hangs: a model's code that does not return cannot be stopped.
        """
        return 0.0 if self._round is None else time.monotonic() - self._round_began

    @property
    def trouble(self) -> str | None:
        """Why texts may not be judged now, as a sentence; None: they are."""
        if self.round_seconds > STUCK_SECONDS:
            return STUCK
        return NO_WORKER if self.worker_fails else None

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint that judges."""
        return self._classifier.name

    async def idle(self) -> None:
        """Returns as soon as no text is being judged or waits."""
        while self._round is not None or self._queued:
            if self._round is None:
                await asyncio.sleep(0)  # the next round is about to start
            else:
                await asyncio.wait({self._round})

    def swap(self, classifier: TextClassifier) -> None:
        """Uses `classifier` from the next round on; the current round finishes on the old one."""
        self._classifier = classifier
        self.swaps += 1

    async def classify(self, text: str, *, background: bool = False) -> "Verdict":
        """The verdict on `text`; identical texts that wait at the same time are judged once.

        In the `background`, customers' texts overtake it. Raises BusyError at once if the queue is
        full, and UnansweredError if the model fails on this text.
        """
        verdict, _ = await self.classify_by(text, background=background)
        return verdict

    async def classify_by(self, text: str, *, background: bool = False) -> "tuple[Verdict, str]":
        """As `classify`, with the name of the checkpoint that judged the text."""
        tokens = estimate_tokens(text)
        if self._closing or self._waiting_tokens + tokens > self._queue_tokens:
            raise BusyError
        arrived = time.monotonic()
        due = arrived + SECONDS_A_TOKEN * tokens + BACKGROUND_SECONDS * background
        request = self._judging.get(text) or self._queued.get(text)
        if request is None:
            request = _Request(text, asyncio.get_running_loop().create_future(), tokens, due)
            self._queued[text] = request
        request.due = min(request.due, due)
        request.callers += 1
        self._waiting_tokens += tokens
        # On the next iteration of the loop, so that many texts of one caller, and messages that
        # arrived together, share a round. This causes no delay.
        asyncio.get_running_loop().call_soon(self._start_round)
        try:
            verdict = await asyncio.shield(request.answer)
        finally:
            request.callers -= 1
            self._waiting_tokens -= tokens
            if request.callers == 0:
                self._forget(request)
            if request.batch is not None and not background:
                record_judging(arrived, request.taken, request.batch, request.checkpoint)
        if self.on_verdict is not None and not background:
            self.on_verdict(text, verdict)
        return verdict, request.checkpoint

    def _new_worker(self) -> ThreadPoolExecutor:
        def note_thread() -> None:
            self._thread = threading.current_thread()

        return ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="engine", initializer=note_thread
        )

    def _watch_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._watching = loop.call_later(WATCH_SECONDS, self._watch)

    def _watch(self) -> None:
        """Replaces the worker if its thread has died in a round: the pool would not notice, and
        everybody would wait for ever."""
        self._watching = None
        watched = self._round
        if watched is None:
            return
        if self._thread is None or self._thread.is_alive():
            self._watch_later()
            return
        log.error("The thread of the model has ended, and was replaced")
        self._worker.shutdown(wait=False)
        self._thread, self._worker = None, self._new_worker()
        # Once more, but not for ever: a text may have ended it.
        again = {text: each for text, each in self._judging.items() if not each.is_retried}
        for text, request in again.items():
            request.is_retried = True
            del self._judging[text]
        self._queued = again | self._queued
        watched.cancel()  # the other callers get an error, and the next round starts

    def _start_round(self) -> None:
        """Passes the texts that are due first to the worker, if it is idle and there are any."""
        if self._round is not None or not self._queued:
            return
        self._judging = self._take_round()
        self._round_began = time.monotonic()
        loop = asyncio.get_running_loop()
        requests = list(self._judging.values())
        for request in requests:
            request.taken, request.checkpoint = self._round_began, self._classifier.name
        try:
            self._round = loop.run_in_executor(
                self._worker, self._judge_round, loop, self._classifier, requests
            )
        except RuntimeError as error:  # such as: the system allows no more threads
            self.worker_fails = True
            self._deliver([_failed(request, error) for request in requests])
            loop.call_soon(self._start_round)  # for the others that wait
            return
        self.worker_fails = False
        self._round.add_done_callback(self._end_round)
        if self._watching is None:
            self._watch_later()

    def _take_round(self) -> dict[str, _Request]:
        """Removes up to ROUND_TOKENS from the queue, and at least one text."""
        taken: dict[str, _Request] = {}
        tokens = 0
        for request in sorted(self._queued.values(), key=attrgetter("due")):
            tokens += request.tokens
            if taken and tokens > ROUND_TOKENS:
                break
            taken[request.text] = self._queued.pop(request.text)
        return taken

    def _end_round(self, ended: "asyncio.Future[None]") -> None:
        # No caller is left waiting, even if the worker itself has failed.
        error = None if ended.cancelled() else ended.exception()
        reason = whereabouts(error) if error else "the round ended without a verdict"
        self._deliver([(request, UnansweredError(reason)) for request in self._judging.values()])
        self._round = None
        self._start_round()

    def _deliver_batch(self, outcomes: Sequence[_Outcome], batch: Batch) -> None:
        for request, _ in outcomes:
            request.batch = batch
        self._deliver(outcomes)
        if self.on_batch is not None:
            self.on_batch(batch)

    def _deliver(self, outcomes: Sequence[_Outcome]) -> None:
        for request, outcome in outcomes:
            self._forget(request)
            if request.answer.done():  # by the error that its round could not be started
                continue
            if isinstance(outcome, UnansweredError):
                request.answer.set_exception(outcome)
                # All callers may have gone: asyncio must not complain about an unread error.
                request.answer.exception()
            else:
                request.answer.set_result(outcome)

    def _forget(self, request: _Request) -> None:
        """Prevents later callers from joining `request`; leaves a later request of that text
        alone."""
        for requests in (self._queued, self._judging):
            if requests.get(request.text) is request:
                del requests[request.text]

    def _judge_round(
        self,
        loop: asyncio.AbstractEventLoop,
        classifier: TextClassifier,
        requests: Sequence[_Request],
    ) -> None:
        """Runs on the worker thread; verdicts are delivered on the loop, batch by batch."""
        encoded: list[_Encoded] = []
        for request in requests:
            try:
                encoded.append((request, classifier.encode(request.text)))
            except BaseException as error:  # a panic of the tokenizer is not an Exception
                loop.call_soon_threadsafe(self._deliver, [_failed(request, error)])
        for batch in batches([encoding.tokens for _, encoding in encoded], self._padded_tokens):
            if wanted := [encoded[index] for index in batch if encoded[index][0].callers]:
                began = time.monotonic()
                outcomes = _judge(classifier, wanted)
                tokens = sum(encoding.tokens for _, encoding in wanted)
                judged = Batch(len(wanted), tokens, began, time.monotonic())
                loop.call_soon_threadsafe(self._deliver_batch, outcomes, judged)


def estimate_tokens(text: str) -> int:
    """Estimates how many tokens a model reads of a text, without tokenising it on the event loop.

    English prose has one for four or five characters; a text of only punctuation has three times
    the estimate.
    """
    return min(2 + len(text) // 3, MAX_TOKENS)


def _judge(classifier: TextClassifier, encoded: Sequence[_Encoded]) -> list[_Outcome]:
    """An outcome for each request. A failing batch is halved until only the failing texts fail."""
    try:
        verdicts = classifier.judge([encoding for _, encoding in encoded])
        return [(request, verdict) for (request, _), verdict in zip(encoded, verdicts, strict=True)]
    except BaseException as error:
        # Of any type: it concerns only these callers. No interrupt is lost, because Python raises
        # those on the main thread.
        if len(encoded) == 1:
            return [_failed(encoded[0][0], error)]
        half = len(encoded) // 2
        return _judge(classifier, encoded[:half]) + _judge(classifier, encoded[half:])


def _failed(request: _Request, error: BaseException) -> _Outcome:
    return request, UnansweredError(whereabouts(error))
