"""Speed, as tables of ours against the real libraries; also as JSON and a picture.

    make bench
    python -m benchmarks.speed --full --imdb path/to/imdb
    python -m benchmarks.speed --quick

Both sides run on the same machine, inputs and checkpoint, alternating, and each figure is a median.
The checkpoint has DistilBERT's size and random weights: speed does not depend on their values.
Takes about ten minutes on two cores; `--quick` only checks in seconds that everything works, with
meaningless figures.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import growth, inference, limit, machine, material, peers, start, training
from benchmarks.growth import Curve
from benchmarks.inference import Agreement
from benchmarks.machine import Machine
from benchmarks.timing import Row
from trainer.data.review_files import Review
from trainer.data.reviews import load_reviews, sample_balanced
from trainer.errors import TrainerError
from trainer.training.encoder import STAND_IN, load_encoder

JSON_FILE = "speed.json"
PICTURE_FILE = "speed.png"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    model: dict[str, Any]
    """The checkpoint's differences from `DistilBertConfig`."""
    seconds: float
    """The time for a part of the table; some take a multiple of it."""
    messages: int
    start_rounds: int
    megabytes: int
    """The array size for measuring memory bandwidth."""
    batch: tuple[int, int]
    """(texts, tokens) of the batch whose products are measured alone."""
    shapes: Sequence[tuple[int, int]]
    """(texts, tokens) of the batches for comparing with other runtimes."""
    lengths: Sequence[int]
    batches: Sequence[int]
    trains_stand_in: bool
    """If False, the checkpoint itself is trained."""
    training_reviews: int
    training_seconds: float
    training_sizes: Sequence[int]


FULL = Scale(
    model={},
    seconds=20,
    messages=256,
    start_rounds=5,
    megabytes=512,
    batch=(32, 32),
    shapes=((1, 8), (1, 16), (1, 32), (1, 128), (8, 32), (32, 32), (8, 128)),
    lengths=(8, 16, 32, 64, 128, 256, 512),
    batches=(1, 2, 4, 8, 16, 32, 64),
    trains_stand_in=True,
    training_reviews=10 * training.BATCH_SIZE,
    training_seconds=120,
    training_sizes=(500, 1000, 2000, 5000),
)
QUICK = Scale(
    model={"dim": 64, "hidden_dim": 128, "n_layers": 2, "n_heads": 2, "initializer_range": 0.15},
    seconds=0,
    messages=16,
    start_rounds=1,
    megabytes=8,
    batch=(4, 8),
    shapes=((1, 8), (4, 8)),
    lengths=(8, 16, 32),
    batches=(1, 2, 4),
    trains_stand_in=False,
    training_reviews=training.BATCH_SIZE,
    training_seconds=0,
    training_sizes=(16, 32),
)


