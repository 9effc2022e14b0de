"""What each part of the best recipe is worth, by validation reviews; test reviews choose nothing.

    python -m benchmarks.ablation --dataset path/to/imdb --seeds 3

Every row trains the stand-in on the same sample, with one thing changed, and judges the validation
reviews of the set and of the starter set. Prints a table after each run; a run takes minutes.
"""

from dataclasses import replace
from statistics import mean
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trainer.config import RECIPES, Recipe, RecipeName
from trainer.encoder import load_encoder
from trainer.evaluation import measure
from trainer.fit import DEFAULT_FRACTION
from trainer.inference import predict
from trainer.loop import make_batches, to_best_device, train
from trainer.progress import Step
from trainer.reviews import STARTER, load_reviews, sample_balanced
from trainer.runtime import TorchRuntime
from trainer.text import MOST_WINDOWS

BEST = RECIPES[RecipeName.BEST]
PLAIN = RECIPES[RecipeName.PLAIN]
VARIANTS: dict[str, Recipe] = {
    "plain": PLAIN,
    "plain, made fast": replace(PLAIN, bf16=True, frozen_words=True, dropout=False),
    "best": BEST,
    "its beginning alone": replace(BEST, whole_review=False),
    "two windows a step, one epoch": replace(BEST, windows=2, epochs=1),
    "two windows a step, two epochs": replace(BEST, windows=2),
    "three epochs": replace(BEST, epochs=3),
    "half the learning rate": replace(BEST, narrow_learning_rate=1e-4),
    "constant learning rate": replace(BEST, warmup=None),
    "no clipping": replace(BEST, clip=None),
    "weight decay on everything": replace(BEST, decays_all=True),
    "dropout": replace(BEST, dropout=True),
    "word embeddings trained": replace(BEST, frozen_words=False),
    "fp32": replace(BEST, bf16=False),
    "without the starter reviews": replace(BEST, starter=False),
}
BATCH_SIZE = 16
Result = tuple[float, float, float]
"""Accuracy on the set's validation reviews, on the starter set's; seconds of training."""


def run(dataset: str, recipe: Recipe, seed: int) -> Result:
    """Trains once and judges by validation reviews."""
    reviews, starter = load_reviews(dataset), load_reviews(STARTER)
    encoder = load_encoder("stand-in", seed)
    to_best_device(encoder.model)
    text_encoder = encoder.text_encoder(128, MOST_WINDOWS if recipe.whole_review else 1)
    learned = sample_balanced(reviews, DEFAULT_FRACTION, seed)
    learned += starter.train if recipe.starter else []
    windows = text_encoder([review.text for review in learned])
    examples = list(zip(windows, (review.label for review in learned), strict=True))
    steps: list[Step] = []
    train(
        encoder.model,
        make_batches(examples, text_encoder, BATCH_SIZE, seed, recipe.windows),
        recipe,
        epochs=recipe.epochs,
        learning_rate=recipe.narrow_learning_rate,
        on_step=steps.append,
    )
    accuracies = []
    for validation in (reviews.validation, starter.validation):
        texts = text_encoder([review.text for review in validation])
        scores = predict(TorchRuntime(encoder.model), text_encoder, texts)
        labels = [review.label for review in validation]
        accuracies.append(measure(scores.probabilities(), labels).accuracy)
    return accuracies[0], accuracies[1], steps[-1].seconds


def main(
    dataset: Annotated[str, typer.Option(help="As `trainer fit` takes it; long reviews.")],
    only: Annotated[list[str] | None, typer.Option(help="A row; repeat it for more.")] = None,
    seeds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Print validation accuracies and times: the mean of the seeds (least to most)."""
    names = only or list(VARIANTS)
    if unknown := set(names) - set(VARIANTS):
        raise typer.BadParameter(f"{unknown.pop()!r} is no row; those are: {', '.join(VARIANTS)}.")
    results: dict[str, list[Result]] = {}
    for seed in range(seeds):
        for name in names:
            results.setdefault(name, []).append(run(dataset, VARIANTS[name], seed))
            _print(results)


def _print(results: dict[str, list[Result]]) -> None:
    table = Table("recipe", "validation", "starter validation", "seconds", "seeds")
    for name, runs in results.items():
        cells = [
            f"{mean(column):.3f} ({min(column):.3f}-{max(column):.3f})"
            for column in list(zip(*runs, strict=True))[:2]
        ]
        table.add_row(name, *cells, f"{mean(r[2] for r in runs):.0f}", str(len(runs)))
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
