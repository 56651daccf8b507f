"""What models cost and how long their context is, from the configuration and the price list."""

from __future__ import annotations

from decimal import Decimal

from msgspec import convert
from msgspec.structs import asdict, replace

from router.app.seats import Seat, prefill_of
from router.canon.ability import UNSAID, Ability, Traits, merged
from router.canon.cost import CostSource
from router.canon.target import Target
from router.policy.capability import FactSource
from router.policy.price import Override, PriceBook, PriceRow, PriceTable, Rates, Seller, Tier
from router.policy.pricelist import PriceList
from router.providers.knowledge import known_of
from router.settings import Model, Price, Prices

_ALL: dict[str, str | None] = {"*": None}
"""What stands in a table for every model of a provider."""


def said_of(
    listed: PriceList, book: PriceBook, seats: tuple[Seat, ...], target: Target, at: float
) -> dict[FactSource, Traits]:
    """What everybody but its provider says of a target; nothing of one that is not there.

    Args:
        book: what the operator says of prices.
        at: epoch seconds, for prices that change.
    """
    seat = next((seat for seat in seats if seat.name == target.provider), None)
    if seat is None:
        return {}
    model = next((model for model in seat.models if model.name == target.model), None)
    upstream = target.model if model is None else model.upstream
    return {
        FactSource.CONFIGURED: _configured(model, book.own(target, at)),
        FactSource.LISTED: _listed(listed, seat, upstream, at),
        FactSource.KNOWN: merged((_goes_on(seat, model), known_of(seat.kind.known, upstream))),
    }


def _goes_on(seat: Seat, model: Model | None) -> Traits:
    return UNSAID if model is None else prefill_of(seat, model)


def _configured(model: Model | None, row: PriceRow | None) -> Traits:
    rates = Rates() if row is None else row.rates
    said = UNSAID if model is None else _abilities(model)
    return replace(said, input_per_mtok=_text(rates.input_per_mtok), output_per_mtok=_text(rates.output_per_mtok))


def _abilities(model: Model) -> Traits:
    return Traits(
        can=tuple(map(Ability, model.can)),
        cannot=tuple(map(Ability, model.cannot)),
        context_window=model.context_window,
    )


def _listed(listed: PriceList, seat: Seat, upstream: str, at: float) -> Traits:
    seller = (seat.kind.price_id, seat.settings.base_url, upstream)
    row = listed.find(*seller, at)
    rates = Rates() if row is None else row.rates
    return Traits(
        context_window=listed.window(*seller),
        input_per_mtok=_text(rates.input_per_mtok),
        output_per_mtok=_text(rates.output_per_mtok),
    )


def _text(rate: Decimal | None) -> str | None:
    return None if rate is None else str(rate)


def price_book(seats: tuple[Seat, ...], listed: PriceList, prices: Prices) -> PriceBook:
    """Configured prices first, then the table's, then nothing for what runs here, then the list."""
    sellers = {
        seat.name: Seller(
            price_id=seat.kind.price_id,
            base_url=seat.settings.base_url,
            local=seat.kind.local,
            upstream={model.name: model.upstream for model in seat.models if model.upstream != model.name},
        )
        for seat in seats
    }
    overrides = tuple(
        _override(seat.name, model.name, model.price) for seat in seats for model in seat.models if model.price
    )
    table = PriceTable(
        (_override(row.provider, _ALL.get(row.model, row.model), row) for row in prices.table.rows), prices.table.name
    )
    return PriceBook(sellers, overrides, listed=listed, table=table, basis=CostSource(prices.basis))


def _override(provider: str, model: str | None, price: Price) -> Override:
    return Override(
        provider=provider,
        model=model,
        rates=convert(price, Rates, from_attributes=True),
        tiers=tuple(
            Tier(above_tokens=tier.above_tokens, rates=convert(tier, Rates, from_attributes=True))
            for tier in price.tiers
        ),
        date=price.date,
        services={name: factor for name, factor in asdict(price.services).items() if factor is not None},
    )
