"""What the Ledger holds between a fact and the disk, and how facts become rows."""

from __future__ import annotations

from itertools import islice

from msgspec.structs import replace

from actors.messages import CostView, EntryClosed, EntryOpened
from router.canon.outcome import UsageSource
from router.canon.target import Target
from router.policy.price import PriceBook, is_plausible
from router.store.journal import EntryRow, ProviderTotal

GROUP_ENTRIES = 200
"""Entries of one write."""

MOST_PENDING = 100_000
"""Entries that may wait in memory while the journal refuses; about 60 MB of them."""

OVERALL = "all"
"""Stands for the provider in sums over all of them."""


class Books:
    """What the journal does not have yet, and sums over all. The tree hands the same one to every incarnation.

    `pending` is by attempt, in the order they came: the two halves of an entry that are both still here are one row.
    `settled` is whether what earlier runs wrote is in the sums.
    """

    def __init__(self) -> None:
        self.pending: dict[str, EntryRow] = {}
        self.settled = False
        self.why: str | None = None
        self.failed_writes = 0
        self.lost = 0
        self.crashed = 0
        self._sums: dict[str, ProviderTotal] = {}
        self._overall = ProviderTotal(provider=OVERALL)

    def add(self, row: EntryRow) -> None:
        """Keep a row for the next write; count it as lost when there is no room."""
        before = self.pending.get(row.attempt)
        if before is None and len(self.pending) >= MOST_PENDING:
            self.lost += 1
            return
        self.pending[row.attempt] = row if before is None else joined(before, row)

    def count(self, total: ProviderTotal) -> None:
        """Add to the sums."""
        before = self._sums.get(total.provider)
        self._sums[total.provider] = total if before is None else before.plus(total)
        self._overall = self._overall.plus(total)

    def settle(self, totals: tuple[ProviderTotal, ...]) -> None:
        """Take in, once, what earlier runs wrote."""
        if self.settled:
            return
        self.settled = True
        for total in totals:
            self.count(total)

    def next_batch(self) -> tuple[EntryRow, ...]:
        """The oldest rows. They stay until `written`: a crash in between writes them again, which changes nothing."""
        return tuple(islice(self.pending.values(), GROUP_ENTRIES))

    def written(self, rows: tuple[EntryRow, ...]) -> None:
        """The journal has these, but not what was joined to one of them meanwhile."""
        for row in rows:
            if self.pending.get(row.attempt) is row:
                del self.pending[row.attempt]

    def view(self) -> CostView:
        """All of it, as it is published."""
        return CostView(
            overall=self._overall,
            providers=self._sums.copy(),
            complete=self.settled,
            degraded=self.why is not None,
            why=self.why,
            pending=len(self.pending),
            failed_writes=self.failed_writes,
            lost=self.lost,
            crashed=self.crashed,
        )


def joined(before: EntryRow, after: EntryRow) -> EntryRow:
    """Two halves of one entry as one row, by the journal's own rule: the first closing holds."""
    if before.closed_at is not None:
        opening, closing = after, before
    else:
        opening, closing = before, after
    return replace(
        closing,
        number=opening.number if closing.number is None else closing.number,
        opened_at=opening.opened_at if closing.opened_at is None else closing.opened_at,
    )


def opening_of(fact: EntryOpened) -> EntryRow:
    """The row of an entry as it opens."""
    return EntryRow(
        attempt=fact.attempt,
        exchange=fact.exchange,
        provider=fact.provider,
        model=fact.model,
        number=fact.number,
        opened_at=fact.at,
    )


def closing_of(fact: EntryClosed, prices: PriceBook) -> EntryRow:
    """The row of an entry as it closes, priced. A count that cannot be true is nobody's count."""
    usage = fact.usage if fact.usage is not None and is_plausible(fact.usage) else None
    cost = prices.cost(Target(provider=fact.provider, model=fact.model), usage, fact.at)
    return EntryRow(
        attempt=fact.attempt,
        exchange=fact.exchange,
        provider=fact.provider,
        model=fact.model,
        closed_at=fact.at,
        end=fact.end,
        reason=fact.reason,
        usage=usage,
        usage_source=UsageSource.NONE if usage is None else fact.usage_source,
        cost_usd=cost.usd,
        cost_source=cost.source,
        price_id=cost.price_id,
        price_date=cost.price_date,
    )
