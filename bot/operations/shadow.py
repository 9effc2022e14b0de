"""A candidate that judges live messages silently beside the serving checkpoint.

It never answers. It judges only while the engine has nothing to do, one message at a time, and
messages that would wait for long are left out: customers never wait for it. Of its verdicts only
sums are kept; a text is dropped as soon as it is judged.

The sums are in a file: a starting bot goes on where the last one stopped, until the same time.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import BaseModel, Field

from bot.errors import UnusableCheckpointError
from bot.files import STATE, write_state
from bot.logs import whereabouts
from bot.operations.models import NAME, Models
from bot.text_engine import TextEngine
from trainer.model.files import read_regular

if TYPE_CHECKING:
    from trainer.model.classifier import Classifier, Verdict

log = logging.getLogger(__name__)

FILE = STATE / "shadow.json"
MAX_BYTES = 65_536

MAX_SECONDS = 86_400.0
"""A day, so that all hours are in it."""
MAX_MESSAGES = 1_000
"""With this many, the 95% interval of a share of 5% is 1.4 points to either side."""

MAX_WAITING = 16
"""Messages that wait to be judged; further ones are left out."""
PATIENCE_SECONDS = 10.0
"""How long a message waits for an idle engine, before it is left out."""
LOOK_SECONDS = 1.0
"""Between two looks whether it is over."""
SAVE_SECONDS = 10.0
"""Between two writes of the sums: the maximum that a killed bot loses."""

FAILED = "failure"
"""The candidate's outcome where it cannot judge a message."""

_Outcome = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class Difference(BaseModel, frozen=True):
    """Messages that the two checkpoints take for different things."""

    serving: _Outcome
    candidate: _Outcome
    messages: int = Field(ge=1)


class Tally(BaseModel, frozen=True):
    """The sums, as stored in the file while the candidate is tried."""

    candidate: str = Field(pattern=rf"^{NAME}$")
    serving: str = Field(max_length=100)
    """The checkpoint that it is compared with."""
    origin: str = Field(max_length=200)
    """The message about the candidate, in a form that only the front end can read."""
    until: float
    """In seconds since 1970."""
    judged: int = Field(default=0, ge=0)
    left_out: int = Field(default=0, ge=0)
    """Messages that it did not judge, because customers came first."""
    differences: tuple[Difference, ...] = ()
    """The most frequent first."""

    @property
    def differ(self) -> int:
        """The number of messages that they take for different things."""
        return sum(each.messages for each in self.differences)

    def with_verdict(self, serving: str, candidate: str) -> "Tally":
        """The sums with another message."""
        pairs = Counter({(e.serving, e.candidate): e.messages for e in self.differences})
        if serving != candidate:
            pairs[serving, candidate] += 1
        differences = tuple(
            Difference(serving=pair[0], candidate=pair[1], messages=count)
            for pair, count in pairs.most_common()
        )
        return self.model_copy(update={"judged": self.judged + 1, "differences": differences})

    def with_left_out(self) -> "Tally":
        """The sums with another message that was not judged."""
        return self.model_copy(update={"left_out": self.left_out + 1})


class ShadowDisplay(Protocol):
    """How a front end shows the result. The place is in the tally's `origin`."""

    async def conclude_shadow(self, tally: Tally, why: str) -> None:
        """Shows the result, and why it ended; called once."""


