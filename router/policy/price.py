"""What an answer costs: a plain sum of products over buckets that do not overlap. Money is `Decimal` end to end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from operator import attrgetter
from typing import Protocol

from msgspec import Struct
from msgspec.structs import asdict, replace

from router.canon.cost import USD_STEP, Cost, CostSource
from router.canon.target import Target
from router.canon.usage import Usage

_NOTHING = Decimal(0)
_MTOK = Decimal(1_000_000)
_BUCKETS = {
    "input": "input_per_mtok",
    "cache_read": "cache_read_per_mtok",
    "cache_write": "cache_write_per_mtok",
    "cache_write_1h": "cache_write_1h_per_mtok",
    "output": "output_per_mtok",
    "reasoning": "reasoning_per_mtok",
    "audio_input": "audio_input_per_mtok",
    "audio_output": "audio_output_per_mtok",
    "image_input": "image_input_per_mtok",
    "image_output": "image_output_per_mtok",
}
"""What is billed by tokens -> its price."""

_UNITS = {"images": "image_usd", "search_units": "search_unit_usd"}
"""What is billed by the piece -> its price. A picture whose tokens were counted is billed by these."""

_counts = attrgetter(*_BUCKETS, *_UNITS)
_tokens = attrgetter(*_BUCKETS)
_per_mtok = attrgetter(*_BUCKETS.values())

_OTHER = {CostSource.PRICED: CostSource.REPORTED, CostSource.REPORTED: CostSource.PRICED}

STANDARD = "default"
"""Canon's word for the service tier that a row without another is for; an answer that says none was served in it."""

_MOST_FOUND = 2_000
"""Prices and costs that are remembered within a second."""

UNCOUNTED = Cost(usd=None, source=CostSource.UNCOUNTED)
"""Of an answer that nobody counted."""

_ALWAYS = float("-inf")
"""Since when a row holds that names no day."""

_MOST_TOKENS = 10**9
"""No answer uses more of a bucket: a larger count is a provider's mistake."""

_MOST_USD = Decimal(1_000_000)
"""No answer costs more: a larger figure is not believed, whoever says it. A store has 64 bits for it."""


def _first(*rates: Decimal | None) -> Decimal | None:
    return next((rate for rate in rates if rate is not None), None)


class Rates(Struct, frozen=True, kw_only=True):
    """US dollars per million tokens for each bucket of `Usage`; None where no price is known.

    Args:
        request_usd: what each answer costs beside its tokens.
        image_usd: what a picture costs that is not billed by tokens.
        search_unit_usd: what a search costs.
    """

    input_per_mtok: Decimal | None = None
    cache_read_per_mtok: Decimal | None = None
    cache_write_per_mtok: Decimal | None = None
    cache_write_1h_per_mtok: Decimal | None = None
    output_per_mtok: Decimal | None = None
    reasoning_per_mtok: Decimal | None = None
    audio_input_per_mtok: Decimal | None = None
    audio_output_per_mtok: Decimal | None = None
    image_input_per_mtok: Decimal | None = None
    image_output_per_mtok: Decimal | None = None
    request_usd: Decimal = Decimal(0)
    image_usd: Decimal | None = None
    search_unit_usd: Decimal | None = None

    def filled(self) -> Rates:
        """With each bucket that has no price of its own at that of what it is a kind of, as price lists mean it."""
        cache_write = _first(self.cache_write_per_mtok, self.input_per_mtok)
        return Rates(
            input_per_mtok=self.input_per_mtok,
            cache_read_per_mtok=_first(self.cache_read_per_mtok, self.input_per_mtok),
            cache_write_per_mtok=cache_write,
            cache_write_1h_per_mtok=_first(self.cache_write_1h_per_mtok, cache_write),
            output_per_mtok=self.output_per_mtok,
            reasoning_per_mtok=_first(self.reasoning_per_mtok, self.output_per_mtok),
            audio_input_per_mtok=_first(self.audio_input_per_mtok, self.input_per_mtok),
            audio_output_per_mtok=_first(self.audio_output_per_mtok, self.output_per_mtok),
            image_input_per_mtok=_first(self.image_input_per_mtok, self.input_per_mtok),
            image_output_per_mtok=_first(self.image_output_per_mtok, self.output_per_mtok),
            request_usd=self.request_usd,
            image_usd=self.image_usd,
            search_unit_usd=self.search_unit_usd,
        )

    def times(self, factor: Decimal) -> Rates:
        """Each of them so many times."""
        said: dict[str, Decimal] = {name: rate for name, rate in asdict(self).items() if rate is not None}
        return Rates(**{name: rate * factor for name, rate in said.items()})


class Tier(Struct, frozen=True, kw_only=True):
    """Rates of every token of an answer whose prompt, cached parts included, has more than `above_tokens`."""

    above_tokens: int
    rates: Rates


