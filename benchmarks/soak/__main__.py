"""Prepares a folder, injects the faults, and prints the table."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.bot_process import DATASETS, BotProcess, prepare, set_clock
from benchmarks.soak import bot_faults, limits, promotions, trainer_faults
from benchmarks.soak.quiet import quiet_hours
from benchmarks.soak.rig import Rig, Row
from tests.discord_server import DiscordServer

FAULTS: list[tuple[Callable[[Rig, int], Awaitable[Row]], int, int]] = [
    (bot_faults.killed, 3, 1),
    *((partial(bot_faults.gateway, what=what), 2, 0) for what in bot_faults.GATEWAY),
    *((partial(bot_faults.http, what=what), 2, 1) for what in bot_faults.HTTP),
    (bot_faults.worker_died, 3, 1),
    (bot_faults.jumping_clock, 4, 0),
    (promotions.promoted_often, 30, 1),
    (promotions.killed_in_a_promotion, 2, 0),
    (promotions.corrupted_checkpoint, 2, 1),
    (limits.overload, 1, 0),
    (limits.full_disk, 1, 0),
    (bot_faults.corrupted_store, 2, 0),
    (limits.read_only, 2, 0),
    (limits.no_memory, 3, 0),
    (quiet_hours, 1, 0),
    *((partial(trainer_faults.killed, stage=stage), 1, 0) for stage in trainer_faults.STAGES),
    (trainer_faults.continued, 1, 0),
    (trainer_faults.full_disk, 1, 0),
    (trainer_faults.no_memory, 2, 0),
    (trainer_faults.undisturbed, 1, 0),
]
"""Each with how often it is injected, and how often in the short form."""

ENCODER = "encoder"


def main(
    home: Annotated[Path, typer.Option(help="The folder of checkpoints/.")] = Path(),
    quick: Annotated[bool, typer.Option("--quick", help="The quickest faults, once each.")] = False,
) -> None:
    """Inject faults and print what customers saw; exit code 1 if anything is wrong."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        prepare(folder, home)
        set_clock(folder, datetime.now(UTC))
        began = time.monotonic()
        rows = asyncio.run(_soak(folder, quick=quick))
        print(f"{time.monotonic() - began:.0f} s.")
    if not _print(rows):
        raise typer.Exit(1)


async def _soak(folder: Path, *, quick: bool) -> list[Row]:
    rows = []
    async with DiscordServer() as server:
        if not quick:
            _make_encoder(folder / ENCODER)
        settings = {"TRAIN_DATASETS": DATASETS, "TRAIN_BASE_MODEL": f"./{ENCODER}"}
        bot = BotProcess(server, folder, "benchmarks.soak.client", **settings)
        rig = Rig(server, bot, folder)
        await bot.start()
        try:
            await rig.usual_again()
            for fault, times, quick_times in FAULTS:
                if number := quick_times if quick else times:
                    rows.append(await fault(rig, number))
                    print(f"{rows[-1].what}: {_judgement(rows[-1])}", flush=True)
        except TimeoutError as error:
            rows.append(Row("the next one", wrong=[f"an end: {error}"]))
        finally:
            await bot.stop()
        rows.append(bot_faults.tokens_found(rig))
        unknown = server.unknown_requests
        rows[-1].expect(f"no request that Discord does not know: {unknown}", not unknown)
    return rows


def _make_encoder(path: Path) -> None:
    """A small encoder of random weights, so that a training takes seconds."""
    from benchmarks.material import make_checkpoint  # torch takes seconds to import

    make_checkpoint(path, {"dim": 64, "hidden_dim": 128, "n_layers": 2, "n_heads": 2})


def _print(rows: list[Row]) -> bool:
    """Whether all is right."""
    table = Table("fault", *("times", "sent", "one reply", "lost", "doubled", "s"), "", "")
    for row in rows:
        numbers = (row.injected, row.sent, row.once, row.lost, row.doubled)
        seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
        table.add_row(row.what, *map(str, numbers), seconds, row.note, _judgement(row))
    Console(width=160).print(table)
    return all(row.is_right for row in rows)


def _judgement(row: Row) -> str:
    if row.is_right:
        return "right"
    return f"WRONG: expected {'; '.join(row.wrong)}" if row.wrong else "WRONG"


if __name__ == "__main__":
    typer.run(main)
