"""A simulation of the engine's queue and batches, by the rules of `bot.engine`.

Messages arrive at random (a Poisson process). Each goes to the less busy of two engines, drawn at
random, as Ray Serve's router does it (Mitzenmacher 2001, "The Power of Two Choices in Randomized
Load Balancing"). An engine takes what is due first, up to a limit, cuts it into batches by padded
tokens, and answers batch by batch.
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from benchmarks.capacity.engine_load import ServiceTime, Text
from bot.engine import ROUND_TOKENS, SECONDS_A_TOKEN
from trainer.model.batching import PADDED_TOKENS, batches

Events = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class _Message:
    text: Text
    arrived: float
    due: float


class _SimulatedEngine:
    """One queue and one worker."""

    def __init__(
        self, environment: simpy.Environment, service: ServiceTime, found: list[float]
    ) -> None:
        self._environment = environment
        self._service = service
        self._found = found
        self._queue: list[_Message] = []
        self._wake = environment.event()
        self.waiting = 0
        environment.process(self._work())

    def put(self, message: _Message) -> None:
        self._queue.append(message)
        self.waiting += 1
        if not self._wake.triggered:
            self._wake.succeed()

    def _work(self) -> Events:
        while True:
            if not self._queue:
                self._wake = self._environment.event()
                yield self._wake
            taken = self._take_round()
            for batch in batches([message.text.tokens for message in taken], PADDED_TOKENS):
                judged = [taken[index] for index in batch]
                lengths = [message.text.tokens for message in judged]
                yield self._environment.timeout(self._service.batch(lengths))
                self._found += [self._environment.now - message.arrived for message in judged]
                self.waiting -= len(judged)

    def _take_round(self) -> list[_Message]:
        self._queue.sort(key=lambda message: message.due)
        tokens, count = 0, 0
        for message in self._queue:
            tokens += message.text.estimate
            if count and tokens > ROUND_TOKENS:
                break
            count += 1
        taken, self._queue = self._queue[:count], self._queue[count:]
        return taken


def simulate(
    service: ServiceTime,
    texts: Sequence[Text],
    per_second: float,
    messages: int,
    engines: int,
    rng: random.Random,
) -> list[float]:
    """Seconds from arrival to verdict of so many messages, which arrive `per_second` on average."""
    environment = simpy.Environment()
    found: list[float] = []
    served = [_SimulatedEngine(environment, service, found) for _ in range(engines)]

    def arrive() -> Events:
        for _ in range(messages):
            yield environment.timeout(rng.expovariate(per_second))
            text, now = rng.choice(texts), environment.now
            drawn = rng.sample(served, min(2, engines))
            chosen = min(drawn, key=lambda engine: engine.waiting)
            chosen.put(_Message(text, now, now + SECONDS_A_TOKEN * text.estimate))

    environment.process(arrive())
    environment.run()
    return found
