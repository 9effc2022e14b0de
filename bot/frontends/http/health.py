"""Whether texts can be judged."""

from bot.text_engine import TextEngine

NO_MODEL = "No model is loaded yet."


def unready(engine: TextEngine | None) -> str | None:
    """Why no text can be judged now, as a sentence; None if one can.

    `engine` is None until a model is loaded.
    """
    return NO_MODEL if engine is None else engine.trouble
