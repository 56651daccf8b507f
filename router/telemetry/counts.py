"""What the end of an attempt and of an exchange adds to the metrics."""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter

from router.canon.operation import Operation
from router.canon.outcome import End
from router.canon.usage import Usage
from router.errors import Reason
from router.telemetry import metrics
from router.telemetry.facts import AttemptFact, ExchangeFact, SavedFact, billed_provider, first_target
from router.telemetry.meter import Meter

TOKEN_BUCKETS = (
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
)

_counts = attrgetter(*TOKEN_BUCKETS)

_FREE = frozenset({Operation.COUNT_TOKENS})
"""What nobody bills, so that no price is missing."""


def count_attempt(meter: Meter, fact: AttemptFact) -> None:
    """Count one attempt: its end, its clocks, its tokens, and whether it was a retry."""
    meter.add(metrics.ATTEMPTS, fact.provider, fact.model, fact.end.value, _label(fact.reason))
    meter.observe(metrics.ATTEMPT_DURATION, fact.duration_s, fact.provider)
    if fact.first_token_s is not None:
        meter.observe(metrics.FIRST_TOKEN, fact.first_token_s, fact.provider)
    if fact.number > 1:
        meter.add(metrics.RETRIES, fact.provider)
    if fact.drill is not None:
        meter.add(metrics.INJECTED_FAULTS, fact.provider, fact.model)
    if fact.skipped:
        meter.add(metrics.SKIPPED_EVENTS, fact.provider, fact.model, amount=fact.skipped)
    if fact.usage is not None:
        _count_tokens(meter, fact.provider, fact.model, fact.usage)


def count_exchange(meter: Meter, fact: ExchangeFact) -> None:
    """Count one exchange: its end, its duration and its cost.

    A cost nobody knows is counted as unpriced, never as 0.
    """
    streamed = "true" if fact.streamed else "false"
    meter.add(metrics.EXCHANGES, fact.dialect, fact.end.value, _label(fact.reason), streamed)
    meter.observe(metrics.EXCHANGE_DURATION, fact.duration_s)
    chosen = first_target(fact)
    if fact.strategy is not None and chosen is not None:
        meter.add(metrics.CHOICES, fact.strategy, *chosen.split(":", 1))
    for method, outcome in fact.rescues:
        meter.add(metrics.RESCUES, method, outcome)
    if fact.hedge is not None:
        meter.add(metrics.HEDGES, fact.hedge)
    if fact.cache is not None:
        meter.add(metrics.CACHE_REQUESTS, fact.cache)
    provider = billed_provider(fact)
    if provider is None:
        return
    if fact.saved is not None:
        _count_saved(meter, provider, fact.saved)
    for teller, cost_usd in fact.costs or ((provider, fact.cost_usd),):
        _count_cost(meter, teller, cost_usd, fact)


def _count_cost(meter: Meter, provider: str, cost_usd: Decimal | None, fact: ExchangeFact) -> None:
    if cost_usd is not None:
        meter.add(metrics.COST, provider, amount=float(cost_usd))
    elif fact.operation not in _FREE and (fact.usage is not None or fact.end is End.COMPLETED):
        meter.add(metrics.UNPRICED, provider)


def _count_tokens(meter: Meter, provider: str, model: str, usage: Usage) -> None:
    for bucket, tokens in zip(TOKEN_BUCKETS, _counts(usage), strict=True):
        if tokens:
            meter.add(metrics.TOKENS, provider, model, bucket, amount=tokens)


def _count_saved(meter: Meter, provider: str, saved: SavedFact) -> None:
    if saved.usd is not None:
        meter.add(metrics.CACHE_SAVED_USD, provider, amount=float(saved.usd))
    if saved.tokens is not None:
        meter.add(metrics.CACHE_SAVED_TOKENS, provider, amount=saved.tokens)


def _label(reason: Reason | None) -> str:
    return metrics.NO_REASON if reason is None else reason.value
