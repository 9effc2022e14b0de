"""What the concierge makes of messages that nothing was trained on or chosen by.

    python -m benchmarks.strangers --checkpoint checkpoints/NAME

The three lists beside this file were written for this and for nothing else: reviews as strangers
write them in a chat, messages that are no reviews, and messages in twelve other languages. Each
goes the way of a customer's message, through `Concierge.answer`.
"""

import asyncio
import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.concierge import Concierge, Reply
from bot.engine import Engine
from bot.responses import Responses, default_responses_file
from trainer.classifier import Classifier

LISTS = Path(__file__).parent
Answered = list[tuple[dict[str, str], Reply]]
"""Rows of a list, each with the reply to its text."""


async def answer(checkpoint: Path, name: str) -> Answered:
    """The replies to one list."""
    with (LISTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    async with Engine(Classifier.load(checkpoint)) as engine:
        concierge = Concierge(engine, Responses.load(default_responses_file()))
        replies = await asyncio.gather(*(concierge.answer(row["text"]) for row in rows))
    return list(zip(rows, replies, strict=True))


def share(answered: Iterable[tuple[dict[str, str], Reply]], kinds: Iterable[str]) -> str:
    """How many got a reply of one of these kinds: "17 of 20, 85%"."""
    answered, kinds = list(answered), set(kinds)
    found = sum(reply.kind in kinds for _, reply in answered)
    return f"{found} of {len(answered)}, {found / len(answered):.0%}"


def grouped(answered: Answered, column: str) -> dict[str, Answered]:
    """The list by the values of one column."""
    groups: dict[str, Answered] = defaultdict(list)
    for row, reply in answered:
        groups[row[column]].append((row, reply))
    return groups


def likelier(reply: Reply) -> str | None:
    """The likelier class, also where the answer is "unsure"."""
    if reply.verdict is None:
        return None
    return max(reply.verdict.probabilities, key=reply.verdict.probabilities.__getitem__)


def print_reviews(console: Console, answered: Answered) -> None:
    """Verdicts on the reviews, by what makes them hard."""
    table = Table(
        "reviews", "likelier class is right", "unsure", "right of the verdicts given", "no review"
    )
    for group, members in {**grouped(answered, "group"), "all but mixed": answered}.items():
        if group == "all but mixed":
            members = [pair for pair in members if pair[0]["label"] != "unsure"]
        decided = [pair for pair in members if pair[0]["label"] != "unsure"]
        right = sum(likelier(reply) == row["label"] for row, reply in decided)
        given = [(row, reply) for row, reply in decided if reply.kind in ("positive", "negative")]
        correct = sum(reply.kind == row["label"] for row, reply in given)
        table.add_row(
            group,
            f"{right} of {len(decided)}, {right / len(decided):.0%}" if decided else "-",
            share(members, ["unsure"]),
            f"{correct} of {len(given)}, {correct / len(given):.0%}" if given else "-",
            share(members, ["off_topic", "foreign"]),
        )
    console.print(table)


def main(
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint's folder.", metavar="DIR")],
) -> None:
    """Print what the concierge makes of the three lists."""
    console = Console(width=120)
    print_reviews(console, asyncio.run(answer(checkpoint, "reviews")))
    for name, column, kinds in (
        ("not_reviews", "kind", ("off_topic", "foreign", "wordless")),
        ("languages", "language", ("foreign",)),
    ):
        answered = asyncio.run(answer(checkpoint, name))
        table = Table(name, f"recognised ({', '.join(kinds)})", "thanked or consoled", "unsure")
        for group, members in {**grouped(answered, column), "all": answered}.items():
            judged = share(members, ["positive", "negative"])
            table.add_row(group, share(members, kinds), judged, share(members, ["unsure"]))
        console.print(table)


if __name__ == "__main__":
    typer.run(main)
