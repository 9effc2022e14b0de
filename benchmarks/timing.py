"""Times several sides against each other, and defines the rows of the table."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Side = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure."""

    figure: str
    against: str
    """The name of the other side."""
    unit: str
    ours: float
    theirs: float | None = None
    target: float | None = None
    """The target: how many times better than the other side. None: reported only."""
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better ours is; None if there is no other side."""
        if self.theirs is None:
            return None
        return self.ours / self.theirs if self.more_is_better else self.theirs / self.ours

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self) | {"ratio": self.ratio}


def alternate(
    sides: Sequence[Side], seconds: float, block: int = 1, least: int = 3
) -> list[list[float]]:
    """Calls the sides alternately, `block` calls each, until `seconds` have passed.

    Other load on the machine then affects all sides equally. If a block has several calls, an extra
    one that does not count goes first: by then the other side's threads sleep again, and the
    weights are back in the caches. At least `least` blocks of each side are timed.

    Returns:
        For each side the seconds of each of its calls.
    """
    times: list[list[float]] = [[] for _ in sides]
    began = time.perf_counter()
    while len(times[0]) < least * block or time.perf_counter() - began < seconds:
        for side, found in zip(sides, times, strict=True):
            if block > 1:
                side()
            found += [_seconds(side) for _ in range(block)]
    return times


def _seconds(side: Side) -> float:
    began = time.perf_counter()
    side()
    return time.perf_counter() - began
