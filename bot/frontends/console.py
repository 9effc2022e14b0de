"""A conversation in the terminal; where nobody sits at one, plain answers to the lines it reads."""

import sys
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory
from rich.console import Console
from rich.text import Text

from bot.concierge import Concierge, Reply
from bot.frontends.lines import read_lines, write_lines

REMEMBERED = 100
"""Reviews that `history` lists; kept in memory only, and gone with the conversation."""

BAR_CELLS = 24
COLOURS = {"positive": "green", "negative": "red"}

WELCOME = "Hello! Tell me what you thought of a film. Type help to see what else I understand."
GOODBYE = "Goodbye, and enjoy your next film!"
HELP = """\
Write a review and press Enter: I say what I make of it, and reply.
  history   the reviews of this conversation (the arrow keys bring one back)
  help      this text
  quit      leave; so does Ctrl-D
A word alone is a command; with anything beside it, it is a review."""


class Screen(Protocol):
    """How a conversation looks."""

    def say(self, text: str) -> bool:
        """Shows a text of the program's own; False when nobody is there to see it."""

    def reply(self, reply: Reply) -> bool:
        """Shows a verdict and what the concierge replies; False as above."""


async def chat(concierge: Concierge) -> None:
    """Talks until `quit` or the end of input. Ctrl-C raises KeyboardInterrupt."""
    if sys.stdin and sys.stdin.isatty() and sys.stdout.isatty():
        terminal = Terminal()
        terminal.say(WELCOME)
        try:
            await _converse(concierge, terminal, _prompted())
        finally:
            terminal.say(GOODBYE)
    else:
        await _converse(concierge, Plain(), _piped())


async def _converse(concierge: Concierge, screen: Screen, lines: AsyncIterator[str]) -> None:
    history: deque[tuple[str, Reply]] = deque(maxlen=REMEMBERED)
    async for line in lines:
        match line.strip().lower().removeprefix("/"):
            case "quit":
                return
            case "help":
                heard = screen.say(HELP)
            case "history":
                heard = screen.say(_listing(history))
            case word if line.lstrip().startswith("/") and word.isalpha():
                heard = screen.say(
                    f"There is no command /{word}; type help to see those there are."
                )
            case _:
                reply = await concierge.answer(line)
                if reply.verdict:
                    history.append((line, reply))
                heard = screen.reply(reply)
        if not heard:
            return


def _listing(history: deque[tuple[str, Reply]]) -> str:
    if not history:
        return "No reviews yet in this conversation."
    return "\n".join(
        f"{number:>3}. {_verdict(reply):<14} {_printable(text)}"
        for number, (text, reply) in enumerate(history, 1)
    )


def _verdict(reply: Reply) -> str:
    """ "positive 97%"; rounded down, because nothing is certain."""
    assert reply.verdict is not None
    return f"{reply.verdict.label} {int(reply.verdict.confidence * 100)}%"


def _printable(text: str) -> str:
    """Without control characters: a review from a pipe is not to steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


class Plain:
    """One line for each answer."""

    def say(self, text: str) -> bool:
        return write_lines([text])

    def reply(self, reply: Reply) -> bool:
        return write_lines([f"[{_verdict(reply)}] {reply.text}" if reply.verdict else reply.text])


class Terminal:
    """Colours and a bar; readable without either (NO_COLOR, narrow windows, old encodings)."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)

    def say(self, text: str) -> bool:
        self._console.print(text)
        return True

    def reply(self, reply: Reply) -> bool:
        if reply.verdict:
            self._console.print(self._gauge(reply))
        return self.say(reply.text + "\n")

    def _gauge(self, reply: Reply) -> Text:
        """A word, a bar and a percentage: "positive ██████████████████░░░░░░ 78%"."""
        assert reply.verdict is not None
        word, percent = _verdict(reply).split()
        gauge = Text(word, style=f"bold {COLOURS[word]}")
        cells = min(BAR_CELLS, self._console.width - len(word) - len(" ") * 2 - len("100%"))
        if cells > 0:
            full = round(cells * reply.verdict.confidence)
            block, rest = "█░" if self._console.encoding.startswith("utf") else "#-"
            gauge.append(" " + block * full, style=COLOURS[word])
            gauge.append(rest * (cells - full), style="dim")
        return gauge.append(" " + percent, style="bold")


async def _prompted() -> AsyncIterator[str]:
    """What the person at the terminal types, until Ctrl-D."""
    # In memory: what somebody wrote is nothing for a file.
    session: PromptSession[str] = PromptSession(history=InMemoryHistory())
    # Some terminals cannot tell where the cursor is: no harm here, so no warning.
    session.app.renderer.cpr_not_supported_callback = None
    while True:
        try:
            yield await session.prompt_async("You: ")
        except EOFError:
            return


async def _piped() -> AsyncIterator[str]:
    async for batch in read_lines():
        for line in batch:
            yield line
