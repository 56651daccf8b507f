"""The numbers behind the table of metrics, and their rendering.

Numbers are kept here in plain dicts, not in prometheus-client's instruments: adding costs a tenth of theirs, no
`_created` series double the page, and a removed provider's series can go. prometheus-client collects and renders
them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from router.telemetry.metrics import TABLE, TELEMETRY_DROPPED, Kind, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"
Kept = TypeVar("Kept")

_FAMILIES: dict[Kind, type[CounterMetricFamily | GaugeMetricFamily]] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
}


class _Spread:
    """Observations of one series: how many fell into each bucket, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * (buckets + 1)
        self.total = 0.0


class Meter(Collector):
    """Counts for one router, on the loop's thread only. It outlives the telemetry actor, so a restart there resets no
    counter.

    Args:
        series_max: series one metric may have; later label values are counted under "other" and the overflow under the
            dropped sink "series". Configured names are few: this bounds memory should a raw string ever become a label.
        clean: applied once to each new label value, so that no secret becomes one.
    """

    def __init__(self, *, series_max: int = 2000, clean: Callable[[str], str] = str) -> None:
        self._series_max = series_max
        self._clean = clean
        self._values: dict[str, dict[tuple[str, ...], float]] = {}
        self._spreads: dict[str, dict[tuple[str, ...], _Spread]] = {}
        self._watched: dict[str, dict[tuple[str, ...], Callable[[], float]]] = {row.name: {} for row in TABLE}
        self.reset()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def add(self, metric: Metric, *labels: str, amount: float = 1.0) -> None:
        """Raise a counter. `labels` in the order of the metric's row."""
        series = self._values[metric.name]
        if labels not in series:
            labels = self._admit(metric, series, labels)
        series[labels] = series.get(labels, 0.0) + amount

    def put(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        series = self._values[metric.name]
        if labels not in series:
            labels = self._admit(metric, series, labels)
        series[labels] = value

    def replace(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge and forget its other series: for the one of many that holds now."""
        self._values[metric.name].clear()
        self.put(metric, value, *labels)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Sort one observation into a histogram."""
        self.observe_all(metric, (value,), *labels)

    def observe_all(self, metric: Metric, values: Iterable[float], *labels: str) -> None:
        """Sort the observations of one series into a histogram."""
        series = self._spreads[metric.name]
        if labels not in series:
            labels = self._admit(metric, series, labels)
        spread = series.get(labels)
        if spread is None:
            spread = series[labels] = _Spread(len(metric.buckets))
        for value in values:
            spread.counts[bisect_left(metric.buckets, value)] += 1
            spread.total += value

    def watch(self, metric: Metric, read: Callable[[], float], *labels: str) -> None:
        """Read a counter or gauge when it is scraped, instead of being told: for what another part counts anyway."""
        self._watched[metric.name][labels] = read

    def read(self, metric: Metric, *labels: str) -> float | None:
        """The value of one counter or gauge now; None when it was never set."""
        watched = self._watched[metric.name].get(labels)
        if watched is not None:
            return watched()
        return self._values[metric.name].get(labels)

    def series(self, metric: Metric) -> Mapping[tuple[str, ...], float]:
        """Every series of a counter or gauge that was told, by its labels."""
        return self._values[metric.name]

    def observed(self, metric: Metric, *labels: str) -> tuple[int, float]:
        """How many observations of a histogram's series there were, and their sum."""
        spread = self._spreads[metric.name].get(labels)
        return (0, 0.0) if spread is None else (sum(spread.counts), spread.total)

    def forget(self, label: str, value: str, *, only: Metric | None = None) -> None:
        """Drop every series, or those of one metric, whose label has that value: a removed provider must not stay open,
        or alert, for ever."""
        for row in TABLE if only is None else (only,):
            if label not in row.labels:
                continue
            at = row.labels.index(label)
            _drop(self._values.get(row.name, {}), at, value)
            _drop(self._spreads.get(row.name, {}), at, value)

    def reset(self) -> None:
        """Start every count anew; gauges keep what they say, and what is watched is not ours to reset."""
        for row in TABLE:
            if row.kind is Kind.HISTOGRAM:
                self._spreads[row.name] = {}
            elif row.kind is Kind.COUNTER or row.name not in self._values:
                self._values[row.name] = {}

    def collect(self) -> Iterator[Family]:
        """Every metric of the table, also those without a series yet; prometheus-client calls this at each scrape."""
        for row in TABLE:
            yield self._spread_family(row) if row.kind is Kind.HISTOGRAM else self._value_family(row)

    def render(self) -> bytes:
        """The page of `/metrics` in Prometheus' text format, `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def _value_family(self, row: Metric) -> Family:
        family = _FAMILIES[row.kind](row.name, row.help, labels=row.labels)
        for labels, value in self._values[row.name].items():
            if labels not in self._watched[row.name]:
                family.add_metric(labels, value)
        for labels, read in self._watched[row.name].items():
            family.add_metric(labels, read())
        return family

    def _spread_family(self, row: Metric) -> Family:
        family = HistogramMetricFamily(row.name, row.help, labels=row.labels)
        for labels, spread in self._spreads[row.name].items():
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            seen = 0
            for bound, count in zip((*row.buckets, float("inf")), spread.counts, strict=True):
                seen += count
                buckets.append(("+Inf" if bound == float("inf") else str(bound), seen))
            family.add_metric(labels, buckets, spread.total)
        return family

    def _admit(
        self, metric: Metric, series: Mapping[tuple[str, ...], object], labels: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The labels under which a series not seen before is kept."""
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} takes the labels {metric.labels}, not {len(labels)} of them")
        cleaned = tuple(self._clean(str(label)) for label in labels)  # members of an enum are no text of their own
        if cleaned in series or len(series) < self._series_max:
            return cleaned
        self.add(TELEMETRY_DROPPED, "series")
        return (OTHER,) * len(labels)


def _drop(series: dict[tuple[str, ...], Kept], at: int, value: str) -> None:
    for key in [key for key in series if key[at] == value]:
        del series[key]
