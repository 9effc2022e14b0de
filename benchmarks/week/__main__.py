"""Prepares a folder, lives through the week, and prints the table."""

import asyncio
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.bot_process import BotProcess, prepare, set_clock
from benchmarks.week.findings import Finding, compare, figures_of, texts_on_disk
from benchmarks.week.people import HOURS, MONDAY, Week, opened_store
from tests.discord_server import DiscordServer

LAST_JOBS_SECONDS = 5.0
"""For the bot to run what is due at the end of the week."""


def main(
    messages: Annotated[int, typer.Option(help="In the whole week.")] = 10_000,
    home: Annotated[Path, typer.Option(help="The folder of checkpoints/.")] = Path(),
    training: Annotated[bool, typer.Option(help="Train once from the chat, for minutes.")] = True,
) -> None:
    """Simulate a week and print what agrees; exit code 1 if anything does not."""
    with tempfile.TemporaryDirectory(prefix="week-") as name:
        folder = Path(name)
        prepare(folder, home)
        set_clock(folder, MONDAY)
        findings = asyncio.run(_simulate(folder, messages, trains=training))
    if not _print(findings):
        raise typer.Exit(1)


async def _simulate(folder: Path, messages: int, *, trains: bool) -> list[Finding]:
    async with DiscordServer() as server:
        bot = BotProcess(server, folder, "benchmarks.week.client", TRAIN_DATASETS="films=films.csv")
        week = Week(server, bot, folder, messages, trains=trains)
        await week.set_up()
        await bot.start()
        try:
            await week.live()
            has_result = trains and await week.result_of_training()
            # Later than the reminders of the last hour's cards.
            set_clock(folder, MONDAY + timedelta(hours=HOURS, minutes=30))
            await asyncio.sleep(LAST_JOBS_SECONDS)
            backup = [sys.executable, "-m", "bot", "backup", "backup.sqlite3"]
            await asyncio.to_thread(
                subprocess.run, backup, cwd=folder, check=True, stdout=subprocess.DEVNULL
            )
        finally:
            await bot.stop()
    replies = week.replies()
    async with opened_store(folder, MONDAY + timedelta(hours=HOURS)) as store:
        findings = list(compare(week, replies, await figures_of(week, store)))
    traces = list(texts_on_disk(week, folder))
    findings.append(
        Finding(f"files with a customer's text {traces or ''}".rstrip(), 0, len(traces))
    )
    errors = [line for line in bot.log.read_text("utf-8").splitlines() if " ERROR " in line]
    print(*errors, sep="\n", end="\n" if errors else "")
    findings.append(Finding("errors in the log", 0, len(errors)))
    told = week.complaints_of_the_bot()
    findings.append(Finding("messages to the operator about the broken file", 1, told))
    if trains:
        findings.append(Finding("results of the training", 1, int(has_result)))
    return findings


def _print(findings: list[Finding]) -> bool:
    """Whether all is as expected."""
    table = Table("", "expected", "found", "")
    for each in findings:
        expected = "" if each.expected is None else f"{each.expected:,}"
        mark = "" if each.expected is None else "right" if each.is_right else "WRONG"
        table.add_row(each.what, expected, f"{each.found:,}", mark)
    Console(width=110).print(table)
    return all(each.is_right for each in findings)


if __name__ == "__main__":
    typer.run(main)
