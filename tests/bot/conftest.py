"""What the bot's tests share."""

import inspect
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import simcord

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.sentences.responses import Kind, Responses
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer
from tests.marker import marked

LOGGERS = (None, "bot", "discord", "discord.client", "uvicorn")


@pytest.fixture
def classifier() -> KeywordClassifier:
    return KeywordClassifier()


@pytest.fixture
def responses() -> Responses:
    """One sentence of each kind, which names it."""
    return Responses({kind: [f"a {kind} sentence"] for kind in Kind})


@pytest.fixture
async def concierge(
    classifier: KeywordClassifier, responses: Responses
) -> AsyncIterator[Concierge]:
    async with Engine(classifier) as engine:
        yield Concierge(engine, responses)


@pytest.fixture(autouse=True)
def _customers_write_the_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test lets somebody write on either Discord; `dm` calls `say`."""
    for owner, name in (
        *((DiscordServer, name) for name in ("say", "slash", "edit")),
        *((simcord.MemberActor, name) for name in ("send", "send_dm", "slash")),
    ):
        monkeypatch.setattr(owner, name, _marking(getattr(owner, name)))


def _marking(write: Callable[..., Any]) -> Callable[..., Any]:
    """The same, with the marker in its argument `content` or `text`, or its option `text`."""

    def write_marked(*args: Any, **others: Any) -> Any:
        call = inspect.signature(write).bind(*args, **others)
        for name, value in call.arguments.items():
            if name in ("content", "text"):
                call.arguments[name] = marked(value)
            elif name == "options" and "text" in value:
                call.arguments[name] = {**value, "text": marked(value["text"])}
        return write(*call.args, **call.kwargs)

    return write_marked


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """Undoes bot.logs.configure, which is for a whole process."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.handlers[:], logger.filters[:]) for logger in loggers]
    yield
    for logger, (level, handlers, filters) in zip(loggers, before, strict=True):
        if logger.level != level:  # setting it visits every logger of the process
            logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.filters[:] = filters


@pytest.fixture(scope="session")
def roomy_encoder(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """`tiny_encoder` for reviews as long as the trainer takes by default, as /train does."""
    # Imported here: it takes seconds, and few of the bot's tests need it.
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    path = tmp_path_factory.mktemp("roomy") / "tiny"
    shutil.copytree(tiny_encoder, path)
    settings = path / "tokenizer_config.json"
    settings.write_text(
        settings.read_text().replace('"model_max_length": 64', '"model_max_length": 128')
    )
    config = DistilBertConfig.from_pretrained(tiny_encoder, max_position_embeddings=128)
    DistilBertForSequenceClassification(config).save_pretrained(path)
    return path
