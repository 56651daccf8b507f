"""The one table of metrics. Alerts, dashboards and the runbook may name nothing else; a test compares them.

A label takes its values from a closed set (`End`, `Reason`, a dialect) or from configured names, never from what a
caller wrote: `reason` is "none" where there was none. Durations and tokens are counted when they are over, not while
they last.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """How a metric behaves: it only rises, it goes both ways, or it sorts observations into buckets."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(Struct, frozen=True, kw_only=True):
    """One row. `unit` is for readers; `buckets` are upper bounds in that unit, rising, without infinity."""

    name: str
    kind: Kind
    help: str
    unit: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


EXCHANGE_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
FIRST_TOKEN_BUCKETS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0)
KEY_VALUES = {"ready": 0, "exhausted": 1, "refused": 2}
BREAKER_VALUES = {"closed": 0, "half_open": 1, "open": 2}
NO_REASON = "none"

EXCHANGES = Metric(
    name="pointsman_exchanges_total",
    kind=Kind.COUNTER,
    help="Exchanges that ended, by how.",
    unit="exchanges",
    labels=("dialect", "end", "reason", "streamed"),
)
ATTEMPTS = Metric(
    name="pointsman_attempts_total",
    kind=Kind.COUNTER,
    help="Attempts that ended, by target and how.",
    unit="attempts",
    labels=("provider", "model", "end", "reason"),
)
EXCHANGE_DURATION = Metric(
    name="pointsman_exchange_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="From an exchange's start to its end, all attempts included.",
    unit="seconds",
    buckets=EXCHANGE_BUCKETS_S,
)
FIRST_TOKEN = Metric(
    name="pointsman_first_token_seconds",
    kind=Kind.HISTOGRAM,
    help="From an attempt's request going out to its first content, where content came.",
    unit="seconds",
    labels=("provider",),
    buckets=FIRST_TOKEN_BUCKETS_S,
)
ATTEMPT_DURATION = Metric(
    name="pointsman_attempt_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="From an attempt's start to its end, whatever the end.",
    unit="seconds",
    labels=("provider",),
    buckets=EXCHANGE_BUCKETS_S,
)
BUDGETS_REACHED = Metric(
    name="pointsman_budgets_reached_total",
    kind=Kind.COUNTER,
    help="How often spending reached 50, 80 or 100 percent of a budget.",
    unit="times",
    labels=("budget", "share"),
)
CHOICES = Metric(
    name="pointsman_choices_total",
    kind=Kind.COUNTER,
    help="Exchanges by the strategy that ordered their targets and the target that was asked first.",
    unit="exchanges",
    labels=("strategy", "provider", "model"),
)
SKIPPED_EVENTS = Metric(
    name="pointsman_skipped_events_total",
    kind=Kind.COUNTER,
    help="Events of streams that could not be read and were left out; the answers went on.",
    unit="events",
    labels=("provider", "model"),
)
INJECTED_FAULTS = Metric(
    name="pointsman_injected_faults_total",
    kind=Kind.COUNTER,
    help="Attempts into which a fault was injected on request (x-router-fault): their failures are no provider's.",
    unit="attempts",
    labels=("provider", "model"),
)
TOKENS = Metric(
    name="pointsman_tokens_total",
    kind=Kind.COUNTER,
    help="Tokens of attempts, in buckets that do not overlap; estimates where the provider did not count.",
    unit="tokens",
    labels=("provider", "model", "bucket"),
)
COST = Metric(
    name="pointsman_cost_usd_total",
    kind=Kind.COUNTER,
    help="Known cost of exchanges, under the provider that answered or was tried last. The ledger is exact.",
    unit="US dollars",
    labels=("provider",),
)
UNPRICED = Metric(
    name="pointsman_unpriced_total",
    kind=Kind.COUNTER,
    help="Exchanges that used a provider and whose cost nobody knows.",
    unit="exchanges",
    labels=("provider",),
)
CACHE_REQUESTS = Metric(
    name="pointsman_cache_requests_total",
    kind=Kind.COUNTER,
    help="Exchanges for which the response cache is on, by how they met it: hit, joined, miss or bypass.",
    unit="exchanges",
    labels=("use",),
)
CACHE_SAVED_USD = Metric(
    name="pointsman_cache_saved_usd_total",
    kind=Kind.COUNTER,
    help="What answers out of the cache cost the first time, where that is known, under who gave them then.",
    unit="US dollars",
    labels=("provider",),
)
CACHE_SAVED_TOKENS = Metric(
    name="pointsman_cache_saved_tokens_total",
    kind=Kind.COUNTER,
    help="Tokens that answers out of the cache took the first time, where they were counted.",
    unit="tokens",
    labels=("provider",),
)
CACHE_DROPPED = Metric(
    name="pointsman_cache_dropped_total",
    kind=Kind.COUNTER,
    help="Answers that left the cache: evicted (no room), expired, purged; or unkept, its file being ill or slow.",
    unit="answers",
    labels=("how",),
)
CACHE_ENTRIES = Metric(
    name="pointsman_cache_entries",
    kind=Kind.GAUGE,
    help="Answers in the cache.",
    unit="answers",
)
CACHE_BYTES = Metric(
    name="pointsman_cache_bytes",
    kind=Kind.GAUGE,
    help="What the answers in the cache take, about.",
    unit="bytes",
)
BREAKER_STATE = Metric(
    name="pointsman_breaker_state",
    kind=Kind.GAUGE,
    help="State of a breaker: 0 closed, 1 half open, 2 open. Absent until its first change.",
    unit="state",
    labels=("provider", "model"),
)
BREAKER_CHANGES = Metric(
    name="pointsman_breaker_changes_total",
    kind=Kind.COUNTER,
    help="Changes of a breaker, by the state it went to.",
    unit="changes",
    labels=("provider", "model", "to"),
)
KEY_STATE = Metric(
    name="pointsman_key_state",
    kind=Kind.GAUGE,
    help="State of a key: 0 ready, 1 account empty, 2 refused by its provider. Absent until its first change.",
    unit="state",
    labels=("provider", "key"),
)
RETRIES = Metric(
    name="pointsman_retries_total",
    kind=Kind.COUNTER,
    help="Attempts that were not the first of their exchange, by the provider they went to.",
    unit="attempts",
    labels=("provider",),
)
SHARED = Metric(
    name="pointsman_shared_total",
    kind=Kind.COUNTER,
    help="Requests answered out of another one's exchange, joined while it lasted or replayed afterwards.",
    unit="requests",
    labels=("dialect", "how"),
)
RETRIES_DENIED = Metric(
    name="pointsman_retries_denied_total",
    kind=Kind.COUNTER,
    help="Retries that the retry budget did not allow.",
    unit="attempts",
    labels=("provider",),
)
HEDGES = Metric(
    name="pointsman_hedges_total",
    kind=Kind.COUNTER,
    help="Second requests beside a late one, by how the second did: won, lost, failed, or denied by a budget.",
    unit="requests",
    labels=("outcome",),
)
RESCUES = Metric(
    name="pointsman_rescues_total",
    kind=Kind.COUNTER,
    help="Attempts to rescue a half-sent answer, by method (continue, splice, hold) and how they ended.",
    unit="rescues",
    labels=("method", "outcome"),
)
IN_FLIGHT = Metric(
    name="pointsman_exchanges_in_flight",
    kind=Kind.GAUGE,
    help="Exchanges that have begun and not ended.",
    unit="exchanges",
)
LEDGER_PENDING = Metric(
    name="pointsman_ledger_pending",
    kind=Kind.GAUGE,
    help="Ledger entries that are not yet stored.",
    unit="entries",
)
LEDGER_FAILED_WRITES = Metric(
    name="pointsman_ledger_failed_writes_total",
    kind=Kind.COUNTER,
    help="Writes to the ledger's store that failed; each is tried again.",
    unit="writes",
)
LEDGER_MISMATCHED = Metric(
    name="pointsman_ledger_mismatched_total",
    kind=Kind.COUNTER,
    help="Entries whose provider's own total of tokens is not the sum of its parts; kept as it told them.",
    unit="entries",
)
TELEMETRY_DROPPED = Metric(
    name="pointsman_telemetry_dropped_total",
    kind=Kind.COUNTER,
    help="What telemetry had to drop: facts before they were counted, spans, log lines, or series past the bound.",
    unit="items",
    labels=("sink",),
)
ACTOR_RESTARTS = Metric(
    name="pointsman_actor_restarts_total",
    kind=Kind.COUNTER,
    help="Exits of supervised actors that were not asked for, by actor.",
    unit="restarts",
    labels=("actor",),
)
JOB_CRASHES = Metric(
    name="pointsman_job_crashes_total",
    kind=Kind.COUNTER,
    help="Tasks that crashed, by the actor that owned them.",
    unit="crashes",
    labels=("actor",),
)
MESSAGES_LOST = Metric(
    name="pointsman_messages_lost_total",
    kind=Kind.COUNTER,
    help="Messages between actors that nobody handled: undelivered, rejected, dropped or expired.",
    unit="messages",
    labels=("how",),
)
CONFIG_INFO = Metric(
    name="pointsman_config_info",
    kind=Kind.GAUGE,
    help="1 for the version of the configuration that serves new exchanges.",
    unit="info",
    labels=("version",),
)

