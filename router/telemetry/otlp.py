"""Sends spans by OTLP over HTTP, with the OpenTelemetry SDK. Imported only when an endpoint is configured: see
`sinks`.

The SDK's batch processor owns the thread and the request. It would drop the oldest span and log at each drop when its
queue is full, so a gate in front counts what is on its way and refuses earlier: with a collector that hangs, emitting
costs one comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from router.telemetry.aside import run_aside
from router.telemetry.traces import Sketch, is_sampled

SCOPE = "pointsman"
_ERROR = Status(StatusCode.ERROR)
_NO_METRICS = NoOpMeterProvider()


class OtlpSink:
    """A `sinks.SpanSink` with a tracer provider of its own; the program's global one is not touched.

    Args:
        exporter: what sends a batch; may block its own thread.
        capacity: spans on their way, queued or in the request, at most.
        ratio: the share of traces to send, 0 to 1.
        every_s: seconds a span waits for its batch to fill.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        capacity: int = 2048,
        ratio: float = 1.0,
        every_s: float = 2.0,
        service: str = SCOPE,
    ) -> None:
        self._capacity = capacity
        self._ratio = ratio
        self._taken = 0
        self._refused = 0
        self._counting = _Counting(exporter)
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create({"service.name": service}),
            shutdown_on_exit=False,
            id_generator=self._ids,
            meter_provider=_NO_METRICS,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._counting,
                max_queue_size=capacity,
                schedule_delay_millis=every_s * 1000,
                max_export_batch_size=min(512, capacity),
                meter_provider=_NO_METRICS,
            )
        )
        self._tracer = self._provider.get_tracer(SCOPE)

    @property
    def pending(self) -> int:
        """Spans taken whose batch is not over."""
        return self._taken - self._counting.over

    @property
    def dropped(self) -> int:
        """Spans that were refused at the gate or whose batch failed."""
        return self._refused + self._counting.failed

    def emit(self, sketch: Sketch) -> None:
        """Queue one span if its trace is sampled and there is room."""
        if not is_sampled(sketch.trace_id, self._ratio):
            return
        if self.pending >= self._capacity:
            self._refused += 1
            return
        self._taken += 1
        self._ids.trace_id = int(sketch.trace_id, 16)
        self._ids.span_id = int(sketch.span_id, 16)
        span = self._tracer.start_span(
            sketch.name,
            context=_parent_context(sketch),
            kind=SpanKind.SERVER if sketch.served else SpanKind.CLIENT,
            attributes=sketch.attributes,
            start_time=sketch.start_ns,
        )
        if sketch.error is not None:
            span.set_status(_ERROR)
        span.end(sketch.end_ns)

    async def stop(self, grace_s: float) -> bool:
        """Send what is left; False when a slow collector took longer than `grace_s` and spans may be lost."""
        return await run_aside(self._provider.shutdown, name="pointsman-otlp-stop", grace_s=grace_s)


def open_exporter(endpoint: str, headers: Mapping[str, str], timeout_s: float) -> SpanExporter:
    """An exporter to `endpoint`, the full URL of the traces signal (`.../v1/traces`)."""
    return OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=timeout_s, meter_provider=_NO_METRICS)


class _GivenIds(IdGenerator):
    """Hands the SDK the ids a span already has."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class _Counting(SpanExporter):
    """Counts the spans whose batch is over, on the batch processor's thread: it alone writes, the loop only reads."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.over = 0
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                self.failed += len(spans)
            self.over += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _parent_context(sketch: Sketch) -> Context:
    """A context of its own in any case: the default would be the host program's current span."""
    if sketch.parent_id is None:
        return Context()
    parent = SpanContext(
        int(sketch.trace_id, 16),
        int(sketch.parent_id, 16),
        is_remote=sketch.served,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())
