"""How the concierge handles messages that were not used to train or choose anything.

    python -m benchmarks.strangers --checkpoint checkpoints/NAME

The lists next to this file were written only for this, by writers who had not seen the training
data. `chat`: what 60 invented people would type about what they saw. `kinds`: what people would
type to a bot of a cinema, a streaming service or a fan server. `distress`: messages of people in
distress. `figures`: reviews with death and pain as figures of speech or as a film's subject.
`reviews`, `not_reviews` and `languages` are older, by the writer of the first starter reviews. Each
message is processed like a customer's, through `Concierge.answer`.
"""

import asyncio
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.engine import Engine
from bot.sentences.responses import Responses, default_responses_file
from trainer.model.classifier import Classifier
from trainer.model.kinds import KINDS, REVIEW

LISTS = Path(__file__).parent
DISMISSALS = (*(kind for kind in KINDS if kind != REVIEW), "foreign", "wordless", "goodbye")
Answered = list[tuple[dict[str, str], Reply]]
"""Rows of a list, each with the reply to its text."""


async def answer(checkpoint: Path, name: str) -> Answered:
    """The replies to the messages of one list."""
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
    """The list grouped by the values of one column."""
    groups: dict[str, Answered] = defaultdict(list)
    for row, reply in answered:
        groups[row[column]].append((row, reply))
    return groups


def more_probable(reply: Reply) -> str | None:
    """The more probable class, even if the answer is "unsure"."""
    if reply.verdict is None:
        return None
    return max(reply.verdict.probabilities, key=reply.verdict.probabilities.__getitem__)


def print_reviews(console: Console, name: str, answered: Answered) -> None:
    """Verdicts on the reviews of a list, by what makes them hard."""
    table = Table(
        name, "more probable class is right", "unsure", "right of the verdicts given", "dismissed"
    )
    for group, members in {**grouped(answered, "group"), "all but mixed": answered}.items():
        if group == "all but mixed":
            members = [pair for pair in members if pair[0]["label"] != "unsure"]
        decided = [pair for pair in members if pair[0]["label"] != "unsure"]
        right = sum(more_probable(reply) == row["label"] for row, reply in decided)
        given = [(row, reply) for row, reply in decided if reply.kind in ("positive", "negative")]
        correct = sum(reply.kind == row["label"] for row, reply in given)
        table.add_row(
            group,
            f"{right} of {len(decided)}, {right / len(decided):.0%}" if decided else "-",
            share(members, ["unsure"]),
            f"{correct} of {len(given)}, {correct / len(given):.0%}" if given else "-",
            share(members, DISMISSALS),
        )
    console.print(table)


def print_chat(console: Console, answered: Answered) -> None:
    """The shares of right, asked, dismissed and wrong among chat messages that have a verdict."""
    decided = [pair for pair in answered if pair[0]["label"] != "unsure"]
    counts = Counter(
        "right"
        if reply.kind == row["label"]
        else "asked"
        if reply.kind == "unsure"
        else "wrong"
        if reply.kind in ("positive", "negative")
        else "dismissed"
        for row, reply in decided
    )
    shares = ", ".join(
        f"{name} {counts[name] / len(decided):.1%}"
        for name in ("right", "asked", "dismissed", "wrong")
    )
    console.print(f"chat, {len(decided)} messages with a verdict: {shares}\n")


def print_kinds(console: Console, answered: Answered) -> None:
    """How messages of each kind are recognised."""
    kinds = list(dict.fromkeys(row["kind"] for row, _ in answered))
    others = ("review", "foreign", "wordless", "goodbye")
    table = Table("kinds", "right", *kinds, *others)
    right = 0
    for kind, members in grouped(answered, "kind").items():
        found = Counter(
            "review" if reply.kind in ("positive", "negative", "unsure") else str(reply.kind)
            for _, reply in members
        )
        right += found[kind]
        counts = (str(found[each] or "") for each in (*kinds, *others))
        table.add_row(kind, f"{found[kind] / len(members):.0%}", *counts)
    console.print(table)
    console.print(f"kinds: {right} of {len(answered)} right, {right / len(answered):.1%}\n")


def print_distress(console: Console, checkpoint: Path) -> None:
    """How much distress is recognised, and how often a figure of speech is mistaken for it."""
    for plain, members in grouped(asyncio.run(answer(checkpoint, "distress")), "plain").items():
        words = "plain" if plain == "yes" else "roundabout"
        console.print(f"distress in {words} words: {share(members, ['distress'])}")
    figures = share(asyncio.run(answer(checkpoint, "figures")), ["distress"])
    console.print(f"figures of speech taken for distress: {figures}\n")


def main(
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint's folder.", metavar="DIR")],
) -> None:
    """Print how the concierge handles the lists."""
    console = Console(width=120)
    for name in ("chat", "reviews"):
        print_reviews(console, name, asyncio.run(answer(checkpoint, name)))
    print_chat(console, asyncio.run(answer(checkpoint, "chat")))
    print_kinds(console, asyncio.run(answer(checkpoint, "kinds")))
    print_distress(console, checkpoint)
    for name, column, kinds in (
        ("not_reviews", "kind", DISMISSALS),
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
