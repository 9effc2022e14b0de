"""Starts the replicas on Ray Serve, and rolls promotions out to them."""

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

import trainer
from bot.errors import ServeError
from bot.logs import SeldomLog, whereabouts
from bot.serving.cluster import disconnect
from bot.serving.replica import CHECKPOINT, Replica
from trainer.errors import printable
from trainer.model.classifier import RuntimeName

if TYPE_CHECKING:
    from bot.engine import TextClassifier

log = logging.getLogger(__name__)

APPLICATION = "review-concierge"

MAX_ONGOING = 512
"""Questions at one replica at once. Its engine limits what waits, so Ray Serve need not."""

LOOK_SECONDS = 2.0
"""Between two looks for a promotion."""

BROADCAST_SECONDS = 10.0
"""For all replicas to say what they serve."""

ATTEMPTS, PAUSE_SECONDS = 3, 5.0
"""To start the replicas."""

TARGET_ONGOING = 16
"""Questions at one replica, on average, above which another is started."""

Look = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which replicas there are."""

    replicas: int
    """Their number, or the smallest one."""
    max_replicas: int
    """The largest number, if it follows the load."""
    cores: int
    """For each."""
    runtime: RuntimeName
    host: str
    """The IP address of the cluster's head on which it listens."""
    port: int


class Rollout:
    """The replicas, as an engine whose model is replaced: what `bot.operations.models` follows."""

    def __init__(self, plan: Plan, checkpoint: Path) -> None:
        self._plan = plan
        self._folder = checkpoint.resolve().parent
        self._wanted = checkpoint.resolve().name
        self._running = ""

    def swap(self, classifier: "TextClassifier") -> None:
        """Serves the checkpoint of this name; `apply` tells the replicas."""
        self._wanted = classifier.name

    def apply(self) -> bool:
        """Tells the replicas which checkpoint to serve, one after the other; blocks until all do.

        Returns whether there was anything to tell. Raises ServeError: they do not start.
        """
        wanted = self._wanted
        if wanted == self._running:
            return False
        from ray.exceptions import RayError

        self._require_cores()
        # An actor of Ray Serve itself may die while it starts; Ray starts another.
        patient = Retrying(
            retry=retry_if_exception_type(RayError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_fixed(PAUSE_SECONDS),
            reraise=True,
        )
        try:
            patient(_run, self._plan, self._folder / wanted)
        except (RuntimeError, RayError):  # whose message is a traceback
            raise ServeError(
                f"The replicas do not start with {printable(wanted)}. Ray's logs say why, on the "
                "machine of each: /tmp/ray/session_latest/logs/serve"
            ) from None
        self._running = wanted
        return True

    def _require_cores(self) -> None:
        """Raises ServeError: replicas would wait for cores for ever."""
        import ray

        needed = self._plan.replicas * self._plan.cores
        cores = int(ray.cluster_resources().get("CPU", 0))
        if needed > cores:
            raise ServeError(
                f"{self._plan.replicas} replicas with --cores {self._plan.cores} need {needed} "
                f"cores, and the Ray cluster has {cores}. Ask for fewer, or add a machine to it"
            )

    def describe(self) -> str:
        """How many replicas serve which checkpoint, and where."""
        from ray import serve

        handle = serve.get_app_handle(APPLICATION)
        found = Counter(handle.broadcast("checkpoint").results(timeout_s=BROADCAST_SECONDS))
        serving = ", ".join(f"{printable(name)} by {number}" for name, number in found.items())
        return f"replicas at http://{self._plan.host}:{self._plan.port} serve {serving}"


async def keep_current(rollout: Rollout, look: Look) -> None:
    """Starts the replicas, and tells them of promotions until SIGTERM or Ctrl-C.

    `look` swaps the model of `rollout` after a promotion. The replicas go on when this ends, unless
    this process has started the cluster. Raises ServeError: they do not start.
    """
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    following = asyncio.create_task(_follow(rollout, look))
    stopped = asyncio.create_task(ending.wait())
    try:
        await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            await following
    finally:
        disconnect()  # which also ends a call to Ray that a thread may be waiting for


async def _follow(rollout: Rollout, look: Look) -> None:
    await asyncio.to_thread(rollout.apply)
    log.info("Ready: %s", await asyncio.to_thread(rollout.describe))
    seldom = SeldomLog(log)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await look()
            if await asyncio.to_thread(rollout.apply):
                log.info("Promoted: %s", await asyncio.to_thread(rollout.describe))
        except ServeError as error:
            seldom.log(logging.ERROR, str(error))
        except Exception as error:  # the replicas go on, and the next look tries again
            reason = whereabouts(error)
            seldom.log(logging.ERROR, f"The replicas were not told about a promotion: {reason}")


def _run(plan: Plan, checkpoint: Path) -> None:
    from ray import serve
    from ray.serve.schema import LoggingConfig

    serve.start(proxy_location="HeadOnly", http_options={"host": plan.host, "port": plan.port})
    deployment = serve.deployment(**_options(plan, checkpoint))(Replica)
    # Replicas of the same version are told about a promotion; of another one, they are replaced.
    deployment._version = trainer.__version__
    serve.run(
        deployment.bind(plan.runtime.value, plan.cores),
        name=APPLICATION,
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
    )


def _options(plan: Plan, checkpoint: Path) -> dict[str, Any]:
    number: dict[str, Any] = {"num_replicas": plan.replicas}
    if plan.max_replicas > plan.replicas:
        number = {
            "autoscaling_config": {
                "min_replicas": plan.replicas,
                "max_replicas": plan.max_replicas,
                "target_ongoing_requests": TARGET_ONGOING,
            }
        }
    threads = {"OMP_NUM_THREADS": str(plan.cores)}
    return number | {
        "user_config": {CHECKPOINT: str(checkpoint)},
        "max_ongoing_requests": MAX_ONGOING,
        "ray_actor_options": {"num_cpus": plan.cores, "runtime_env": {"env_vars": threads}},
    }
