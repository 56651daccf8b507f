"""A retry budget: retries may be a share of recent traffic and a few more, so that an outage is not multiplied.

First tries earn, retries spend, and both age out of a window. Amounts are whole thousandths, so that sums stay exact.
"""

from __future__ import annotations

from msgspec import Struct

_EARNED = 1_000
_SLICES = 10


class BudgetRules(Struct, frozen=True, kw_only=True):
    """How much retrying is allowed.

    Args:
        share: retries per first try, above 0 to 1.
        min_per_s: retries a second allowed without any traffic, so that a quiet gateway still retries.
        ttl_s: how long a first try counts.

    Source: finagle `RetryBudget.scala`, its defaults.
    """

    share: float = 0.2
    min_per_s: float = 10.0
    ttl_s: float = 10.0

    @property
    def price(self) -> int:
        """What one retry costs."""
        return round(_EARNED / self.share)


class Budget(Struct, frozen=True, kw_only=True):
    """What was earned and spent lately: (number of the time slice, balance of it), oldest first."""

    slices: tuple[tuple[int, int], ...] = ()


def next_earned(budget: Budget, now: float, rules: BudgetRules) -> Budget:
    """Record a first try."""
    return _booked(budget, _EARNED, now, rules)


def spend_retry(budget: Budget, now: float, rules: BudgetRules) -> Budget | None:
    """Pay for one retry; None when the budget is spent and the exchange must end with what it has."""
    reserve = round(rules.min_per_s * rules.ttl_s * rules.price)
    balance = sum(amount for _, amount in _recent(budget, now, rules))
    return _booked(budget, -rules.price, now, rules) if balance + reserve >= rules.price else None


def _slice(now: float, rules: BudgetRules) -> int:
    return int(now * _SLICES // rules.ttl_s)


def _recent(budget: Budget, now: float, rules: BudgetRules) -> tuple[tuple[int, int], ...]:
    oldest = _slice(now, rules) - _SLICES
    if budget.slices and budget.slices[0][0] > oldest:
        return budget.slices
    return tuple((number, amount) for number, amount in budget.slices if number > oldest)


def _booked(budget: Budget, amount: int, now: float, rules: BudgetRules) -> Budget:
    current = _slice(now, rules)
    match _recent(budget, now, rules):
        case (*older, (number, balance)) if number == current:
            return Budget(slices=(*older, (number, balance + amount)))
        case older:
            return Budget(slices=(*older, (current, amount)))
