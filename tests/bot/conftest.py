"""What the bot's tests share."""

import logging
from collections.abc import Iterator

import pytest

from bot.responses import Kind, Responses
from tests.bot.stub import KeywordClassifier

LOGGERS = (None, "bot", "discord", "discord.client")


@pytest.fixture
def classifier() -> KeywordClassifier:
    return KeywordClassifier()


@pytest.fixture
def responses() -> Responses:
    """One sentence of each kind, which names it."""
    return Responses({kind: [f"a {kind} sentence"] for kind in Kind})


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """Undoes bot.logs.configure, which is for a whole process."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.handlers[:], logger.filters[:]) for logger in loggers]
    yield
    for logger, (level, handlers, filters) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.filters[:] = filters
