"""The trainer's command line: `python -m trainer fit | evaluate | audit | compare | checkpoints`.

Exit codes: 0 done, 1 a bug in the trainer, 2 invalid input, 130 interrupted.
"""

import json
import signal
import sys
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from trainer.comparing import comparison
from trainer.comparing.comparison import Comparison
from trainer.comparing.rows import HEADINGS
from trainer.config import (
    LABELS,
    MIN_FRACTION,
    Balance,
    Loop,
    Precision,
    RecipeName,
    TrainingConfig,
)
from trainer.data.columns import Columns
from trainer.data.review_files import Review
from trainer.data.reviews import Split, load_reviews, take
from trainer.errors import (
    OUT_OF_MEMORY,
    ComparisonError,
    ConfigError,
    Interrupted,
    ProcessLost,
    TrainerError,
    is_out_of_memory,
    printable,
)
from trainer.events import BrokenCheck, Compared, Failed, Listener, parse_compared
from trainer.extras import TRAINING, missing
from trainer.model import checkpoint
from trainer.model.checks import FILE as CHECKS_FILE
from trainer.model.checks import Check, compare_checks, read_checks, run_checks
from trainer.model.unfinished import list_unfinished
from trainer.processes import is_first, is_first_here, this_process
from trainer.progress import Style, listener
from trainer.training.run import NOTHING_SAVED, fine_tune

if TYPE_CHECKING:
    from types import FrameType

MAX_FRAMES = 8
"""How many frames of an unforeseen error are printed."""

EXIT_BUG, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Fine-tune DistilBERT on film reviews, judge checkpoints, choose the one that serves.",
)
checkpoints_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(checkpoints_app, name="checkpoints", help="List checkpoints, or choose one.")

_DEFAULTS = TrainingConfig()
_BY_RECIPE = "by the recipe"
_BY_NAME = "by its name"
_DATASET_HELP = (
    "auto (IMDb from the hub, else the starter reviews), starter, a hub name, or a path: "
    "parquet, CSV, TSV or JSON with columns text and label, also in .gz or .zip, or a folder."
)
_LOOP_HELP = "What trains: the manual loop, or transformers' Trainer (needs accelerate)."

# Options that fit and compare share.
_Datasets = Annotated[
    list[str],
    typer.Option(
        "--dataset",
        help=f"{_DATASET_HELP} Repeat it for several sets; the first is the main one.",
        default_factory=lambda: list(_DEFAULTS.datasets),
        show_default=_DEFAULTS.datasets[0],
    ),
]
_TextColumn = Annotated[
    str | None,
    typer.Option(help="The column of the data that holds the text.", show_default=_BY_NAME),
]
_LabelColumn = Annotated[
    str | None, typer.Option(help="The column that holds the label.", show_default=_BY_NAME)
]
_LabelMap = Annotated[
    list[str] | None,
    typer.Option(
        help="What labels mean, such as 1=negative,5=positive,3=skip; skip leaves rows out.",
        show_default="0 or false is negative, 1 or true positive",
    ),
]
_Fraction = Annotated[
    float | None,
    typer.Option(
        help=f"Share of each class to train on, from {MIN_FRACTION} to 1.",
        show_default="0.1 of 20,000 reviews or more; else all",
    ),
]
_Recipe = Annotated[
    RecipeName,
    typer.Option(help="plain: exactly the original one; best: see docs/training.md."),
]
_MaxLength = Annotated[int, typer.Option(help="Longest window, in tokens.")]
_Windows = Annotated[
    int | None,
    typer.Option(help="Windows of a review read in one step.", show_default=_BY_RECIPE),
]
_Epochs = Annotated[
    int | None, typer.Option(help="Passes over the reviews.", show_default=_BY_RECIPE)
]
_BatchSize = Annotated[int, typer.Option(help="Reviews per step.")]
_LearningRate = Annotated[
    float | None, typer.Option(help="AdamW's learning rate.", show_default=_BY_RECIPE)
]
_Precision = Annotated[
    Precision, typer.Option(help="Arithmetic; auto: bf16 if the processor supports it.")
]
_Progress = Annotated[Style, typer.Option(help="How progress is shown.")]

