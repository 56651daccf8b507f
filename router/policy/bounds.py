"""What bounds a caller: limits of its key, and budgets that it spends from. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from msgspec import Struct

from router.canon.cost import USD_STEP


class Period(StrEnum):
    """When a budget begins anew: at midnight UTC, on the first of the month, or never."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class Limit(Struct, frozen=True, kw_only=True):
    """A limit of one key. `purse` is what it is counted under."""

    purse: str
    requests: int | None = None
    tokens: int | None = None
    parallel: int | None = None


class Budget(Struct, frozen=True, kw_only=True):
    """A budget that a key spends from. `purse` is what it is counted under, `name` what operators call it.

    Args:
        tokens: how many, or None.
        usd: how much, or None.
        hard: whether a request is refused that may not fit.
        allows_unpriced: whether one is let in whose price nobody knows.
    """

    purse: str
    name: str
    period: Period
    tokens: int | None = None
    usd: Decimal | None = None
    hard: bool = True
    allows_unpriced: bool = False


class Bounds(Struct, frozen=True, kw_only=True):
    """All that bounds one caller."""

    limit: Limit | None = None
    budgets: tuple[Budget, ...] = ()

    @property
    def wants_price(self) -> bool:
        """Whether anything is counted in money."""
        return any(budget.usd is not None for budget in self.budgets)

    def __bool__(self) -> bool:
        """Whether there is anything to ask."""
        return self.limit is not None or bool(self.budgets)


UNBOUND = Bounds()


def window_of(period: Period, now_at: float) -> tuple[float, float | None]:
    """When the window of now began, and when it ends; epoch seconds."""
    now = datetime.fromtimestamp(now_at, UTC)
    match period:
        case Period.DAY:
            begins = now.replace(hour=0, minute=0, second=0, microsecond=0)
            return begins.timestamp(), begins.timestamp() + 86_400
        case Period.MONTH:
            begins = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            later = begins.replace(year=begins.year + begins.month // 12, month=begins.month % 12 + 1)
            return begins.timestamp(), later.timestamp()
        case Period.TOTAL:
            return 0.0, None


def steps_of(usd: Decimal) -> int:
    """An amount in whole steps, rounded up."""
    return int((usd / USD_STEP).to_integral_value(ROUND_CEILING))


def refuses_unpriced(bounds: Bounds, usd: Decimal | None) -> str | None:
    """The name of a budget that lets nothing in whose price nobody knows; None where none stands in the way."""
    if usd is not None:
        return None
    strict = (budget for budget in bounds.budgets if budget.usd is not None and not budget.allows_unpriced)
    return next((budget.name for budget in strict if budget.hard), None)
