"""Whether texts can be judged."""

from bot.engine import Engine

STUCK_SECONDS = 30.0
"""A round is a third of a second of work. One that takes this long does not end."""

NO_MODEL = "No model is loaded yet."
STUCK = (
    "The model has not finished its last texts for half a minute: its worker hangs. Restart the "
    "process."
)
NO_WORKER = "The model's worker could not be started for the last texts. Restart the process."


def unready(engine: Engine | None) -> str | None:
    """Why no text can be judged now, as a sentence; None if one can.

    `engine` is None until a model is loaded.
    """
    if engine is None:
        return NO_MODEL
    if engine.round_seconds > STUCK_SECONDS:
        return STUCK
    return NO_WORKER if engine.worker_fails else None
