"""Figures for Prometheus: numbers, kinds and names of checkpoints; no text, person or place."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

import trainer
from bot.conversation.reply import Reply
from bot.engine import Batch
from bot.text_engine import TextEngine

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: one short review takes 10 ms, and no request more than 30 s."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)
"""Texts."""


class Metrics:
    """The figures of one process, since its start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor time, since when it runs
        self._requests = Counter(
            "concierge_requests",
            "Requests by address and status.",
            ("address", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "concierge_request_seconds",
            "Seconds from the first byte of a request to the last of its response.",
            ("address",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._messages = Counter(
            "concierge_messages",
            "Texts that were answered, by the kind of reply.",
            ("kind",),
            registry=self.registry,
        )
        self._verdicts = Counter(
            "concierge_verdicts",
            "Verdicts on reviews, by label.",
            ("label",),
            registry=self.registry,
        )
        self._ready = Gauge(
            "concierge_ready", "1 if texts can be judged, as /readyz says.", registry=self.registry
        )
        self._engine = _EngineMetrics(self.registry)
        build = Gauge(
            "concierge_build",
            "1 for the version of the program.",
            ("version",),
            registry=self.registry,
        )
        build.labels(trainer.__version__).set(1)

    def watch(self, engine: TextEngine) -> None:
        """Counts the batches of `engine`."""
        engine.on_batch = self._engine.count_batch

    def count_request(self, address: str, status: int, seconds: float) -> None:
        """`address` is one that exists, so that clients cannot make up series."""
        self._requests.labels(address, str(status)).inc()
        self._seconds.labels(address).observe(seconds)

    def count_reply(self, reply: Reply) -> None:
        """A text, and the verdict if it was judged as a review."""
        self._messages.labels(reply.kind.value).inc()
        if reply.verdict is not None:
            self._verdicts.labels(reply.verdict.label).inc()

    def expose(self, engine: TextEngine | None, *, ready: bool) -> bytes:
        """All figures, in Prometheus's text format; `engine` is None until a model is loaded."""
        self._ready.set(ready)
        if engine is not None:
            self._engine.read(engine)
        return generate_latest(self.registry)


class _EngineMetrics:
    """What the engine says about its queue and its model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tokens = Gauge(
            "concierge_queue_tokens",
            "Tokens of the texts that are being judged or waiting; at 131,072 the server is busy.",
            registry=registry,
        )
        self._texts = Gauge(
            "concierge_queue_texts",
            "Texts that are being judged or waiting.",
            registry=registry,
        )
        self._batch_texts = Histogram(
            "concierge_batch_texts",
            "Texts that the model judged at once.",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._batch_seconds = Histogram(
            "concierge_batch_seconds",
            "Seconds that the model took for a batch.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._model = Gauge(
            "concierge_model",
            "1 for the checkpoint that is serving.",
            ("checkpoint",),
            registry=registry,
        )

    def count_batch(self, batch: Batch) -> None:
        self._batch_texts.observe(batch.texts)
        self._batch_seconds.observe(batch.ended - batch.began)

    def read(self, engine: TextEngine) -> None:
        self._tokens.set(engine.waiting_tokens)
        self._texts.set(engine.waiting_texts)
        self._model.clear()
        self._model.labels(engine.checkpoint).set(1)
