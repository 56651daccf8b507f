"""The prices and context windows of genai-prices, from the data in the package: no network, ever.

The package costs some 0.15 s to import, so it is imported when first asked, or by `load` at start. What it knows and
`Usage` does not count (searches of the web, seconds of audio) is not in our prices.

Source: https://github.com/pydantic/genai-prices, version 0.2.3, read 2026-11.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from router.policy.price import STANDARD, PriceRow, Rates, Tier

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, StartDateConstraint, TimeOfDateConstraint

    Constraint = StartDateConstraint | TimeOfDateConstraint

_MOST_REMEMBERED = 8192
"""Models looked up and kept; beyond it, which takes misuse, everything is looked up anew."""

_FREE = ":free"
"""Ends the id of a model that the list prices at nothing on purpose; any other without rates is simply unknown."""

_PER_MTOK = {
    "input_mtok": "input_per_mtok",
    "cache_read_mtok": "cache_read_per_mtok",
    "cache_write_mtok": "cache_write_per_mtok",
    "cache_write_1h_mtok": "cache_write_1h_per_mtok",
    "output_mtok": "output_per_mtok",
    "output_reasoning_mtok": "reasoning_per_mtok",
    "input_audio_mtok": "audio_input_per_mtok",
    "output_audio_mtok": "audio_output_per_mtok",
    "input_image_mtok": "image_input_per_mtok",
    "output_image_mtok": "image_output_per_mtok",
}
"""The list's names of our buckets. One without a price costs what it is a kind of, in the list's own arithmetic too."""


_SERVICES = {
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("processing", "batch"): "batch",
}
"""The list's conditions for a price -> canon's word for the service tier."""


class _Dated(Struct, frozen=True):
    """A row and when it holds, `None` always, with those of other service tiers."""

    condition: Constraint | None
    row: PriceRow | None
    services: tuple[tuple[str, _Dated], ...] = ()

    def holds(self, moment: datetime) -> bool:
        """Whether it does then."""
        return self.condition is None or self.condition.active(moment)


class _Offer(Struct, frozen=True):
    """What the list knows of one model. `rows`: those whose condition matters most first; `None` always holds."""

    window_tokens: int | None
    rows: tuple[_Dated, ...]


class PriceList:
    """Looks models up as the list's authors match them, and remembers what it found."""

    def __init__(self) -> None:
        self._snapshot: DataSnapshot | None = None
        self._version = ""
        self._offers: dict[tuple[str | None, str | None, str], _Offer | None] = {}

    def load(self) -> None:
        """Read the data now, so that no request waits for it."""
        if self._snapshot is not None:
            return
        import genai_prices
        from genai_prices.data_snapshot import get_snapshot

        self._version = genai_prices.__version__
        self._snapshot = get_snapshot()

    def find(
        self, price_id: str | None, base_url: str | None, model: str, at: float, tier: str | None = None
    ) -> PriceRow | None:
        """The price in force at `at`, epoch seconds, of an answer served in `tier`; None when the list knows no such
        seller or model.

        Args:
            price_id: the seller's id in the list; None finds the seller by `base_url`.
        """
        offer = self._offer(price_id, base_url, model)
        if offer is None:
            return None
        moment = datetime.fromtimestamp(at, UTC)
        active = (each for each in offer.rows if each.holds(moment))
        dated = offer.rows[0] if len(offer.rows) == 1 else next(active, offer.rows[-1])
        if tier in (None, STANDARD) or dated.row is None:
            return dated.row
        services = (each.row for word, each in dated.services if word == tier and each.holds(moment))
        return next(services, None) or dated.row.served(tier)

    def window(self, price_id: str | None, base_url: str | None, model: str) -> int | None:
        """The model's context window in tokens; None when the list does not know."""
        offer = self._offer(price_id, base_url, model)
        return None if offer is None else offer.window_tokens

    def _offer(self, price_id: str | None, base_url: str | None, model: str) -> _Offer | None:
        key = (price_id, base_url, model)
        if key not in self._offers:
            if len(self._offers) >= _MOST_REMEMBERED:
                self._offers.clear()
            self._offers[key] = self._look_up(*key)
        return self._offers[key]

    def _look_up(self, price_id: str | None, base_url: str | None, model: str) -> _Offer | None:
        if price_id is None and base_url is None:
            return None  # the list would guess a seller by the model's name
        self.load()
        assert self._snapshot is not None
        try:
            seller, info = self._snapshot.find_provider_model(model, None, price_id, None if price_id else base_url)
        except LookupError:
            return None
        return _offer_of(info, f"genai-prices {self._version} {seller.id}/{info.id}")


def _offer_of(info: ModelInfo, id: str) -> _Offer:
    variants = tuple(info.price_variants or ())
    if not isinstance(info.prices, list):
        return _Offer(info.context_window, (_dated(info.prices, id, None, variants),))
    # the list puts the condition that matters most last, and takes its first when none holds
    rows = tuple(_dated(priced.prices, id, priced.constraint, variants) for priced in reversed(info.prices))
    return _Offer(info.context_window, rows)


def _dated(prices: ModelPrice, id: str, constraint: Constraint | None, variants: tuple[PriceVariant, ...]) -> _Dated:
    """A row, and those of other service tiers: what one of them does not price costs in it what it costs otherwise."""
    said = _said(prices)
    services = []
    for variant in variants:
        word = _SERVICES.get(next(iter(variant.when.items()))) if len(variant.when) == 1 else None
        if word is not None:
            row = _row_of(said | _said(variant.prices), f"{id} ({word})", variant.constraint)
            services.append((word, _Dated(variant.constraint, row)))
    return _Dated(constraint, _row_of(said, id, constraint), tuple(services))


def _said(prices: ModelPrice) -> dict[str, object]:
    return {name: value for name, value in vars(prices).items() if value is not None}


def _row_of(said: dict[str, object], id: str, constraint: Constraint | None) -> PriceRow | None:
    """One set of prices as a row; None when it prices nothing that we count."""
    if not said and id.endswith(_FREE):
        said = {"input_mtok": Decimal(0), "output_mtok": Decimal(0)}
    if not any(name in _PER_MTOK for name in said):
        return None
    starts = sorted({tier.start for value in said.values() for tier in getattr(value, "tiers", ())})
    start_date = getattr(constraint, "start_date", None)
    return PriceRow(
        id=id,
        date=start_date.isoformat() if start_date else None,
        rates=_rates_at(said, 0),
        tiers=tuple(Tier(above_tokens=start, rates=_rates_at(said, start + 1)) for start in starts),
    )


def _rates_at(said: dict[str, object], input_tokens: int) -> Rates:
    """The rates of a prompt of that many tokens."""
    at = {name: _amount(value, input_tokens) for name, value in said.items()}
    per_mtok = {ours: at[theirs] for theirs, ours in _PER_MTOK.items() if theirs in at}
    per_thousand_requests = at.get("requests_kcount", Decimal(0))
    return Rates(**per_mtok, request_usd=per_thousand_requests / 1000).filled()


def _amount(value: object, input_tokens: int) -> Decimal:
    """A flat price, or the tier's: the last one whose start is passed."""
    amount = getattr(value, "base", value)
    for tier in getattr(value, "tiers", ()):
        if input_tokens > tier.start:
            amount = tier.price
    assert isinstance(amount, Decimal)
    return amount
