"""Three ways to show the events of a run (`trainer.events`): a bar, JSON lines, nothing.

The bar is for people (plain lines if there is no terminal); the JSON lines, one object per event,
are for programs.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from trainer.events import Event, Judging, Listener, Note, Plan, Step, duration, ignore, to_line

PLAIN_LINE_EVERY_SECONDS = 10.0


class Style(StrEnum):
    """How progress is shown."""

    BAR = "bar"
    JSON = "json"
    NONE = "none"


@contextmanager
def listener(style: Style) -> Iterator[Listener]:
    """Shows events in a style while the block runs; the cursor and the terminal are restored."""
    if style is Style.JSON:
        yield _print_json
    elif style is Style.NONE:
        yield ignore
    elif sys.stderr.isatty():
        with _Bar() as bar:
            yield bar
    else:
        yield _PlainLines()


def _print_json(event: Event) -> None:
    print(to_line(event), flush=True)


def _figures(step: Step) -> str:
    return (
        f"loss {step.loss:.3f}  {step.tokens_per_second:,.0f} tokens/s  "
        f"{duration(step.seconds_left)} left"
    )


def _plan_sentence(plan: Plan) -> str:
    counts = list(plan.reviews.values())
    if len(set(counts)) == 1:
        each = f"{counts[0]:,} of each class"
    else:
        each = ", ".join(f"{count:,} {word}" for word, count in plan.reviews.items())
    return (
        f"Training on {sum(counts):,} reviews ({each}), "
        f"{plan.epochs} epoch{'s' if plan.epochs > 1 else ''}, {plan.steps:,} steps."
    )


class _Bar:
    """A bar for training, then one for each evaluation, on standard error."""

    def __init__(self) -> None:
        # Names may be printed here, and square brackets in them are not markup.
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._progress = Progress(
            TextColumn("{task.description:<10}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,}/{task.total:,}"),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self._console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case Note(message):
                self._console.print(message)
            case Plan():
                self._forget_bars()  # those of the previous run, if there are several
                self._console.print(_plan_sentence(event))
            case Step():
                self._advance("training", event.number, event.total, _figures(event))
            case Judging():
                self._advance(event.split, event.done, event.total, "reviews judged")

    def _forget_bars(self) -> None:
        for task in self._tasks.values():
            self._progress.remove_task(task)
        self._tasks.clear()

    def _advance(self, name: str, done: int, total: int, figures: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, figures="")
        self._progress.update(self._tasks[name], completed=done, figures=figures)


class _PlainLines:
    """A line now and then, for logs and pipes, on standard error."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        match event:
            case Note(message):
                self._print(message)
            case Plan():
                self._print(_plan_sentence(event))
            case Step() if event.number == event.total or self._is_time():
                self._print(f"step {event.number:,}/{event.total:,}  {_figures(event)}")
            case Judging() if event.done == event.total or self._is_time():
                self._print(f"{event.split}: {event.done:,}/{event.total:,} reviews judged")

    def _is_time(self) -> bool:
        return time.monotonic() - self._last >= PLAIN_LINE_EVERY_SECONDS

    def _print(self, line: str) -> None:
        self._last = time.monotonic()
        print(line, file=sys.stderr, flush=True)