CONFIG_LOADS = Metric(
    name="pointsman_config_loads_total",
    kind=Kind.COUNTER,
    help="Configurations that were read anew and taken, or refused while the one before served on.",
    unit="configurations",
    labels=("result",),
)

TABLE: tuple[Metric, ...] = (
    EXCHANGES,
    ATTEMPTS,
    EXCHANGE_DURATION,
    FIRST_TOKEN,
    ATTEMPT_DURATION,
    BUDGETS_REACHED,
    CHOICES,
    SKIPPED_EVENTS,
    INJECTED_FAULTS,
    TOKENS,
    COST,
    UNPRICED,
    CACHE_REQUESTS,
    CACHE_SAVED_USD,
    CACHE_SAVED_TOKENS,
    CACHE_DROPPED,
    CACHE_ENTRIES,
    CACHE_BYTES,
    BREAKER_STATE,
    BREAKER_CHANGES,
    KEY_STATE,
    RETRIES,
    SHARED,
    RETRIES_DENIED,
    RESCUES,
    HEDGES,
    IN_FLIGHT,
    LEDGER_PENDING,
    LEDGER_FAILED_WRITES,
    LEDGER_MISMATCHED,
    TELEMETRY_DROPPED,
    ACTOR_RESTARTS,
    JOB_CRASHES,
    MESSAGES_LOST,
    CONFIG_INFO,
    CONFIG_LOADS,
)

PROCESS_NAMES: frozenset[str] = frozenset(
    {
        "process_virtual_memory_bytes",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_max_fds",
    }
)
"""What prometheus-client's own process collector adds, on Linux only."""
