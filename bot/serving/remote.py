"""An engine whose texts are judged by replicas on Ray Serve, which it reaches by HTTP.

Ray itself is not in this process: a process that is connected to a cluster is ended by Ray once the
cluster's head has been away for a minute.

While Ray Serve does not answer, the engine in this process judges, if there is a checkpoint here. A
text is sent to one replica at a time: a second copy would only take another's turn.
"""

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Self, TypeVar

import aiohttp
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from bot.engine import QUEUE_TOKENS, BusyError, Engine, UnansweredError, estimate_tokens
from bot.errors import ServeError
from bot.serving.wire import BUSY, Answer, Presence, Question, UnreadableError, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.engine import Batch, TextClassifier
    from trainer.model.classifier import Verdict

log = logging.getLogger(__name__)

_Kind = TypeVar("_Kind", Answer, Presence)

CONNECT_SECONDS = 3.0
"""A machine that is there accepts or refuses a connection at once."""

ANSWER_SECONDS = 20.0
"""Twice the work that a replica's queue holds: a text that only waits is not sent again."""

ATTEMPTS = 4
"""Of one text. Only one that fails early is repeated, such as at a replica that has just died."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
"""Between two attempts, at random up to a bound that doubles: many texts do not return at once."""

LOOK_SECONDS = 2.0
"""Between two looks whether Ray Serve answers again; a half more or less, at random."""

PRESENCE_SECONDS = 3.0
"""For the answer to such a look, which waits for no model."""

AT_ONCE = 256
"""Texts at Ray Serve at once; further ones wait here."""


class _NoAnswerError(Exception):
    """Ray Serve has not answered; str(error) says why, and contains nothing of a text."""

    def __init__(self, reason: str = "", status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        """Of the response, if there was one."""


class _LateError(_NoAnswerError):
    """It may answer others: this text may wait behind much work."""


class RemoteEngine:
    """Judges on Ray Serve at `url`, and by `local` while Serve does not answer.

    Use it under `async with`, which finishes pending texts and closes `local`.
    """

    def __init__(self, url: str, local: Engine | None) -> None:
        self._url = url
        self._local = local
        self._checkpoint = "" if local is None else local.checkpoint
        self._remote_swaps = 0
        self._waiting_tokens = 0
        self._waiting_texts = 0
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._is_away = False
        """Whether Ray Serve did not answer when it was last asked."""
        self._looking: asyncio.Task[None] | None = None
        self._closing = False
        self.on_verdict: Callable[[str, Verdict], None] | None = None
        """Called with each customer's text that was judged, not those in the background; must not
        block."""

    async def __aenter__(self) -> Self:
        """Raises ServeError: Ray Serve does not answer, and there is no engine here."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS),
        )
        try:
            self._note_checkpoint((await self._look()).checkpoint)
            log.info("Ray Serve judges, with %s", self._checkpoint)
        except _NoAnswerError as error:
            if self._local is None:
                await self._session.close()
                raise ServeError(
                    f"Ray Serve does not answer at SERVE_URL {self._url} ({error}), and there is "
                    "no trained checkpoint here that could judge instead. Start the replicas "
                    "with: python -m bot serve"
                ) from None
            self._leave(error)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Accepts no more texts, and returns when all pending ones are answered."""
        self._closing = True
        await self._is_idle.wait()
        if self._looking is not None:
            self._looking.cancel()
        await self._session.close()
        if self._local is not None:
            await self._local.aclose()

    @property
    def on_batch(self) -> "Callable[[Batch], None] | None":
        """Called with each batch of the engine in this process."""
        return None if self._local is None else self._local.on_batch

    @on_batch.setter
    def on_batch(self, called: "Callable[[Batch], None] | None") -> None:
        if self._local is not None:
            self._local.on_batch = called

    @property
    def swaps(self) -> int:
        """How often the model was replaced, here or there."""
        return self._remote_swaps + (0 if self._local is None else self._local.swaps)

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the texts that are being judged or waiting, here or there."""
        return self._waiting_tokens

    @property
    def waiting_texts(self) -> int:
        """Texts that are being judged or waiting, here or there."""
        return self._waiting_texts

    @property
    def trouble(self) -> str | None:
        """Why texts may not be judged now, as a sentence; None: they are."""
        if not self._is_away:
            return None
        if self._local is None:
            return f"Ray Serve does not answer at {self._url}, and there is no checkpoint here."
        return self._local.trouble

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint that judged last; here, while Ray Serve is away."""
        if self._is_away and self._local is not None:
            return self._local.checkpoint
        return self._checkpoint

    async def idle(self) -> None:
        """Returns as soon as no text is being judged or waits."""
        await self._is_idle.wait()

    def swap(self, classifier: "TextClassifier") -> None:
        """Uses `classifier` in this process. The replicas follow the promotion by themselves."""
        if self._local is not None:
            self._local.swap(classifier)

    async def classify(self, text: str, *, background: bool = False) -> "Verdict":
        """The verdict on `text`.

        In the `background`, customers' texts overtake it. Raises BusyError: the queue here or
        there is full, or Ray Serve does not answer and there is no engine here; UnansweredError:
        the model fails on this text.
        """
        verdict, _ = await self.classify_by(text, background=background)
        return verdict

    async def classify_by(self, text: str, *, background: bool = False) -> "tuple[Verdict, str]":
        """As `classify`, with the name of the checkpoint that judged the text."""
        tokens = estimate_tokens(text)
        if self._closing or self._waiting_tokens + tokens > QUEUE_TOKENS:
            raise BusyError
        self._waiting_tokens += tokens
        self._waiting_texts += 1
        self._is_idle.clear()
        try:
            verdict, checkpoint = await self._judge(text, background)
        finally:
            self._waiting_tokens -= tokens
            self._waiting_texts -= 1
            if self._waiting_texts == 0:
                self._is_idle.set()
        if self.on_verdict is not None and not background:
            self.on_verdict(text, verdict)
        return verdict, checkpoint

    async def _judge(self, text: str, background: bool) -> "tuple[Verdict, str]":
        """There, else here."""
        if not self._is_away:
            try:
                return self._take(await self._ask(text, background))
            except _LateError:
                await self._leave_unless_present()
            except _NoAnswerError as error:
                self._leave(error)
        if self._local is None:
            raise BusyError
        return await self._local.classify_by(text, background=background)

    def _take(self, answer: Answer) -> "tuple[Verdict, str]":
        self._note_checkpoint(answer.checkpoint)
        if answer.verdict is None:
            raise UnansweredError(answer.unanswered or "")
        return answer.verdict, answer.checkpoint

    def _note_checkpoint(self, name: str) -> None:
        if name != self._checkpoint:
            self._checkpoint = name
            self._remote_swaps += 1

    async def _ask(self, text: str, background: bool) -> Answer:
        """Raises _NoAnswerError and BusyError."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._is_worth_another),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS),
            reraise=True,
        )
        encodable = text.encode(errors="replace").decode()  # a half of a surrogate pair is not
        question = Question(text=encodable, background=background).model_dump_json()
        return await retrying(self._post, question.encode())

    def _is_worth_another(self, error: BaseException) -> bool:
        is_early = isinstance(error, _NoAnswerError) and not isinstance(error, _LateError)
        return is_early and not self._is_away

    async def _post(self, question: bytes) -> Answer:
        """One attempt. Raises _NoAnswerError and BusyError."""
        async with self._turns:
            if self._is_away:  # another text has found out meanwhile
                raise _NoAnswerError
            try:
                return await self._request(Answer, "POST", question)
            except _NoAnswerError as error:
                if error.status == BUSY:
                    raise BusyError from None
                raise

    async def _look(self) -> Presence:
        """Raises _NoAnswerError."""
        try:
            async with asyncio.timeout(PRESENCE_SECONDS):
                return await self._request(Presence, "GET")
        except TimeoutError as error:
            raise _LateError(_reason(error)) from None

    async def _request(self, kind: type[_Kind], method: str, content: bytes | None = None) -> _Kind:
        """Raises _NoAnswerError."""
        try:
            async with self._session.request(
                method, self._url, data=content, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise _NoAnswerError(f"status {response.status}", response.status)
                return read(kind, await response.read())
        except UnreadableError:
            raise _NoAnswerError("it answers in another form") from None
        except TimeoutError as error:
            raise _LateError(_reason(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _NoAnswerError(_reason(error)) from None

    async def _leave_unless_present(self) -> None:
        try:
            await self._look()
        except _NoAnswerError as error:
            self._leave(error)

    def _leave(self, error: _NoAnswerError) -> None:
        """Judges here from now on, and looks for Ray Serve meanwhile."""
        if self._is_away:  # another text has found out
            return
        self._is_away = True
        instead = "the engine here judges" if self._local is not None else "no text is judged"
        log.warning("Ray Serve does not answer (%s), so %s until it does", error, instead)
        self._looking = asyncio.create_task(self._look_until_back())

    async def _look_until_back(self) -> None:
        while self._is_away:
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.5, 1.5))
            try:
                presence = await self._look()
            except _NoAnswerError:
                continue
            self._is_away = False
            self._note_checkpoint(presence.checkpoint)
            log.info("Ray Serve answers again, and judges with %s", self._checkpoint)


def _reason(error: Exception) -> str:
    """The type of an error, and the operating system's words for it; they contain no text."""
    strerror = getattr(error, "strerror", None)
    return f"{type(error).__name__}: {strerror}" if strerror else type(error).__name__
