"""The account of attempts, kept where a crash cannot reach it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, TypeVar

from msgspec import Struct

from router.canon.cost import CostSource
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.errors import Reason

T = TypeVar("T")


class JournalError(Exception):
    """The store refuses now: locked by another process, full, read-only. Trying again later may help."""


class JournalUnusable(JournalError):
    """The store cannot be used as it is: damaged, somebody else's, or of a newer version. An operator must act."""


class EntryRow(Struct, frozen=True, kw_only=True):
    """One attempt. It is written when it opens and again when it closes, under the same `attempt`; both may come twice.

    Args:
        attempt: id of the attempt, never used for another.
        number: 1 for the first attempt of its exchange; None when its opening never arrived.
        opened_at: epoch seconds; None as for `number`.
        closed_at: epoch seconds; None while it is open, as are all fields after it.
        usage: None when nobody counted.
        cost_usd: None when nobody knows; `cost_source` says why.
        seq: place in the journal, given by it and growing; None before that.
    """

    attempt: str
    exchange: str
    provider: str
    model: str
    number: int | None = None
    opened_at: float | None = None
    closed_at: float | None = None
    end: End | None = None
    reason: Reason | None = None
    usage: Usage | None = None
    usage_source: UsageSource | None = None
    cost_usd: Decimal | None = None
    cost_source: CostSource | None = None
    price_id: str | None = None
    price_date: str | None = None
    seq: int | None = None


class ProviderTotal(Struct, frozen=True, kw_only=True):
    """What closed entries of one provider add up to.

    Args:
        cost_usd: sum of the known costs; `unpriced` and `uncounted` say how many entries are not in it.
        unpriced: entries with a count of tokens that no price was known for.
        uncounted: entries whose tokens nobody counted, most of them failed before any.
    """

    provider: str
    entries: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    uncounted: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def plus(self, other: ProviderTotal) -> ProviderTotal:
        """Both together, under this one's name."""
        return ProviderTotal(
            provider=self.provider,
            entries=self.entries + other.entries,
            cost_usd=self.cost_usd + other.cost_usd,
            unpriced=self.unpriced + other.unpriced,
            uncounted=self.uncounted + other.uncounted,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


def total_of(row: EntryRow) -> ProviderTotal:
    """A closed row as a sum of one."""
    return ProviderTotal(
        provider=row.provider,
        entries=1,
        cost_usd=row.cost_usd or Decimal(0),
        unpriced=int(row.cost_source is CostSource.UNPRICED),
        uncounted=int(row.cost_source is CostSource.UNCOUNTED),
        input_tokens=row.usage.input_total if row.usage else 0,
        output_tokens=row.usage.output_total if row.usage else 0,
    )


class Journal(Protocol):
    """Keeps entries. Every call blocks, may be made from any thread, one at a time, and raises `JournalError` only."""

    def open(self) -> None:
        """Make ready; does nothing when it already is. After `close` it can be opened again."""
        ...

    def append(self, rows: tuple[EntryRow, ...]) -> None:
        """Keep all of `rows` or none; on return they survive a loss of power. What is already kept is not changed.

        An entry is closed by the first closing row; a later one, and an opening that comes after it, change nothing.
        """
        ...

    def totals(self, since_at: float | None = None) -> tuple[ProviderTotal, ...]:
        """Sums of closed entries by provider, in order of name; of those closed at or after `since_at`, if given."""
        ...

    def entries(self, limit: int, provider: str | None = None, before: int | None = None) -> tuple[EntryRow, ...]:
        """The newest entries first, of one provider or of all; `before` is the `seq` to go on from."""
        ...

    def unfinished(self) -> tuple[EntryRow, ...]:
        """Entries that were opened and not closed, oldest first."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        ...


class Worker(Protocol):
    """Runs blocking calls one after the other, in the order they came, beside the event loop."""

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` returns or raises. Giving up waiting does not stop a call that has begun."""
        ...

    def stop(self) -> None:
        """Take no thread's time any more; a later `run` starts afresh."""
        ...
