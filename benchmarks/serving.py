"""The replicas on Ray Serve beside the engine in one process: speed, a death, a promotion.

The engine and the replicas have one thread each and judge the same texts, alternately, so that
other load on the machine affects all. It starts a Ray cluster of its own on this machine.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated

import psutil
import typer

from benchmarks.material import chat_messages, make_checkpoint
from bot.engine import Engine
from bot.loading import load_and_try
from bot.serving import cluster
from bot.serving.deployment import Plan, Rollout
from bot.serving.remote import RemoteEngine
from trainer.model.classifier import RuntimeName, Verdict

HOST, PORT = "127.0.0.1", 8199
MESSAGES = 400
OUTSTANDING = 64
"""Texts at a time for each replica: with fewer, batches are smaller and each text takes longer."""
ALONE = 100
"""Texts one after the other."""
REPLICA = "ray::ServeReplica"
"""What the name of a replica's process begins with."""

ONE = "one replica beside the engine in process, texts/s"
TWO = "two replicas beside one, on a core each, texts/s"
ADDED = "what Ray Serve adds to the p50, ms"
KILLED_LOST = "a replica killed: replies lost"
KILLED_LONGEST = "a replica killed: the longest reply, s"
PROMOTED_LOST = "a promotion: replies lost"
PROMOTED_UNLIKE = "a promotion: replies that are the other checkpoint's"
TARGETS = {
    ONE: "at least 0.8",
    TWO: "at least 1.6",
    ADDED: "under 8",
    KILLED_LOST: "0",
    KILLED_LONGEST: "under 5",
    PROMOTED_LOST: "0",
    PROMOTED_UNLIKE: "0",
}

Figures = dict[str, float]
Judge = Callable[[str], Awaitable[tuple[Verdict, str]]]
Both = dict[str, dict[str, tuple[Verdict, Verdict]]]


@dataclass(frozen=True, slots=True)
class Times:
    """How long it measures."""

    seconds: float
    """Of each measurement."""
    rounds: int
    """Of all sides."""


@dataclass(slots=True)
class Load:
    """What came of texts."""

    seconds: list[float] = field(default_factory=list)
    """Of each reply."""
    lost: int = 0
    unlike: int = 0
    """Replies whose verdict is another checkpoint's than that which they name."""
    checkpoints: set[str] = field(default_factory=set)
    ended: list[float] = field(default_factory=list)
    """When each reply came."""

    @property
    def count(self) -> int:
        """Replies."""
        return len(self.seconds)

    @property
    def rate(self) -> float:
        """Texts per second."""
        return len(self.ended) / (self.ended[-1] - self.ended[0])


async def load(
    judge: Judge,
    seconds: float,
    outstanding: int = OUTSTANDING,
    expected: Both | None = None,
) -> Load:
    """Judges texts for `seconds`."""
    found = Load()
    texts = _texts()
    end = time.perf_counter() + seconds

    async def ask() -> None:
        while (began := time.perf_counter()) < end:
            text = next(texts)
            try:
                verdict, checkpoint = await judge(text)
            except Exception:
                found.lost += 1
                continue
            found.ended.append(time.perf_counter())
            found.seconds.append(found.ended[-1] - began)
            found.checkpoints.add(checkpoint)
            if expected and _is_unlike(verdict, *expected[checkpoint][text]):
                found.unlike += 1

    await asyncio.gather(*(ask() for _ in range(outstanding)))
    return found


async def p50(judge: Judge) -> float:
    """Milliseconds of a text alone."""
    found = []
    for text in itertools.islice(_texts(), ALONE):
        began = time.perf_counter()
        await judge(text)
        found.append(1000 * (time.perf_counter() - began))
    return median(found)


def _texts() -> Iterator[str]:
    """The same messages again and again, but none twice among those that are outstanding."""
    return itertools.cycle(chat_messages(MESSAGES))