@dataclass(frozen=True, slots=True)
class Results:
    """All measurements."""

    machine: Machine
    agreement: Agreement
    curves: list[Curve] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    """Rows by the title of their table."""
    left_out: list[str] = field(default_factory=list)
    """Sentences about measurements that were not possible here."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "machine": asdict(self.machine),
            "agreement": asdict(self.agreement),
            "tables": {
                title: [row.as_dict() for row in rows] for title, rows in self.tables.items()
            },
            "left_out": self.left_out,
            "growth": [asdict(curve) for curve in self.curves],
        }


def measure(
    scale: Scale, reviews: Sequence[Review], scratch: Path, note: Callable[[str], object]
) -> Results:
    """Measures everything; `reviews` are the training data, and `scratch` is an empty folder.

    `note` is called at the start of each part.

    Raises:
        SystemExit: the sides do not give the same answers.
    """
    checkpoint = material.make_checkpoint(scratch / "checkpoint", scale.model)
    encoder = load_encoder(STAND_IN if scale.trains_stand_in else str(checkpoint), 0)
    texts = material.chat_messages(scale.messages)
    seconds = scale.seconds
    agreement = inference.agreement(checkpoint, texts[:64], scratch)
    if not agreement.holds:
        raise SystemExit(
            f"The two sides give different answers, so no time is meaningful: {agreement}"
        )
    results = Results(machine.describe(), agreement)
    tables = results.tables
    note("Answering ...")
    tables["Answering"] = [
        *inference.one_message(checkpoint, texts, 2 * seconds),
        *inference.many_messages(checkpoint, texts, 3 * seconds),
        *inference.long_text(checkpoint, 400, seconds),
    ]
    note("Other runtimes ...")
    sides = peers.make_sides(checkpoint, scratch)
    peers.check(sides, checkpoint, texts[:64])
    tables["Other runtimes"] = [
        *peers.forward_passes(sides, scale.shapes, encoder.tokenizer.vocab_size, seconds / 2),
        *peers.through_the_engine(sides, checkpoint, texts, 2 * seconds),
    ]
    results.left_out.extend([sides.left_out] if sides.left_out else [])
    del sides  # their threads and memory
    note("Starting ...")
    tables["Starting"] = start.first_answer(checkpoint, texts[0], scale.start_rounds)
    note("Threads and limits ...")
    tables["Threads"] = inference.threads(checkpoint, texts, seconds)
    tables["Distance from the limit"] = limit.distance(
        checkpoint, texts[0], scale.megabytes, scale.batch, seconds
    )
    note("Training ...")
    tables["Training"] = training.epoch(encoder, reviews, scale.training_seconds)
    note("Growth ...")
    results.curves.extend(
        growth.answering(checkpoint, scale.lengths, scale.batches, 32, 2 * seconds)
    )
    results.curves.append(growth.training(encoder, scale.training_sizes))
    tables["Growth"] = [curve.row() for curve in results.curves]
    return results


def show(results: Results, console: Console) -> None:
    """Prints the tables."""
    console.print(str(results.machine))
    agreement = results.agreement
    console.print(
        f"Largest difference from the pipeline's probabilities, on {agreement.texts} messages: "
        f"{agreement.fp32:.1e} in fp32, {agreement.int8:.1e} in int8; they spread over "
        f"{agreement.spread:.2f}."
    )
    for title, rows in results.tables.items():
        table = Table("figure", "against", title=title, title_justify="left")
        for column in ("unit", "ours", "theirs", "ratio", "target"):
            table.add_column(column, justify="right")
        for row in rows:
            table.add_row(
                row.figure,
                row.against,
                row.unit,
                _number(row.ours),
                _number(row.theirs),
                "" if row.ratio is None else f"{row.ratio:.2f}",
                "" if row.target is None else f"{row.target:g}",
            )
        console.print(table)
    for sentence in results.left_out:
        console.print(sentence)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def save(results: Results, folder: Path, seconds: float) -> None:
    """Writes the JSON and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    report = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        **results.as_dict(),
    }
    text = json.dumps(report, indent=2)
    (folder / JSON_FILE).write_text(text + "\n", encoding="utf-8")
    growth.draw(folder / PICTURE_FILE, results.curves, str(results.machine))


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Only a check, in seconds.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Train whole epochs, not a sample.")] = False,
    imdb: Annotated[
        str | None, typer.Option(help="Train on these reviews: IMDb, by name or path.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the JSON and the picture; default docs.")
    ] = None,
) -> None:
    """Measure, print and save."""
    scale = QUICK if quick else FULL
    count = training.EPOCH if full else scale.training_reviews
    reviews = material.long_reviews(count) if imdb is None else _sample(imdb, count)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        results = measure(scale, reviews, Path(scratch), Console(stderr=True).print)
    console = Console(width=130)
    show(results, console)
    seconds = time.perf_counter() - began
    meaning = " The quick form: these times are meaningless." if quick else ""
    console.print(f"{seconds:.0f} seconds in all.{meaning}")
    if output or not quick:
        save(results, output or Path("docs"), seconds)


def _sample(dataset: str, count: int) -> list[Review]:
    """About `count` reviews of a data set, equally many of each class."""
    try:
        found = load_reviews(dataset)
        return sample_balanced(found, min(1.0, count / sum(found.class_sizes)), 0)
    except TrainerError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    typer.run(main)
