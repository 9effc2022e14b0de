"""How often a review is taken for a message of somebody in distress.

    python -m benchmarks.false_alarms --set path/to/imdb/train.parquet --set path/to/tweets/dev.csv
    python -m benchmarks.false_alarms --set path/to/blogs/dev.csv --checkpoint checkpoints/NAME

By the words that decide alone (`trainer.model.statements`), or with a checkpoint as
`Concierge.answer` decides, which takes an hour for 40,000 reviews on one core. Rows with the label
`neutral` are skipped.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.transfer import read
from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.sentences.kinds import Kind
from bot.sentences.responses import Responses, default_responses_file
from trainer.model.classifier import Classifier
from trainer.model.kinds import MAX_FALSE_ALARMS
from trainer.model.statements import states_distress

AT_ONCE = 64
"""Reviews that wait for the engine together."""


async def answered(texts: Sequence[str], checkpoint: Path) -> int:
    """How many of the texts get the reply to distress."""
    found = 0
    async with Engine(Classifier.load(checkpoint)) as engine:
        concierge = Concierge(engine, Responses.load(default_responses_file()))
        for start in range(0, len(texts), AT_ONCE):
            replies = await asyncio.gather(*map(concierge.answer, texts[start : start + AT_ONCE]))
            found += sum(reply.kind is Kind.DISTRESS for reply in replies)
    return found


def main(
    sets: Annotated[list[Path], typer.Option("--set", help="A labelled file; repeat it for more.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="The checkpoint's folder.", metavar="DIR")
    ] = None,
) -> None:
    """Print how many texts of each set are taken for distress, and of all together."""
    every = taken = 0
    for path in sets:
        texts = [review.text for review in read(path)]
        if checkpoint is None:
            found = sum(map(states_distress, texts))
        else:
            found = asyncio.run(answered(texts, checkpoint))
        print(f"{path.parent.name}/{path.name}: {found} of {len(texts):,}")
        every, taken = every + len(texts), taken + found
    print(f"all: {taken} of {every:,}; allowed: {int(MAX_FALSE_ALARMS * every)}")


if __name__ == "__main__":
    typer.run(main)
