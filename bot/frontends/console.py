"""A conversation in the terminal; without a terminal, plain answers to the lines it reads."""

import string
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory
from rich.console import Console
from rich.text import Text

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.conversation.why import Explanation, Mark, Part
from bot.frontends.lines import read_lines, write_lines
from bot.sentences.responses import Kind

REMEMBERED = 100
"""Maximum reviews in `history`; kept in memory only, until the conversation ends."""

LOOK_SECONDS = 2.0
"""Minimum time between two checks for a newly promoted checkpoint, each before an answer."""

BAR_CELLS = 24
COLOURS = {"positive": "green", "negative": "red", "unsure": "yellow"}

WELCOME = "Hello! Tell me what you thought of a film. Type help to see what else I understand."
SILENCE = "(I don't reply to further insults.)"
GOODBYE = "Goodbye, and enjoy your next film!"
HELP = """\
Write a review and press Enter: I say what I make of it, and reply.
  why       the words of your last review that made me think so
  history   the reviews of this conversation (the arrow keys bring one back)
  help      this text
  quit      leave; so does Ctrl-D
A single word is a command; with more words, it is a review."""


class Screen(Protocol):
    """How a conversation looks."""

    def say(self, text: str) -> bool:
        """Shows a text of the program itself; False if there is no one to see it."""

    def reply(self, reply: Reply) -> bool:
        """Shows a verdict and the concierge's reply; False as above."""

    def why(self, explanation: Explanation) -> bool:
        """Shows which words decided a verdict; False as above."""


Look = Callable[[], Awaitable[None]]


async def _no_look() -> None:
    """Used if the model never changes."""


async def chat(concierge: Concierge, look: Look = _no_look) -> None:
    """Talks until `quit` or the end of input. Ctrl-C raises KeyboardInterrupt.

    `look` is awaited before an answer, now and then: it switches to a checkpoint that another
    process has promoted.
    """
    if sys.stdin and sys.stdin.isatty() and sys.stdout.isatty():
        terminal = Terminal()
        terminal.say(WELCOME)
        try:
            await _converse(concierge, terminal, _looking(_prompted(), look))
        finally:
            terminal.say(GOODBYE)
    else:
        await _converse(concierge, Plain(), _looking(_piped(), look))


async def _converse(concierge: Concierge, screen: Screen, lines: AsyncIterator[str]) -> None:
    history: deque[tuple[str, Reply]] = deque(maxlen=REMEMBERED)
    last: tuple[str, Reply] | None = None
    async for line in lines:
        match line.strip().lower().removeprefix("/"):
            case "quit":
                return
            case "help":
                heard = screen.say(HELP)
            case "history":
                heard = screen.say(_listing(history))
            case "why" | "why?":
                heard = await _why(concierge, screen, last)
            case word if line.lstrip().startswith("/") and word.isalpha():
                heard = screen.say(
                    f"There is no command /{word}; type help to see those there are."
                )
            case _:
                reply = await concierge.answer(line, place="terminal")
                if reply.verdict:
                    history.append((line, reply))
                if reply.is_judgement or reply.given is not None:
                    last = line, reply
                if reply.kind is Kind.WHY:  # there is no button here to point to
                    heard = await _why(concierge, screen, last)
                else:
                    heard = screen.say(SILENCE) if reply.repeated else screen.reply(reply)
        if not heard:
            return


async def _why(concierge: Concierge, screen: Screen, last: tuple[str, Reply] | None) -> bool:
    """Explains the last judged review, or says that the customer decided."""
    if last is None:
        return screen.say("There is no verdict to explain yet: write a review first.")
    text, reply = last
    if not reply.is_judgement:
        return screen.reply(concierge.say(Kind.EXPLAINED_WORD))
    explained = await concierge.explain(text, together=reply.together)
    if isinstance(explained, Reply):
        return screen.reply(explained)
    return screen.why(explained)


def _listing(history: deque[tuple[str, Reply]]) -> str:
    if not history:
        return "No reviews yet in this conversation."
    return "\n".join(
        f"{number:>3}. {_verdict(reply):<19} {_printable(text)}"
        for number, (text, reply) in enumerate(history, 1)
    )