class Shadow:
    """Tries one candidate at a time. `clock` gives seconds since 1970."""

    def __init__(
        self,
        engine: TextEngine,
        models: Models,
        file: Path = FILE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._models = models
        self._file = file
        self._clock = clock
        self._changing = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._saved_at = 0.0
        self._writing: asyncio.Future[None] | None = None
        self.display: ShadowDisplay | None = None
        """Set by the front end, before it resumes."""
        self._worker: ThreadPoolExecutor | None = None
        self.tally = self._read()
        """The sums of the candidate that is being tried; None if there is none."""

    def find(self, *, leads: bool) -> None:
        """Reads which candidate is being tried; none if another process leads, and tries it."""
        self.tally = self._read() if leads else None

    def is_trying(self, name: str) -> bool:
        """Whether this candidate is being tried."""
        return self.tally is not None and self.tally.candidate == name

    async def start(self, name: str, origin: str) -> str | None:
        """Begins to try a candidate; a complete sentence says why not.

        Raises UnusableCheckpointError: it cannot be loaded.
        """
        async with self._changing:
            if self.tally is not None:
                return (
                    f"{self.tally.candidate} is being tried already. Stop that first, or wait for "
                    "its end."
                )
            if name == self._engine.checkpoint:
                return f"{name} is serving already."
            classifier = await self._load(name)
            self.tally = Tally(
                candidate=name,
                serving=self._engine.checkpoint,
                origin=origin,
                until=self._clock() + MAX_SECONDS,
            )
            try:
                await self._save(self.tally)
            except OSError as error:
                self.tally = None
                return f"It was not started, because that cannot be recorded: {error.strerror}."
            self._following = asyncio.create_task(self._follow(self.tally, classifier))
        return None

    def resume(self) -> None:
        """Goes on with the candidate of an earlier start, unless it is being tried already."""
        if self.tally is not None and self._following is None:
            self._following = asyncio.create_task(self._follow(self.tally))

    async def end(self, why: str) -> None:
        """Ends it, if there is one, and shows the result."""
        async with self._changing:
            await self._stop_following()
            if self.tally is not None:
                await self._conclude(why)

    async def pause(self) -> None:
        """Stops judging; the next start goes on."""
        async with self._changing:
            await self._stop_following()
            if self.tally is not None:
                await self._save_or_log(self.tally)

    async def _stop_following(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})
            self._following = None

    async def _load(self, name: str) -> "Classifier":
        """Loads it in the thread that is to use it."""
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shadow")
        load = partial(self._models.load, name)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, load)
        except UnusableCheckpointError:
            self._worker.shutdown(wait=False)
            raise

    async def _follow(self, tally: Tally, classifier: "Classifier | None" = None) -> None:
        try:
            why = self._over(tally)
            if why is None:
                try:
                    classifier = classifier or await self._load(tally.candidate)
                except UnusableCheckpointError:
                    why = "it can no longer be used"
                else:
                    why = await self._compare(classifier)
            await self._conclude(why)
        except Exception as error:  # a bug; another candidate may be tried
            log.error("Trying %s silently failed: %s", tally.candidate, whereabouts(error))
            await self._forget()
        finally:
            if self._worker is not None:
                self._worker.shutdown(wait=False, cancel_futures=True)
        self._following = None

    async def _compare(self, classifier: "Classifier") -> str:
        """Judges what the engine has judged, until it is over; returns why."""
        waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(MAX_WAITING)

        def offer(text: str, verdict: "Verdict") -> None:
            if self.tally is None or self._engine.checkpoint != self.tally.serving:
                return
            try:
                waiting.put_nowait((text, verdict.outcome))
            except asyncio.QueueFull:
                self.tally = self.tally.with_left_out()

        self._engine.on_verdict = offer
        try:
            while True:
                assert self.tally is not None  # only `end` and `_conclude` set it to None
                if (why := self._over(self.tally)) is not None:
                    return why
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        text, serving = await waiting.get()
                except TimeoutError:
                    pass
                else:
                    candidate = await self._judge(classifier, text)
                    del text
                    if candidate is None:
                        self.tally = self.tally.with_left_out()
                    else:
                        self.tally = self.tally.with_verdict(serving, candidate)
                if time.monotonic() - self._saved_at >= SAVE_SECONDS:
                    await self._save_or_log(self.tally)
        finally:
            self._engine.on_verdict = None

    async def _judge(self, classifier: "Classifier", text: str) -> str | None:
        """The candidate's outcome for a text; None if customers keep the engine busy."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._engine.idle()
        except TimeoutError:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, _outcome, classifier, text)

    def _over(self, tally: Tally) -> str | None:
        """Why it is over; None if it is not."""
        if self._engine.checkpoint != tally.serving:
            return "the serving checkpoint has changed"
        if tally.judged >= MAX_MESSAGES:
            return f"it has judged {MAX_MESSAGES:,} messages"
        if self._clock() >= tally.until:
            return "its time is over"
        return None

    async def _conclude(self, why: str) -> None:
        assert self.tally is not None
        if self.display is not None:
            await self.display.conclude_shadow(self.tally, why)
        await self._forget()

    async def _forget(self) -> None:
        if self._writing is not None:  # it would bring the file back
            await asyncio.wait({self._writing})
        self.tally = None
        self._file.unlink(missing_ok=True)

    async def _save(self, tally: Tally) -> None:
        """Raises OSError. It is finished even if the caller is cancelled."""
        self._saved_at = time.monotonic()
        content = tally.model_dump_json()
        self._writing = asyncio.ensure_future(asyncio.to_thread(write_state, self._file, content))
        await asyncio.shield(self._writing)

    async def _save_or_log(self, tally: Tally) -> None:
        try:
            await self._save(tally)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error.strerror)

    def _read(self) -> Tally | None:
        try:
            return Tally.model_validate_json(read_regular(self._file, MAX_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:  # of which pydantic's is one
            log.warning("%s is ignored: %s", self._file, whereabouts(error))
            return None


def _outcome(classifier: "Classifier", text: str) -> str:
    """Runs on the worker thread. An error would quote the text, so it is only counted."""
    try:
        (verdict,) = classifier([text])
    except BaseException:  # a panic of the tokenizer is not an Exception
        return FAILED
    return verdict.outcome
