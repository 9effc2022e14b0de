"""The picture of a comparison: a row per base model and loop, a panel per figure."""

import io
from collections.abc import Callable, Sequence
from statistics import mean
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trainer.comparing.rows import Row, Run
from trainer.config import Loop

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {Loop.MANUAL: "#08519c", Loop.TRAINER: "#e6842a"}
_MAX_NAME_CHARACTERS = 28
"""In characters; of a longer label only the end is shown."""


def draw(rows: Sequence[Row], title: str) -> bytes:
    """A PNG of the rows, each of which has at least one run.

    Scores are dots on a part of their scale, costs are bars from zero; a thin line spans the lowest
    to the highest seed.
    """
    # The object interface, not pyplot: it keeps no global state and needs no screen.
    figure = Figure(figsize=(14, 1.9 + 0.6 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    figure.supxlabel("dot or bar: mean of the seeds; line: lowest to highest", fontsize=9)
    panels = figure.subplots(1, 6, sharey=True)
    _draw_scores(panels[0], rows, "accuracy", lambda run: run.accuracy)
    _draw_scores(panels[1], rows, "F1", lambda run: run.f1)
    _draw_costs(panels[2], rows, "calibration error", lambda run: run.calibration_error, "{:.3f}")
    _draw_costs(panels[3], rows, "training (s)", lambda run: run.seconds, "{:,.0f}")
    _draw_costs(panels[4], rows, "weights (MB)", lambda run: run.megabytes, "{:,.0f}")
    _draw_costs(panels[5], rows, "latency (ms)", lambda run: run.latency, "{:.1f}")
    panels[0].set_yticks(range(len(rows)), [_label(row) for row in rows])
    panels[0].set_ylim(len(rows) - 0.4, -0.6)  # the first row on top
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, metadata={"Software": None})
    return picture.getvalue()


def _draw_scores(
    panel: "Axes", rows: Sequence[Row], title: str, of: Callable[[Run], float]
) -> None:
    for place, row in enumerate(rows):
        values = [of(run) for run in row.runs]
        colour = _COLOURS[row.loop]
        panel.plot([min(values), max(values)], [place, place], color=colour, linewidth=3, alpha=0.4)
        panel.plot(mean(values), place, "o", color=colour, markersize=7)
        panel.annotate(
            f"{mean(values):.3f}",
            *((mean(values), place), (0, 8)),
            textcoords="offset points",
            ha="center",
        )
    _style(panel, title)
    panel.margins(x=0.35)
    panel.grid(axis="x", color="#dddddd", linewidth=0.8)


def _draw_costs(
    panel: "Axes", rows: Sequence[Row], title: str, of: Callable[[Run], float], form: str
) -> None:
    for place, row in enumerate(rows):
        values = [of(run) for run in row.runs]
        panel.barh(place, mean(values), height=0.45, color=_COLOURS[row.loop], alpha=0.75)
        panel.plot([min(values), max(values)], [place, place], color="black", linewidth=1)
        panel.annotate(
            form.format(mean(values)),
            *((max(values), place), (4, 0)),
            textcoords="offset points",
            va="center",
        )
    _style(panel, title)
    panel.margins(x=0.3)
    panel.set_xlim(left=0)


def _style(panel: "Axes", title: str) -> None:
    panel.set_title(title, fontsize=11)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(axis="y", length=0)
    panel.set_axisbelow(True)


def _label(row: Row) -> str:
    name = row.base_model
    if len(name) > _MAX_NAME_CHARACTERS:
        name = f"…{name[-_MAX_NAME_CHARACTERS:]}"
    return f"{name}\n{row.loop} loop"
