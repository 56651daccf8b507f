"""What models cost and how long their context is, from the configuration and the price list."""

from __future__ import annotations

from msgspec import convert

from router.app.seats import Seat
from router.canon.ability import UNSAID, Ability, Traits
from router.canon.target import Target
from router.policy.capability import FactSource
from router.policy.price import Override, PriceBook, Rates, Seller, Tier
from router.policy.pricelist import PriceList
from router.providers.knowledge import known_of
from router.settings import Model, Price


def said_of(listed: PriceList, seats: tuple[Seat, ...], target: Target, at: float) -> dict[FactSource, Traits]:
    """What everybody but its provider says of a target; nothing of one that is not there.

    Args:
        at: epoch seconds, for prices that change.
    """
    seat = next((seat for seat in seats if seat.name == target.provider), None)
    if seat is None:
        return {}
    model = next((model for model in seat.models if model.name == target.model), None)
    upstream = target.model if model is None else model.upstream
    return {
        FactSource.CONFIGURED: UNSAID if model is None else _configured(model),
        FactSource.LISTED: _listed(listed, seat, upstream, at),
        FactSource.KNOWN: known_of(seat.kind.known, upstream),
    }


def _configured(model: Model) -> Traits:
    price = model.price
    return Traits(
        can=tuple(map(Ability, model.can)),
        cannot=tuple(map(Ability, model.cannot)),
        context_window=model.context_window,
        input_per_mtok=None if price is None else str(price.input_per_mtok),
        output_per_mtok=None if price is None else str(price.output_per_mtok),
    )


def _listed(listed: PriceList, seat: Seat, upstream: str, at: float) -> Traits:
    seller = (seat.kind.price_id, seat.settings.base_url, upstream)
    row = listed.find(*seller, at)
    rates = Rates() if row is None else row.rates
    return Traits(
        context_window=listed.window(*seller),
        input_per_mtok=None if rates.input_per_mtok is None else str(rates.input_per_mtok),
        output_per_mtok=None if rates.output_per_mtok is None else str(rates.output_per_mtok),
    )


def price_book(seats: tuple[Seat, ...], listed: PriceList) -> PriceBook:
    """Configured prices first, then nothing for what runs here, then the list."""
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
    return PriceBook(sellers, overrides, listed=listed)


def _override(provider: str, model: str, price: Price) -> Override:
    return Override(
        provider=provider,
        model=model,
        rates=convert(price, Rates, from_attributes=True),
        tiers=tuple(
            Tier(above_tokens=tier.above_tokens, rates=convert(tier, Rates, from_attributes=True))
            for tier in price.tiers
        ),
        date=price.date,
    )
