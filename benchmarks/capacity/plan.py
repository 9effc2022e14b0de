"""From measured figures to engines, gateway processes, shards, machines and money."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.capacity.engine_load import ServiceTime, Text
from benchmarks.capacity.simulation import simulate

GUILDS_PER_SHARD = 2_500
"""Discord requires shards from this many servers of a bot on."""

REPLIES_PER_SECOND = 50
"""Discord's limit of requests by one bot, over all its processes; it is raised for large bots on
request. Each reply is one."""

BUSY = 0.5
"""The share of its measured limit that a gateway process should be loaded with: the rest is for
bursts and for the takeover of another one's servers."""

SIMULATED_MESSAGES = 20_000


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What cannot be measured here. Options of the command."""

    p95_seconds: float
    """The slowest that 95% of the verdicts may be."""
    messages_per_server_day: float
    cores_per_machine: int
    price: float
    """Of such a machine, for a month."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rate of messages takes."""

    per_second: float
    engines: int
    """With one core each."""
    p95_seconds: float
    """Simulated, from arrival to verdict."""
    gateways: int
    """Processes with a connection to Discord, with one core each."""
    servers: int
    shards: int
    machines: int
    price: float
    """For a month."""
    first_limit: str
    """What breaks first if there are more messages, or has broken already."""
    limit: float
    """Messages a second at which it does."""


def plan(
    per_second: float,
    service: ServiceTime,
    texts: Sequence[Text],
    replies_per_process: float,
    assumptions: Assumptions,
) -> Plan:
    """Works out the smallest number of engines with which the simulated p95 is short enough."""
    engines, p95 = _engines(per_second, service, texts, assumptions.p95_seconds)
    gateways = math.ceil(per_second / (BUSY * replies_per_process))
    servers = math.ceil(per_second * 86_400 / assumptions.messages_per_server_day)
    shards = math.ceil(servers / GUILDS_PER_SHARD)
    machines = math.ceil((engines + gateways) / assumptions.cores_per_machine)
    limits = {
        "the engines": engines * engine_limit(service, texts),
        "the gateway processes": gateways * replies_per_process,
        "Discord's limit for one bot": REPLIES_PER_SECOND,
    }
    first_limit = min(limits, key=limits.__getitem__)
    return Plan(
        per_second=per_second,
        engines=engines,
        p95_seconds=p95,
        gateways=gateways,
        servers=servers,
        # A shard belongs to one process, so there are at least as many.
        shards=max(shards, gateways),
        machines=machines,
        price=machines * assumptions.price,
        first_limit=first_limit,
        limit=limits[first_limit],
    )


def engine_limit(service: ServiceTime, texts: Sequence[Text]) -> float:
    """Messages a second at which one engine would be busy all the time, in full batches."""
    found = simulate(service, texts, 1e6, 2_000, 1, random.Random(0))
    return len(found) / max(found)


def _engines(
    per_second: float, service: ServiceTime, texts: Sequence[Text], p95_seconds: float
) -> tuple[int, float]:
    engines = max(1, math.floor(per_second / engine_limit(service, texts)))
    while True:
        found = simulate(
            service, texts, per_second, SIMULATED_MESSAGES, engines, random.Random(engines)
        )
        p95 = quantiles(found, n=20)[18]
        if p95 <= p95_seconds:
            return engines, p95
        engines += max(1, engines // 50)
