"""The rows of a comparison: the results of each base model and loop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import mean

from trainer.config import Loop

HEADINGS = (
    *("base model", "loop", "accuracy", "F1", "calibration error", "training (s)", "tokens/s"),
    *("weights (MB)", "parameters (M)", "latency (ms)"),
)

_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Run:
    """One base model, trained by one loop with one seed."""

    seed: int
    accuracy: float
    """On the test reviews, like the next two."""
    f1: float
    """Of the positive class."""
    calibration_error: float
    """Expected calibration error, 0 to 1 (`trainer.training.evaluation.calibration_error`)."""
    seconds: float
    """The training time, without loading and evaluation."""
    tokens_per_second: float
    """In training, padding not counted."""
    megabytes: float
    """The weights on disk, in 10^6 bytes."""
    parameters: int
    latency: float
    """The median time of the saved checkpoint for one short message at a time, in milliseconds,
    including tokenisation."""


@dataclass(slots=True)
class Row:
    """One base model and one loop."""

    base_model: str
    loop: Loop
    runs: list[Run] = field(default_factory=list)
    """The finished runs."""
    error: str = ""
    """The error, if a run failed."""

    def cells(self, separator: str) -> list[str]:
        """The cells under `HEADINGS`: mean, then the range over the seeds."""
        if not self.runs:
            empty = [_NOTHING] * (len(HEADINGS) - 3)
            return [self.base_model, self.loop, "failed" if self.error else _NOTHING, *empty]
        return [
            self.base_model,
            self.loop,
            self._cell(lambda run: run.accuracy, "{:.3f}", separator),
            self._cell(lambda run: run.f1, "{:.3f}", separator),
            self._cell(lambda run: run.calibration_error, "{:.3f}", separator),
            self._cell(lambda run: run.seconds, "{:,.0f}", separator),
            self._cell(lambda run: run.tokens_per_second, "{:,.0f}", separator),
            f"{self.runs[0].megabytes:,.0f}",
            f"{self.runs[0].parameters / 1e6:,.1f}",
            self._cell(lambda run: run.latency, "{:.1f}", separator),
        ]

    def _cell(self, of: Callable[[Run], float], form: str, separator: str) -> str:
        values = [of(run) for run in self.runs]
        low, high = form.format(min(values)), form.format(max(values))
        middle = form.format(mean(values))
        return middle if low == high else f"{middle}{separator}({low}-{high})"
