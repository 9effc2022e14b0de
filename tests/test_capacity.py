"""The simulation of the engine beside the engine itself, and what is worked out from it."""

import asyncio
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from benchmarks.capacity.engine_load import (
    ServiceTime,
    Text,
    latencies,
    measure_service,
    sizes,
)
from benchmarks.capacity.plan import Assumptions, engine_limit, plan
from benchmarks.capacity.simulation import simulate
from bot.engine import Engine
from trainer.model.classifier import Classifier

SERVICE = ServiceTime(fixed=0.004, text=0.0002, padded_token=0.0001)
TEXTS = [Text(10, 14), Text(20, 24), Text(60, 64)]
WRITTEN = ["Loved it", "Two hours of my life gone, and the popcorn was stale", "meh, honestly"]
ASSUMED = Assumptions(p95_seconds=0.1, messages_per_server_day=100, cores_per_machine=4, price=50)


def test_a_message_that_comes_alone_takes_the_time_of_its_batch() -> None:
    found = simulate(SERVICE, TEXTS[:1], 0.1, 200, 1, random.Random(0))

    assert len(found) == 200
    assert median(found) == pytest.approx(SERVICE.batch([10]))


def test_messages_wait_longer_under_load_and_shorter_beside_another_engine() -> None:
    limit = engine_limit(SERVICE, TEXTS)
    waits = [
        median(simulate(SERVICE, TEXTS, load * limit, 3_000, engines, random.Random(0)))
        for load, engines in ((0.9, 2), (0.9, 1), (1.5, 1))
    ]

    assert all(shorter < longer for shorter, longer in pairwise(waits))


def test_messages_that_wait_share_batches() -> None:
    alone = 1 / SERVICE.batch([10])

    assert engine_limit(SERVICE, TEXTS[:1]) > 2 * alone


def test_more_messages_take_more_and_break_discord_first() -> None:
    few, many = (plan(rate, SERVICE, TEXTS, 400, ASSUMED) for rate in (1, 2_000))

    assert (few.engines, few.gateways, few.shards, few.machines) == (1, 1, 1, 1)
    assert few.servers == 864
    assert many.engines > 2_000 / engine_limit(SERVICE, TEXTS)
    assert many.gateways == 10
    assert many.shards == 692  # one for 2,500 of 1,728,000 servers
    assert many.price == 50 * many.machines
    assert many.p95_seconds <= ASSUMED.p95_seconds
    assert (many.first_limit, many.limit) == ("Discord's limit for one bot", 50)


def test_an_engine_too_slow_for_the_wish_is_said_to_break_first() -> None:
    slow = ServiceTime(fixed=0.2, text=0.01, padded_token=0.001)

    assert plan(1, slow, TEXTS, 400, replace(ASSUMED, p95_seconds=2)).first_limit == "the engines"


def test_the_time_of_a_batch_and_the_latencies_come_from_the_engine(checkpoint: Path) -> None:
    classifier = Classifier.load(checkpoint, threads=1)

    service = measure_service(classifier, WRITTEN, 0.2)
    assert service.batch([10]) > 0
    assert service.batch([10] * 32) > service.batch([10])
    assert [text.tokens for text in sizes(classifier, WRITTEN)] == [
        classifier.encode(text).tokens for text in WRITTEN
    ]

    async def measured() -> list[float]:
        async with Engine(classifier) as engine:
            return await latencies(engine, WRITTEN, 100, 0.5, random.Random(0))

    found = asyncio.run(measured())
    assert 20 < len(found) < 100
    assert min(found) > 0