def _is_unlike(verdict: Verdict, own: Verdict, other: Verdict) -> bool:
    """Whether a reply is rather that of the other checkpoint, where the two differ much."""
    likely, expected, wrong = (each.probabilities["positive"] for each in (verdict, own, other))
    return abs(expected - wrong) > 0.3 and abs(likely - wrong) < abs(likely - expected)


def _plan(replicas: int) -> Plan:
    return Plan(replicas, replicas, 1, RuntimeName.ONNX, HOST, PORT)


class Replicas:
    """The cluster's replicas, for the first of two checkpoints or the second."""

    def __init__(self, first: Path, second: Path) -> None:
        self._first, self._second = first, second
        self._rollout: Rollout | None = None

    async def start(self, number: int) -> None:
        """Serves the first checkpoint with this number of replicas."""
        self._rollout = Rollout(_plan(number), self._first)
        await asyncio.to_thread(self._rollout.apply)
        while len(self.processes()) != number:  # noqa: ASYNC110 - other processes end
            await asyncio.sleep(0.1)

    async def promote(self) -> float:
        """Serves the second one; returns the seconds until all do."""
        assert self._rollout is not None
        began = time.perf_counter()
        self._rollout.swap(load_and_try(self._second, RuntimeName.ONNX, 1))
        await asyncio.to_thread(self._rollout.apply)
        return time.perf_counter() - began

    def processes(self) -> list[psutil.Process]:
        """Of the replicas that live."""
        children = psutil.Process().children(recursive=True)
        return [each for each in children if each.name().startswith(REPLICA)]

    def used(self, before: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
        """Milliseconds of a processor since `before`: of everything but replicas, and of replicas.

        Other load on the machine hardly changes them.
        """
        replicas = {each.pid for each in self.processes()}
        used = [0.0, 0.0]
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used[process.pid in replicas] += 1000 * (times.user + times.system)
        return used[0] - before[0], used[1] - before[1]

    def pin(self, *, alone: bool) -> None:
        """Gives each replica a core of its own, or all of them."""
        cores = sorted(os.sched_getaffinity(0))
        for number, process in enumerate(self.processes()):
            for thread in process.threads():
                os.sched_setaffinity(thread.id, cores[number : number + 1] if alone else cores)


async def compare(local: Engine, remote: RemoteEngine, replicas: Replicas, plan: Times) -> Figures:
    """Speed: in process, one replica, two replicas."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(plan.rounds):
        await replicas.start(1)
        found["in process, p50, ms"].append(await p50(local.classify_by))
        found["one replica, p50, ms"].append(await p50(remote.classify_by))
        before = replicas.used()
        loaded = await load(local.classify_by, plan.seconds)
        found["in process, texts/s"].append(loaded.rate)
        found["in process, processor ms per text"].append(replicas.used(before)[0] / loaded.count)
        before = replicas.used()
        loaded = await load(remote.classify_by, plan.seconds)
        found["one replica, texts/s"].append(loaded.rate)
        rest, replica = replicas.used(before)
        found["one replica, processor ms per text"].append(replica / loaded.count)
        found["bot, proxy and Ray beside it, processor ms per text"].append(rest / loaded.count)
        replicas.pin(alone=True)
        rate = (await load(remote.classify_by, plan.seconds)).rate
        found["one replica on a core, texts/s"].append(rate)
        await replicas.start(2)
        replicas.pin(alone=True)
        rate = (await load(remote.classify_by, plan.seconds, 2 * OUTSTANDING)).rate
        found["two replicas on a core each, texts/s"].append(rate)
        replicas.pin(alone=False)
    figures = {name: median(values) for name, values in found.items()}
    return figures | {
        ONE: figures["one replica, texts/s"] / figures["in process, texts/s"],
        TWO: figures["two replicas on a core each, texts/s"]
        / figures["one replica on a core, texts/s"],
        ADDED: figures["one replica, p50, ms"] - figures["in process, p50, ms"],
    }


async def outstanding(remote: RemoteEngine, replicas: Replicas, plan: Times) -> Figures:
    """One replica with more and more texts at a time: how many are worth another replica."""
    await replicas.start(1)
    figures: Figures = {}
    for number in (1, 4, 8, 16, 32, 64, 128, 256):
        found = await load(remote.classify_by, plan.seconds / 2, number)
        figures[f"one replica, {number} at a time, texts/s"] = found.rate
        figures[f"one replica, {number} at a time, p50, ms"] = 1000 * median(found.seconds)
    return figures


async def kill(remote: RemoteEngine, replicas: Replicas, plan: Times) -> Figures:
    """One of two replicas is killed under load."""
    await replicas.start(2)
    loading = asyncio.create_task(load(remote.classify_by, 2 * plan.seconds))
    await asyncio.sleep(plan.seconds / 2)
    killed = time.perf_counter()
    replicas.processes()[0].kill()
    found = await loading
    before = [when for when in found.ended if when < killed]
    usual = len(before) / (killed - before[0])
    slow = [
        second for second in range(int(plan.seconds)) if _rate(found, killed + second) < usual / 2
    ]
    return {
        "a replica killed: replies": len(found.seconds),
        KILLED_LOST: found.lost,
        KILLED_LONGEST: max(found.seconds),
        "a replica killed: seconds with fewer than half of the replies": len(slow),
    }


def _rate(found: Load, begin: float) -> int:
    """Replies within a second."""
    return sum(begin <= when < begin + 1 for when in found.ended)


async def promotion(remote: RemoteEngine, replicas: Replicas, plan: Times, both: Both) -> Figures:
    """The other checkpoint is promoted under load."""
    await replicas.start(2)
    loading = asyncio.create_task(load(remote.classify_by, 2 * plan.seconds, expected=both))
    await asyncio.sleep(plan.seconds / 2)
    took = await replicas.promote()
    found = await loading
    return {
        "a promotion: replies": len(found.seconds),
        "a promotion: checkpoints that replied": len(found.checkpoints),
        "a promotion: seconds until both replicas serve it": took,
        "a promotion: the longest reply, s": max(found.seconds),
        PROMOTED_LOST: found.lost,
        PROMOTED_UNLIKE: found.unlike,
    }


def _expected(*checkpoints: Path) -> Both:
    """The verdict of each checkpoint on each text, in order: its own, and the other's."""
    messages = chat_messages(MESSAGES)
    judged = [load_and_try(path, RuntimeName.ONNX)(messages) for path in checkpoints]
    pairs = zip(checkpoints, judged, judged[::-1], strict=True)
    return {
        path.name: dict(zip(messages, zip(own, other, strict=True), strict=True))
        for path, own, other in pairs
    }


async def measure(first: Path, second: Path, plan: Times) -> None:
    """Prints all figures."""
    replicas = Replicas(first, second)
    await replicas.start(1)
    async with (
        Engine(load_and_try(first, RuntimeName.ONNX, 1)) as local,
        RemoteEngine(f"http://{HOST}:{PORT}", None) as remote,
    ):
        _print(await compare(local, remote, replicas, plan))
        _print(await outstanding(remote, replicas, plan))
        _print(await kill(remote, replicas, plan))
        _print(await promotion(remote, replicas, plan, _expected(first, second)))


def _print(figures: Figures) -> None:
    for name, figure in figures.items():
        target = f"  (target: {TARGETS[name]})" if name in TARGETS else ""
        print(f"{name}: {figure:.2f}{target}", flush=True)


def main(
    seconds: Annotated[float, typer.Option(min=1, help="Of each measurement.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Of all sides.")] = 3,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Default: one of DistilBERT's size, with random weights.")
    ] = None,
) -> None:
    """Prints each figure, and its target if it has one."""
    cluster.connect(HOST, PORT)
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "first", Path(folder) / "second"
        if checkpoint is None:
            make_checkpoint(first, {})
        else:
            shutil.copytree(checkpoint, first)
        make_checkpoint(second, {"n_layers": 2})
        asyncio.run(measure(first, second, Times(seconds, rounds)))


if __name__ == "__main__":
    typer.run(main)