# Options of fit alone.
_BaseModel = Annotated[
    str,
    typer.Option(
        help="auto (distilbert-base-uncased from the hub, else the packaged stand-in), "
        "stand-in, a hub name, or a path."
    ),
]
_Balance = Annotated[
    Balance,
    typer.Option(
        help="on: equally many reviews of both classes. off: the first ones of the "
        "data set, regardless of class, to show what goes wrong then."
    ),
]
_Seed = Annotated[
    int, typer.Option(help="The same seed draws the same reviews, in the same order.")
]
_Loop = Annotated[Loop, typer.Option(help=_LOOP_HELP)]
_Output = Annotated[
    Path | None,
    typer.Option(
        help="The checkpoint's folder; must not exist.",
        show_default=f"a dated one in {checkpoint.CHECKPOINTS}/",
    ),
]
_Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Continue an interrupted run from its saved state; give the same options again.",
    ),
]

# Options of compare alone.
_BaseModels = Annotated[
    list[str],
    typer.Option(
        "--base-model",
        help="Same as for fit; repeat it for each model to compare.",
        default_factory=lambda: [_DEFAULTS.base_model],
        show_default=_DEFAULTS.base_model,
    ),
]
_Loops = Annotated[
    list[Loop],
    typer.Option(
        "--loop",
        help=f"{_LOOP_HELP} Repeat it for both.",
        default_factory=lambda: [_DEFAULTS.loop],
        show_default=_DEFAULTS.loop,
    ),
]
_Seeds = Annotated[int, typer.Option(help="Runs per model, with seeds from 0.", min=1)]
_ComparisonOutput = Annotated[
    Path | None,
    typer.Option(
        help="The folder for the table and the picture; must not exist.",
        show_default=f"a dated one in {comparison.COMPARISONS}/",
    ),
]


@app.command()
def fit(
    dataset: _Datasets,
    text_column: _TextColumn = _DEFAULTS.text_column,
    label_column: _LabelColumn = _DEFAULTS.label_column,
    label_map: _LabelMap = None,
    base_model: _BaseModel = _DEFAULTS.base_model,
    fraction: _Fraction = _DEFAULTS.fraction,
    balance: _Balance = _DEFAULTS.balance,
    recipe: _Recipe = _DEFAULTS.recipe,
    max_length: _MaxLength = _DEFAULTS.max_length,
    windows: _Windows = _DEFAULTS.windows,
    epochs: _Epochs = _DEFAULTS.epochs,
    batch_size: _BatchSize = _DEFAULTS.batch_size,
    learning_rate: _LearningRate = _DEFAULTS.learning_rate,
    precision: _Precision = _DEFAULTS.precision,
    seed: _Seed = _DEFAULTS.seed,
    loop: _Loop = _DEFAULTS.loop,
    output: _Output = _DEFAULTS.output,
    resume: _Resume = _DEFAULTS.resume,
    progress: _Progress = Style.BAR,
) -> None:
    """Fine-tune on labelled reviews and save a checkpoint."""
    with _reporting(progress) as on_event:
        config = TrainingConfig(
            datasets=tuple(dataset),
            text_column=text_column,
            label_column=label_column,
            label_map=_entries(label_map),
            base_model=base_model,
            fraction=fraction,
            balance=balance,
            recipe=recipe,
            max_length=max_length,
            windows=windows,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            precision=precision,
            seed=seed,
            loop=loop,
            output=output,
            resume=resume,
        )
        result = fine_tune(config, on_event)
    if progress is Style.BAR and result is not None:
        _print_figures("Validation", result.validation.as_dict())
        _print_figures("Test", result.test.as_dict())
        _print_selective(result.doubt.as_dict())
        print(f"Saved {result.path}. {_what_next(result.path, result.serving)}")


