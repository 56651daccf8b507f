"""What an answer cost, and how that is known. Money is `Decimal`, never a float."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

USD_STEP = Decimal("1e-12")
"""The least amount that is kept: exact for every rate of up to six decimals per million tokens, and an integer in a
store."""


def usd_text(usd: Decimal) -> str:
    """An amount for people and headers: plain digits, no exponent, no zeros at its end."""
    return f"{usd.normalize():f}"


class CostSource(StrEnum):
    """How a cost is known: computed from a price, told by the provider, nothing because it came out of our own cache,
    or not at all, for want of a price or of a count."""

    PRICED = "priced"
    REPORTED = "reported"
    CACHED = "cached"
    UNPRICED = "unpriced"
    UNCOUNTED = "uncounted"


class Cost(Struct, frozen=True, kw_only=True):
    """A cost in multiples of `USD_STEP`, or None where nobody knows it. 0 is said only where a price or a provider says
    so.

    Args:
        usd: what counts: one of the two below.
        priced_usd: by a price of ours; None where none is known.
        reported_usd: what the provider says it charged; None where it says nothing.
        price_id: which price was used; None when none was.
        price_date: ISO date from which that price holds, where its source says.
    """

    usd: Decimal | None
    source: CostSource
    priced_usd: Decimal | None = None
    reported_usd: Decimal | None = None
    price_id: str | None = None
    price_date: str | None = None
