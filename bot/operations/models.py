"""Which checkpoint answers: lists, promotes, rolls back and discards while customers are served.

A new model is loaded and tried beside the old one, which answers meanwhile. Only then the pointer
on disk is written, and only then the engine takes the new one: whatever fails before changes
nothing.
"""

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.engine import Engine
from bot.errors import UnusableCheckpointError
from bot.logs import whereabouts
from trainer.model import checkpoint
from trainer.model.checkpoint import CHECKPOINTS, PICTURE_FILE, CheckpointError, Listed
from trainer.model.classifier import Classifier, RuntimeName

log = logging.getLogger(__name__)

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,69}"
"""Of a checkpoint: the name of a folder, which leads nowhere else."""

_TRIAL = "A film."
"""A first text through the model shows that it works, and spares the first customer the wait."""


@dataclass(frozen=True, slots=True)
class Info:
    """One checkpoint, for a person to read about."""

    row: Listed
    picture: Path | None
    """What it looks like in figures, if it has a picture."""


class Models:
    """Exchanges the engine's model; one change at a time."""

    def __init__(
        self, engine: Engine, runtime: RuntimeName = RuntimeName.AUTO, threads: int | None = None
    ) -> None:
        self._engine = engine
        self._load = partial(_load, runtime=runtime, threads=threads)
        self._changing = asyncio.Lock()
        self._seen = _serving_name()
        """What the pointer named at the last look: the one that answers, unless it failed."""

    def newest_first(self) -> list[Listed]:
        """All checkpoints; takes a while, as it reads their records.

        Raises UnusableCheckpointError: it cannot be told which one serves.
        """
        with _refusals_translated():
            return checkpoint.list_checkpoints()[::-1]

    def describe(self, name: str | None) -> Info | None:
        """The checkpoint of this name, by default the serving one; None if there is none.

        Raises UnusableCheckpointError: it cannot be told which one serves.
        """
        for row in self.newest_first():
            if row.name == name or (name is None and row.serving):
                picture = CHECKPOINTS / row.name / PICTURE_FILE
                return Info(row, picture if picture.is_file() else None)
        return None

    async def promote(self, name: str) -> None:
        """Lets the checkpoint of this name answer, now and after a restart.

        Raises UnusableCheckpointError: there is none of that name or it fails its checks, and the
        present one goes on answering.
        """
        async with self._changing:
            with _refusals_translated():
                classifier = await asyncio.to_thread(self._load, _path(name))
                await asyncio.to_thread(checkpoint.promote, name)
            self._take(classifier)

    async def rollback(self) -> str:
        """Lets the checkpoint answer that did so before; returns its name.

        Raises UnusableCheckpointError: there is none or it fails its checks, and the present one
        goes on answering.
        """
        async with self._changing:
            with _refusals_translated():
                path = await asyncio.to_thread(checkpoint.earlier_checkpoint)
                classifier = await asyncio.to_thread(self._load, path)
                await asyncio.to_thread(checkpoint.rollback, expected=path)
            self._take(classifier)
            return path.name

    async def discard(self, name: str) -> None:
        """Deletes a checkpoint.

        Raises UnusableCheckpointError: there is none of that name, it is the one that answers, or
        the disk does not let go of it.
        """
        async with self._changing:
            with _refusals_translated():
                await asyncio.to_thread(checkpoint.discard, name)

    async def look(self) -> None:
        """Takes the checkpoint that another process has promoted meanwhile: a second bot on the
        same folder, or the command line. One that cannot be used is logged once, and the present
        one goes on answering."""
        async with self._changing:
            name = await asyncio.to_thread(_serving_name)
            if name is None or name == self._seen:
                return
            self._seen = name
            try:
                with _refusals_translated():
                    classifier = await asyncio.to_thread(self._load, _path(name))
            except UnusableCheckpointError as error:
                log.error("%s was promoted elsewhere, but is not taken: %s", name, error)
                return
            self._take(classifier)
            log.info("%s was promoted elsewhere, and answers from now on", name)

    def _take(self, classifier: Classifier) -> None:
        self._engine.swap(classifier)
        self._seen = classifier.name


def _serving_name() -> str | None:
    with suppress(CheckpointError):
        path = checkpoint.serving_checkpoint()
        return path.name if path is not None else None
    return None  # a pointer that cannot be read now may be whole at the next look


def _path(name: str) -> Path:
    if not re.fullmatch(NAME, name):
        raise UnusableCheckpointError("That is not the name of a checkpoint.")
    return CHECKPOINTS / name


def _load(path: Path, runtime: RuntimeName, threads: int | None) -> Classifier:
    """Loads a checkpoint and tries it; takes seconds."""
    try:
        classifier = Classifier.load(path, runtime, threads)
        classifier([_TRIAL])
    except CheckpointError:
        raise
    except Exception as error:  # whatever a model that is wrong raises
        raise UnusableCheckpointError(
            f"{path.name} is as it was written, but cannot be used ({whereabouts(error)})."
        ) from None
    return classifier


@contextmanager
def _refusals_translated() -> Iterator[None]:
    """Raises the trainer's refusals as the bot's."""
    try:
        yield
    except CheckpointError as error:
        raise UnusableCheckpointError(str(error)) from None