def _verdict(reply: Reply) -> str:
    """ "positive 97%", "unsure 55% positive"; rounded down, because nothing is certain."""
    assert reply.verdict is not None
    label, probabilities = reply.verdict.label, reply.verdict.probabilities
    percent = f"{int(reply.verdict.confidence * 100)}%"
    if label in probabilities:
        return f"{label} {percent}"
    if len(set(probabilities.values())) == 1:
        return f"{label} {percent}"
    more_probable = max(probabilities, key=lambda name: probabilities[name])
    return f"{label} {percent} {more_probable}"


def _more_probable(explanation: Explanation) -> str:
    """Its class and percentage, as above."""
    return f"{explanation.label} {int(explanation.probabilities[explanation.label] * 100)}%"


def _reasons(explanation: Explanation) -> list[str]:
    """ "carried by: loved, every minute" and "against it: but", by descending weight."""
    carried = explanation.marked(Mark.STRONG, Mark.SLIGHT)
    against = explanation.marked(Mark.AGAINST)
    lines = [f"carried by: {_words(carried) if carried else 'no word alone, but all together'}"]
    lines += [f"against it: {_words(against)}"] if against else []
    return [*lines, *explanation.notes]


def _words(parts: list[Part]) -> str:
    bare = [_printable(part.text).strip(string.punctuation) or part.text for part in parts]
    return ", ".join(dict.fromkeys(bare))


def _printable(text: str) -> str:
    """Without control characters: a review from a pipe must not control the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


class Plain:
    """One line for each answer."""

    def say(self, text: str) -> bool:
        return write_lines([text])

    def reply(self, reply: Reply) -> bool:
        return write_lines([f"[{_verdict(reply)}] {reply.text}" if reply.verdict else reply.text])

    def why(self, explanation: Explanation) -> bool:
        return write_lines([f"[{_more_probable(explanation)}] {'; '.join(_reasons(explanation))}"])


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

    def why(self, explanation: Explanation) -> bool:
        """The review in the colours of its words' weights, and the marked words in a list."""
        other = next(label for label in COLOURS if label != explanation.label)
        styles = {
            Mark.STRONG: f"bold underline {COLOURS[explanation.label]}",
            Mark.SLIGHT: COLOURS[explanation.label],
            Mark.AGAINST: f"italic {COLOURS[other]}",
            Mark.NONE: "",
        }
        words = [Text(_printable(part.text), styles[part.mark]) for part in explanation.parts]
        self._console.print(Text(f"{_more_probable(explanation)}:", "bold"), Text(" ").join(words))
        return self.say("\n".join(_reasons(explanation)) + "\n")

    def _gauge(self, reply: Reply) -> Text:
        """A word, a bar and a percentage: "positive ██████████████████░░░░░░ 78%"."""
        assert reply.verdict is not None
        word, percent = _verdict(reply).split(maxsplit=1)
        gauge = Text(word, style=f"bold {COLOURS[word]}")
        cells = min(BAR_CELLS, self._console.width - len(word) - len(percent) - len(" ") * 2)
        if cells > 0:
            full = round(cells * reply.verdict.confidence)
            block, rest = "█░" if self._console.encoding.startswith("utf") else "#-"
            gauge.append(" " + block * full, style=COLOURS[word])
            gauge.append(rest * (cells - full), style="dim")
        return gauge.append(" " + percent, style="bold")


async def _prompted() -> AsyncIterator[str]:
    """What the person at the terminal types, until Ctrl-D."""
    # In memory: customers' texts must not be written to a file.
    session: PromptSession[str] = PromptSession(history=InMemoryHistory())
    # Some terminals do not report the cursor position: that is harmless, so no warning.
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


async def _looking(lines: AsyncIterator[str], look: Look) -> AsyncIterator[str]:
    looked = time.monotonic()
    async for line in lines:
        if time.monotonic() - looked >= LOOK_SECONDS:
            await look()
            looked = time.monotonic()
        yield line
