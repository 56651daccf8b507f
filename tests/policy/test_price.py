"""Costs are sums built from rates, known or not known, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from router.canon.cost import Cost, CostSource
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.price import (
    LOCAL,
    Override,
    PriceBook,
    PriceRow,
    PriceTable,
    Rates,
    Seller,
    Tier,
    choose_cost,
    is_plausible,
    price,
)
from router.policy.pricelist import PriceList

NOW = 1_790_000_000.0
LARGE = Target(provider="main", model="large")

ROW = PriceRow(
    id="list large",
    date="2026-10-01",
    rates=Rates(
        input_per_mtok=Decimal(3),
        cache_read_per_mtok=Decimal("0.3"),
        cache_write_per_mtok=Decimal("3.75"),
        cache_write_1h_per_mtok=Decimal(6),
        output_per_mtok=Decimal(15),
    ).filled(),
    tiers=(
        Tier(
            above_tokens=200_000,
            rates=Rates(
                input_per_mtok=Decimal(6),
                cache_read_per_mtok=Decimal("0.6"),
                cache_write_per_mtok=Decimal("7.5"),
                cache_write_1h_per_mtok=Decimal(12),
                output_per_mtok=Decimal("22.5"),
            ).filled(),
        ),
    ),
)


def per_mtok(usd: str, tokens: int) -> Decimal:
    """`tokens` at `usd` a million."""
    return Decimal(usd) * tokens / 1_000_000


PRICED = Cost(
    usd=Decimal("0.003"),
    source=CostSource.PRICED,
    priced_usd=Decimal("0.003"),
    price_id="list large",
    price_date="2026-10-01",
)
"""A thousand tokens of a prompt at `ROW`."""


class OnePrice:
    """A list that knows one model of one seller."""

    def find(
        self, price_id: str | None, base_url: str | None, model: str, at: float, tier: str | None = None
    ) -> PriceRow | None:
        """The row, for the seller "shop" or the address "https://shop"."""
        return ROW if model == "large" and "shop" in (price_id, (base_url or "").removeprefix("https://")) else None


def test_cached_tokens_cost_the_cache_price_once() -> None:
    """Scenario 44: a prompt of 1000 tokens, 900 of them cached, however its provider splits the count."""
    usage = Usage(input=100, cache_read=900, output=40)
    assert price(usage, ROW) == per_mtok("3", 100) + per_mtok("0.3", 900) + per_mtok("15", 40)


def test_cache_writes_have_a_price_for_each_lifetime() -> None:
    """Scenario 45: five minutes and one hour."""
    usage = Usage(input=10, cache_write=2000, cache_write_1h=3000)
    assert price(usage, ROW) == per_mtok("3", 10) + per_mtok("3.75", 2000) + per_mtok("6", 3000)


def test_a_long_prompt_puts_every_bucket_on_its_tier() -> None:
    """Scenario 45: what counts is the whole prompt, cached parts included; the answer costs more too."""
    usage = Usage(input=50_000, cache_read=200_000, output=1000)
    assert price(usage, ROW) == per_mtok("6", 50_000) + per_mtok("0.6", 200_000) + per_mtok("22.5", 1000)


@pytest.mark.parametrize(("tokens", "usd"), [(200_000, "3"), (200_001, "6")], ids=["at the start", "one above"])
def test_a_tier_begins_above_its_start(tokens: int, usd: str) -> None:
    """Exactly at the start the lower rates hold."""
    assert price(Usage(input=tokens), ROW) == per_mtok(usd, tokens)


def test_reasoning_is_counted_once() -> None:
    """Scenario 46: buckets do not overlap, and reasoning without a price of its own costs what output costs."""
    assert price(Usage(output=60, reasoning=40), ROW) == per_mtok("15", 100)


def test_a_bucket_with_its_own_price_uses_it() -> None:
    """Audio and reasoning where the list tells them apart."""
    rates = replace(ROW.rates, reasoning_per_mtok=Decimal(30), audio_input_per_mtok=Decimal(40))
    usage = Usage(reasoning=100, audio_input=10, audio_output=5)
    assert price(usage, replace(ROW, rates=rates)) == per_mtok("30", 100) + per_mtok("40", 10) + per_mtok("15", 5)


def test_a_request_may_cost_beside_its_tokens() -> None:
    """A fee for each answer."""
    fee = replace(ROW, rates=replace(ROW.rates, request_usd=Decimal("0.005")))
    assert price(Usage(input=1000), fee) == Decimal("0.005") + per_mtok("3", 1000)


def test_a_count_of_zero_costs_zero() -> None:
    """Scenario 48: 0 is what the provider said, not an estimate."""
    assert choose_cost(Usage(), ROW).usd == 0


def test_an_unpriced_bucket_makes_the_cost_unknown() -> None:
    """A price for the prompt alone says nothing of an answer's cost."""
    half = PriceRow(id="half", rates=Rates(input_per_mtok=Decimal(3)).filled())
    assert price(Usage(input=10), half) == per_mtok("3", 10)
    assert price(Usage(input=10, output=1), half) is None
    assert choose_cost(Usage(input=10, output=1), half) == Cost(usd=None, source=CostSource.UNPRICED)


