"""The terminal conversation, without a terminal; tests/bot/test_main.py sits at a real one."""

import io
import re
import sys
from pathlib import Path

import pytest

from bot.conversation.concierge import Concierge
from bot.conversation.why import Explanation
from bot.frontends import console
from tests.bot.stub import OTHER_KINDS
from tests.marker import MARKER, marked, write_input


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
        # What begins with a slash, or is a word alone, may be a command.
        lines = [line if re.match(r"/|\S*$", line) else marked(line) for line in text.split("\n")]
        write_input(self._typed, "\n".join(lines))
        with self._typed.open("rb") as stdin:
            self._monkeypatch.setattr("bot.frontends.lines.STDIN", stdin.fileno())
            await console.chat(self._concierge)
        said = self._capture.readouterr().out.decode().splitlines()
        # The history shows them, with the marker.
        return [line.replace(f"{MARKER} ", "") for line in said]


@pytest.fixture
def say(
    concierge: Concierge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Conversation:
    return Conversation(concierge, tmp_path / "typed", monkeypatch, capsysbinary)


async def test_a_question_for_reasons_is_answered_as_the_command_is(say: Conversation) -> None:
    typed = "a great film\nwhy??\nhalf great\n👍\nhow-come?"
    _, explained, *_, own_words = await say(typed)
    assert explained == (await say("a great film\nwhy"))[1]
    assert "carried by: great" in explained
    assert own_words == "a explained_word sentence"


async def test_each_line_is_answered_and_the_end_of_file_ends(say: Conversation) -> None:
    typed = "a great film\nso dull\n\nhalf great\nhello there\n最高の映画\nno end of line"
    assert await say(typed) == [
        "[positive 90%] a positive sentence",
        "[negative 90%] a negative sentence",
        "a empty sentence",
        "[unsure 60% positive] a unsure sentence",
        "a greeting sentence",
        "a foreign sentence",
        "[negative 90%] a negative sentence",
    ]


async def test_what_is_no_review_gets_the_sentence_alone(say: Conversation) -> None:
    said = await say("\n".join(OTHER_KINDS.values()))
    assert said == [f"a {kind} sentence" for kind in OTHER_KINDS]
    assert await say("why\n") == ["There is no verdict to explain yet: write a review first."]


async def test_a_command_is_a_word_alone(say: Conversation) -> None:
    assert len(await say("I quit after ten minutes\nQUIT\na great film\n")) == 1
    assert await say("/quit\na great film\n") == []
    assert await say("/qiut\n") == ["There is no command /qiut; type help to see those there are."]
    assert len(await say("/10 would not watch again\n")) == 1
    assert "arrow keys" in "\n".join(await say("help\n"))


async def test_history_lists_the_reviews_so_far(say: Conversation) -> None:
    typed = "history\na great film\n\nso \x1b[31mdull\nhello there\nhalf great\nhistory\n"
    said = await say(typed)
    assert said[0] == "No reviews yet in this conversation."
    assert said[-3:] == [
        "  1. positive 90%        a great film",
        "  2. negative 90%        so  [31mdull",
        "  3. unsure 60% positive half great",
    ]


async def test_why_tells_the_words_of_the_last_verdict(say: Conversation) -> None:
    assert await say("why\n") == ["There is no verdict to explain yet: write a review first."]
    said = await say("a great, great film\nWhat a great \x1b[31m(film)!\n!!\nwhy?\nso dull\n/why\n")
    assert said[3] == "[positive 90%] carried by: great"
    assert said[5] == "[negative 90%] carried by: no word alone, but all together"


async def test_why_marks_the_words_in_the_terminal(
    concierge: Concierge, monkeypatch: pytest.MonkeyPatch
) -> None:
    explanation = await concierge.explain("a great film, but [dull]\x1b[31m")
    assert isinstance(explanation, Explanation)
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, "utf-8", write_through=True))
    monkeypatch.setenv("NO_COLOR", "1")
    console.Terminal().why(explanation)
    assert content.getvalue().decode() == (
        "positive 90%: a great film, but [dull] [31m\ncarried by: great\n\n"
    )
    content.truncate(0)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    console.Terminal().why(explanation)
    assert "\x1b[1;4;32mgreat\x1b[0m" in content.getvalue().decode()


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("a great film", 80, "positive " + "█" * 22 + "░" * 2 + " 90%"),
        ("a great film", 24, "positive " + "█" * 10 + "░" + " 90%"),
        ("a great film", 13, "positive 90%"),
        ("half great", 80, "unsure " + "█" * 14 + "░" * 10 + " 60% positive"),
        ("hello there", 80, "a greeting sentence"),
    ],
)
async def test_the_verdict_is_a_word_a_bar_and_a_number(
    concierge: Concierge,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    columns: int,
    expected: str,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, "utf-8", write_through=True))
    console.Terminal().reply(await concierge.answer(text))
    printed = content.getvalue().decode()
    assert printed.startswith(expected + "\n")
    assert "\x1b" not in printed
