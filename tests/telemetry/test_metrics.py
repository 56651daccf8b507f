"""The table of metrics keeps Prometheus' naming rules and its own promise of bounded labels."""

from __future__ import annotations

import pytest

from router.telemetry.metrics import TABLE, Kind, Metric

ROWS = [pytest.param(row, id=row.name) for row in TABLE]
CLOSED = {
    "dialect",
    "end",
    "reason",
    "streamed",
    "bucket",
    "to",
    "sink",
    "how",
    "use",
    "result",
    "strategy",
    "method",
    "outcome",
    "share",
}
CONFIGURED = {"provider", "model", "key", "actor", "version", "budget"}


def test_every_name_is_there_once() -> None:
    """Two rows of one name would be rendered as one broken family."""
    names = [row.name for row in TABLE]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_named_for_what_it_is(row: Metric) -> None:
    """Counters end in _total and nothing else does; histograms name their unit; all carry our prefix."""
    assert row.name.startswith("pointsman_")
    assert row.name.endswith("_total") == (row.kind is Kind.COUNTER)
    assert (row.kind is not Kind.HISTOGRAM) or row.name.endswith(f"_{row.unit}")
    assert row.help.endswith(".")


@pytest.mark.parametrize("row", ROWS)
def test_only_histograms_have_buckets_and_theirs_rise(row: Metric) -> None:
    """Bisection finds the bucket only among sorted bounds."""
    assert bool(row.buckets) == (row.kind is Kind.HISTOGRAM)
    assert list(row.buckets) == sorted(set(row.buckets))


@pytest.mark.parametrize("row", ROWS)
def test_a_label_is_of_a_closed_set_or_a_configured_name(row: Metric) -> None:
    """A new label has to be put into one of the two sets, by someone who thought about its cardinality."""
    assert set(row.labels) <= CLOSED | CONFIGURED
