"""Which of several processes this is: `torchrun` and Ray Train say so in the environment."""

import os
from dataclasses import dataclass

from trainer.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Place:
    """The place of this process among those that train together."""

    rank: int
    """From 0; the process of rank 0 reports, saves and assesses."""
    size: int
    """The number of processes, on all machines."""
    local_rank: int
    """From 0, among those of this machine."""
    local_size: int
    """The number of processes on this machine."""


def this_process() -> Place | None:
    """The place of this process; None if it trains alone.

    Raises:
        ConfigError: the environment gives it no possible place.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    given = {name: os.environ[name] for name in names if name in os.environ}
    if given.get("WORLD_SIZE", "1") == "1":
        return None
    try:
        place = Place(*(int(given[name]) for name in names))
    except (KeyError, ValueError):
        place = None
    if place is None or not (
        0 <= place.rank < place.size and 0 <= place.local_rank < place.local_size <= place.size
    ):
        said = ", ".join(f"{name}={given.get(name, '')}" for name in names)
        raise ConfigError(
            f"The environment says that this is one of several processes, but not which: {said}. "
            f"Start them with torchrun, or unset WORLD_SIZE to train in one process."
        )
    return place


def is_first() -> bool:
    """Whether this process reports what all processes do."""
    return _number("RANK") == 0


def is_first_here() -> bool:
    """Whether this process reports what happens to all processes of this machine."""
    return _number("LOCAL_RANK") == 0


def _number(name: str) -> int:
    """A rank; 0 in a process that trains alone, or has no possible place, and must say so."""
    alone = os.environ.get("WORLD_SIZE", "1") == "1"
    text = "0" if alone else os.environ.get(name, "0")
    return int(text) if text.isdecimal() else 0
