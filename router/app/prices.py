"""What models cost and how long their context is, from the configuration and the price list."""

from __future__ import annotations

from msgspec import convert

from router.app.seats import Seat
from router.canon.target import Target
from router.policy.price import Override, PriceBook, Rates, Seller
from router.policy.pricelist import PriceList


def listed_window(listed: PriceList, seats: tuple[Seat, ...], target: Target) -> int | None:
    """What the price list says of a target's context window; None of a target that is not there."""
    seat = next((seat for seat in seats if seat.name == target.provider), None)
    if seat is None:
        return None
    upstream = next((model.upstream for model in seat.models if model.name == target.model), target.model)
    return listed.window(seat.kind.price_id, seat.settings.base_url, upstream)


def price_book(seats: tuple[Seat, ...], listed: PriceList) -> PriceBook:
    """Configured prices first, then nothing for what runs here, then the list."""
    sellers = {
        seat.name: Seller(price_id=seat.kind.price_id, base_url=seat.settings.base_url, local=seat.kind.local)
        for seat in seats
    }
    overrides = tuple(
        Override(provider=seat.name, model=model.name, rates=convert(model.price, Rates, from_attributes=True))
        for seat in seats
        for model in seat.models
        if model.price is not None
    )
    return PriceBook(sellers, overrides, listed=listed)
