"""How often the concierge understands an answer to one of its questions.

    python -m benchmarks.answers --checkpoint checkpoints/NAME

`tests/conversations/answers.csv` has natural answers, each with the question, the meaning of a yes
to it, and the intended side; "other" is not an answer. A fixed rule splits it: the rules of
`bot.conversation.answers` were written with the first half at hand, and are judged on the second.
With --development, the first half is judged, and each answer that was not understood is printed.
With --stranger, a list by somebody who had not seen the rules is judged: all of
`benchmarks/strangers/answers.csv`.
"""

import asyncio
import csv
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.conversation.concierge import Concierge
from bot.conversation.questions import Expected, HeldQuestion, HeldQuestions
from bot.conversation.reply import Reply
from bot.engine import Engine
from bot.sentences.kinds import Side
from bot.sentences.responses import Responses, default_responses_file
from trainer.errors import TrainerError
from trainer.model.classifier import Classifier

LIST = Path(__file__).parents[1] / "tests" / "conversations" / "answers.csv"

STRANGERS_LIST = Path(__file__).parent / "strangers" / "answers.csv"

LEANS_LOG_ODDS = math.log(0.75 / 0.25)
"""How far the bot leans if its question names a side: between its two thresholds."""

CONFIRMATIONS = ("right?", "understood you?")
"""The endings of questions that name a side."""

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Row:
    """One answer and its intended meaning."""

    question: str
    yes: Side | None
    answer: str
    side: str

    @property
    def is_held_out(self) -> bool:
        """Whether it is in the half that was not used for writing rules."""
        return zlib.crc32(self.answer.encode()) % 2 == 1

    def held(self) -> HeldQuestion:
        """The question that waits for this answer."""
        asks_whether_right = self.question.endswith(CONFIRMATIONS)
        lean = {Side.POSITIVE: LEANS_LOG_ODDS, Side.NEGATIVE: -LEANS_LOG_ODDS}
        return HeldQuestion.of(
            self.question, self.yes, lean[self.yes] if self.yes and asks_whether_right else 0.0
        )

    def outcome(self, reply: Reply) -> str:
        """Whether the reply takes the intended side, asks, or takes another side."""
        if self.side == OTHER:
            return "understood" if reply.given is None else "misread"
        if reply.given is None:
            return "asked again" if reply.question is not None else "misread"
        if reply.given == self.side:
            return "understood"
        return "turned round" if reply.given.opposite == self.side else "misread"


OUTCOMES = ("understood", "asked again", "misread", "turned round")


def read(file: Path) -> list[Row]:
    """The answers of a list."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [
            Row(
                row["question"],
                Side(row["yes"]) if row["yes"] else None,
                row["answer"],
                row["side"],
            )
            for row in csv.DictReader(opened)
        ]


def read_half(held_out: bool) -> list[Row]:
    """One half of the answers in `LIST`."""
    return [row for row in read(LIST) if row.is_held_out == held_out]


def load_classifier(checkpoint: Path) -> Classifier:
    """The classifier of a checkpoint; BadParameter if it cannot be loaded."""
    try:
        return Classifier.load(checkpoint)
    except TrainerError as error:
        raise typer.BadParameter(str(error)) from error


async def reply_to_each(
    classifier: Classifier, messages: Sequence[tuple[Expected, str]]
) -> list[Reply]:
    """The reply to each message of another customer, who has just got what it may refer to."""
    responses = Responses.load(default_responses_file())
    async with Engine(classifier) as engine:
        questions = HeldQuestions()
        concierge = Concierge(engine, responses, questions=questions)
        for number, (expected, _) in enumerate(messages):
            questions.hold((number, number), expected)
        return await asyncio.gather(
            *(
                concierge.answer(text, customer=number, place=number)
                for number, (_, text) in enumerate(messages)
            )
        )


def main(
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint's folder.", metavar="DIR")],
    development: Annotated[
        bool, typer.Option(help="Judge the half that the rules were written with.")
    ] = False,
    stranger: Annotated[
        bool, typer.Option(help="Judge the list by somebody who had not seen the rules.")
    ] = False,
) -> None:
    """Print how many answers are understood, question by question."""
    classifier = load_classifier(checkpoint)
    rows = read(STRANGERS_LIST) if stranger else read_half(held_out=not development)
    replies = asyncio.run(reply_to_each(classifier, [(row.held(), row.answer) for row in rows]))
    judged = [(row, row.outcome(reply), reply) for row, reply in zip(rows, replies, strict=True)]
    console = Console(width=120)
    table = Table("answers to", "answers", *OUTCOMES)
    for question in [*dict.fromkeys(row.question for row in rows), "all"]:
        found = [how for row, how, _ in judged if question in (row.question, "all")]
        shares = [f"{found.count(outcome) / len(found):.1%}" for outcome in OUTCOMES]
        table.add_row(question, str(len(found)), *shares)
    console.print(table)
    if development:
        for row, how, reply in judged:
            if how != "understood":
                console.print(
                    f"{how}: {row.answer!r} to {row.question[-40:]!r} means {row.side}, "
                    f"got {reply.kind}",
                    markup=False,
                )


if __name__ == "__main__":
    typer.run(main)
