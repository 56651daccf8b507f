"""How the providers and the whole do, from what ended lately."""

from __future__ import annotations

from msgspec import Struct

from router.errors import Reason
from router.telemetry.facts import AttemptFact, ExchangeFact
from router.telemetry.scores import Span, Window, fold_outcome, is_empty, judge_attempt, judge_exchange, score_window


class ProviderHealth(Struct, frozen=True, kw_only=True):
    """One provider's score over the window; see `scores` for the formula. None means nothing there to tell it from.

    Args:
        avg_response_ms: mean duration of its complete answers, in milliseconds.
        attempts: attempts in the window that say something about it, good or bad.
        last_error: its last failure that was not a caller's, and when it ended in epoch seconds; kept past the window.
    """

    health_score: float
    success_rate: float | None
    avg_response_ms: float | None
    attempts: int
    last_error: Reason | None = None
    last_error_at: float | None = None


class HealthView(Struct, frozen=True, kw_only=True):
    """What Telemetry publishes. A provider is in it once an attempt on it ended.

    Args:
        total_requests: exchanges since the router started.
        success_rate: of the window's exchanges that were not the caller's own failures; None when there were none.
        counted: how many those were.
        avg_response_ms: mean duration of the window's complete exchanges, in milliseconds; None when there were none.
        in_flight: exchanges under way; None when nobody counts them.
    """

    total_requests: int = 0
    success_rate: float | None = None
    counted: int = 0
    avg_response_ms: float | None = None
    in_flight: int | None = None
    providers: dict[str, ProviderHealth] = {}


class Board:
    """Keeps the windows. `now` is monotonic seconds, one clock in every call; `total` is where to go on counting."""

    def __init__(self, span: Span, *, total: int = 0) -> None:
        self._span = span
        self._total = total
        self._exchanges = Window()
        self._attempts: dict[str, Window] = {}
        self._errors: dict[str, tuple[Reason, float]] = {}

    def add_attempt(self, fact: AttemptFact, now: float) -> None:
        """Count an attempt for or against its provider, or neither."""
        window = self._attempts.setdefault(fact.provider, Window())
        good = judge_attempt(fact.end, fact.reason)
        if good is None or (fact.drill is not None and not fact.drill.counts):
            return
        self._attempts[fact.provider] = fold_outcome(window, now, self._span, good, fact.duration_s)
        if fact.reason is not None:
            self._errors[fact.provider] = (fact.reason, fact.started_at + fact.duration_s)

    def add_exchange(self, fact: ExchangeFact, now: float) -> None:
        """Count an exchange; every one is a request, not every one says how well we do."""
        self._total += 1
        good = judge_exchange(fact.end, fact.reason)
        if good is not None:
            self._exchanges = fold_outcome(self._exchanges, now, self._span, good, fact.duration_s)

    def forget(self, provider: str) -> None:
        """A provider was removed: it is unhealthy no more."""
        self._attempts.pop(provider, None)
        self._errors.pop(provider, None)

    def view(self, now: float, in_flight: int | None) -> HealthView:
        """Everything as it is at `now`."""
        overall = score_window(self._exchanges, now, self._span)
        return HealthView(
            total_requests=self._total,
            success_rate=overall.success_rate,
            counted=overall.counted,
            avg_response_ms=overall.avg_response_ms,
            in_flight=in_flight,
            providers={name: self._health(name, window, now) for name, window in self._attempts.items()},
        )

    def is_fading(self, now: float) -> bool:
        """Whether time alone will change the view: something is in a window still."""
        windows = (self._exchanges, *self._attempts.values())
        return not all(is_empty(window, now, self._span) for window in windows)

    def _health(self, provider: str, window: Window, now: float) -> ProviderHealth:
        score = score_window(window, now, self._span)
        reason, at = self._errors.get(provider, (None, None))
        return ProviderHealth(
            health_score=score.health,
            success_rate=score.success_rate,
            avg_response_ms=score.avg_response_ms,
            attempts=score.counted,
            last_error=reason,
            last_error_at=at,
        )
