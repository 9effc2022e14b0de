"""Traces of OpenTelemetry: where the time of a message goes.

    receive             from the message to the end of its reply
    ├── wait            in the queue, until the worker takes it
    ├── batch           until its text is tokenised and its batch begins
    ├── judge           the model's work on the batch
    └── reply           until the platform, or the client, has the reply

Attributes are numbers, kinds and the names of checkpoints: no text, no id of a person, a place or a
message. Errors are left out, because their messages may quote a text. Until `configure` is called
with an address, a span costs about a microsecond, and this imports no package of OpenTelemetry.
"""

import time
from contextlib import AbstractContextManager, nullcontext
from threading import Thread
from typing import TYPE_CHECKING

import trainer
from bot.errors import SettingsError
from trainer.extras import OTEL, missing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Tracer

    from bot.engine import Batch

SERVICE = "review-concierge"

STOP_SECONDS = 3.0
"""For the last spans; a collector that does not answer would hold up the end for ten seconds."""

_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None
"""Of this process, as with logging: a span may begin anywhere."""

_NOTHING = nullcontext()


def configure(endpoint: str | None) -> None:
    """Sends traces to the collector at `endpoint`, by OTLP over HTTP; None: nowhere.

    The exporter's other settings are the variables OTEL_EXPORTER_OTLP_* of the environment.

    Raises SettingsError where a package is missing.
    """
    if endpoint is None:
        return
    if sentence := missing("OTEL_EXPORTER_OTLP_ENDPOINT", *OTEL, extra="otel"):
        raise SettingsError(sentence)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    start(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))


def start(processor: "SpanProcessor") -> None:
    """Passes all spans from now on to `processor`."""
    global _provider, _tracer
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = {SERVICE_NAME: SERVICE, SERVICE_VERSION: trainer.__version__}
    _provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer(SERVICE)


def stop() -> None:
    """Sends the last spans; blocks for up to STOP_SECONDS."""
    global _provider, _tracer
    if _provider is not None:
        sending = Thread(target=_provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_SECONDS)
    _provider = _tracer = None


def span(name: str, **attributes: str | int) -> AbstractContextManager[object]:
    """A span around what is within, and around the spans that begin there."""
    if _tracer is None:
        return _NOTHING
    return _tracer.start_as_current_span(
        name,
        attributes={f"concierge.{key}": value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    )


def record_judging(arrived: float, taken: float, batch: "Batch", checkpoint: str) -> None:
    """The spans of one text, which arrived and was taken by the worker at these times.

    Times are on the clock of time.monotonic, in seconds.
    """
    if _tracer is None:
        return
    offset = time.time_ns() - time.monotonic_ns()
    attributes: dict[str, str | int] = {
        "concierge.checkpoint": checkpoint,
        "concierge.texts": batch.texts,
        "concierge.tokens": batch.tokens,
    }
    for name, began, ended, described in (
        ("wait", arrived, max(arrived, taken), {}),
        ("batch", max(arrived, taken), batch.began, {}),
        ("judge", batch.began, batch.ended, attributes),
    ):
        each = _tracer.start_span(name, attributes=described, start_time=int(began * 1e9) + offset)
        each.end(int(ended * 1e9) + offset)