class PriceRow(Struct, frozen=True, kw_only=True):
    """The price of one model.

    Args:
        id: where it comes from: the list with its version and the model in it, or the configuration.
        date: ISO date from which it holds, where the source says.
        tiers: rates for long prompts, shortest first.
        services: the rows of other service tiers, by canon's word for each.
    """

    id: str
    rates: Rates
    tiers: tuple[Tier, ...] = ()
    date: str | None = None
    services: Mapping[str, PriceRow] = {}

    def served(self, tier: str | None) -> PriceRow:
        """The row of an answer that was served in a tier; where none is known for it this one, and its id says so."""
        if tier in (None, STANDARD):
            return self
        return self.services.get(tier) or replace(self, id=f"{self.id}, at the standard rate: none known for {tier}")

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates of a prompt of that many tokens."""
        reached = [tier.rates for tier in self.tiers if input_tokens > tier.above_tokens]
        return reached[-1] if reached else self.rates


LOCAL = PriceRow(id="runs here", rates=Rates(input_per_mtok=Decimal(0), output_per_mtok=Decimal(0)).filled())
"""The price of a model on this machine: nothing that anybody bills."""


def price(usage: Usage, row: PriceRow) -> Decimal | None:
    """What `usage` costs, to the nearest `USD_STEP`; None when `row` has no price for a bucket that was used."""
    rates = row.rates_for(usage.input_total) if row.tiers else row.rates
    billed = usage if usage.billed_input is usage.billed_output is None else _billed(usage)
    total = _NOTHING
    for tokens, rate in zip(_tokens(billed), _per_mtok(rates), strict=True):
        if tokens:
            if rate is None:
                return None
            total += rate * tokens
    pieces = _pieces_usd(billed, rates) if billed.images or billed.search_units else _NOTHING
    return None if pieces is None else (total / _MTOK + pieces + rates.request_usd).quantize(USD_STEP, ROUND_HALF_EVEN)


def _pieces_usd(usage: Usage, rates: Rates) -> Decimal | None:
    """What is billed by the piece; None where a piece has no price."""
    total = Decimal(0)
    for unit, name in _UNITS.items():
        pieces: int = getattr(usage, unit)
        rate: Decimal | None = getattr(rates, name)
        if rate is not None:
            total += rate * pieces
        elif pieces and not usage.total:
            return None
    return total


def _billed(usage: Usage) -> Usage:
    """The buckets as they are billed, where the provider bills other counts than it tells."""
    if usage.billed_input is not None:
        usage = replace(usage, input=usage.billed_input, cache_read=0)
    if usage.billed_output is not None:
        usage = replace(usage, output=usage.billed_output, reasoning=0)
    return usage


def choose_cost(usage: Usage | None, row: PriceRow | None, basis: CostSource = CostSource.REPORTED) -> Cost:
    """Both costs that can be told, and which of them counts: that of `basis`, else the other, else none and why."""
    if usage is None:
        return UNCOUNTED
    priced = None if row is None else price(usage, row)
    if priced is not None and priced > _MOST_USD:
        priced = None
    reported = None if usage.reported_usd is None else _reported(usage.reported_usd)
    known = {CostSource.PRICED: priced, CostSource.REPORTED: reported}
    source = basis if known[basis] is not None else _OTHER[basis]
    used = None if priced is None else row
    return Cost(
        usd=known[source],
        source=CostSource.UNPRICED if known[source] is None else source,
        priced_usd=priced,
        reported_usd=reported,
        price_id=None if used is None else used.id,
        price_date=None if used is None else used.date,
    )


def is_plausible(usage: Usage) -> bool:
    """Whether a provider's counts can be true at all."""
    counts: tuple[int, ...] = _counts(usage)
    return min(counts) >= 0 and max(counts) <= _MOST_TOKENS


class Override(Struct, frozen=True, kw_only=True):
    """A price from the configuration or a table of its own; it goes before the list.

    Args:
        provider: the provider's configured name.
        model: the one model it is for; None is all of the provider's that have none of their own.
        rates: buckets left out cost what they are a kind of.
        date: ISO date; in a table, the first day that it holds.
        services: what other service tiers cost, as so many times all of these rates.
    """

    provider: str
    model: str | None
    rates: Rates
    tiers: tuple[Tier, ...] = ()
    date: str | None = None
    services: Mapping[str, Decimal] = {}


class Seller(Struct, frozen=True, kw_only=True):
    """Who bills for a configured provider's answers.

    Args:
        price_id: the seller's id in the price list; None leaves it to the address.
        base_url: where the provider listens.
        local: nobody bills.
        upstream: public model name -> the seller's own, where it is another.
    """

    price_id: str | None = None
    base_url: str | None = None
    local: bool = False
    upstream: Mapping[str, str] = {}


class PriceSource(Protocol):
    """A list of prices, such as `pricelist.PriceList`."""

    def find(
        self, price_id: str | None, base_url: str | None, model: str, at: float, tier: str | None = None
    ) -> PriceRow | None:
        """The price in force at `at`, epoch seconds, of an answer served in `tier`; None when the list does not know
        the model, and as `PriceRow.served` says when it does not know the tier."""
        ...


