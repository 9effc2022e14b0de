"""Chooses default learning rate and number of epochs by validation reviews.

    python -m benchmarks.choose_defaults --dataset starter --epochs 4
    python -m benchmarks.choose_defaults --dataset path/to/imdb --epochs 1

The learning rate is constant, so the model after epoch k of a run is the model of a run of k
epochs: one run for each rate and seed gives a whole row. The test split is never read.
"""

from statistics import mean
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trainer.encoder import load_encoder
from trainer.evaluation import measure
from trainer.fit import DEFAULT_FRACTION
from trainer.loop import make_batches, predict, to_best_device, train
from trainer.progress import Step
from trainer.reviews import ReviewSet, load_reviews, sample_balanced


def accuracy_by_epoch(
    reviews: ReviewSet, base_model: str, learning_rate: float, epochs: int, seed: int
) -> list[float]:
    """Validation accuracy after each epoch of one run."""
    encoder = load_encoder(base_model, seed)
    text_encoder = encoder.text_encoder(128)
    to_best_device(encoder.model)
    sample = sample_balanced(reviews, 1.0 if reviews.name == "starter" else DEFAULT_FRACTION, seed)
    sequences = text_encoder([review.text for review in sample])
    examples = list(zip(sequences, (review.label for review in sample), strict=True))
    batches = make_batches(examples, text_encoder, 16, seed)
    validation = text_encoder([review.text for review in reviews.validation])
    labels = [review.label for review in reviews.validation]
    accuracies: list[float] = []

    def at_end_of_epoch(step: Step) -> None:
        if step.number % len(batches) == 0:
            probabilities = predict(encoder.model, text_encoder, validation)
            accuracies.append(measure(probabilities.numpy(), labels).accuracy)

    train(
        encoder.model,
        batches,
        epochs=epochs,
        learning_rate=learning_rate,
        on_step=at_end_of_epoch,
    )
    return accuracies


def main(
    dataset: Annotated[str, typer.Option()] = "starter",
    base_model: Annotated[str, typer.Option()] = "stand-in",
    learning_rate: Annotated[list[float] | None, typer.Option()] = None,
    epochs: Annotated[int, typer.Option()] = 4,
    seeds: Annotated[int, typer.Option()] = 3,
) -> None:
    """Print validation accuracy by learning rate and epoch: the mean of the seeds (least-most)."""
    reviews = load_reviews(dataset)
    console = Console(highlight=False)
    headings = ("learning rate", *(f"{n} epoch{'s' * (n > 1)}" for n in range(1, epochs + 1)))
    table = Table(*headings, title=f"{reviews.name}: {len(reviews.validation)} validation reviews")
    for rate in learning_rate or [5e-5, 1e-4, 2e-4]:
        runs = [accuracy_by_epoch(reviews, base_model, rate, epochs, s) for s in range(seeds)]
        row = [
            f"{mean(of_epoch):.3f} ({min(of_epoch):.3f}-{max(of_epoch):.3f})"
            for of_epoch in zip(*runs, strict=True)
        ]
        table.add_row(f"{rate:g}", *row)
        console.print(f"{rate:g}: {', '.join(row)}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
