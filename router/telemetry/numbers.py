"""What the metrics say of each provider, as numbers that can be read without a scraper: sums over all its series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from router.telemetry import metrics
from router.telemetry.meter import Meter
from router.telemetry.metrics import NO_REASON, Metric


class Spread(Struct, frozen=True, kw_only=True):
    """Observations of a time: how many, and their mean in milliseconds; None of none."""

    count: int = 0
    mean_ms: float | None = None


class ProviderNumbers(Struct, frozen=True, kw_only=True):
    """One provider's counts since the start or the last reset.

    Args:
        attempts: tries that ended, whatever their end.
        ends: how they ended -> how many.
        reasons: why they failed -> how many.
        tokens: bucket -> tokens; the buckets do not overlap.
        cost_usd: known cost of exchanges; the ledger is exact.
        unpriced: exchanges whose cost nobody knows.
        retries: tries that were not the first of their exchange.
        retries_denied: those that the retry budget did not allow.
        skipped_events: events of streams that could not be read.
        first_token: from a try's start to its first content.
        duration: from a try's start to its end.
    """

    attempts: int = 0
    ends: dict[str, int] = {}
    reasons: dict[str, int] = {}
    tokens: dict[str, int] = {}
    cost_usd: float = 0.0
    unpriced: int = 0
    retries: int = 0
    retries_denied: int = 0
    skipped_events: int = 0
    first_token: Spread = Spread()
    duration: Spread = Spread()


def numbers_of(meter: Meter, providers: Iterable[str]) -> dict[str, ProviderNumbers]:
    """Of each of these; a provider that nobody asked has zeros."""
    return {name: _numbers(meter, name) for name in providers}


def _numbers(meter: Meter, provider: str) -> ProviderNumbers:
    ends = _by(meter, metrics.ATTEMPTS, provider, "end")
    reasons = _by(meter, metrics.ATTEMPTS, provider, "reason")
    reasons.pop(NO_REASON, None)
    return ProviderNumbers(
        attempts=sum(ends.values()),
        ends=ends,
        reasons=reasons,
        tokens=_by(meter, metrics.TOKENS, provider, "bucket"),
        cost_usd=meter.read(metrics.COST, provider) or 0.0,
        unpriced=_count(meter, metrics.UNPRICED, provider),
        retries=_count(meter, metrics.RETRIES, provider),
        retries_denied=_count(meter, metrics.RETRIES_DENIED, provider),
        skipped_events=sum(_by(meter, metrics.SKIPPED_EVENTS, provider, "provider").values()),
        first_token=_spread(meter, metrics.FIRST_TOKEN, provider),
        duration=_spread(meter, metrics.ATTEMPT_DURATION, provider),
    )


def _by(meter: Meter, metric: Metric, provider: str, label: str) -> dict[str, int]:
    """The provider's series of a counter, summed by one of its labels."""
    at, own = metric.labels.index(label), metric.labels.index("provider")
    sums: Counter[str] = Counter()
    series: Mapping[tuple[str, ...], float] = meter.series(metric)
    for labels, value in series.items():
        if labels[own] == provider:
            sums[labels[at]] += int(value)
    return dict(sorted(sums.items()))


def _count(meter: Meter, metric: Metric, provider: str) -> int:
    return int(meter.read(metric, provider) or 0)


def _spread(meter: Meter, metric: Metric, provider: str) -> Spread:
    count, total_s = meter.observed(metric, provider)
    return Spread(count=count, mean_ms=round(1000 * total_s / count, 1) if count else None)
