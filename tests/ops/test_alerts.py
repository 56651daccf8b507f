"""Alerts, runbook, dashboards and the table of metrics hold each other to their word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from router.canon.outcome import End
from router.errors import Reason
from router.policy.choose import Strategy
from router.telemetry.counts import TOKEN_BUCKETS
from router.telemetry.metrics import BREAKER_VALUES, NO_REASON, PROCESS_NAMES, TABLE, Kind
from tests.conftest import ROOT

OPS = ROOT / "ops"
ROWS = {row.name: row for row in TABLE}
SPREADS = {row.name for row in TABLE if row.kind is Kind.HISTOGRAM}
PROMETHEUS_OWN = {"up"}
PROMETHEUS_LABELS = {"job", "instance", "le"}
CLOSED: dict[str, set[str]] = {
    "end": {end.value for end in End},
    "reason": {reason.value for reason in Reason} | {NO_REASON},
    "to": set(BREAKER_VALUES),
    "bucket": set(TOKEN_BUCKETS),
    "use": {"hit", "joined", "miss", "bypass"},
    "how": {"undelivered", "rejected", "dropped", "expired"},
    "result": {"taken", "refused"},
    "strategy": set(Strategy),
}
_NAME = re.compile(r"\b((?:pointsman|process)_[a-z_]+)(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def alerts() -> list[dict[str, Any]]:
    """Every rule of the file."""
    groups = yaml.safe_load((OPS / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def headings() -> dict[str, str]:
    """Every second-level heading of the runbook with what stands below it."""
    parts = re.split(r"^## (.+)$", (OPS / "runbook.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def panels() -> Iterator[tuple[str, str]]:
    """Title and query of every panel, and the queries behind the variables."""
    for path in sorted((OPS / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield panel["title"], target["expr"]
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"variable {variable['name']}", variable["query"]


def runbook_queries() -> Iterator[tuple[str, str]]:
    """Heading and first query."""
    for name, body in headings().items():
        for query in re.findall(r"```promql\n(.+?)\n```", body, flags=re.DOTALL):
            yield name, query


ALERTS = [pytest.param(rule, id=rule["alert"]) for rule in alerts()]
QUERIES = [
    pytest.param(query, id=f"{kind}-{name}")
    for kind, source in (
        ("alert", ((rule["alert"], rule["expr"]) for rule in alerts())),
        ("runbook", runbook_queries()),
        ("panel", panels()),
    )
    for name, query in source
]


def base_name(name: str) -> str:
    """The row a series belongs to: a histogram has three series."""
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if stem in SPREADS else name


def test_every_alert_has_a_heading_and_every_heading_an_alert() -> None:
    """Whoever is woken finds the page of that name; no page describes what cannot happen."""
    names = [rule["alert"] for rule in alerts()]
    assert sorted(names) == sorted(headings())
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_is_whole(rule: dict[str, Any]) -> None:
    """Severity, how long, a threshold with its unit, and the link to its own heading."""
    notes = rule["annotations"]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert notes["summary"]
    units = r"%|per second|seconds?|minutes?|hours?|bytes|entries|dollar|times|state|openings|restarts|crashes|version"
    assert re.search(r"\d|no ", notes["threshold"])
    assert re.search(units, notes["threshold"])
    assert notes["runbook"] == f"ops/runbook.md#{rule['alert'].lower()}"


@pytest.mark.parametrize("name", sorted(headings()))
def test_a_heading_says_what_it_means_what_to_ask_and_what_to_do(name: str) -> None:
    """In that order, each once, with a query that can be pasted."""
    body = headings()[name]
    marks = [body.find(f"**{mark}.**") for mark in ("Meaning", "First query", "First action")]
    assert -1 not in marks
    assert marks == sorted(marks)
    assert body.count("```promql") == 1


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_only_metrics_and_labels_of_the_table(query: str) -> None:
    """A metric or label that was renamed would leave an alert silent for ever."""
    found = [(base_name(name), matchers) for name, matchers in _NAME.findall(query)]
    unknown = {name for name, _ in found} - set(ROWS) - PROCESS_NAMES
    assert unknown == set()
    known = {label for name, _ in found if name in ROWS for label in ROWS[name].labels} | PROMETHEUS_LABELS
    grouped = {label.strip() for labels in _GROUPED.findall(query) for label in labels.split(",")}
    assert grouped <= known
    for name, matchers in found:
        labels = set(ROWS[name].labels) if name in ROWS else set()
        assert {label for label, _, _ in _MATCHER.findall(matchers)} <= labels | PROMETHEUS_LABELS


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_only_for_values_that_exist(query: str) -> None:
    """`end="fialed"` matches nothing and says nothing."""
    for _, matchers in _NAME.findall(query):
        for label, _, values in _MATCHER.findall(matchers):
            if label in CLOSED:
                assert set(values.split("|")) <= CLOSED[label]


@pytest.mark.parametrize("query", QUERIES)
def test_a_counter_is_asked_for_its_rise_and_a_histogram_for_its_buckets(query: str) -> None:
    """The bare value of a counter says how long ago the process began."""
    for match in _NAME.finditer(query):
        name = match[1]
        assert name not in SPREADS
        if name in ROWS and ROWS[name].kind is Kind.COUNTER and "label_values" not in query:
            assert re.search(r"(rate|increase)\($", query[: match.start()])


def test_every_metric_of_the_table_is_on_a_dashboard() -> None:
    """A number that nobody can see need not be counted."""
    shown = {base_name(name) for _, query in panels() for name, _ in _NAME.findall(query)}
    assert set(ROWS) - shown == set()


def test_every_metric_that_can_be_bad_is_watched_by_an_alert() -> None:
    """What is left out measures use, not trouble."""
    asked = {base_name(name) for rule in alerts() for name, _ in _NAME.findall(rule["expr"])}
    use_only = {
        "pointsman_attempt_duration_seconds",
        "pointsman_cache_bytes",
        "pointsman_cache_dropped_total",
        "pointsman_cache_entries",
        "pointsman_cache_requests_total",
        "pointsman_cache_saved_tokens_total",
        "pointsman_cache_saved_usd_total",
        "pointsman_choices_total",
        "pointsman_hedges_total",
        "pointsman_injected_faults_total",
        "pointsman_rescues_total",
        "pointsman_tokens_total",
        "pointsman_retries_total",
        "pointsman_shared_total",
    }
    assert set(ROWS) - asked == use_only


def test_every_name_in_the_runbooks_prose_exists() -> None:
    """Metrics, other headings and log lines that the text sends a reader to."""
    text = (OPS / "runbook.md").read_text()
    metrics = {base_name(name) for name, _ in _NAME.findall(text)}
    assert metrics - set(ROWS) - PROCESS_NAMES == set()
    assert set(re.findall(r"\bPointsman[A-Z]\w+", text)) == set(headings())


def test_the_dashboard_has_no_two_panels_of_one_id_and_no_overlap() -> None:
    """Grafana drops one of two panels with the same id without a word."""
    for path in (OPS / "dashboards").glob("*.json"):
        board = json.loads(path.read_text())
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in board["panels"])
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) < 24
