"""What each part of the best recipe is worth, by validation reviews; test reviews choose nothing.

    python -m benchmarks.ablation --dataset path/to/imdb

Every row trains the stand-in on the same sample, with one thing changed, and judges the validation
reviews of the set and of the starter set. Prints a table after each run; a run takes minutes.
"""

from dataclasses import dataclass, replace
from statistics import mean
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trainer.calibration import choose_confidence
from trainer.config import RECIPES, Recipe, RecipeName
from trainer.encoder import load_encoder
from trainer.evaluation import measure
from trainer.fit import DEFAULT_FRACTION
from trainer.inference import FloatArray, predict, softmax
from trainer.loop import make_batches, to_best_device, train
from trainer.progress import Step
from trainer.reviews import STARTER, load_reviews, sample_balanced
from trainer.runtime import TorchRuntime
from trainer.starter_texts import MIXED, read_texts
from trainer.text import MOST_WINDOWS

BEST = RECIPES[RecipeName.BEST]
PLAIN = RECIPES[RecipeName.PLAIN]
VARIANTS: dict[str, Recipe] = {
    "plain": PLAIN,
    "plain, made fast": replace(PLAIN, bf16=True, frozen_words=True, dropout=False),
    "best": BEST,
    "its beginning alone": replace(BEST, whole_review=False),
    "two windows a step, half the epochs": replace(BEST, windows=2, epochs=BEST.epochs // 2),
    "half the epochs": replace(BEST, epochs=BEST.epochs // 2),
    "one epoch less": replace(BEST, epochs=BEST.epochs - 1),
    "one epoch more": replace(BEST, epochs=BEST.epochs + 1),
    "twice the learning rate": replace(BEST, narrow_learning_rate=2 * BEST.narrow_learning_rate),
    "constant learning rate": replace(BEST, warmup=None),
    "the last weights": replace(BEST, average=None),
    "no clipping": replace(BEST, clip=None),
    "weight decay on everything": replace(BEST, decays_all=True),
    "dropout": replace(BEST, dropout=True),
    "word embeddings trained": replace(BEST, frozen_words=False),
    "fp32": replace(BEST, bf16=False),
    "without the starter reviews": replace(BEST, starter=False),
    "without mixed reviews": replace(BEST, mixed=False),
}
BATCH_SIZE = 16
SHARES = ("accuracy", "decided", "starter", "mixed")
"""The columns of the table that are shares, by their names in `Result`."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run, by validation reviews."""

    accuracy: float
    """On the set's own."""
    decided: float
    """Share of them on which verdicts can be given so that `WANTED` of those are right."""
    starter: float
    """Accuracy on the starter set's."""
    mixed: float
    """Share of the mixed reviews held back that would be left unsure, at the confidence that makes
    `WANTED` of the verdicts on the starter set's right."""
    seconds: float
    """Of training."""


def run(dataset: str, recipe: Recipe, seed: int, fraction: float) -> Result:
    """Trains once and judges by validation reviews."""
    reviews, starter = load_reviews(dataset), load_reviews(STARTER)
    encoder = load_encoder("stand-in", seed)
    to_best_device(encoder.model)
    text_encoder = encoder.text_encoder(128, MOST_WINDOWS if recipe.whole_review else 1)
    learned = sample_balanced(reviews, fraction, seed)
    learned += starter.train if recipe.starter else []
    mixed = read_texts(MIXED)
    halves = mixed.learned if recipe.starter and recipe.mixed else []
    windows = text_encoder([*(review.text for review in learned), *halves])
    targets = [*(float(review.label) for review in learned), *[0.5] * len(halves)]
    examples = list(zip(windows, targets, strict=True))
    steps: list[Step] = []
    train(
        encoder.model,
        make_batches(examples, text_encoder, BATCH_SIZE, seed, recipe.windows),
        recipe,
        epochs=recipe.epochs,
        learning_rate=recipe.narrow_learning_rate,
        on_step=steps.append,
    )
    runtime = TorchRuntime(encoder.model)

    def confidences(texts: list[str]) -> FloatArray:
        return softmax(predict(runtime, text_encoder, text_encoder(texts)).evidence())

    judged = []
    for validation in (reviews.validation, starter.validation):
        probabilities = confidences([review.text for review in validation])
        labels = [review.label for review in validation]
        least = choose_confidence(probabilities, labels)
        sure = probabilities.max(axis=1) >= least
        judged.append((measure(probabilities, labels).accuracy, float(sure.mean()), least))
    (accuracy, decided, _), (short, _, least) = judged
    unsure = float((confidences(mixed.held_out).max(axis=1) < least).mean())
    return Result(accuracy, decided, short, unsure, steps[-1].seconds)


def main(
    dataset: Annotated[str, typer.Option(help="As `trainer fit` takes it; long reviews.")],
    only: Annotated[list[str] | None, typer.Option(help="A row; repeat it for more.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Repeat it for more.")] = None,
    fraction: Annotated[float, typer.Option(help="Of each class.")] = DEFAULT_FRACTION,
) -> None:
    """Print what validation reviews say, and times: the mean of the seeds (least to most)."""
    names = only or list(VARIANTS)
    if unknown := set(names) - set(VARIANTS):
        raise typer.BadParameter(f"{unknown.pop()!r} is no row; those are: {', '.join(VARIANTS)}.")
    results: dict[str, list[Result]] = {}
    for seed in seeds or range(3):
        for name in names:
            results.setdefault(name, []).append(run(dataset, VARIANTS[name], seed, fraction))
            _print(results)


def _print(results: dict[str, list[Result]]) -> None:
    table = Table("recipe", "accuracy", "decided", "short", "mixed unsure", "seconds", "seeds")
    for name, runs in results.items():
        columns = ([getattr(run, name) for run in runs] for name in SHARES)
        cells = (f"{mean(one):.3f} ({min(one):.3f}-{max(one):.3f})" for one in columns)
        table.add_row(name, *cells, f"{mean(r.seconds for r in runs):.0f}", str(len(runs)))
    Console(width=140).print(table)


if __name__ == "__main__":
    typer.run(main)
