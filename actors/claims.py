"""From what bounds a caller to what a request claims."""

from __future__ import annotations

from collections.abc import Iterator

from actors.messages import Draw
from router.policy.bounds import Budget, Limit, steps_of, window_of
from router.store.leases import Claim, Kind, Unit


def claims_of(draw: Draw, now_at: float) -> tuple[Claim, ...]:
    """One claim for each limit and each budget."""
    limit = draw.bounds.limit
    claims = tuple(_limited(limit, draw)) if limit is not None else ()
    return (*claims, *(claim for budget in draw.bounds.budgets for claim in budgeted(budget, draw, now_at)))


def budgeted(budget: Budget, draw: Draw, now_at: float) -> Iterator[Claim]:
    """What a request may cost at most, in what the budget counts."""
    begins_at, ends_at = window_of(budget.period, now_at)
    usd = 0 if draw.usd is None else steps_of(draw.usd)
    counted = ((Unit.TOKENS, budget.tokens, draw.tokens), (Unit.USD, budget.usd and steps_of(budget.usd), usd))
    for unit, limit, amount in counted:
        if limit is not None:
            yield Claim(
                purse=f"{budget.purse} {unit.value}",
                kind=Kind.BUDGET,
                unit=unit,
                limit=int(limit),
                amount=amount,
                begins_at=begins_at,
                ends_at=ends_at,
                hard=budget.hard,
            )


def _limited(limit: Limit, draw: Draw) -> Iterator[Claim]:
    counted = (
        (Kind.PARALLEL, Unit.REQUESTS, limit.parallel, 1),
        (Kind.RATE, Unit.REQUESTS, limit.requests, 1),
        (Kind.RATE, Unit.TOKENS, limit.tokens, draw.tokens),
    )
    for kind, unit, most, amount in counted:
        if most is not None:
            yield Claim(
                purse=f"{limit.purse} {kind.value} {unit.value}", kind=kind, unit=unit, limit=most, amount=amount
            )
