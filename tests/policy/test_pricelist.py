"""The price list against its own package's arithmetic, and what it must not do."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage as TheirUsage

from router.canon.cost import USD_STEP
from router.canon.usage import Usage
from router.policy.price import price
from router.policy.pricelist import PriceList

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()


def per_mtok(usd: str, tokens: int) -> Decimal:
    """`tokens` at `usd` a million."""
    return Decimal(usd) * tokens / 1_000_000


def in_their_words(usage: Usage) -> TheirUsage:
    """The same tokens in totals that overlap, as the package wants them."""
    return TheirUsage(
        input_tokens=usage.input_total,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write + usage.cache_write_1h,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output_total,
        output_reasoning_tokens=usage.reasoning,
    )


@pytest.mark.parametrize("scale", [1, 40, 1000], ids=["short", "middling", "beyond most tiers"])
def test_every_price_agrees_with_the_list(scale: int) -> None:
    """Each of its models, found by its own id: our sum of products is its total, to the last step."""
    usage = Usage(
        input=137 * scale,
        cache_read=911 * scale,
        cache_write=53 * scale,
        cache_write_1h=29 * scale,
        output=71 * scale,
        reasoning=17 * scale,
    )
    theirs, ours = in_their_words(usage), PriceList()
    moment = datetime.fromtimestamp(NOW, UTC)
    compared = 0
    for seller in get_snapshot().providers:
        for model in seller.models:
            row = ours.find(seller.id, None, model.id, NOW)
            found = seller.find_model(model.id)
            if row is None or found is None or (usd := price(usage, row)) is None:
                continue
            expected = found.get_prices(moment).calc_price(theirs)["total_price"]
            assert usd == expected.quantize(USD_STEP, ROUND_HALF_EVEN), (seller.id, model.id)
            compared += 1
    assert compared > 1900


_TIERS = {"flex": {"service_tier": "flex"}, "priority": {"service_tier": "priority"}, "batch": {"processing": "batch"}}


@pytest.mark.parametrize("tier", _TIERS)
def test_every_service_tier_agrees_with_the_list(tier: str) -> None:
    """Those that it prices are its own sums, by a row that names the tier; all others are at the standard rate, and say
    so; before a tier's price began it was none."""
    usage = Usage(input=300_000, cache_read=911, output=71)
    theirs, ours, moment = in_their_words(usage), PriceList(), datetime.fromtimestamp(NOW, UTC)
    priced = standard = 0
    for seller in get_snapshot().providers:
        for model in seller.models:
            plain, row = (ours.find(seller.id, None, model.id, NOW, word) for word in (None, tier))
            found = seller.find_model(model.id)
            if plain is None or row is None or found is None or (usd := price(usage, row)) is None:
                continue
            expected = found.get_prices(moment, _TIERS[tier]).calc_price(theirs)["total_price"]
            assert usd == expected.quantize(USD_STEP, ROUND_HALF_EVEN), (seller.id, model.id)
            priced += row.id.endswith(f" ({tier})")
            standard += row.id == f"{plain.id}, at the standard rate: none known for {tier}"
            assert row.id != plain.id
    assert priced > 20 and standard > 1000
    early = ours.find("openai", None, "gpt-4.1", datetime(2026, 1, 1, tzinfo=UTC).timestamp(), tier)
    assert early is not None and early.id.endswith(f"none known for {tier}")


def test_a_seller_is_found_by_id_or_address() -> None:
    """The same row, whose id says where it comes from."""
    prices = PriceList()
    by_id = prices.find("anthropic", None, "claude-sonnet-4-5", NOW)
    by_address = prices.find(None, "https://api.anthropic.com/v1", "claude-sonnet-4-5-20250929", NOW)
    assert by_id is not None
    assert by_id == by_address
    assert by_id.id.startswith("genai-prices ")
    assert by_id.id.endswith(" anthropic/claude-sonnet-4-5")


def test_a_long_prompt_is_priced_by_tier() -> None:
    """The list's tiers reach every bucket."""
    row = PriceList().find("anthropic", None, "claude-sonnet-4-5", NOW)
    assert row is not None
    usage = Usage(input=1000, cache_read=250_000, cache_write_1h=10, output=100)
    assert price(usage, row) == (
        per_mtok("6", 1000) + per_mtok("0.6", 250_000) + per_mtok("12", 10) + per_mtok("22.5", 100)
    )


@pytest.mark.parametrize(
    ("price_id", "base_url", "model"),
    [
        ("openai", None, "a-model-nobody-sells"),
        ("nobody", None, "gpt-4o"),
        (None, "http://127.0.0.1:8000/v1", "gpt-4o"),
        (None, None, "gpt-4o"),
        ("elevenlabs", None, "scribe_v1"),
    ],
    ids=["model", "seller", "address", "neither id nor address", "a model not priced by tokens"],
)
def test_what_the_list_does_not_know_is_none(price_id: str | None, base_url: str | None, model: str) -> None:
    """No seller is guessed from the name of a model, and no rate is no zero."""
    assert PriceList().find(price_id, base_url, model, NOW) is None


def test_a_model_without_rates_is_free_only_when_it_says_so() -> None:
    """An empty price is a zero for `:free` models and unknown for all others."""
    prices = PriceList()
    empty = {True: 0, False: 0}
    for seller in get_snapshot().providers:
        for model in seller.models:
            if not isinstance(model.prices, list) and not vars(model.prices) and seller.find_model(model.id) is model:
                row = prices.find(seller.id, None, model.id, NOW)
                assert (row is not None) == model.id.endswith(":free"), model.id
                assert row is None or price(Usage(input=9, output=9), row) == 0
                empty[row is not None] += 1
    assert min(empty.values()) > 0


def test_prices_change_on_their_date() -> None:
    """What was used before a price began is priced by the one before it."""
    prices = PriceList()
    day = datetime(2025, 6, 10, tzinfo=UTC).timestamp()
    before, after = (prices.find("openai", None, "o3", at) for at in (day - 1, day))
    assert before is not None
    assert after is not None
    assert (before.rates.input_per_mtok, after.rates.input_per_mtok) == (Decimal(10), Decimal(2))
    assert (before.date, after.date) == (None, "2025-06-10")


def test_the_list_knows_context_windows() -> None:
    """For planning, beside the prices."""
    prices = PriceList()
    assert prices.window("openai", None, "gpt-4o") == 128_000
    assert prices.window("openai", None, "a-model-nobody-sells") is None


def test_lookups_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that come from outside cannot fill the memory."""
    monkeypatch.setattr("router.policy.pricelist._MOST_REMEMBERED", 8)
    prices = PriceList()
    for number in range(50):
        prices.find("openai", None, f"model-{number}", NOW)
    assert len(prices._offers) <= 8


def test_importing_costs_nothing_and_nothing_is_fetched() -> None:
    """The package is imported by the first question, and no question opens a connection."""
    script = (
        "import sys, socket\n"
        "from router.policy.pricelist import PriceList\n"
        "assert 'genai_prices' not in sys.modules\n"
        "def refuse(*_): raise AssertionError('a connection')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "assert PriceList().find('openai', None, 'gpt-4o', 1.79e9)\n"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, check=False).returncode == 0
