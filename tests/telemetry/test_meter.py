"""The meter's page, as a Prometheus server would read it."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from router.telemetry import metrics
from router.telemetry.meter import Meter


def samples(meter: Meter) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of the page by name and sorted labels."""
    families = text_string_to_metric_families(meter.render().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_counts_add_up_by_label() -> None:
    """One series for each set of labels, in the order of the row."""
    meter = Meter()
    meter.add(metrics.COST, "a", amount=0.25)
    meter.add(metrics.COST, "a", amount=0.5)
    meter.add(metrics.COST, "b", amount=4)
    page = samples(meter)
    assert page["pointsman_cost_usd_total", (("provider", "a"),)] == 0.75
    assert page["pointsman_cost_usd_total", (("provider", "b"),)] == 4


def test_histogram_buckets_are_cumulative_and_include_their_bound() -> None:
    """A value on a bound belongs to that bound's bucket: `le` means less or equal."""
    meter = Meter()
    for value in (0.05, 0.06, 9.0, 10_000.0):
        meter.observe(metrics.FIRST_TOKEN, value, "a")
    page = samples(meter)
    name = "pointsman_first_token_seconds"
    assert page[f"{name}_bucket", (("le", "0.05"), ("provider", "a"))] == 1
    assert page[f"{name}_bucket", (("le", "0.1"), ("provider", "a"))] == 2
    assert page[f"{name}_bucket", (("le", "12.0"), ("provider", "a"))] == 3
    assert page[f"{name}_bucket", (("le", "+Inf"), ("provider", "a"))] == 4
    assert page[f"{name}_count", (("provider", "a"),)] == 4
    assert page[f"{name}_sum", (("provider", "a"),)] == pytest.approx(10_009.11)


def test_the_page_names_every_metric_before_anything_happened() -> None:
    """A dashboard finds its metrics, and a query its type, on the first scrape."""
    page = Meter().render().decode()
    missing = [row.name for row in metrics.TABLE if f"# TYPE {row.name} {row.kind.value}\n" not in page]
    assert missing == []


def test_the_page_has_no_created_series() -> None:
    """They would double the page for nobody."""
    meter = Meter()
    meter.add(metrics.COST, "a")
    meter.observe(metrics.EXCHANGE_DURATION, 1.0)
    assert "_created" not in meter.render().decode()


def test_two_meters_do_not_meet_and_the_global_registry_hears_of_neither() -> None:
    """Two routers, or a router and its host, in one process keep their own numbers."""
    first, second = Meter(), Meter()
    first.add(metrics.COST, "a")
    assert ("pointsman_cost_usd_total", (("provider", "a"),)) not in samples(second)
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("pointsman")]


@pytest.mark.shows(102)
def test_series_past_the_bound_are_counted_as_other() -> None:
    """A caller's string that became a label by mistake costs no memory; the overflow shows."""
    meter = Meter(series_max=3)
    for number in range(10):
        meter.add(metrics.COST, f"p{number}")
    page = samples(meter)
    assert page["pointsman_cost_usd_total", (("provider", "other"),)] == 7
    assert len([key for key in page if key[0] == "pointsman_cost_usd_total"]) == 4
    assert page["pointsman_telemetry_dropped_total", (("sink", "series"),)] == 7


def test_a_known_series_still_counts_past_the_bound() -> None:
    """The bound is on new series, not on old ones."""
    meter = Meter(series_max=1)
    meter.add(metrics.COST, "a")
    meter.add(metrics.COST, "b")
    meter.add(metrics.COST, "a")
    assert meter.read(metrics.COST, "a") == 2


def test_a_watched_value_is_read_at_each_scrape() -> None:
    """What another part counts anyway is not told, it is looked at."""
    meter, waiting = Meter(), [1.0]
    meter.watch(metrics.LEDGER_PENDING, lambda: waiting[0])
    assert samples(meter)["pointsman_ledger_pending", ()] == 1
    waiting[0] = 5.0
    assert samples(meter)["pointsman_ledger_pending", ()] == 5
    assert meter.read(metrics.LEDGER_PENDING) == 5


def test_a_forgotten_provider_leaves_no_series() -> None:
    """Else its breaker would stay open, and alert, for ever."""
    meter = Meter()
    for provider in ("gone", "stays"):
        meter.put(metrics.BREAKER_STATE, 2, provider, "small")
        meter.observe(metrics.FIRST_TOKEN, 1.0, provider)
        meter.add(metrics.COST, provider)
    meter.forget("provider", "gone")
    page = meter.render().decode()
    assert "gone" not in page
    assert page.count('provider="stays"') > 3


def test_reset_zeroes_counts_and_keeps_gauges() -> None:
    """A breaker is still open after somebody reset the counters."""
    meter = Meter()
    meter.add(metrics.COST, "a")
    meter.observe(metrics.FIRST_TOKEN, 1.0, "a")
    meter.put(metrics.BREAKER_STATE, 2, "a", "small")
    meter.reset()
    page = samples(meter)
    assert [key for key in page if not key[0].startswith("process_")] == [
        ("pointsman_breaker_state", (("model", "small"), ("provider", "a")))
    ]


def test_replace_leaves_only_the_series_that_holds_now() -> None:
    """There is one configuration version in force, not all that ever were."""
    meter = Meter()
    meter.replace(metrics.CONFIG_INFO, 1, "v1")
    meter.replace(metrics.CONFIG_INFO, 1, "v2")
    assert [key for key in samples(meter) if key[0] == "pointsman_config_info"] == [
        ("pointsman_config_info", (("version", "v2"),))
    ]


def test_new_label_values_are_cleaned() -> None:
    """A secret that came as a name is no label."""
    meter = Meter(clean=lambda label: label.replace("sk-canary", "x"))
    meter.add(metrics.COST, "sk-canary")
    meter.add(metrics.COST, "sk-canary")
    assert "sk-canary" not in meter.render().decode()
    assert meter.read(metrics.COST, "x") == 2


def test_the_wrong_number_of_labels_is_an_error() -> None:
    """Prometheus would refuse the whole page, at a scrape, far from the mistake."""
    with pytest.raises(ValueError, match="pointsman_cost_usd_total"):
        Meter().add(metrics.COST, "a", "b")


@pytest.mark.skipif("sys.platform != 'linux'", reason="the process collector reads /proc")
def test_the_process_names_are_those_of_the_collector() -> None:
    """The alerts may rely on exactly these."""
    families = text_string_to_metric_families(Meter().render().decode())
    found = {sample.name for family in families for sample in family.samples}
    assert {name for name in found if name.startswith("process_")} == metrics.PROCESS_NAMES
