"""Which checkpoint answers: promotes, rolls back and discards while customers are served.

A new model is loaded and tried beside the old one, which answers meanwhile. Only then the pointer
on disk is written, and only then the engine takes the new one: whatever fails before changes
nothing.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from bot.engine import Engine
from bot.errors import UnusableCheckpointError
from bot.logs import whereabouts
from trainer.model import checkpoint
from trainer.model.checkpoint import CHECKPOINTS, CheckpointError
from trainer.model.classifier import Classifier, RuntimeName

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,69}"
"""Of a checkpoint: the name of a folder, which leads nowhere else."""

_TRIAL = "A film."
"""A first text through the model shows that it works, and spares the first customer the wait."""


class Models:
    """Exchanges the engine's model; one change at a time."""

    def __init__(
        self, engine: Engine, runtime: RuntimeName = RuntimeName.AUTO, threads: int | None = None
    ) -> None:
        self._engine = engine
        self._load = partial(_load, runtime=runtime, threads=threads)
        self._changing = asyncio.Lock()

    async def promote(self, name: str) -> None:
        """Lets the checkpoint of this name answer, now and after a restart.

        Raises UnusableCheckpointError: there is none of that name or it fails its checks, and the
        present one goes on answering.
        """
        async with self._changing:
            with _told():
                classifier = await asyncio.to_thread(self._load, _path(name))
                await asyncio.to_thread(checkpoint.promote, name)
            self._engine.swap(classifier)

    async def rollback(self) -> str:
        """Lets the checkpoint answer that did so before; returns its name.

        Raises UnusableCheckpointError: there is none or it fails its checks, and the present one
        goes on answering.
        """
        async with self._changing:
            before = None
            with suppress(CheckpointError):  # gone or damaged: the more reason to leave it
                before = await asyncio.to_thread(checkpoint.serving_checkpoint)
            with _told():
                path = await asyncio.to_thread(checkpoint.rollback)
                try:
                    classifier = await asyncio.to_thread(self._load, path)
                except UnusableCheckpointError:
                    if before is not None:
                        await asyncio.to_thread(checkpoint.promote, before.name)
                    raise
            self._engine.swap(classifier)
            return path.name

    async def discard(self, name: str) -> None:
        """Deletes a checkpoint.

        Raises UnusableCheckpointError: there is none of that name, it is the one that answers, or
        the disk does not let go of it.
        """
        async with self._changing:
            with _told():
                await asyncio.to_thread(checkpoint.discard, name)


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
def _told() -> Iterator[None]:
    """Raises the trainer's refusals as the bot's."""
    try:
        yield
    except CheckpointError as error:
        raise UnusableCheckpointError(str(error)) from None