@pytest.mark.parametrize(
    ("usage", "row", "expected"),
    [
        (None, ROW, Cost(usd=None, source=CostSource.UNCOUNTED)),
        (Usage(input=1), None, Cost(usd=None, source=CostSource.UNPRICED)),
        (Usage(input=1000), ROW, PRICED),
        (
            Usage(input=1000, reported_usd="0.07"),
            ROW,
            replace(PRICED, usd=Decimal("0.07"), source=CostSource.REPORTED, reported_usd=Decimal("0.07")),
        ),
        (
            Usage(input=1, reported_usd="7e-2"),
            None,
            Cost(usd=Decimal("0.07"), source=CostSource.REPORTED, reported_usd=Decimal("0.07")),
        ),
    ],
    ids=[
        "nobody counted",
        "unpriced model",
        "priced",
        "provider's figure goes first",
        "provider's figure without price",
    ],
)
def test_a_cost_says_how_it_is_known(usage: Usage | None, row: PriceRow | None, expected: Cost) -> None:
    """Scenario 51: an unknown cost is None and says why."""
    assert choose_cost(usage, row) == expected


def test_of_two_costs_the_one_that_was_chosen_counts() -> None:
    """The other is kept beside it, and counts where it is the only one."""
    both = Usage(input=1000, reported_usd="0.07")
    counted = choose_cost(both, ROW, CostSource.PRICED)
    assert counted == replace(PRICED, reported_usd=Decimal("0.07"))
    assert choose_cost(both, None, CostSource.PRICED).usd == Decimal("0.07")
    own = Override(provider="p", model=None, rates=ROW.rates)
    book = PriceBook({}, (own,), listed=OnePrice(), basis=CostSource.PRICED)
    assert book.cost(Target(provider="p", model="m"), both, 0.0).usd == Decimal("0.003")


@pytest.mark.parametrize("said", ["", "free", "NaN", "-1", "Infinity", "1e30"])
def test_an_absurd_figure_from_a_provider_is_not_believed(said: str) -> None:
    """The price list decides then."""
    assert choose_cost(Usage(input=1000, reported_usd=said), ROW).source is CostSource.PRICED


@pytest.mark.parametrize("tokens", [-1, 10**18], ids=["negative", "beyond all answers"])
def test_an_absurd_count_is_told_apart(tokens: int) -> None:
    """Whoever keeps an account can refuse to believe it."""
    assert not is_plausible(Usage(output=tokens))
    assert is_plausible(Usage(output=40))


def test_costs_are_whole_steps() -> None:
    """A rate with a float's tail does not leak digits that no store would keep."""
    tail = PriceRow(id="tail", rates=Rates(input_per_mtok=Decimal("0.0480000000000000003")).filled())
    assert price(Usage(input=1_000_001), tail) == Decimal("0.048000048000")


def book(*overrides: Override) -> PriceBook:
    """A book over `OnePrice` with one seller of each sort."""
    return PriceBook(
        {
            "main": Seller(price_id="shop"),
            "addressed": Seller(base_url="https://shop"),
            "stranger": Seller(base_url="http://10.0.0.7:8000"),
            "here": Seller(local=True),
        },
        overrides,
        listed=OnePrice(),
    )


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("main", "large", ROW),
        ("main", "unheard-of", None),
        ("addressed", "large", ROW),
        ("stranger", "large", None),
        ("here", "anything", LOCAL),
        ("removed", "large", None),
    ],
    ids=["by id", "unknown model", "by address", "unknown seller", "runs here", "unknown provider"],
)
def test_a_price_is_found_by_who_sells(provider: str, model: str, expected: PriceRow | None) -> None:
    """Unknown is None, never zero; zero is only what runs here."""
    assert book().find(Target(provider=provider, model=model), NOW) == expected


@pytest.mark.parametrize(
    ("tier", "factor", "mark"),
    [
        (None, "1", ""),
        ("default", "1", ""),
        ("flex", "0.5", " (flex)"),
        ("priority", "1.75", " (priority)"),
        ("scale", "1", ", at the standard rate: none known for scale"),
        ("free", "0", " (free)"),
    ],
)
def test_an_answer_costs_what_its_service_tier_costs(tier: str | None, factor: str, mark: str) -> None:
    """Long prompts too; a tier that nobody priced costs the standard rate, and the row's id says that it does."""
    rates = Rates(input_per_mtok=Decimal(3), output_per_mtok=Decimal(15), request_usd=Decimal("0.01"))
    longer = Tier(above_tokens=1000, rates=Rates(input_per_mtok=Decimal(6), output_per_mtok=Decimal(30)))
    services = {"flex": Decimal("0.5"), "priority": Decimal("1.75"), "free": Decimal(0)}
    own = PriceBook(
        {},
        (Override(provider="main", model="m", rates=rates, tiers=(longer,), services=services),),
        listed=OnePrice(),
    )
    target = Target(provider="main", model="m")
    short = own.cost(target, Usage(input=900, cache_read=40, output=40, tier=tier), NOW)
    long = own.cost(target, Usage(input=2000, output=40, tier=tier), NOW)
    assert short.usd == Decimal(factor) * (per_mtok("3", 940) + per_mtok("15", 40) + Decimal("0.01"))
    assert long.usd == Decimal(factor) * (per_mtok("6", 2000) + per_mtok("30", 40))
    assert short.price_id == long.price_id == f"configured main:m{mark}"


