"""Prepares a folder, lives through the week, and prints the table."""

import asyncio
import csv
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.bot_process import BotProcess, set_clock
from benchmarks.week.findings import Finding, compare, figures_of, texts_on_disk
from benchmarks.week.people import HOURS, MONDAY, Week, opened_store, sentences
from tests.discord_server import DiscordServer
from trainer.data.reviews import STARTER, load_reviews
from trainer.model.checkpoint import serving_checkpoint

TRAINING_REVIEWS = 300
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
        _prepare(folder, home)
        findings = asyncio.run(_simulate(folder, messages, trains=training))
    if not _print(findings):
        raise typer.Exit(1)


def _prepare(folder: Path, home: Path) -> None:
    """A folder as an operator has it: a checkpoint, sentences, a file of labelled reviews."""
    serving = serving_checkpoint(home / "checkpoints")
    if serving is None:
        raise SystemExit("There is no serving checkpoint. Train one first: make run")
    copytree(home / "checkpoints", folder / "checkpoints")
    (folder / "responses.yaml").write_text(sentences(), "utf-8")
    with (folder / "films.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        reviews = Random(0).sample(load_reviews(STARTER).train, TRAINING_REVIEWS)
        writer.writerows((review.text, review.label) for review in reviews)
    set_clock(folder, MONDAY)


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
