"""What 1, 100 and 10,000 messages a second take, worked out from what is measured here.

    python -m benchmarks.capacity --home path/to/a/folder/with/checkpoints

First the serving checkpoint is measured on one thread: the time of batches of different sizes. With
it, the queue and the batches are simulated. Before the simulation is believed beyond this machine,
it is checked: the real engine gets messages at random at three rates, and the simulated p50 and p95
stand beside the measured ones. How many replies one gateway process sends is measured with a stub
for a model, as by `python -m benchmarks.discord_load`.
"""

import asyncio
import random
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated

import typer

from benchmarks.capacity.engine_load import (
    ServiceTime,
    Text,
    latencies,
    measure_service,
    sizes,
)
from benchmarks.capacity.plan import Assumptions, Plan, engine_limit, plan
from benchmarks.capacity.simulation import simulate
from benchmarks.discord_load import measure
from benchmarks.material import chat_messages
from bot.engine import Engine
from trainer.errors import TrainerError
from trainer.model.checkpoint import CHECKPOINTS, serving_checkpoint
from trainer.model.classifier import Classifier

RATES = (1, 100, 10_000)
"""Messages a second."""

LOADS = (0.3, 0.6, 0.8)
"""Shares of the engine's limit at which the simulation is checked."""

MAX_ERROR = 1.5
"""A simulated p95 between the measured one divided and multiplied by this is believed."""

TEXTS = 1_000


def main(
    home: Annotated[Path, typer.Option(help="The folder of checkpoints/.")] = Path(),
    seconds: Annotated[float, typer.Option(min=1, help="Of each measurement.")] = 20,
    messages: Annotated[int, typer.Option(min=100, help="Through the loopback Discord.")] = 6_000,
    p95: Annotated[float, typer.Option(min=0.01, help="Of a verdict, in seconds.")] = 0.25,
    per_server: Annotated[float, typer.Option(min=1, help="Messages of a server in a day.")] = 100,
    cores: Annotated[int, typer.Option(min=1, help="Of a machine.")] = 4,
    price: Annotated[float, typer.Option(min=0, help="Of a machine, for a month.")] = 50,
) -> None:
    """Measure, check the simulation, and print what the rates take."""
    path = serving_checkpoint(home / CHECKPOINTS)
    if path is None:
        raise TrainerError(f"No checkpoint serves in {home / CHECKPOINTS}: train one first.")
    written = chat_messages(TEXTS)
    classifier = Classifier.load(path, threads=1)
    texts = sizes(classifier, written)
    service = measure_service(classifier, written, seconds)
    limit = engine_limit(service, texts)
    print(
        f"A batch takes {1000 * service.fixed:.2f} ms, and {1000 * service.text:.3f} ms for each "
        f"text and {1e6 * service.padded_token:.1f} us for each token in it: at most "
        f"{limit:.0f} messages a second on one core.\n"
    )
    is_believed = asyncio.run(_check(classifier, service, texts, written, limit, seconds))
    replies = asyncio.run(measure("stub", messages, 32, home))["per second"]
    print(f"\nOne gateway process sends {replies:.0f} replies a second.\n")
    assumptions = Assumptions(p95, per_server, cores, price)
    _print([plan(rate, service, texts, replies, assumptions) for rate in RATES])
    if not is_believed:
        print("\nThe simulation was off here, so do not believe it elsewhere.")
        raise typer.Exit(1)


async def _check(
    classifier: Classifier,
    service: ServiceTime,
    texts: list[Text],
    written: list[str],
    limit: float,
    seconds: float,
) -> bool:
    """Prints simulated beside measured latencies; returns whether they are close enough."""
    print("| load | messages a second | p50, measured | simulated | p95, measured | simulated |")
    print("|---|---|---|---|---|---|")
    errors = []
    for load in LOADS:
        rate = load * limit
        async with Engine(classifier) as engine:
            measured = await latencies(engine, written, rate, seconds, random.Random(1))
        simulated = simulate(service, texts, rate, len(measured), 1, random.Random(1))
        ends = [quantiles(found, n=20)[18] for found in (measured, simulated)]
        cells = (median(measured), median(simulated), *ends)
        print(
            f"| {load:.0%} | {rate:.0f} | " + " | ".join(f"{1000 * s:.1f} ms" for s in cells) + " |"
        )
        errors.append(max(ends) / min(ends))
    return max(errors) <= MAX_ERROR


def _print(plans: list[Plan]) -> None:
    print(
        "| messages a second | engines | p95 of a verdict | gateway processes | servers | shards "
        "| machines | a month | breaks first |"
    )
    print("|" + "---|" * 9)
    for each in plans:
        print(
            f"| {each.per_second:,.0f} | {each.engines:,} | {1000 * each.p95_seconds:.0f} ms "
            f"| {each.gateways:,} | {each.servers:,} | {each.shards:,} | {each.machines:,} "
            f"| {each.price:,.0f} | {each.first_limit}, at {each.limit:,.0f} a second |"
        )


if __name__ == "__main__":
    typer.run(main)
