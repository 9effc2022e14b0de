"""What `/stats` shows as a picture, for a phone in dark mode.

It needs matplotlib, which serving does without: import this module only where that is installed.
"""

from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bot.desk.summary import GROUPS, Period, Summary, duration, percent

_SIZE_INCHES = (6.0, 7.6)
_DPI = 180
"""A phone shows the picture about 2.5 inches wide: 14 points here are 6 there."""

_BACKGROUND, _TEXT, _FAINT, _GRID = "#1e1f22", "#f2f3f5", "#b5bac1", "#3f4147"
_COLOURS = ("#4fb3ff", "#ff9f4a", "#f5e05a", "#6d727c")
"""Of GROUPS: praise, complaints, unsure, other; also different in grey."""
_NONE = "\N{EN DASH}"
_LABELS = ("praise", "complaints", "unsure", "other")
_UNSURE_COLOUR, _AGREEMENT_COLOUR = _COLOURS[2], "#57d9a3"


def draw(summary: Summary) -> bytes:
    """A PNG. Takes about a second."""
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor=_BACKGROUND)
    figure.set_layout_engine("constrained", w_pad=0.15, h_pad=0.1)
    headline, tiles, verdicts, shares = figure.subplots(
        4, 1, gridspec_kw={"height_ratios": (0.16, 0.75, 1.6, 1.1)}
    )
    headline.set_axis_off()
    headline.text(
        0, 0.5, summary.period.title, color=_TEXT, fontsize=19, va="center", weight="bold"
    )
    _draw_tiles(tiles, summary)
    _draw_verdicts(verdicts, summary)
    _draw_shares(shares, summary)
    file = BytesIO()
    figure.savefig(file, format="png", facecolor=_BACKGROUND)
    return file.getvalue()


def _draw_tiles(axes: Axes, summary: Summary) -> None:
    """The numbers of the whole period."""
    axes.set_axis_off()
    axes.set_xlim(0, 3)
    axes.set_ylim(0, 2)
    p95, half = summary.latency.quantile(0.95), summary.time_to_claim.quantile(0.5)
    agreement, votes = summary.votes.agreement, f"right, {summary.votes.number:,} votes"
    tiles = (
        (f"{summary.replies.total():,}", "replies"),
        (_NONE if p95 is None else duration(p95), "95% replied within"),
        (_NONE if summary.unsure is None else percent(summary.unsure), "unsure"),
        (_NONE if agreement is None else percent(agreement), votes),
        (f"{summary.requests:,}", "for a person"),
        (_NONE if half is None else duration(half), "half claimed within"),
    )
    for number, (value, label) in enumerate(tiles):
        x, y = number % 3, 1 - number // 3
        axes.text(x, y + 0.62, value, color=_TEXT, fontsize=18, va="center", weight="bold")
        axes.text(x, y + 0.16, label, color=_FAINT, fontsize=11.5, va="center")


def _draw_verdicts(axes: Axes, summary: Summary) -> None:
    """Replies over time, by what they answered."""
    positions = range(len(summary.steps))
    below = [0] * len(summary.steps)
    for group, colour, label in zip(GROUPS, _COLOURS, _LABELS, strict=True):
        heights = [step.replies[group] for step in summary.steps]
        axes.bar(positions, heights, 0.8, below, color=colour, label=label)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.set_ylim(0, max(max(below) * 1.05, 1))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _furnish(axes, summary, "Replies")


def _draw_shares(axes: Axes, summary: Summary) -> None:
    """The share left unsure, and the share of votes that said yes, over time."""
    for values, colour, label, marker in (
        ([step.votes.agreement for step in summary.steps], _AGREEMENT_COLOUR, "voted right", "o"),
        ([step.unsure for step in summary.steps], _UNSURE_COLOUR, "left unsure", "s"),
    ):
        points = [(x, y) for x, y in enumerate(values) if y is not None]
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            color=colour,
            label=label,
            marker=marker,
            markersize=5,
            linewidth=2.2,
        )
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.5, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    _furnish(axes, summary, "Shares")


def _furnish(axes: Axes, summary: Summary, title: str) -> None:
    """Title, legend, grid, and the times below."""
    axes.set_facecolor(_BACKGROUND)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.grid(axis="y", color=_GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_FAINT, labelsize=12, length=0)
    axes.set_title(title, color=_TEXT, fontsize=14, loc="left", pad=32)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 0.98),
        ncols=len(GROUPS),
        frameon=False,
        labelcolor=_TEXT,
        fontsize=12,
        handlelength=1,
        columnspacing=1.2,
        handletextpad=0.5,
    )
    steps = summary.steps
    axes.set_xlim(-0.6, len(steps) - 0.4)
    every = {Period.DAY: 6, Period.WEEK: 1, Period.MONTH: 7}[summary.period]
    shown = list(range(len(steps) - 1, -1, -every))[::-1]
    axes.set_xticks(shown, [_tick(summary, number) for number in shown])


def _tick(summary: Summary, number: int) -> str:
    start = summary.steps[number].start
    match summary.period:
        case Period.DAY:
            return f"{start:%H:%M}"
        case Period.WEEK:
            return f"{start:%a}"
        case Period.MONTH:
            return f"{start.day} {start:%b}"
