"""Spans over a real socket: to a collector that works, one that refuses, one that hangs, and one that is not there."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider

from router.canon.outcome import End
from router.errors import Reason
from router.telemetry.otlp import OtlpSink, open_exporter
from router.telemetry.sinks import open_sink
from router.telemetry.traces import Sketch, sketch_attempt, sketch_exchange, span_id
from tests.fakes.collector import Collector, collecting
from tests.fakes.facts import CALLER_SPAN, TRACE, attempt_ended, exchange_ended


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A proxy or collector that this machine is configured with must not be part of the test."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield


def sink_to(url: str, *, capacity: int = 2048, timeout_s: float = 5.0) -> OtlpSink:
    """A sink that hardly waits for its batches to fill."""
    return OtlpSink(open_exporter(url, {}, timeout_s), capacity=capacity, every_s=0.01)


def attribute(span: Span, key: str) -> str:
    """One text attribute of a span as it arrived."""
    return str(next(each.value.string_value for each in span.attributes if each.key == key))


def sketches(count: int) -> list[Sketch]:
    """As many spans of as many attempts."""
    return [sketch_attempt(attempt_ended(attempt=f"at-{each}"), family="openai") for each in range(count)]


def test_a_collector_gets_the_spans_with_their_ids_times_and_parents() -> None:
    """Ids, kinds and status are what the facts say, not what the SDK would draw."""

    async def scene(url: str) -> None:
        sink = open_sink(url, headers={"x-team": "routing"})
        assert sink is not None
        failed = attempt_ended(attempt="at-0", provider="slow", end=End.TIMEOUT, reason=Reason.CONNECT_TIMEOUT)
        sink.emit(sketch_attempt(failed, family="anthropic"))
        sink.emit(sketch_attempt(attempt_ended(), family="openai"))
        sink.emit(sketch_exchange(exchange_ended(parent_span_id=CALLER_SPAN)))
        assert await sink.stop(5.0)
        assert sink.dropped == 0

    with collecting(Collector()) as collector:
        asyncio.run(scene(collector.url))
    assert collector.faults == []
    assert collector.headers[0]["x-team"] == "routing"
    first, second, exchange = collector.spans
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert exchange.span_id.hex() == span_id(TRACE, "req-1")
    assert exchange.parent_span_id.hex() == CALLER_SPAN
    assert first.parent_span_id == second.parent_span_id == exchange.span_id
    assert (exchange.kind, first.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert (first.status.code, second.status.code) == (Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET)
    assert attribute(first, "error.type") == "connect_timeout"
    assert second.end_time_unix_nano - second.start_time_unix_nano == 500_000_000
    resource = collector.requests[0].resource_spans[0].resource
    assert "pointsman" in [each.value.string_value for each in resource.attributes if each.key == "service.name"]


def test_a_root_span_has_no_parent_even_inside_a_hosts_span() -> None:
    """The host's current span is not our caller unless the request says so; the global provider stays the host's."""

    async def scene(url: str) -> None:
        sink = sink_to(url)
        with TracerProvider(shutdown_on_exit=False).get_tracer("host").start_as_current_span("host"):
            sink.emit(sketch_exchange(exchange_ended()))
        await sink.stop(5.0)

    before = trace.get_tracer_provider()
    with collecting(Collector()) as collector:
        asyncio.run(scene(collector.url))
    (span,) = collector.spans
    assert span.parent_span_id == b""
    assert span.trace_id.hex() == TRACE
    assert trace.get_tracer_provider() is before


@pytest.mark.shows(91)
def test_a_collector_that_hangs_costs_spans_and_neither_time_nor_memory() -> None:
    """One batch is in the request, the queue is full, the rest is refused at the gate and counted."""

    async def scene(collector: Collector) -> None:
        sink = sink_to(collector.url, capacity=600, timeout_s=60.0)
        loop, slowest_s = asyncio.get_running_loop(), 0.0
        for sketch in sketches(2000):
            start_s = time.perf_counter()
            sink.emit(sketch)
            slowest_s = max(slowest_s, time.perf_counter() - start_s)
            await asyncio.sleep(0)
        assert await loop.run_in_executor(None, lambda: collector.arrived.acquire(timeout=5))
        assert slowest_s < 0.2
        assert sink.pending == 600
        assert sink.dropped == 1400
        start_s = time.perf_counter()
        assert not await sink.stop(0.05)
        assert time.perf_counter() - start_s < 1.0
        collector.released.set()

    with collecting(Collector(hangs=True)) as collector:
        asyncio.run(scene(collector))


def test_room_comes_back_when_the_collector_does() -> None:
    """After the hang the spans that waited are sent and new ones are taken."""

    async def scene(collector: Collector) -> None:
        sink = sink_to(collector.url, capacity=10)
        for sketch in sketches(15):
            sink.emit(sketch)
        assert sink.dropped == 5
        collector.released.set()
        while sink.pending:  # noqa: ASYNC110 the exporter's thread sets no event of ours
            await asyncio.sleep(0)
        sink.emit(sketches(1)[0])
        assert await sink.stop(5.0)
        assert sink.dropped == 5

    with collecting(Collector(hangs=True)) as collector:
        asyncio.run(scene(collector))
    assert len(collector.spans) == 11


def test_spans_a_collector_refuses_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    """A 400 is final: the batch is gone, and the SDK says so to its own logger once per batch."""

    async def scene(url: str) -> int:
        sink = sink_to(url)
        for sketch in sketches(3):
            sink.emit(sketch)
        await sink.stop(5.0)
        return sink.dropped

    with collecting(Collector(status=400)) as collector:
        assert asyncio.run(scene(collector.url)) == 3
    assert "Failed to export" in caplog.text


def test_spans_for_a_collector_that_is_not_there_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    """A refused connection is tried again until the timeout, in the SDK's thread, then given up."""

    async def scene(url: str) -> OtlpSink:
        sink = sink_to(url, timeout_s=0.2)
        for sketch in sketches(3):
            sink.emit(sketch)
        await sink.stop(5.0)
        return sink

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    sink = asyncio.run(scene(f"http://127.0.0.1:{port}/v1/traces"))
    assert (sink.dropped, sink.pending) == (3, 0)
    assert caplog.text


def test_a_share_of_zero_sends_nothing_and_drops_nothing() -> None:
    """What is not sampled was not lost."""

    async def scene(url: str) -> int:
        sink = OtlpSink(open_exporter(url, {}, 5.0), ratio=0.0)
        sink.emit(sketches(1)[0])
        await sink.stop(5.0)
        return sink.dropped

    with collecting(Collector()) as collector:
        assert asyncio.run(scene(collector.url)) == 0
    assert collector.requests == []
