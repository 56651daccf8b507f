"""When a second target is asked beside a first that is late: how long is late, and how many such requests may go out.

    late = the 95th percentile of the target's own last times to first content, within a floor and a cap

A hedge costs a whole request more and is paid for twice: it takes a share of its route's recent exchanges, and, where
the operator bounds it, of an hour's money.

Source: Finagle `BackupRequestFilter.scala` (a budget of its own beside the retry budget; only successes, timeouts and
superseded attempts teach the delay), and "The Tail at Scale", Dean and Barroso 2013.
"""

from __future__ import annotations

from decimal import Decimal
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from router.policy.budget import Budget, BudgetRules, next_earned, spend_retry

QUANTILE = 0.95
HOUR_S = 3600.0
_TTL_S = 60.0


class HedgeRules(Struct, frozen=True, kw_only=True):
    """How a route hedges.

    Args:
        share: second requests for each exchange of the last minute.
        min_after_s: a target is never late before this.
        max_after_s: a target is late after this at the latest.
        min_sample: times to first content that a target's history must hold.
        max_usd_per_hour: what second requests may probably cost in an hour; None sets no bound.
    """

    share: float = 0.02
    min_after_s: float = 0.2
    max_after_s: float = 10.0
    min_sample: int = 20
    max_usd_per_hour: Decimal | None = None

    @property
    def budget(self) -> BudgetRules:
        """The share as a budget without a floor: a quiet route hedges little."""
        return BudgetRules(share=self.share, min_per_s=0.0, ttl_s=_TTL_S)


class Purse(Struct, frozen=True, kw_only=True):
    """What a route has left for hedges: its budget, and (when, USD) of those of the last hour, oldest first."""

    budget: Budget = Budget()
    paid: tuple[tuple[float, Decimal], ...] = ()


def late_after_s(waits: tuple[float, ...], rules: HedgeRules) -> float | None:
    """After how long a target with these times to first content is late; None while nobody can say."""
    if len(waits) < rules.min_sample:
        return None
    usual_s = sorted(waits)[max(ceil(len(waits) * QUANTILE) - 1, 0)]
    return min(max(usual_s, rules.min_after_s), rules.max_after_s)


def next_exchange(purse: Purse, now: float, rules: HedgeRules) -> Purse:
    """Record an exchange of the route: it earns its share."""
    return replace(purse, budget=next_earned(purse.budget, now, rules.budget))


def spend_hedge(purse: Purse, usd: Decimal | None, now: float, rules: HedgeRules) -> Purse | None:
    """Pay for one hedge; None when it is not to be had.

    Args:
        usd: what it will probably cost; None: nobody knows, which only a route without a bound on money can afford.
    """
    budget = spend_retry(purse.budget, now, rules.budget)
    if budget is None:
        return None
    if rules.max_usd_per_hour is None:
        return replace(purse, budget=budget)
    paid = tuple((at, cost) for at, cost in purse.paid if at > now - HOUR_S)
    if usd is None or sum((cost for _, cost in paid), usd) > rules.max_usd_per_hour:
        return None
    return Purse(budget=budget, paid=(*paid, (now, usd)))
