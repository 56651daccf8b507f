"""A retry budget: retries may be a share of recent traffic and a few more, so that an outage is not multiplied.

First tries earn, retries spend, and both age out of a window. Amounts are whole thousandths, so that sums stay exact.
"""

from __future__ import annotations

from msgspec import Struct

from router.policy.window import Window, next_counted, recent

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


Budget = Window
"""What was earned and spent lately, as one balance."""


def next_earned(budget: Budget, now: float, rules: BudgetRules, tries: int = 1) -> Budget:
    """Record so many first tries."""
    return _booked(budget, tries * _EARNED, now, rules)


def spend_retry(budget: Budget, now: float, rules: BudgetRules) -> Budget | None:
    """Pay for one retry; None when the budget is spent and the exchange must end with what it has."""
    reserve = round(rules.min_per_s * rules.ttl_s * rules.price)
    balance = recent(budget, _slice(now, rules), _SLICES).count
    return _booked(budget, -rules.price, now, rules) if balance + reserve >= rules.price else None


def _booked(budget: Budget, amount: int, now: float, rules: BudgetRules) -> Budget:
    return next_counted(budget, _slice(now, rules), _SLICES, amount, 0)


def _slice(now: float, rules: BudgetRules) -> int:
    return int(now * _SLICES // rules.ttl_s)
