"""Loads a checkpoint and tries it, so that a faulty one never serves."""

from pathlib import Path

from bot.errors import UnusableCheckpointError
from bot.logs import whereabouts
from trainer.model.checkpoint import CheckpointError
from trainer.model.classifier import Classifier, RuntimeName

_TRIAL = "A film."
"""A first text through the model shows that it works, and saves the first customer the delay."""


def load_and_try(
    path: Path, runtime: RuntimeName = RuntimeName.AUTO, threads: int | None = None
) -> Classifier:
    """The checkpoint at `path`; takes seconds.

    Raises CheckpointError: it is damaged; UnusableCheckpointError: it judges no text.
    """
    try:
        classifier = Classifier.load(path, runtime, threads)
        classifier([_TRIAL])
    except CheckpointError:
        raise
    except Exception as error:  # whatever a faulty model raises
        raise UnusableCheckpointError(
            f"{path.name} is unchanged, but cannot be used ({whereabouts(error)})."
        ) from None
    return classifier
