"""What the bot replies to customers whom it has just misread, and to others.

    python -m benchmarks.misread --checkpoint checkpoints/NAME

Each message of a list follows a verdict that was wrong: its author liked the film, or did not, or
had written about something else. Both lists are by people who had seen neither the rules nor the
training data. No rule was written for a message of `benchmarks/strangers/misread.csv`, but it was
judged several times while the rules of `bot.conversation.subject` changed. With --development,
`tests/conversations/misread.csv` is judged, which was at hand while they were written, and each
message that did not get a fitting reply is printed.

The rules must not withdraw verdicts that are right: the messages of
`tests/conversations/understood.csv` follow such verdicts, and none of them corrects the bot. That
list was at hand as well.
"""

import asyncio
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.answers import load_classifier, reply_to_each
from bot.conversation.questions import GivenVerdict
from bot.conversation.reply import Reply
from bot.sentences.kinds import Kind, Side

DEVELOPMENT = Path(__file__).parents[1] / "tests" / "conversations" / "misread.csv"

UNDERSTOOD_LIST = DEVELOPMENT.with_name("understood.csv")

STRANGERS = Path(__file__).parent / "strangers" / "misread.csv"

_FITTING = {
    "service": {Kind.SERVICE, Kind.PERSON},
    "question": {Kind.QUESTION, Kind.SERVICE, Kind.PERSON},  # each of them points to the team
    "off_topic": {Kind.OFF_TOPIC},
}
"""The kinds of reply that fit what is not about a film."""
_OPEN = ("unclear", "other_film")
"""Messages that say only that the bot is wrong, or that it thinks of another film."""

UNDERSTOOD, ASKED, WRONG = OUTCOMES = (
    "understood",
    "asked how they liked the film",
    "misread again",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A message, what the one before it was taken for, and what this one is about."""

    taken_for: Side
    message: str
    about: str

    def outcome(self, reply: Reply) -> str:
        """Whether the reply fits, asks, or does not fit."""
        asks = reply.question is not None
        if self.about in _OPEN:
            return UNDERSTOOD if asks else WRONG
        if reply.kind in _FITTING.get(self.about, ()) or reply.given == self.about:
            return UNDERSTOOD
        return ASKED if asks else WRONG


def read(file: Path) -> list[Row]:
    """The messages of a list."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [
            Row(Side(row["taken_for"]), row["message"], row["about"])
            for row in csv.DictReader(opened)
        ]


def main(
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint's folder.", metavar="DIR")],
    development: Annotated[
        bool, typer.Option(help="Judge the list that the rules were written with.")
    ] = False,
) -> None:
    """Print how many messages get a reply that fits, by what they are about."""
    classifier = load_classifier(checkpoint)
    rows = read(DEVELOPMENT if development else STRANGERS)
    right = read(UNDERSTOOD_LIST)
    messages = [(GivenVerdict(row.taken_for, True), row.message) for row in (*rows, *right)]
    all_replies = asyncio.run(reply_to_each(classifier, messages))
    replies = all_replies[: len(rows)]
    withdrawn = sum(reply.withdrawn is not None for reply in all_replies[len(rows) :])
    outcomes = [row.outcome(reply) for row, reply in zip(rows, replies, strict=True)]
    console = Console(width=120)
    table = Table("about", "messages", *OUTCOMES)
    for about in [*dict.fromkeys(row.about for row in rows), "all"]:
        found = [
            outcome
            for row, outcome in zip(rows, outcomes, strict=True)
            if about in (row.about, "all")
        ]
        table.add_row(about, str(len(found)), *(str(found.count(each)) for each in OUTCOMES))
    console.print(table)
    console.print(f"Of {len(right)} right verdicts, {withdrawn} are withdrawn.")
    if development:
        for row, outcome, reply in zip(rows, outcomes, replies, strict=True):
            if outcome != UNDERSTOOD:
                console.print(
                    f"{outcome}: {row.message!r} is about {row.about}, got {reply.kind}",
                    markup=False,
                )


if __name__ == "__main__":
    typer.run(main)
