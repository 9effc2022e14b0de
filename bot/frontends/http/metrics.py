"""Figures for Prometheus: numbers, kinds and names of checkpoints; no text and no conversations."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.conversation.concierge import Reply
from bot.engine import Engine

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: one short review takes 10 ms, and no request more than 30 s."""


class Metrics:
    """The figures of one server, since its start."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "concierge_requests",
            "Requests by address and status.",
            ("address", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "concierge_request_seconds",
            "Seconds from the first byte of a request to the last of its response.",
            ("address",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._messages = Counter(
            "concierge_messages",
            "Texts that were answered, by the kind of reply.",
            ("kind",),
            registry=self._registry,
        )
        self._verdicts = Counter(
            "concierge_verdicts",
            "Verdicts on reviews, by label.",
            ("label",),
            registry=self._registry,
        )
        self._ready = Gauge(
            "concierge_ready", "1 if texts can be judged, as /readyz says.", registry=self._registry
        )
        self._queued = Gauge(
            "concierge_queue_tokens",
            "Tokens of the texts that are being judged or waiting; at 131,072 the server is busy.",
            registry=self._registry,
        )
        self._model = Gauge(
            "concierge_model",
            "1 for the checkpoint that is serving.",
            ("checkpoint",),
            registry=self._registry,
        )

    def count_request(self, address: str, status: int, seconds: float) -> None:
        """`address` is one that exists, so that clients cannot make up series."""
        self._requests.labels(address, str(status)).inc()
        self._seconds.labels(address).observe(seconds)

    def count_reply(self, reply: Reply) -> None:
        """A text, and the verdict if it was judged as a review."""
        self._messages.labels(reply.kind.value).inc()
        if reply.verdict is not None:
            self._verdicts.labels(reply.verdict.label).inc()

    def expose(self, engine: Engine | None, *, ready: bool) -> bytes:
        """All figures, in Prometheus's text format; `engine` is None until a model is loaded."""
        self._ready.set(ready)
        self._model.clear()
        if engine is not None:
            self._queued.set(engine.waiting_tokens)
            self._model.labels(engine.checkpoint).set(1)
        return generate_latest(self._registry)
