"""Faults of a training that was ordered in the chat: killed at each stage, no disk, no memory."""

import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.soak.rig import Rig, Row
from bot.operations.background import Background
from bot.operations.training import FOLDER
from tests.discord_server import Posted
from trainer.errors import CheckpointError
from trainer.model.checkpoint import graph_file, verify
from trainer.model.files import PARTIAL_PREFIX
from trainer.model.unfinished import list_unfinished, state_file

EPOCHS = 3
MANY_EPOCHS = 1_000
"""Longer than the minute after which a state is saved."""
TRAINING_SECONDS = 300.0
MESSAGES = 8
"""Written during each training."""
FULL_AT = 100_000
"""Bytes of a file: more than the trainer's report, less than a checkpoint."""

FAILED, TRAINED = "**The training on films failed.**", "**Trained on films"

Stage = Callable[[Rig], bool]


def _said(rig: Rig, words: str) -> bool:
    file = rig.home / FOLDER / "fit.out"
    return file.exists() and words in file.read_text("utf-8", "replace")


def _written(rig: Rig, name: str) -> bool:
    return any(rig.checkpoints.glob(f"{PARTIAL_PREFIX}*/{name}"))


STAGES: dict[str, tuple[Stage, str]] = {
    "loading": (lambda _: True, FAILED),
    "a step": (lambda rig: _said(rig, '"event": "step"'), FAILED),
    "exporting": (lambda rig: _written(rig, graph_file(Path()).name), FAILED),
    "saving": (lambda rig: _written(rig, "model.safetensors"), FAILED),
    "comparing": (lambda rig: (rig.home / FOLDER / "compare.out").exists(), TRAINED),
}
"""When each is reached, and how the result begins after a kill there."""


Injection = Callable[[int], None]
"""Does something to the process of this id."""


async def _failed(
    rig: Rig, row: Row, is_reached: Stage, inject: Injection, expected: Callable[[str], bool]
) -> Row:
    """Injects it at this stage of trainings, whose results must be as expected."""
    for _ in range(row.injected):
        ids = await rig.write(MESSAGES)
        await _train(rig, EPOCHS)
        inject(await _trainer(rig, is_reached))
        began = time.monotonic()
        said = (await _result(rig)).content
        row.took(began)
        row.expect(f"another result than: {said}", expected(said))
        await rig.settle(row, ids)
    _expect_whole(rig, row)
    return row


async def killed(rig: Rig, times: int, *, stage: str) -> Row:
    """The trainer is killed there: the result says so, and nothing half-made stays."""
    is_reached, result = STAGES[stage]
    row = Row(f"kill -9 of the trainer: {stage}", times)
    return await _failed(rig, row, is_reached, _kill, lambda said: said.startswith(result))


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


async def continued(rig: Rig, times: int) -> Row:
    """The trainer is killed after it has saved a state: it continues from there."""
    row = Row("kill -9 of the trainer: after a minute", times)
    for _ in range(times):
        ids = await rig.write(MESSAGES)
        await _train(rig, MANY_EPOCHS)
        pid = await _trainer(rig, lambda rig: _written(rig, state_file(Path()).name))
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        await rig.server.wait_until(
            lambda: any("Continued after step" in p.content for p in rig.server.messages),
            TRAINING_SECONDS,
        )
        row.took(began)
        await rig.server.slash("training cancel", author=rig.server.owner)
        await rig.server.wait_until(
            lambda: any(": stopped by" in p.content for p in rig.server.messages),
            TRAINING_SECONDS,
        )
        await rig.settle(row, ids)
    _expect_whole(rig, row)
    row.note = "continued, then cancelled"
    return row


async def full_disk(rig: Rig, times: int) -> Row:
    """The checkpoint does not fit on the disk."""

    def fill(pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL_AT, FULL_AT))

    row = Row("disk too full for a checkpoint", times)
    return await _failed(rig, row, STAGES["loading"][0], fill, lambda it: "cannot be written" in it)


def _says_memory(said: str) -> bool:
    return "memory" in said and "a bug" not in said


async def no_memory(rig: Rig, times: int) -> Row:
    """The trainer gets no more memory than it has at a step: the result says so."""

    def limit(pid: int) -> None:
        size = psutil.Process(pid).memory_info().vms
        resource.prlimit(pid, resource.RLIMIT_AS, (size, size))

    row = Row("memory limit of the trainer", times)
    return await _failed(rig, row, STAGES["a step"][0], limit, _says_memory)


async def undisturbed(rig: Rig, times: int) -> Row:
    """After all these, a training works."""
    row = Row("training without a fault", times)
    for _ in range(times):
        ids = await rig.write(MESSAGES)
        began = time.monotonic()
        await _train(rig, EPOCHS)
        posted = await _result(rig)
        row.took(began)
        row.expect("a candidate", posted.content.startswith(TRAINED))
        row.expect("a comparison", "On the same" in posted.content)
        await rig.settle(row, ids)
    _expect_whole(rig, row)
    left = [path.name for path in rig.checkpoints.glob(f"{PARTIAL_PREFIX}*")]
    row.expect(f"no unfinished folder, and not {left}", not left)
    return row


async def _train(rig: Rig, epochs: int) -> None:
    for posted in rig.server.messages:  # results that were read already
        if posted.content.startswith((FAILED, TRAINED)):
            rig.read.add(posted.id)
    await rig.server.slash("train", {"dataset": "films", "epochs": epochs}, author=rig.server.owner)


async def _trainer(rig: Rig, is_reached: Stage) -> int:
    """The id of the trainer's process, once it has reached the stage."""
    background = Background(rig.home / FOLDER)

    def look() -> int | None:
        pid = background.pid()
        return pid if pid is not None and is_reached(rig) else None

    return await rig.server.wait_until(look, TRAINING_SECONDS)


async def _result(rig: Rig) -> Posted:
    """The message with the result of the present training."""

    def found() -> Posted | None:
        for posted in rig.server.messages:
            if posted.id not in rig.read and posted.content.startswith((FAILED, TRAINED)):
                return posted
        return None

    return await rig.server.wait_until(found, TRAINING_SECONDS)


def _expect_whole(rig: Rig, row: Row) -> None:
    """Every folder in the list of checkpoints is a whole one, and no state is left."""
    for path in rig.checkpoints.iterdir():
        if path.is_dir() and not path.name.startswith("."):
            try:
                verify(path)
            except CheckpointError as error:
                row.wrong.append(f"whole checkpoints, and not: {error}")
    row.expect("no state left", not list_unfinished(rig.checkpoints))
