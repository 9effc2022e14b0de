"""Temporary folders of checkpoints that are being made, and the states that interrupted runs leave.

    checkpoints/
      .review-concierge-partial-x1y2z3/
        state.safetensors         from which `trainer fit --resume` continues
        model.safetensors, …      what becomes the checkpoint, in one rename

A process locks its folder while it lives. What a dead process left is deleted by the next one,
unless it is a state: that is kept for `KEPT_DAYS`, because it may stand for hours of training.

This module imports no torch. `trainer.training.state` writes the states.
"""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import CheckpointError
from trainer.model.files import PARTIAL_PREFIX

KEPT_DAYS = 7
"""After this time a run is not expected to be continued, and its state takes three times the space
of the weights."""

_STATE_FILE = "state.safetensors"
_RUN = "run"
"""The key of the run's JSON object in the metadata of the state."""
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that was interrupted after a state was saved."""

    output: Path
    """The checkpoint that it was to become."""
    folder: Path
    """Where its state is."""
    step: int
    """Steps done."""
    total: int
    """Steps of the whole run."""

    def __str__(self) -> str:
        return (
            f"The training of {self.output} is unfinished: its state after step {self.step:,} of "
            f"{self.total:,} is kept for {KEPT_DAYS} days. To continue: python -m trainer fit "
            f"--resume --output {self.output}, with the options that it began with."
        )


def state_file(folder: Path) -> Path:
    """The path of the state in a temporary folder, whether it exists or not."""
    return folder / _STATE_FILE


def metadata(run: dict[str, Any]) -> dict[str, str]:
    """The metadata of a state: `run` has at least `output`, `step` and `total`."""
    return {_RUN: json.dumps(run)}


def read_run(folder: Path) -> dict[str, Any] | None:
    """The run in the metadata of a state; None if there is no state, or it cannot be read."""
    from safetensors import SafetensorError, safe_open

    file = state_file(folder)
    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="numpy") as state:
            run = json.loads((state.metadata() or {})[_RUN])
    except (SafetensorError, OSError, ValueError, KeyError, RecursionError):
        return None
    return run if isinstance(run, dict) else None


def list_unfinished(root: Path) -> list[Unfinished]:
    """The unfinished runs whose outputs are in `root`, by name."""
    found = []
    for folder in _leftovers(root):
        run = read_run(folder)
        with suppress(TypeError, KeyError, ValueError):
            if run is not None:
                output = root / Path(str(run["output"])).name
                found.append(Unfinished(output, folder, int(run["step"]), int(run["total"])))
    return sorted(found, key=lambda each: each.output.name)


def find_unfinished(output: Path) -> Unfinished | None:
    """The unfinished run that was to become `output`."""
    # A link in the path may stand for the same folder.
    return next((e for e in list_unfinished(output.parent) if e.output.name == output.name), None)


def choose(output: Path | None, root: Path) -> Unfinished:
    """The run to continue: that of `output`, or the only one in `root`.

    Raises:
        CheckpointError: there is none, or there are several.
    """
    if output is not None:
        if (found := find_unfinished(output)) is None:
            raise CheckpointError(
                f"There is no unfinished training of {output} to continue. Start it without "
                f"--resume."
            )
        return found
    runs = list_unfinished(root)
    if not runs:
        raise CheckpointError(
            f"There is no unfinished training in {root} to continue. Start one without --resume."
        )
    if len(runs) > 1:
        raise CheckpointError(
            f"There are {len(runs)} unfinished trainings in {root}. Name one with --output: "
            f"{', '.join(str(each.output) for each in runs)}."
        )
    return runs[0]


def refuse_unfinished(output: Path) -> None:
    """Raises CheckpointError if a run that was to become `output` may be continued."""
    if (found := find_unfinished(output)) is not None:
        raise CheckpointError(f"{found} To begin again, delete {found.folder}.")


def discard_state(output: Path) -> None:
    """Deletes the state of the run that was to become `output`, if there is one."""
    if (found := find_unfinished(output)) is not None:
        shutil.rmtree(found.folder, ignore_errors=True)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yields a temporary folder in `parent`, which is created if it does not exist.

    It is deleted at the end, except a state in it. If the process is killed, the next one that asks
    for a folder in `parent` deletes it.

    Raises:
        OSError: nothing can be written there.
    """
    with _existing_folder(parent):
        _remove_leftovers(parent)
        scratch = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=parent))
        try:
            with locked(scratch):
                yield scratch
        finally:
            _clear(scratch)


@contextmanager
def reopened(unfinished: Unfinished) -> Iterator[Path]:
    """Yields the folder of an unfinished run, with only its state; otherwise as `scratch_folder`.

    Raises:
        CheckpointError: another process continues it already.
    """
    try:
        with locked(unfinished.folder, wait=False):
            _clear(unfinished.folder)
            try:
                yield unfinished.folder
            finally:
                _clear(unfinished.folder)
    except BlockingIOError:
        raise CheckpointError(
            f"{unfinished.output} is being trained by another process. Wait for it to end."
        ) from None


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds the folder's lock, which the kernel releases when the process ends, however it ends.

    Raises:
        CheckpointError: there is no such folder.
        BlockingIOError: another process holds it, and `wait` is false.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no folder {folder}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    """Deletes a temporary folder; if a state is in it, everything else in it."""
    if not state_file(folder).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path != state_file(folder):
            with suppress(OSError):
                path.unlink()


@contextmanager
def _existing_folder(folder: Path) -> Iterator[None]:
    """Makes a folder; removes it at the end if it is empty."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # it is not empty
            for each in missing:
                each.rmdir()


def _leftovers(root: Path) -> list[Path]:
    """Temporary folders in `root`, whether their processes live or not."""
    with suppress(OSError):
        found = root.glob(f"{PARTIAL_PREFIX}*")
        return [path for path in found if path.is_dir() and not path.is_symlink()]
    return []


def _remove_leftovers(root: Path) -> None:
    for leftover in _leftovers(root):
        with suppress(BlockingIOError, CheckpointError), locked(leftover, wait=False):
            if _is_worth_keeping(leftover):
                _clear(leftover)
            else:
                shutil.rmtree(leftover, ignore_errors=True)


def _is_worth_keeping(folder: Path) -> bool:
    """Whether a readable state is in it that is not too old."""
    if read_run(folder) is None:
        return False
    age = time.time() - state_file(folder).stat().st_mtime
    return age < KEPT_DAYS * _SECONDS_PER_DAY
