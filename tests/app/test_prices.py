"""Prices as a configuration says them, in the ledger's own book."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert
from msgspec.structs import replace

from router.app import kind_rules
from router.app.prices import price_book
from router.app.release import layout_of
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.pricelist import PriceList
from router.providers import find_installed
from router.settings import PriceRows, load
from router.settings.schema import PriceRowKeys
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, speak
from tests.fakes.served import routed, served


def cost(model: dict[str, Any], usage: Usage) -> Decimal | None:
    """What an answer of a provider with this one model costs."""
    provider = {"kind": "openai", "api_key": "sk-x", "models": [model]}
    settings = load({"providers": {"main": provider}}, {}, kind_rules())
    book = price_book(layout_of(settings, find_installed().kinds).seats, PriceList(), settings.prices)
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


def test_a_table_is_dated_and_stands_between_configuration_and_list() -> None:
    """A row holds from midnight of its day; one still to come leaves the model to the row or the list before it."""
    rows = (
        {"provider": "main", "model": "gpt-4o-mini", "date": "2026-07-01", "input_per_mtok": 2, "output_per_mtok": 0},
        {"provider": "main", "model": "gpt-4o-mini", "date": "2026-03-01", "input_per_mtok": 1, "output_per_mtok": 0},
        {"provider": "main", "model": "*", "input_per_mtok": 9, "output_per_mtok": 0},
        {"provider": "main", "model": "gpt-4.1", "date": "2090-01-01", "input_per_mtok": 7, "output_per_mtok": 0},
        {"provider": "main", "model": "own", "input_per_mtok": 7, "output_per_mtok": 0},
        {"provider": "other", "model": "gpt-4.1-nano", "date": "2090-01-01", "input_per_mtok": 7, "output_per_mtok": 0},
    )
    own = {"name": "own", "price": {"input_per_mtok": 5, "output_per_mtok": 0}}
    main = {"kind": "openai", "api_key": "sk-x", "models": [{"name": "quick", "upstream": "gpt-4o-mini"}, own]}
    other = {"kind": "openai", "api_key": "sk-x", "models": ["gpt-4.1-nano"]}
    settings = load({"providers": {"main": main, "other": other}}, {}, kind_rules())
    table = PriceRows(name="prices.yaml", rows=convert(rows, tuple[PriceRowKeys, ...], strict=False))
    prices = replace(settings.prices, table=table)
    book = price_book(layout_of(settings, find_installed().kinds).seats, PriceList(), prices)

    def row(target: str, day: str) -> tuple[object, ...]:
        provider, _, model = target.partition(":")
        at = datetime.fromisoformat(day).timestamp()
        found = book.find(Target(provider=provider, model=model), at)
        assert found is not None
        return found.rates.input_per_mtok, found.id, found.date

    mini = "prices.yaml main:gpt-4o-mini"
    assert row("main:gpt-4o-mini", "2026-07-01T00:00:00Z") == (2, mini, "2026-07-01")
    assert row("main:quick", "2026-06-30T23:59:59Z") == (1, mini, "2026-03-01")
    assert row("main:gpt-4o-mini", "2026-02-28T00:00:00Z") == (9, "prices.yaml main:*", None)
    assert row("main:gpt-4.1", "2026-07-01T00:00:00Z")[0] == 9
    assert row("main:own", "2026-07-01T00:00:00Z") == (5, "configured main:own", None)
    assert str(row("other:gpt-4.1-nano", "2026-07-01T00:00:00Z")[1]).startswith("genai-prices ")


@on_uvloop
async def test_a_served_router_counts_by_the_table_and_follows_it(tmp_path: Path) -> None:
    """The next entry after a reload has the new row; a broken table changes nothing; an unknown model has no cost."""
    file = tmp_path / "prices.yaml"

    def write(rate: object, **more: Any) -> None:
        rows = [{"provider": "one", "model": "m", "input_per_mtok": rate, "output_per_mtok": 0, **more}]
        file.write_text(json.dumps({"prices": rows}))

    write(1_000_000, date="2026-01-01")
    async with (
        ScriptedProvider(speak()) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two, prices={"file": str(file)}), tmp_path) as router,
    ):

        async def reload() -> int:
            async with router.http.post(f"{router.url}/config/reload") as response:
                return response.status

        async def cost(model: str) -> str | None:
            async with router.chat(model=model) as response:
                return response.headers.get("x-router-cost-usd")

        assert (await cost("one:m"), await cost("two:m")) == ("5", None)
        write(2_000_000)
        assert (await reload(), await cost("one:m")) == (200, "10")
        write("minus")
        assert (await reload(), await cost("one:m")) == (422, "10")
        rows = await router.entries(4)
        assert [(row.cost_usd, row.price_id, row.price_date) for row in rows[:2]] == [
            (Decimal(5), "prices.yaml one:m", "2026-01-01"),
            (None, None, None),
        ]
        _, facts = await router.get("/providers/capabilities")
        assert '"2000000"' in json.dumps(facts)


@pytest.mark.parametrize(("basis", "counts"), [("reported", "0.25"), ("priced", "5")])
@on_uvloop
async def test_both_costs_are_told_and_the_chosen_one_counts(tmp_path: Path, basis: str, counts: str) -> None:
    """A provider that says what it charged: its figure and ours stand side by side, one of them is the cost."""
    file = tmp_path / "prices.json"
    rows = [{"provider": "one", "model": "m", "input_per_mtok": 1_000_000, "output_per_mtok": 0}]
    file.write_text(json.dumps({"prices": rows}))
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "cost": 0.25}
    async with (
        ScriptedProvider(answer(usage=usage)) as one,
        served(routed(one, prices={"file": str(file), "basis": basis}), tmp_path) as router,
    ):
        async with router.chat() as response:
            assert response.headers["x-router-cost-usd"] == counts
        (row,) = await router.entries(1)
        assert (str(row.cost_source), row.priced_usd, row.reported_usd) == (basis, Decimal(5), Decimal("0.25"))
        for query in ("", "?since=2020-01-01T00:00:00Z"):
            _, costs = await router.get(f"/providers/costs{query}")
            told = costs["overall"]
            assert [Decimal(told[name]) for name in ("cost_usd", "priced_usd", "reported_usd")] == [
                Decimal(counts),
                5,
                Decimal("0.25"),
            ]
