"""A changed responses.yaml is read beside the event loop, on which customers are answered."""

import threading

import pytest

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.operations.sentences import Sentences
from bot.sentences.responses import Responses, default_responses_file
from tests.bot.stub import KeywordClassifier


async def test_the_file_is_read_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    file = default_responses_file()
    responses = Responses.load(file, "a help line")
    threads: list[threading.Thread] = []

    def load(*_: object) -> Responses:
        threads.append(threading.current_thread())
        return responses

    async with Engine(KeywordClassifier()) as engine:
        sentences = Sentences(Concierge(engine, responses), file, "a help line")
        monkeypatch.setattr(Responses, "load", load)
        await sentences.reload()
    assert threads
    assert threading.main_thread() not in threads
