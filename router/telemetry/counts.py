"""What the end of an attempt and of an exchange adds to the metrics."""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter

from router.canon.operation import Operation
from router.canon.outcome import End
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


Sums = defaultdict[tuple[str, ...], float]
Seen = defaultdict[tuple[str, ...], list[float]]


class Counts:
    """Adds up what ended, for a meter that `enter` tells of all of it at once: under load most facts are of a few
    series. What is rare goes there directly."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._attempts, self._tokens, self._exchanges = Sums(float), Sums(float), Sums(float)
        self._choices, self._cost, self._unpriced = Sums(float), Sums(float), Sums(float)
        self._attempt_s, self._first_token_s, self._exchange_s = Seen(list), Seen(list), Seen(list)
        self._counters = (
            (metrics.ATTEMPTS, self._attempts),
            (metrics.TOKENS, self._tokens),
            (metrics.EXCHANGES, self._exchanges),
            (metrics.CHOICES, self._choices),
            (metrics.COST, self._cost),
            (metrics.UNPRICED, self._unpriced),
        )
        self._histograms = (
            (metrics.ATTEMPT_DURATION, self._attempt_s),
            (metrics.FIRST_TOKEN, self._first_token_s),
            (metrics.EXCHANGE_DURATION, self._exchange_s),
        )

    def enter(self) -> None:
        """Tell the meter what was added up since the last time."""
        for metric, sums in self._counters:
            for labels, amount in sums.items():
                self._meter.add(metric, *labels, amount=amount)
            sums.clear()
        for metric, seen in self._histograms:
            for labels, values in seen.items():
                self._meter.observe_all(metric, values, *labels)
            seen.clear()

    def attempt(self, fact: AttemptFact) -> None:
        """Count one attempt: its end, its clocks, its tokens, and whether it was a retry."""
        provider, model = fact.provider, fact.model
        self._attempts[provider, model, fact.end, fact.reason or metrics.NO_REASON] += 1.0
        self._attempt_s[provider,].append(fact.duration_s)
        if fact.first_token_s is not None:
            self._first_token_s[provider,].append(fact.first_token_s)
        if fact.number > 1:
            self._meter.add(metrics.RETRIES, provider)
        if fact.drill is not None:
            self._meter.add(metrics.INJECTED_FAULTS, provider, model)
        if fact.skipped:
            self._meter.add(metrics.SKIPPED_EVENTS, provider, model, amount=fact.skipped)
        if fact.usage is not None:
            for bucket, tokens in zip(TOKEN_BUCKETS, _counts(fact.usage), strict=True):
                if tokens:
                    self._tokens[provider, model, bucket] += tokens

    def exchange(self, fact: ExchangeFact) -> None:
        """Count one exchange: its end, its duration and its cost.

        A cost nobody knows is counted as unpriced, never as 0.
        """
        streamed = "true" if fact.streamed else "false"
        self._exchanges[fact.dialect, fact.end, fact.reason or metrics.NO_REASON, streamed] += 1.0
        self._exchange_s[()].append(fact.duration_s)
        chosen = first_target(fact)
        if fact.strategy is not None and chosen is not None:
            self._choices[fact.strategy, *chosen.split(":", 1)] += 1.0
        if fact.rescues or fact.hedge is not None or fact.cache is not None:
            self._count_help(fact)
        provider = billed_provider(fact)
        if provider is None:
            return
        if fact.saved is not None:
            self._count_saved(provider, fact.saved)
        for teller, cost_usd in fact.costs or ((provider, fact.cost_usd),):
            if cost_usd is not None:
                self._cost[teller,] += float(cost_usd)
            elif fact.operation not in _FREE and (fact.usage is not None or fact.end is End.COMPLETED):
                self._unpriced[teller,] += 1.0

    def _count_help(self, fact: ExchangeFact) -> None:
        """What stood in for an attempt, or beside it."""
        for method, outcome in fact.rescues:
            self._meter.add(metrics.RESCUES, method, outcome)
        if fact.hedge is not None:
            self._meter.add(metrics.HEDGES, fact.hedge)
        if fact.cache is not None:
            self._meter.add(metrics.CACHE_REQUESTS, fact.cache)

    def _count_saved(self, provider: str, saved: SavedFact) -> None:
        if saved.usd is not None:
            self._meter.add(metrics.CACHE_SAVED_USD, provider, amount=float(saved.usd))
        if saved.tokens is not None:
            self._meter.add(metrics.CACHE_SAVED_TOKENS, provider, amount=saved.tokens)