class PriceTable:
    """Prices of an operator's own, each from its day on.

    Args:
        name: of the table, for the ledger to say where a price comes from.
    """

    def __init__(self, rows: Iterable[Override] = (), name: str = "configured") -> None:
        found: dict[tuple[str, str | None], list[tuple[float, PriceRow]]] = {}
        for row in rows:
            found.setdefault((row.provider, row.model), []).append((_since_at(row.date), _row_of(row, name)))
        # The latest first: it is what is asked for.
        self._rows = {key: sorted(dated, key=lambda each: -each[0]) for key, dated in found.items()}

    def find(self, provider: str, models: tuple[str, ...], at: float) -> PriceRow | None:
        """The row in force at `at`, epoch seconds, by the first of the model's names that has one; None when there is
        none: one that is still to come does not hold."""
        for model in (*models, None):
            for since_at, row in self._rows.get((provider, model), ()):
                if since_at <= at:
                    return row
        return None


class PriceBook:
    """Every price this router knows: configured ones first, then those of the operator's table, then nothing for what
    runs here, then the list.

    Args:
        sellers: by configured provider name. A provider that is not in it has only configured prices.
        overrides: the configured ones; their dates are told and not heeded.
        basis: which cost counts where both are known, ours (`PRICED`) or the provider's own figure (`REPORTED`).
    """

    def __init__(
        self,
        sellers: Mapping[str, Seller],
        overrides: tuple[Override, ...] = (),
        *,
        listed: PriceSource,
        table: PriceTable | None = None,
        basis: CostSource = CostSource.REPORTED,
    ) -> None:
        self._basis = basis
        self._sellers = dict(sellers)
        self._listed = listed
        self._table = table
        self._overrides = {(override.provider, override.model): _row_of(override) for override in overrides}
        self._found: dict[tuple[Target, str | None], PriceRow | None] = {}
        self._costs: dict[tuple[Target, Usage], Cost] = {}
        self._found_at = 0.0

    def find(self, target: Target, at: float, tier: str | None = None) -> PriceRow | None:
        """The price of a target at `at`, epoch seconds, served in `tier`; None when nobody knows: never a zero in its
        place."""
        self._turn_to(at)
        asked = (target, tier)
        if asked not in self._found:
            self._found[asked] = self._find(target, at, tier)
        return self._found[asked]

    def _turn_to(self, at: float) -> None:
        """What was found holds for its second, since prices begin and end with whole ones, and no longer."""
        if (second := at // 1.0) != self._found_at or len(self._found) + len(self._costs) > _MOST_FOUND:
            self._found_at, self._found, self._costs = second, {}, {}

    def _find(self, target: Target, at: float, tier: str | None) -> PriceRow | None:
        own = self.own(target, at)
        if own is not None:
            return own.served(tier)
        seller = self._sellers.get(target.provider)
        if seller is None or seller.local:
            return None if seller is None else LOCAL
        model = seller.upstream.get(target.model, target.model)
        return self._listed.find(seller.price_id, seller.base_url, model, at, tier)

    def own(self, target: Target, at: float) -> PriceRow | None:
        """What the operator says of a target: in the configuration, or in the table."""
        row = self._overrides.get((target.provider, target.model)) or self._overrides.get((target.provider, None))
        if row is not None or self._table is None:
            return row
        seller = self._sellers.get(target.provider)
        upstream = target.model if seller is None else seller.upstream.get(target.model, target.model)
        return self._table.find(target.provider, (target.model, upstream), at)

    def cost(self, target: Target, usage: Usage | None, at: float) -> Cost:
        """What an answer of a target cost, for the caller's header and the ledger alike: who asks second is told what
        was found for the first."""
        if usage is None:
            return UNCOUNTED
        self._turn_to(at)
        asked = (target, usage)
        cost = self._costs.get(asked)
        if cost is None:
            cost = self._costs[asked] = choose_cost(usage, self.find(target, at, usage.tier), self._basis)
        return cost


def _since_at(date: str | None) -> float:
    """Midnight UTC of that day."""
    return _ALWAYS if date is None else datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()


def _row_of(override: Override, source: str = "configured") -> PriceRow:
    row = PriceRow(
        id=f"{source} {override.provider}:{override.model or '*'}",
        rates=override.rates.filled(),
        tiers=tuple(
            Tier(above_tokens=tier.above_tokens, rates=tier.rates.filled()) for tier in _ascending(override.tiers)
        ),
        date=override.date,
    )
    return replace(row, services={name: _times(row, name, factor) for name, factor in override.services.items()})


def _times(row: PriceRow, service: str, factor: Decimal) -> PriceRow:
    return replace(
        row,
        id=f"{row.id} ({service})",
        rates=row.rates.times(factor),
        tiers=tuple(replace(tier, rates=tier.rates.times(factor)) for tier in row.tiers),
    )


def _ascending(tiers: tuple[Tier, ...]) -> list[Tier]:
    return sorted(tiers, key=lambda tier: tier.above_tokens)


def _reported(text: str) -> Decimal | None:
    """The provider's own figure, where it is one that can be true."""
    try:
        usd = Decimal(text)
    except InvalidOperation:
        return None
    return usd.quantize(USD_STEP, ROUND_HALF_EVEN) if usd.is_finite() and 0 <= usd <= _MOST_USD else None
