"""How well verdicts transfer to texts of other kinds than the training texts.

    python -m benchmarks.transfer checkpoints/a checkpoints/b checkpoints/c \\
        --set path/to/rotten_tomatoes/test.parquet --set path/to/blogs/dev.csv

For each set: the share for which the more probable class is right (forced), the share that gets a
verdict (answered), and how often those verdicts are right. With several checkpoints, such as three
seeds, each figure is their mean, followed by the lowest and the highest. Each text is processed
like a customer's message, except for its kind: the sets hold only opinions. Rows with the label
`neutral` are skipped.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer

from trainer.config import LABELS
from trainer.data.columns import Columns
from trainer.data.review_files import Review, read_source
from trainer.model.classifier import Classifier
from trainer.model.kinds import DISTRESS

COLUMNS = ("forced", "answered", "right of those", "dismissed", "in distress")


def read(path: Path) -> Sequence[Review]:
    """The labelled texts of a file, without neutral ones."""
    return read_source(path, Columns.of(label_map=["neutral=skip"])).rows["train"]


def judge(classifier: Classifier, reviews: Sequence[Review]) -> tuple[float, ...]:
    """The figures of `COLUMNS` for one checkpoint."""
    verdicts = []
    for start in range(0, len(reviews), 256):
        verdicts += classifier([review.text for review in reviews[start : start + 256]])
    truth = [LABELS[review.label] for review in reviews]
    more_probable = [max(v.probabilities, key=v.probabilities.__getitem__) for v in verdicts]
    right = [found == label for found, label in zip(more_probable, truth, strict=True)]
    given = [hit for hit, verdict in zip(right, verdicts, strict=True) if verdict.label in LABELS]
    return (
        mean(right),
        len(given) / len(right),
        mean(given) if given else float("nan"),
        mean(not verdict.is_review for verdict in verdicts),
        mean(verdict.kind == DISTRESS for verdict in verdicts),
    )


def main(
    checkpoints: Annotated[list[Path], typer.Argument(help="Checkpoints' folders.")],
    sets: Annotated[list[Path], typer.Option("--set", help="A labelled file; repeat it for more.")],
) -> None:
    """Print how well verdicts transfer, as a Markdown table."""
    classifiers = [Classifier.load(path) for path in checkpoints]
    print(f"| set | texts | {' | '.join(COLUMNS)} |")
    print(f"|---|---|{'---|' * len(COLUMNS)}")
    for path in sets:
        reviews = read(path)
        figures = zip(*(judge(classifier, reviews) for classifier in classifiers), strict=True)
        cells = [f"{mean(f):.3f} ({min(f):.3f} to {max(f):.3f})" for f in figures]
        print(f"| {path.parent.name}/{path.name} | {len(reviews):,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