def test_what_runs_here_costs_nothing() -> None:
    """An explicit zero with a row that says so."""
    cost = book().cost(Target(provider="here", model="smol"), Usage(input=500, output=70), NOW)
    assert cost == Cost(usd=Decimal(0), source=CostSource.PRICED, priced_usd=Decimal(0), price_id="runs here")


def test_a_configured_price_goes_first() -> None:
    """The model's own, then the provider's, then the list."""
    cheap = Rates(input_per_mtok=Decimal(1), output_per_mtok=Decimal(2))
    dear = Rates(input_per_mtok=Decimal(9), output_per_mtok=Decimal(9))
    own = book(Override(provider="main", model=None, rates=cheap), Override(provider="main", model="large", rates=dear))
    usage = Usage(input=100, cache_read=10, output=20)
    assert own.cost(LARGE, usage, NOW).usd == per_mtok("9", 110) + per_mtok("9", 20)
    small = own.cost(Target(provider="main", model="small"), usage, NOW)
    assert small.usd == per_mtok("1", 110) + per_mtok("2", 20)
    assert small.price_id == "configured main:*"


def test_a_price_holds_from_its_first_second_whatever_was_asked_before() -> None:
    """What was found is remembered for a second, and by tier: neither of the next day nor of another tier."""
    rows = tuple(
        Override(provider="main", model="large", rates=Rates(input_per_mtok=Decimal(usd)), date=date, services=services)
        for usd, date, services in ((1, None, {}), (2, "2026-10-02", {"flex": Decimal("0.5")}))
    )
    own = PriceBook({"main": Seller()}, listed=PriceList(), table=PriceTable(rows))
    midnight_at = datetime(2026, 10, 2, tzinfo=UTC).timestamp()
    found = [
        row and row.rates.input_per_mtok
        for at in (midnight_at - 0.001, midnight_at, midnight_at + 0.5, midnight_at - 0.5)
        for row in (own.find(LARGE, at), own.find(LARGE, at, "flex"))
    ]
    assert found == [1, 1, 2, 1, 2, 1, 1, 1]


def test_configured_tiers_may_come_in_any_order() -> None:
    """The highest one that is passed holds."""
    tiers = tuple(
        Tier(above_tokens=start, rates=Rates(input_per_mtok=Decimal(usd))) for start, usd in ((200, "3"), (100, "2"))
    )
    own = book(Override(provider="main", model="large", rates=Rates(input_per_mtok=Decimal(1)), tiers=tiers))
    assert own.cost(LARGE, Usage(input=150), NOW).usd == per_mtok("2", 150)
    assert own.cost(LARGE, Usage(input=250), NOW).usd == per_mtok("3", 250)


def test_a_cost_beyond_belief_is_unpriced() -> None:
    """A store's 64 bits must hold it, and nobody is told a billion."""
    mad = book(Override(provider="main", model="large", rates=Rates(input_per_mtok=Decimal(10**9))))
    assert mad.cost(LARGE, Usage(input=10**9), NOW) == Cost(usd=None, source=CostSource.UNPRICED)


def test_what_is_billed_goes_before_what_was_counted() -> None:
    """Cohere's own preamble is read but not billed: recorded, 26 tokens billed of 1,431 read."""
    usage = Usage(input=1431, output=90, reasoning=10, billed_input=26, billed_output=90)
    assert price(usage, ROW) == (Decimal(3) * 26 + Decimal(15) * 90) / 1_000_000


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(Usage(images=2), Decimal("0.08"), id="pictures by the piece"),
        pytest.param(Usage(search_units=3), None, id="searches without a price"),
        pytest.param(Usage(input=1_000_000), Decimal(1), id="text"),
        pytest.param(Usage(image_output=1_000_000, images=1), Decimal("40.04"), id="pictures by tokens and the piece"),
    ],
)
def test_what_is_billed_by_the_piece(usage: Usage, expected: Decimal | None) -> None:
    """Unknown is unknown, never nothing."""
    row = PriceRow(
        id="x",
        rates=Rates(input_per_mtok=Decimal(1), image_output_per_mtok=Decimal(40), image_usd=Decimal("0.04")).filled(),
    )
    assert price(usage, row) == expected


def test_a_picture_billed_by_tokens_needs_no_price_by_the_piece() -> None:
    """Its tokens cost what text costs where no other price is known."""
    row = PriceRow(id="x", rates=Rates(input_per_mtok=Decimal(1), output_per_mtok=Decimal(10)).filled())
    assert price(Usage(input=5, image_output=100, images=1), row) == Decimal("0.001005")
    assert price(Usage(images=1), row) is None
