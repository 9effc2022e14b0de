"""What a comparison of base models comes to: a table, a picture, and the figures as JSON.

comparisons/
  2026-11-23-181500-starter/
    comparison.md        the table, and how to make it again
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
"""Where comparisons are written, seen from the working directory."""

_PICTURE_FILE = "comparison.png"
_DATA_FILE = "comparison.json"
_TABLE_FILE = "comparison.md"
_BUDGET = (
    *("text_column", "label_column", "fraction", "epochs", "max_length", "batch_size"),
    "learning_rate",
)
"""The hyperparameters that a comparison is given, the same for every run."""


@dataclass(slots=True)
class Comparison:
    """All rows, and what was the same for all of them."""

    rows: list[Row]
    planned: int
    """Runs in all, also those that are still to come."""
    conditions: dict[str, Any] = field(default_factory=dict)
    """Data set, hyperparameters, device, threads and versions; empty until a run is finished."""

    @property
    def finished(self) -> int:
        """Runs that came to an end with figures."""
        return sum(len(row.runs) for row in self.rows)

    @property
    def failures(self) -> list[str]:
        """Which rows failed and why, a sentence or two each."""
        return [f"{row.base_model} ({row.loop}): {row.error}" for row in self.rows if row.error]

    @property
    def dataset(self) -> str:
        """What the reviews are called."""
        return str(self.conditions["datasets"][0]["name"])

    def set_conditions(self, training: TrainingRecord) -> None:
        """Takes what is the same for all runs from the record of one of them."""
        differing = ("base_model", "loop", "seed")
        given = asdict(training.hyperparameters)
        self.conditions = {
            "datasets": list(map(asdict, training.datasets)),
            "hyperparameters": {key: given[key] for key in given if key not in differing},
            **{name: getattr(training, name) for name in ("device", "threads", "versions")},
        }

    def write(self, folder: Path) -> None:
        """Writes table, picture and figures into `folder`; each file is whole or as it was.

        Raises:
            ComparisonError: the disk does not take them.
        """
        data = {"planned": self.planned, **self.conditions, "rows": list(map(asdict, self.rows))}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / _DATA_FILE, (json.dumps(data, indent=2) + "\n").encode())
            write_whole(folder / _PICTURE_FILE, self._picture())
            write_whole(folder / _TABLE_FILE, self._page().encode())
        except OSError as error:
            raise ComparisonError(
                f"{folder} cannot be written: {error.strerror}. Make room, or choose another "
                f"--output."
            ) from error

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
Where the seeds differ: their mean, then the lowest and the highest. F1 is of the positive class,
the calibration error the expected one (Guo et al. 2017), latency the median for one short message
by itself, tokenising included.
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
            # What was left to the recipe, or to the size of a set, is left to it again.
            *((n.replace("_", "-"), given[n]) for n in _BUDGET if given[n] is not None),
        ]
        words = [word for name, value in options for word in (f"--{name}", str(value))]
        return f"python -m trainer compare {shlex.join(words)}"

    def _picture(self) -> bytes:
        from trainer.comparing.picture import draw  # matplotlib takes a second

        rows = [row for row in self.rows if row.runs]
        return draw(rows, f"{self.dataset}: {self._describe()}; {self._machine()}")


def refuse_existing(folder: Path) -> None:
    """Raises ComparisonError where something is at `folder` already: nothing is overwritten."""
    if folder.exists() or folder.is_symlink():
        raise ComparisonError(
            f"{folder} exists already and is left as it is. Choose another --output, or leave "
            f"--output out for a dated folder in {COMPARISONS}/."
        )
