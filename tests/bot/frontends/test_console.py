"""The terminal conversation, without a terminal; tests/bot/test_main.py sits at a real one."""

import io
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.concierge import Concierge
from bot.engine import Engine
from bot.frontends import console
from bot.responses import Responses
from tests.bot.stub import KeywordClassifier


class Conversation:
    """Pipes what is typed into a chat, and returns the lines that the bot prints."""

    def __init__(
        self,
        concierge: Concierge,
        typed: Path,
        monkeypatch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[bytes],
    ) -> None:
        self._concierge, self._typed = concierge, typed
        self._monkeypatch, self._capture = monkeypatch, capture

    async def __call__(self, text: str) -> list[str]:
        self._typed.write_text(text, "utf-8")
        with self._typed.open("rb") as stdin:
            self._monkeypatch.setattr("bot.frontends.lines.STDIN", stdin.fileno())
            await console.chat(self._concierge)
        return self._capture.readouterr().out.decode().splitlines()


@pytest.fixture
async def concierge(
    classifier: KeywordClassifier, responses: Responses
) -> AsyncIterator[Concierge]:
    async with Engine(classifier) as engine:
        yield Concierge(engine, responses)


@pytest.fixture
def say(
    concierge: Concierge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Conversation:
    return Conversation(concierge, tmp_path / "typed", monkeypatch, capsysbinary)


async def test_each_line_is_answered_and_the_end_of_file_ends(say: Conversation) -> None:
    assert await say("a great film\nso dull\n\nno end of line") == [
        "[positive 90%] a positive sentence",
        "[negative 90%] a negative sentence",
        "a empty sentence",
        "[negative 90%] a negative sentence",
    ]


async def test_a_command_is_a_word_alone(say: Conversation) -> None:
    assert len(await say("I quit after ten minutes\nQUIT\na great film\n")) == 1
    assert await say("/quit\na great film\n") == []
    assert await say("/qiut\n") == ["There is no command /qiut; type help to see those there are."]
    assert len(await say("/10 would not watch again\n")) == 1
    assert "arrow keys" in "\n".join(await say("help\n"))


async def test_history_lists_the_reviews_so_far(say: Conversation) -> None:
    said = await say("history\na great film\n\nso \x1b[31mdull\nhistory\n")
    assert said[0] == "No reviews yet in this conversation."
    assert said[-2:] == ["  1. positive 90%   a great film", "  2. negative 90%   so  [31mdull"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (80, "positive " + "█" * 22 + "░" * 2 + " 90%"),
        (24, "positive " + "█" * 9 + "░" + " 90%"),
        (14, "positive 90%"),
    ],
)
async def test_the_verdict_is_a_word_a_bar_and_a_number(
    concierge: Concierge, monkeypatch: pytest.MonkeyPatch, columns: int, expected: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, "utf-8", write_through=True))
    console.Terminal().reply(await concierge.answer("a great film"))
    printed = content.getvalue().decode()
    assert printed.startswith(expected + "\n")
    assert "\x1b" not in printed
