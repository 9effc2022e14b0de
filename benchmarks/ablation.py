"""The effect of each part of the best recipe on validation reviews; test reviews choose nothing.

    python -m benchmarks.ablation --dataset path/to/imdb

Every row trains the stand-in on the same samples, with one change, and judges the validation
reviews of the set and of the starter set. A run takes minutes. Its result is written to `--runs` as
soon as it ends, and finished runs are skipped: you may stop at any time, and split the rows among
processes (OMP_NUM_THREADS=1, --only, --seed).
"""

import json
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Annotated

import torch
import typer

from trainer.config import RECIPES, Precision, Recipe, RecipeName
from trainer.data.mixture import default_fraction
from trainer.data.reviews import STARTER, load_reviews, sample_balanced
from trainer.data.starter_texts import read_mixed
from trainer.errors import TrainerError
from trainer.events import Step
from trainer.model.calibration import choose_confidences, confident
from trainer.model.inference import FloatArray, predict, softmax
from trainer.model.runtime import TorchRuntime, to_best_device
from trainer.model.text import MAX_WINDOWS
from trainer.training.encoder import load_encoder
from trainer.training.evaluation import measure
from trainer.training.loop import make_batches, train, uses_bf16

BEST = RECIPES[RecipeName.BEST]
PLAIN = RECIPES[RecipeName.PLAIN]
VARIANTS: dict[str, Recipe] = {
    "plain": PLAIN,
    "plain, made fast": replace(PLAIN, bf16=True, frozen_words=True, dropout=False),
    "best": BEST,
    "one epoch more": replace(BEST, epochs=BEST.epochs + 1),
    "its beginning alone": replace(BEST, whole_review=False),
    "without the starter reviews": replace(BEST, companions=False),
    "without mixed reviews": replace(BEST, mixed=False),
    "constant learning rate": replace(BEST, warmup=None),
    "no clipping, weight decay on everything": replace(BEST, clip=None, decays_all=True),
}
BATCH_SIZE = 16
SHARES = ("accuracy", "decided", "short", "mixed")
"""The columns of the table that are shares, by their names in `Run`."""
RUNS = Path("docs/ablation.jsonl")


@dataclass(frozen=True, slots=True)
class Run:
    """One training run, measured on validation reviews."""

    recipe: str
    """Its row."""
    seed: int
    accuracy: float
    """On the set's own."""
    decided: float
    """Share of them that can get a verdict so that `TARGET_PRECISION` of the verdicts on each class
    are right."""
    short: float
    """Accuracy on the starter set's."""
    mixed: float
    """Share of the held-out mixed reviews that would be left unsure, with the confidences that make
    `TARGET_PRECISION` of the verdicts on the starter set's right."""
    seconds: float
    """Of training."""


def run(dataset: str, name: str, seed: int) -> Run:
    """Trains once and measures on validation reviews, in the arithmetic of the training."""
    recipe = VARIANTS[name]
    reviews, starter = load_reviews(dataset), load_reviews(STARTER)
    encoder = load_encoder("stand-in", seed)
    to_best_device(encoder.model)
    text_encoder = encoder.text_encoder(128, MAX_WINDOWS if recipe.whole_review else 1)
    learned = sample_balanced(reviews, default_fraction(reviews), seed)
    learned += starter.train if recipe.companions else []
    mixed = read_mixed()
    halves = mixed.learned.texts if recipe.companions and recipe.mixed else []
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
    bf16 = uses_bf16(encoder.model.device, Precision.AUTO, recipe)

    def confidences(texts: list[str]) -> FloatArray:
        with torch.autocast(encoder.model.device.type, torch.bfloat16, enabled=bf16):
            return softmax(predict(runtime, text_encoder, text_encoder(texts)).evidence())

    judged = []
    for validation in (reviews.validation, starter.validation):
        probabilities = confidences([review.text for review in validation])
        labels = [review.label for review in validation]
        least = choose_confidences(probabilities, labels)
        sure = confident(probabilities, least)
        judged.append((measure(probabilities, labels).accuracy, float(sure.mean()), least))
    (accuracy, decided, _), (short, _, least) = judged
    unsure = float((~confident(confidences(mixed.held_out.texts), least)).mean())
    return Run(name, seed, accuracy, decided, short, unsure, steps[-1].seconds)


def main(
    dataset: Annotated[str, typer.Option(help="As for `trainer fit`; long reviews.")],
    only: Annotated[list[str] | None, typer.Option(help="A row; repeat it for more.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Repeat it for more.")] = None,
    runs: Annotated[Path, typer.Option(help="The finished runs, as JSON lines.")] = RUNS,
) -> None:
    """Do the missing runs, then print all as Markdown: the mean of the seeds (lowest to
    highest)."""
    names = only or list(VARIANTS)
    if unknown := set(names) - set(VARIANTS):
        raise typer.BadParameter(f"There is no row {unknown.pop()!r}. Rows: {', '.join(VARIANTS)}.")
    for seed, name in product(seeds or range(3), names):
        if any((one.recipe, one.seed) == (name, seed) for one in read_runs(runs)):
            continue
        typer.echo(f"{name}, seed {seed} ...", err=True)
        try:
            line = json.dumps(asdict(run(dataset, name, seed)))
        except TrainerError as error:
            raise SystemExit(str(error)) from error
        with runs.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    typer.echo(table(read_runs(runs)))


def read_runs(file: Path) -> list[Run]:
    """The finished runs."""
    if not file.exists():
        return []
    return [Run(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def table(done: list[Run]) -> str:
    """The rows with finished runs, in Markdown."""
    lines = [
        "| recipe | accuracy | decided | short | mixed unsure | seconds | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in VARIANTS:
        if runs := [one for one in done if one.recipe == name]:
            columns = ([getattr(one, share) for one in runs] for share in SHARES)
            cells = [f"{mean(one):.3f} ({min(one):.3f}-{max(one):.3f})" for one in columns]
            seconds = f"{mean(one.seconds for one in runs):.0f}"
            lines.append(f"| {' | '.join([name, *cells, seconds, str(len(runs))])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
