"""The results of a comparison of base models: a table, a picture, and the figures as JSON.

comparisons/
  2026-11-23-181500-starter/
    comparison.md        the table, and the command to reproduce it
    comparison.png       the same as a picture
    comparison.json      every run
"""

import json
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trainer.comparing.rows import HEADINGS, Row
from trainer.errors import ComparisonError
from trainer.model.files import write_whole
from trainer.model.record import TrainingRecord

COMPARISONS = Path("comparisons")
"""The folder of comparisons, relative to the working directory."""

_PICTURE_FILE = "comparison.png"
_DATA_FILE = "comparison.json"
_TABLE_FILE = "comparison.md"
_BUDGET = (
    *("text_column", "label_column", "fraction", "epochs", "max_length", "batch_size"),
    "learning_rate",
)
"""The hyperparameters of a comparison, the same for every run."""


@dataclass(slots=True)
class Comparison:
    """All rows, and the conditions that they share."""

    rows: list[Row]
    planned: int
    """Number of runs, including those still to come."""
    conditions: dict[str, Any] = field(default_factory=dict)
    """Data set, hyperparameters, device, threads and versions; empty until a run has finished."""

    @property
    def finished(self) -> int:
        """Number of runs that finished with figures."""
        return sum(len(row.runs) for row in self.rows)

    @property
    def failures(self) -> list[str]:
        """Which rows failed and why, a sentence or two each."""
        return [f"{row.base_model} ({row.loop}): {row.error}" for row in self.rows if row.error]

    @property
    def dataset(self) -> str:
        """The name of the reviews."""
        return str(self.conditions["datasets"][0]["name"])

    def set_conditions(self, training: TrainingRecord) -> None:
        """Reads the shared conditions from the record of one run."""
        differing = ("base_model", "loop", "seed")
        given = asdict(training.hyperparameters)
        self.conditions = {
            "datasets": list(map(asdict, training.datasets)),
            "hyperparameters": {key: given[key] for key in given if key not in differing},
            **{name: getattr(training, name) for name in ("device", "threads", "versions")},
        }

    def write(self, folder: Path) -> None:
        """Writes table, picture and figures into `folder`; each file completely or not at all.

        Raises:
            ComparisonError: they cannot be written.
        """
        data = {"planned": self.planned, **self.conditions, "rows": list(map(asdict, self.rows))}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / _DATA_FILE, (json.dumps(data, indent=2) + "\n").encode())
            write_whole(folder / _PICTURE_FILE, self._picture())
            write_whole(folder / _TABLE_FILE, self._page().encode())
        except OSError as error:
            raise cannot_be_written(folder, error) from error

    def _page(self) -> str:
        rows = [HEADINGS, ["---"] * len(HEADINGS), *(row.cells(" ") for row in self.rows)]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
        failures = "".join(f"\n- {failure}" for failure in self.failures)
        open_runs = self.planned - self.finished
        partial = f"\n{self.finished} of {self.planned} runs are finished.\n" if open_runs else ""
        return f"""# Base models compared on {self.dataset}

```sh
{self._command()}
```

{self._describe()}; {self._machine()}.
With several seeds: their mean, then the lowest and the highest. F1 is of the positive class,
the calibration error the expected one (Guo et al. 2017), latency the median for one short message
at a time, including tokenisation.
{partial}
{table}
{failures}

![The table as a picture]({_PICTURE_FILE})
"""

    def _describe(self) -> str:
        sets, given = self.conditions["datasets"], self.conditions["hyperparameters"]
        train = sum(sum(each["rows"]["train"].values()) for each in sets)
        test = sum(sets[0]["rows"]["test"].values())
        epochs = given["epochs"]
        return (
            f"{train:,} training reviews, "
            f"{epochs} epoch{'s' if epochs > 1 else ''}, at most {given['max_length']} tokens; "
            f"{test:,} test reviews"
        )

    def _machine(self) -> str:
        device, threads = self.conditions["device"], self.conditions["threads"]
        return f"{device}, {threads} thread{'s' if threads > 1 else ''}"

    def _command(self) -> str:
        given = self.conditions["hyperparameters"]
        seeds = self.planned // len(self.rows)
        options = [
            *(("base-model", name) for name in dict.fromkeys(row.base_model for row in self.rows)),
            *(("loop", loop) for loop in dict.fromkeys(row.loop for row in self.rows)),
            ("seeds", seeds),
            *(("dataset", name) for name in given["datasets"]),
            *(("label-map", entry) for entry in given["label_map"] or ()),
            # Values that the recipe or the size of a set determined are left to it again.
            *((n.replace("_", "-"), given[n]) for n in _BUDGET if given[n] is not None),
        ]
        words = [word for name, value in options for word in (f"--{name}", str(value))]
        return f"python -m trainer compare {shlex.join(words)}"

    def _picture(self) -> bytes:
        from trainer.comparing.picture import draw  # matplotlib takes a second to import

        rows = [row for row in self.rows if row.runs]
        return draw(rows, f"{self.dataset}: {self._describe()}; {self._machine()}")


def refuse_existing(folder: Path) -> None:
    """Raises ComparisonError if `folder` exists: nothing is overwritten."""
    try:
        is_there = folder.exists() or folder.is_symlink()
    except OSError as error:  # the name is too long, or a folder above it cannot be read
        raise cannot_be_written(folder, error) from error
    if is_there:
        raise ComparisonError(
            f"{folder} exists already and is not changed. Choose another --output, or omit "
            f"--output for a dated folder in {COMPARISONS}/."
        )


def cannot_be_written(folder: Path, error: OSError) -> ComparisonError:
    """The error for a folder of a comparison that the disk refuses."""
    return ComparisonError(
        f"{folder} cannot be written: {error.strerror}. Free space, or choose another --output."
    )
