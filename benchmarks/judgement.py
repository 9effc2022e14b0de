"""The quality of the verdicts of several trainings: a table and a reliability diagram.

    for seed in 0 1 2; do
        python -m trainer fit --dataset path/to/imdb --seed $seed --output checkpoints/imdb-$seed
    done
    python -m benchmarks.judgement checkpoints/imdb-0 checkpoints/imdb-1 checkpoints/imdb-2

Every figure was measured by the training itself, on test reviews that chose nothing, with the
runtime that serves; nothing is judged again. With --output, `judgement.md` and `reliability.png`
are written.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from trainer.errors import TrainerError
from trainer.model.checkpoint import read_training
from trainer.model.record import TrainingRecord

FIGURES: dict[str, Callable[[TrainingRecord], float]] = {
    "accuracy": lambda t: t.evaluation["test"].accuracy,
    "F1": lambda t: t.evaluation["test"].f1,
    "calibration error": lambda t: t.evaluation["test"].calibration_error,
    "unsure": lambda t: t.doubt["test"].unsure,
    "right of the verdicts given": lambda t: t.doubt["test"].right,
    "unsure, of the validation reviews": lambda t: t.doubt["validation"].unsure,
    "right, of the verdicts on them": lambda t: t.doubt["validation"].right,
    "mixed reviews left unsure": lambda t: t.mixed_unsure,
    "kinds of message recognised": lambda t: t.kinds.right,
    "short reviews, accuracy": lambda t: t.chat.get("all", float("nan")),
}


def rows(trainings: Sequence[TrainingRecord]) -> list[list[str]]:
    """A row for each figure: its name, its value in each training, their mean."""
    table = []
    for name, figure in FIGURES.items():
        values = [figure(training) for training in trainings]
        table.append([name, *(f"{value:.3f}" for value in values), f"{mean(values):.3f}"])
    seconds = [training.seconds for training in trainings]
    table.append(["seconds of training", *(f"{s:.0f}" for s in seconds), f"{mean(seconds):.0f}"])
    for phenomenon in trainings[0].chat:
        if phenomenon != "all":
            values = [training.chat[phenomenon] for training in trainings]
            cells = (f"{value:.3f}" for value in [*values, mean(values)])
            table.append([f"short reviews: {phenomenon}", *cells])
    return table


def page(trainings: Sequence[TrainingRecord]) -> str:
    """The table in Markdown, with the training data."""
    first = trainings[0]
    asked = first.hyperparameters
    test = first.evaluation["test"].reviews
    heading = ["figure", *(f"seed {t.hyperparameters.seed}" for t in trainings), "mean"]
    lines = [heading, ["---"] * len(heading), *rows(trainings)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"""# The quality of the verdicts

Base model {first.base_model.name}, recipe {asked.recipe}, in {first.arithmetic};
trained on {first.datasets[0].fraction:.0%} of {first.datasets[0].name};
judged once on {test:,} test reviews, in the runtime that serves.
Made by `python -m benchmarks.judgement`, whose docstring describes it.

{table}

![How often verdicts are right, by confidence](reliability.png)
"""


def draw(trainings: Sequence[TrainingRecord], file: Path) -> None:
    """How often verdicts are right (dots) against how sure they are (the diagonal), as a PNG."""
    figure = Figure(figsize=(7, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(5, 2))
    above.plot([0.5, 1], [0.5, 1], color="black", linewidth=1, label="perfectly calibrated")
    for training in trainings:
        bins = training.reliability
        confidence = [row.confidence for row in bins]
        error = training.evaluation["test"].calibration_error
        seed = training.hyperparameters.seed
        style: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1}
        label = f"seed {seed}: calibration error {error:.3f}"
        above.plot(confidence, [row.accuracy for row in bins], label=label, **style)
        below.plot(confidence, [row.share for row in bins], **style)
    above.set(ylabel="share that is right", title="Test reviews by confidence, in 15 bins")
    above.legend(frameon=False)
    below.set(xlabel="confidence", ylabel="share of all", ylim=(0, None))
    figure.savefig(file, dpi=120, metadata={"Software": None})


def main(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT...")],
    output: Annotated[Path | None, typer.Option(help="The folder for table and picture.")] = None,
) -> None:
    """Print the figures of the trainings of these checkpoints."""
    try:
        trainings = [read_training(path) for path in checkpoints]
    except TrainerError as error:
        raise typer.BadParameter(str(error)) from error
    table = Table("figure", *(path.name for path in checkpoints), "mean")
    for row in rows(trainings):
        table.add_row(*row)
    Console(width=120).print(table)
    if output is not None:
        (output / "judgement.md").write_text(page(trainings), encoding="utf-8")
        draw(trainings, output / "reliability.png")


if __name__ == "__main__":
    typer.run(main)
