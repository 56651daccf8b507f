"""What is reserved for a request before anybody has answered it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import Raw

from router.app.clients import dearest
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.catalog import RouteSpec
from router.policy.choose import ChoiceRules, Strategy
from router.policy.price import Override, PriceBook, Rates
from router.policy.pricelist import PriceList
from router.policy.reserve import asked_tier

TARGETS = (Target(provider="one", model="m"), Target(provider="two", model="m"))
SERVICES = {"flex": Decimal("0.5"), "priority": Decimal(3)}
BOOK = PriceBook(
    {},
    tuple(
        Override(
            provider=name,
            model="m",
            rates=Rates(input_per_mtok=Decimal(0), output_per_mtok=Decimal(usd)),
            services=SERVICES if name == "one" else {},
        )
        for name, usd in (("one", 10), ("two", 20))
    ),
    listed=PriceList(),
)


@pytest.mark.parametrize(
    ("asked", "usd"),
    [(None, 20), (b'"auto"', 20), (b'"flex"', 20), (b'"priority"', 30), (b'"fast"', 30), (b"null", 20), (b"7", 20)],
)
def test_the_dearest_there_can_be_is_reserved(asked: bytes | None, usd: int) -> None:
    """Of every target, and of the standard tier and the one that is asked for: it may be served in either."""

    def price(target: Target, usage: Usage | None) -> Decimal | None:
        return BOOK.cost(target, usage, 0.0).usd

    route = RouteSpec(name="chat", targets=TARGETS, rules=ChoiceRules(strategy=Strategy.PRIORITY), max_attempts=2)
    quote = dearest((route,), price)
    tier = asked_tier({} if asked is None else {"service_tier": Raw(asked)})
    assert quote("chat", 50, 1_000_000, tier) == usd
