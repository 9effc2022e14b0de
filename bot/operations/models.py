"""The serving checkpoint: lists, promotes, rolls back and discards while customers are served.

A new model is loaded and tried while the old one serves. Only then the pointer on disk is written,
and only then the engine switches: a failure before that changes nothing.
"""

import asyncio
import ctypes
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.errors import UnusableCheckpointError
from bot.loading import load_and_try
from bot.text_engine import HasModel
from trainer.model import checkpoint
from trainer.model.checkpoint import CHECKPOINTS, PICTURE_FILE, CheckpointError, Listed
from trainer.model.classifier import Classifier, RuntimeName

log = logging.getLogger(__name__)

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,69}"
"""Of a checkpoint: the name of a folder, which cannot lead elsewhere."""


@dataclass(frozen=True, slots=True)
class Info:
    """Information on one checkpoint, for people."""

    row: Listed
    picture: Path | None
    """The picture of its figures, if there is one."""


class Models:
    """Replaces the engine's model; one change at a time."""

    def __init__(
        self,
        engine: HasModel,
        runtime: RuntimeName = RuntimeName.AUTO,
        threads: int | None = None,
    ) -> None:
        self._engine = engine
        self._load = partial(load_and_try, runtime=runtime, threads=threads)
        # Always the same thread: the C library keeps what a model has freed for the thread that
        # loaded it, and with a dozen of threads that is several times the memory of a model.
        self._loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loader")
        self._changing = asyncio.Lock()
        self._seen = _serving_name()
        """The checkpoint in the pointer at the last look: it is serving, unless it failed to
        load."""

    def newest_first(self) -> list[Listed]:
        """All checkpoints; takes a while, because it reads their records.

        Raises UnusableCheckpointError: the serving one cannot be determined.
        """
        with _refusals_translated():
            return checkpoint.list_checkpoints()[::-1]

    def describe(self, name: str | None) -> Info | None:
        """The checkpoint of this name, by default the serving one; None if there is none.

        Raises UnusableCheckpointError: the serving one cannot be determined.
        """
        for row in self.newest_first():
            if row.name == name or (name is None and row.serving):
                picture = CHECKPOINTS / row.name / PICTURE_FILE
                return Info(row, picture if picture.is_file() else None)
        return None

    def load(self, name: str) -> Classifier:
        """Loads the checkpoint of this name beside the serving one; takes seconds.

        Raises UnusableCheckpointError: there is no such checkpoint, or its verification fails.
        """
        with _refusals_translated():
            return self._load(_path(name))

    async def expected(self, name: str) -> float | None:
        """The share of its verdicts that were right in the test of this checkpoint (0 to 1).

        None if there is no such checkpoint, or it cannot be read.
        """
        with suppress(UnusableCheckpointError):
            info = await asyncio.to_thread(self.describe, name)
            return info.row.training.doubt["test"].right if info is not None else None
        return None

    async def promote(self, name: str) -> None:
        """Makes the checkpoint of this name the serving one, now and after a restart.

        Raises UnusableCheckpointError: there is no such checkpoint or its verification fails; the
        present one continues to serve.
        """
        async with self._changing:
            with _refusals_translated():
                classifier = await self._load_apart(_path(name))
                await asyncio.to_thread(checkpoint.promote, name)
            await self._take(classifier)

    async def rollback(self) -> str:
        """Makes the previous serving checkpoint the serving one again; returns its name.

        Raises UnusableCheckpointError: there is none or its verification fails; the present one
        continues to serve.
        """
        async with self._changing:
            with _refusals_translated():
                path = await asyncio.to_thread(checkpoint.earlier_checkpoint)
                classifier = await self._load_apart(path)
                await asyncio.to_thread(checkpoint.rollback, expected=path)
            await self._take(classifier)
            return path.name

    async def discard(self, name: str) -> None:
        """Deletes a checkpoint.

        Raises UnusableCheckpointError: there is no such checkpoint, it is serving, or the disk
        refuses.
        """
        async with self._changing:
            with _refusals_translated():
                await asyncio.to_thread(checkpoint.discard, name)

    async def look(self) -> None:
        """Switches to a checkpoint that another process has promoted: a second bot on the same
        folder, or the command line. If it cannot be used, logs that once, and the present one
        continues to serve."""
        async with self._changing:
            name = await asyncio.to_thread(_serving_name)
            if name is None or name == self._seen:
                return
            self._seen = name
            try:
                with _refusals_translated():
                    classifier = await self._load_apart(_path(name))
            except UnusableCheckpointError as error:
                log.error("%s was promoted elsewhere, but cannot be used: %s", name, error)
                return
            await self._take(classifier)
            log.info("%s was promoted elsewhere, and is serving now", name)

    async def _load_apart(self, path: Path) -> Classifier:
        """Loads a checkpoint while the event loop goes on."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._loader, self._load, path)

    async def _take(self, classifier: Classifier) -> None:
        self._engine.swap(classifier)
        self._seen = classifier.name
        await asyncio.get_running_loop().run_in_executor(self._loader, _return_freed_memory)


def _return_freed_memory() -> None:
    """Gives the memory of the earlier model back to the system, which glibc would keep.

    Other C libraries have no such function, and no need of it.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _serving_name() -> str | None:
    with suppress(CheckpointError):
        path = checkpoint.serving_checkpoint()
        return path.name if path is not None else None
    return None  # a pointer that cannot be read now may be readable at the next look


def _path(name: str) -> Path:
    if not re.fullmatch(NAME, name):
        raise UnusableCheckpointError("That is not the name of a checkpoint.")
    return CHECKPOINTS / name


@contextmanager
def _refusals_translated() -> Iterator[None]:
    """Converts the trainer's errors into the bot's."""
    try:
        yield
    except CheckpointError as error:
        raise UnusableCheckpointError(str(error)) from None
