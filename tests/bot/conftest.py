"""What the bot's tests share."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import DistilBertConfig, DistilBertForSequenceClassification

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


@pytest.fixture(scope="session")
def roomy_encoder(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """`tiny_encoder` for reviews as long as the trainer takes by default, as /train does."""
    path = tmp_path_factory.mktemp("roomy") / "tiny"
    shutil.copytree(tiny_encoder, path)
    settings = path / "tokenizer_config.json"
    settings.write_text(
        settings.read_text().replace('"model_max_length": 64', '"model_max_length": 128')
    )
    config = DistilBertConfig.from_pretrained(tiny_encoder, max_position_embeddings=128)
    DistilBertForSequenceClassification(config).save_pretrained(path)
    return path
