"""Prices as a configuration says them, in the ledger's own book."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from router.app import kind_rules
from router.app.prices import price_book
from router.app.release import layout_of
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.pricelist import PriceList
from router.providers import find_installed
from router.settings import load


def cost(model: dict[str, Any], usage: Usage) -> Decimal | None:
    """What an answer of a provider with this one model costs."""
    provider = {"kind": "openai", "api_key": "sk-x", "models": [model]}
    settings = load({"providers": {"main": provider}}, {}, kind_rules())
    book = price_book(layout_of(settings, find_installed().kinds).seats, PriceList())
    return book.cost(Target(provider="main", model=model["name"]), usage, 1_760_000_000.0).usd


def test_a_configured_price_has_tiers_and_a_rate_for_every_bucket() -> None:
    """Line 45: past a tier's bound all buckets are at its rates, cached ones at their own."""
    tier = {"above_tokens": 200, "input_per_mtok": 6, "output_per_mtok": 22.5, "cache_write_1h_per_mtok": 12}
    price = {"input_per_mtok": 3, "output_per_mtok": 15, "reasoning_per_mtok": 20, "request_usd": 1, "tiers": [tier]}
    model = {"name": "m", "price": price}
    short = Usage(input=100, cache_write_1h=50, output=10, reasoning=5)
    assert cost(model, short) == 1 + (100 * 3 + 50 * 3 + 10 * 15 + 5 * 20) / Decimal(1_000_000)
    long = Usage(input=100, cache_write_1h=150, output=10, reasoning=5)
    assert cost(model, long) == (100 * 6 + 150 * 12 + 15 * Decimal("22.5")) / Decimal(1_000_000)


def test_a_model_under_another_name_has_its_own_price() -> None:
    """The list is asked for what the provider calls it, not for what callers do."""
    usage = Usage(input=1_000_000)
    assert cost({"name": "quick", "upstream": "gpt-4o-mini"}, usage) == cost({"name": "gpt-4o-mini"}, usage)
    assert cost({"name": "quick", "upstream": "gpt-4o-mini"}, usage) is not None
