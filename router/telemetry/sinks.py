"""Where spans go, and how such a place is opened."""

from __future__ import annotations

from typing import Protocol

from router.telemetry.traces import Sketch


class SpanSink(Protocol):
    """Where spans go. `emit` never waits and never raises; what it cannot take is counted in `dropped`."""

    @property
    def dropped(self) -> int:
        """Spans that reached no collector."""
        ...

    def emit(self, sketch: Sketch) -> None:
        """Take one span."""
        ...

    async def stop(self, grace_s: float) -> bool:
        """Send what is left; False when that took longer than `grace_s`."""
        ...


def open_sink(
    endpoint: str | None, *, headers: dict[str, str], capacity: int = 2048, ratio: float = 1.0, timeout_s: float = 10.0
) -> SpanSink | None:
    """A sink to the collector at `endpoint`, the full URL; without one None, and the SDK is not even imported.

    Args:
        headers: sent with each batch, credentials included.
        capacity: spans on their way at most.
        timeout_s: for one batch, its retries included.
    """
    if not endpoint:
        return None
    from router.telemetry.otlp import OtlpSink, open_exporter

    return OtlpSink(open_exporter(endpoint, headers, timeout_s), capacity=capacity, ratio=ratio)