@app.command()
def evaluate(
    checkpoint_path: Annotated[
        Path, typer.Option("--checkpoint", help="The checkpoint's folder.", metavar="DIR")
    ],
    dataset: Annotated[str, typer.Option(help=_DATASET_HELP)],
    text_column: _TextColumn = None,
    label_column: _LabelColumn = None,
    label_map: _LabelMap = None,
    split: Annotated[
        Split | None,
        typer.Option(
            help="Which reviews of the set.",
            show_default="test, if the set has a test split or was trained on; else all",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Maximum number of reviews, always the same ones.", min=1)
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="A second checkpoint, compared on the same reviews.", metavar="DIR"),
    ] = None,
    checks: Annotated[
        Path | None,
        typer.Option(
            help=f"A file of sentences under test, such as {CHECKS_FILE}.", metavar="FILE"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge labelled reviews with a checkpoint and print its figures."""
    paths = [checkpoint_path] if against is None else [checkpoint_path, against]
    for path in paths:
        checkpoint.verify(path)
    sentences = read_checks(checks) if checks is not None else []
    reviews = load_reviews(dataset, Columns.of(text_column, label_column, _entries(label_map)))
    seen = {each.fingerprint for path in paths for each in checkpoint.read_training(path).datasets}
    split = split or reviews.fair_split(seen)
    chosen = reviews.of(split) if limit is None else take(reviews.of(split), limit)
    answer = _judge(paths, chosen, split, sentences, Style.NONE if as_json else Style.BAR)
    line = json.dumps({"dataset": reviews.name, "split": split, **answer})
    if as_json:
        print(line)
        return
    for result in (answer, answer["against"]) if against is not None else (answer,):
        _print_figures(f"{result['checkpoint']} on {reviews.name}, {split}", result)
        _print_selective(result["doubt"])
    if against is not None:
        _print_comparison(parse_compared(line), answer["fixed"])
    if sentences:
        _print_checks(answer["checks"])


def _judge(
    paths: Sequence[Path],
    reviews: Sequence[Review],
    split: Split,
    sentences: Sequence[Check],
    style: Style,
) -> dict[str, Any]:
    """The figures of a checkpoint, and how a second one compares, as JSON types."""
    labels = [review.label for review in reviews]
    with listener(style) as on_event:
        # These import torch, which takes seconds: only once the data set is known to exist.
        from trainer.model.classifier import Classifier
        from trainer.training.evaluation import compare, judge, judge_on_fixed_reviews

        classifiers = [Classifier.load(path) for path in paths]
        judged = [judge(each, reviews, split, on_event) for each in classifiers]
    results = [
        {"checkpoint": str(path), **each.figures(labels)}
        for path, each in zip(paths, judged, strict=True)
    ]
    answer = results[0]
    if len(results) > 1:
        compared = compare(judged[0].probabilities, judged[1].probabilities, labels)
        answer |= {"against": results[1], **compared.as_dict()}
        answer |= judge_on_fixed_reviews(classifiers, judged[1].measure(labels))
    if sentences:
        checked = compare_checks(*(run_checks(each, sentences) for each in classifiers))
        answer["checks"] = {"total": len(sentences), **checked}
    return answer


@app.command()
def audit(
    file: Annotated[Path, typer.Argument(help="Labelled reviews: a file or a folder, as for fit.")],
    checkpoint_path: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            help="The checkpoint that judges them.",
            metavar="DIR",
            show_default="the serving one",
        ),
    ] = None,
    text_column: _TextColumn = None,
    label_column: _LabelColumn = None,
    label_map: _LabelMap = None,
    limit: Annotated[int, typer.Option(help="Maximum number of lines of each list.", min=1)] = 50,
    show: Annotated[bool, typer.Option("--show", help="Also print the reviews found.")] = False,
) -> None:
    """List likely wrong labels, near-duplicates and outliers in labelled reviews, by row."""
    if problem := missing("An audit", *TRAINING, "cleanlab", extra="audit"):
        raise ConfigError(problem)
    path = checkpoint_path or checkpoint.serving_checkpoint()
    if path is None:
        raise ConfigError("There is no serving checkpoint. Train one, or give --checkpoint.")
    columns = Columns.of(text_column, label_column, _entries(label_map))
    with listener(Style.BAR) as on_event:
        from trainer.training.audit import audit_file, report  # torch takes seconds to import

        found = audit_file(file, path, columns, on_event)
    for line in report(found, printable(file), limit, show):
        print(line)


@app.command("compare")
def compare_models(
    base_models: _BaseModels,
    loops: _Loops,
    dataset: _Datasets,
    text_column: _TextColumn = _DEFAULTS.text_column,
    label_column: _LabelColumn = _DEFAULTS.label_column,
    label_map: _LabelMap = None,
    seeds: _Seeds = 1,
    fraction: _Fraction = _DEFAULTS.fraction,
    recipe: _Recipe = _DEFAULTS.recipe,
    max_length: _MaxLength = _DEFAULTS.max_length,
    epochs: _Epochs = _DEFAULTS.epochs,
    batch_size: _BatchSize = _DEFAULTS.batch_size,
    learning_rate: _LearningRate = _DEFAULTS.learning_rate,
    output: _ComparisonOutput = None,
    progress: _Progress = Style.BAR,
) -> None:
    """Train several base models on the same reviews and print their figures side by side."""
    if this_process():
        raise ConfigError("A comparison runs in one process: start it without torchrun.")
    if output is not None:
        comparison.refuse_existing(output)
    run = _ComparisonRun(output)
    try:
        with _reporting(progress) as on_event:
            budget = TrainingConfig(
                datasets=tuple(dataset),
                text_column=text_column,
                label_column=label_column,
                label_map=_entries(label_map),
                fraction=fraction,
                recipe=recipe,
                max_length=max_length,
                epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
            )
            from trainer.comparing.compare import compare  # torch takes seconds to import

            names = list(dict.fromkeys(base_models))
            loops = list(dict.fromkeys(loops))
            folder = comparison.COMPARISONS if output is None else output.parent
            run.follow(compare(budget, names, loops, seeds, on_event, folder=folder))
    finally:
        if progress is not Style.JSON:
            run.show()


@dataclass
class _ComparisonRun:
    """A comparison in progress, and the folder that it is saved in."""

    output: Path | None
    """None: a dated one, created when the first run finishes."""
    comparison: Comparison | None = None

    def follow(self, results: Generator[Comparison]) -> None:
        """Saves the comparison after each run.

        Raises:
            Interrupted: not all runs were finished.
            ComparisonError: not all base models could be trained.
        """
        try:
            with closing(results):
                for self.comparison in results:
                    self._save()
        except KeyboardInterrupt:
            if self.comparison is None or not self.comparison.finished or self.output is None:
                raise
            self._save()  # again, in case the interrupt cut the last save short
            raise Interrupted(
                f"Interrupted. {self.comparison.finished} of {self.comparison.planned} runs were "
                f"finished; their figures are in {self.output}."
            ) from None
        if self.comparison is not None and self.comparison.failures:
            raise ComparisonError(f"Some models failed. {' '.join(self.comparison.failures)}")

    def _save(self) -> None:
        if self.comparison is None or not self.comparison.finished:
            return
        if self.output is None:
            self.output = checkpoint.dated_path(self.comparison.dataset, comparison.COMPARISONS)
        self.comparison.write(self.output)

    def show(self) -> None:
        """Prints the finished runs."""
        if self.comparison is not None and self.comparison.finished:
            _print_results(self.comparison)
            print(f"Saved {self.output}.")


@checkpoints_app.callback()
def checkpoints(context: typer.Context) -> None:
    """List the checkpoints in checkpoints/, oldest first."""
    if context.invoked_subcommand is not None:
        return
    rows = checkpoint.list_checkpoints()
    for problem in checkpoint.unreadable_checkpoints():
        print(f"Skipped: {problem}", file=sys.stderr)
    for unfinished in list_unfinished(checkpoint.CHECKPOINTS):
        print(printable(unfinished), file=sys.stderr)
    if not rows:
        print("There are no checkpoints yet. Train one with: python -m trainer fit")
        return
    table = _table("name", "base model", "data", "accuracy", "date", "serving")
    for row in rows:
        training = row.training
        table.add_row(
            printable(row.name),
            printable(training.base_model.name),
            printable(", ".join(each.name for each in training.datasets)),
            f"{training.evaluation['test'].accuracy:.3f}",
            training.created[:10],
            "serving" if row.serving else "",
        )
    _print_table(table)


@checkpoints_app.command("promote")
def promote_checkpoint(
    name: Annotated[str, typer.Argument(help="A name from the list.", metavar="NAME")],
) -> None:
    """Verify a checkpoint and make it the serving one."""
    print(f"{checkpoint.promote(name).name} is the serving checkpoint now.")


@checkpoints_app.command("rollback")
def roll_back() -> None:
    """Go back to the previous serving checkpoint."""
    print(f"{checkpoint.rollback().name} is the serving checkpoint again.")


def _entries(label_map: list[str] | None) -> tuple[str, ...] | None:
    """The entries of --label-map, which may be repeated or hold several, separated by commas."""
    return tuple(entry for each in label_map for entry in each.split(",")) if label_map else None


@contextmanager
def _reporting(progress: Style) -> Iterator[Listener]:
    """Shows a training run in a style; if it fails, the last event is its error.

    Fails immediately if the packages that training needs are not installed.
    """
    with listener(progress if is_first() else Style.NONE) as on_event:
        try:
            if problem := missing("Training", *TRAINING):
                raise ConfigError(problem)
            yield on_event
        except TrainerError as error:
            on_event(Failed(printable(error), is_interrupted=isinstance(error, Interrupted)))
            raise
        except KeyboardInterrupt:
            on_event(Failed(_INTERRUPTED, is_interrupted=True))
            raise
        except Exception as error:
            if is_out_of_memory(error):
                on_event(Failed(OUT_OF_MEMORY))
            raise


def _what_next(path: Path, serving: bool) -> str:
    if serving:
        return "It is the serving checkpoint. Talk to it: python -m bot chat"
    if path.parent.resolve() == checkpoint.CHECKPOINTS.resolve():
        return f"To make it serve: python -m trainer checkpoints promote {path.name}"
    return f"To judge with it: python -m bot classify --checkpoint {path}"


def _print_figures(title: str, figures: dict[str, Any]) -> None:
    table = _table("", "precision", "recall", "F1", *(f"called {word}" for word in LABELS))
    for word, row in zip(LABELS, figures["confusion_matrix"], strict=True):
        mine = figures["per_class"][word]
        shares = (f"{mine[name]:.3f}" for name in ("precision", "recall", "f1"))
        table.add_row(f"{mine['reviews']:,} {word}", *shares, *(f"{count:,}" for count in row))
    print(
        f"\n{title}: accuracy {figures['accuracy']:.3f} on {figures['reviews']:,} reviews, "
        f"calibration error {figures['calibration_error']:.3f}"
    )
    _print_table(table)


def _print_selective(figures: dict[str, Any]) -> None:
    print(
        f"Unsure of {figures['unsure']:.1%} of these; "
        f"of the verdicts on the others, {figures['right']:.1%} are right.\n"
        f"Of the unsure, {figures['leans']:.1%} lean to one side; "
        f"of those that lean, {figures['leans_right']:.1%} are right.\n"
    )


def _print_comparison(compared: Compared, fixed: dict[str, Any]) -> None:
    low, high = compared.interval
    print(
        f"\nDifference in accuracy: {compared.difference:+.3f} "
        f"(95% interval {low:+.3f} to {high:+.3f}; McNemar's exact test p = "
        f"{compared.p_value:.3f}). {compared.checkpoint} is "
        f"{'not worse' if compared.not_worse else 'worse'}."
    )
    print(
        f"On {fixed['reviews']:,} fixed reviews: accuracy {fixed['accuracy']:.3f} against "
        f"{fixed['against']:.3f}. {compared.objection}".rstrip()
    )


def _print_checks(checked: dict[str, Any]) -> None:
    """Without the sentences: a program may read this, and keep it."""
    broken, lost = checked["broken"], checked.get("lost", [])
    print(f"Sentences under test: {checked['total'] - len(broken)} of {checked['total']} kept.")
    for each in broken:
        what = ", which the other one keeps" if each in lost else ""
        print(f"Broken: {BrokenCheck(**each)}{what}")


def _print_results(results: Comparison) -> None:
    table = _table(*HEADINGS)
    for row in results.rows:
        table.add_row(*row.cells("\n"))
    print()
    _print_table(table)


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        # The first column holds a name to copy: it is never wrapped.
        first = number == 0
        table.add_column(heading, justify="left" if first else "right", no_wrap=first)
    return table


def _print_table(table: Table) -> None:
    # Without a terminal the width is unknown, and a pipe or a file has room.
    # Square brackets in a name are not markup.
    width = None if sys.stdout.isatty() else 160
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


def main() -> int:
    """Runs the command line; every failure ends in one sentence and an exit code."""
    # SIGTERM, from an operator or the parent process, stops a run as cleanly as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code: int = app(standalone_mode=False) or 0
    except Interrupted as error:
        return _fail(str(error), EXIT_INTERRUPTED, by_all=isinstance(error, ProcessLost))
    except TrainerError as error:
        return _fail(str(error), EXIT_BAD_INPUT)
    except typer.TyperException as error:
        return _fail(f"{error.format_message()} Try: python -m trainer --help", error.exit_code)
    except Exception as error:
        if is_out_of_memory(error):
            return _fail(OUT_OF_MEMORY, EXIT_BAD_INPUT)
        # The message of an unforeseen error may contain review text; files and lines cannot.
        innermost_first = traceback.extract_tb(error.__traceback__)[: -MAX_FRAMES - 1 : -1]
        places = ", called from ".join(
            f"{Path(frame.filename).name}:{frame.lineno}" for frame in innermost_first
        )
        return _fail(
            f"an unforeseen {type(error).__name__} at {places}. "
            f"This is a bug: please report it with this line.",
            EXIT_BUG,
            by_all=True,
        )
    # Typer turns an interrupt into its exit code and prints nothing.
    return _fail(_INTERRUPTED, code) if code == EXIT_INTERRUPTED else code


_INTERRUPTED = f"Interrupted. {NOTHING_SAVED}"


def _interrupt(_signal: int, _frame: "FrameType | None") -> None:
    raise KeyboardInterrupt


def _fail(sentence: str, exit_code: int, *, by_all: bool = False) -> int:
    """Of several processes, one on each machine prints what all of them would print."""
    if by_all or is_first_here():
        # A name may contain line breaks and escape sequences: printed raw, they forge log lines.
        print(f"error: {printable(sentence)}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
