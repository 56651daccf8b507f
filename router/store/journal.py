"""The two places where the account is kept: a journal on local disk, and the store that its entries are carried to.

What is appended to the journal is safe, whatever the store does; the store can be asked. An entry may reach the store
twice, and counts once: it is known by its attempt.
"""

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
    """The store refuses now: locked, full, read-only. Trying again later may help."""


class JournalUnusable(JournalError):
    """The store cannot be used as it is: damaged, another router's, or of a newer version. An operator must act."""


class JournalMisfit(JournalError):
    """Journal or store cannot hold one of these records, and never will; others it can."""


class EntryRow(Struct, frozen=True, kw_only=True):
    """One attempt, or an answer that was given out of the cache: no attempt, and free, which its `cost_source` says. An
    attempt is written when it opens and again when it closes, under the same `attempt`; both may come twice.

    Args:
        attempt: id of the attempt, never used for another.
        writer: which router wrote it; several may share one store.
        key: id of the client key that asked, `owner` whose it is; "" where nobody has one.
        user: the end user that the caller named; "" when none was.
        group: the public name that was asked for.
        operation: what was asked: chat, embeddings, ...
        number: 1 for the first attempt of its exchange, 0 for a kept answer; None when its opening never arrived.
        opened_at: epoch seconds; None as for `number`.
        closed_at: epoch seconds; None while it is open, as are all fields after it.
        usage: None when nobody counted.
        cost_usd: what counts; None when nobody knows. `cost_source` says which of the next two it is, or why none.
        priced_usd: by the price `price_id`, None where there was none.
        reported_usd: what the provider says it charged, None where it says nothing.
        credential: name of the provider's key that was used; "" where it has but one.
        seq: place in the store, given by it and growing; None before that.
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
    priced_usd: Decimal | None = None
    reported_usd: Decimal | None = None
    price_id: str | None = None
    price_date: str | None = None
    writer: str = ""
    key: str = ""
    owner: str = ""
    user: str = ""
    group: str = ""
    operation: str = "chat"
    credential: str = ""
    seq: int | None = None


class AuditRow(Struct, frozen=True, kw_only=True):
    """One act of administration or decision over access, chained to the one before it by its hash.

    Args:
        chain: the writer's id: each router has a chain of its own.
        number: 1, 2, 3, ... within the chain, without a gap.
        at: epoch seconds.
        actor: who did it: `key NAME`, `http ADDRESS`, `command`, a file, ... Never a secret.
        act: what was done, as in `provider.added`.
        subject: to what.
        outcome: `done`, `taken`, `allowed`, `denied`, ...
        detail: more, as JSON text; no secret, no content.
        previous: hash of the row before it; "" for the first.
        digest: SHA-256 over all of the above, hexadecimal.
    """

    chain: str
    number: int
    at: float
    actor: str
    act: str
    subject: str
    outcome: str
    detail: str
    previous: str
    digest: str


class TranscriptRow(Struct, frozen=True, kw_only=True):
    """What one exchange was asked and answered, in words: kept only where a key or the server asks for it, redacted and
    cut to a bound before it is one of these.

    Args:
        exchange: its id.
        at: when it began, epoch seconds.
        key: id of the client key that asked, `owner` whose it is; "" where nobody has one.
        user: the end user that the caller named; "" when none was.
        model: the public name that was asked for.
        end: how it ended.
        asked: the request's words, `said` the answer's.
        seq: place in the store, given by it and growing; None before that.
    """

    exchange: str
    at: float
    key: str
    owner: str
    user: str
    model: str
    end: End
    asked: str
    said: str
    seq: int | None = None


class Mark(Struct, frozen=True, kw_only=True, order=True):
    """A place between two records of a journal."""

    segment: int
    offset_bytes: int


class Head(Struct, frozen=True, kw_only=True):
    """What a journal knows of itself when it opens.

    Args:
        writer: the id of this router, made once and kept beside the journal.
        number: of the last act it ever took; 0 before the first.
        digest: of that act.
        start: where the records of this process begin: what is before it is of earlier ones.
        torn_bytes: what a crash had left half written and is cut off now.
    """

    writer: str
    number: int = 0
    digest: str = ""
    start: Mark = Mark(segment=0, offset_bytes=0)
    torn_bytes: int = 0


class ProviderTotal(Struct, frozen=True, kw_only=True):
    """What closed entries of one provider add up to.

    Args:
        entries: attempts.
        cached: answers of it that were given again out of the cache, asking nobody; they are none of `entries`.
        cost_usd: sum of the known costs; `unpriced` and `uncounted` say how many entries are not in it.
        unpriced: entries with a count of tokens that no price was known for.
        uncounted: entries whose tokens nobody counted, most of them failed before any.
        priced_usd: sum of what entries cost by a price of ours; None where no entry has one.
        reported_usd: sum of what providers say they charged, likewise.
    """

    provider: str
    entries: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    uncounted: int = 0
    priced_usd: Decimal | None = None
    reported_usd: Decimal | None = None
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def known_usd(self) -> Decimal | None:
        """The sum, or None where there are entries and the cost of none is known: that is not nothing."""
        return None if 0 < self.entries == self.unpriced + self.uncounted else self.cost_usd

    def plus(self, other: ProviderTotal) -> ProviderTotal:
        """Both together, under this one's name. Where nothing is known of money the sum is that, and not nothing."""
        priced_usd, reported_usd = self.priced_usd, self.reported_usd
        if other.priced_usd is not None:
            priced_usd = other.priced_usd + (priced_usd or 0)
        if other.reported_usd is not None:
            reported_usd = other.reported_usd + (reported_usd or 0)
        return ProviderTotal(
            provider=self.provider,
            entries=self.entries + other.entries,
            cost_usd=self.cost_usd + other.cost_usd,
            unpriced=self.unpriced + other.unpriced,
            uncounted=self.uncounted + other.uncounted,
            priced_usd=priced_usd,
            reported_usd=reported_usd,
            cached=self.cached + other.cached,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


def total_of(row: EntryRow) -> ProviderTotal:
    """A closed row as a sum of one."""
    cached = row.cost_source is CostSource.CACHED
    return ProviderTotal(
        provider=row.provider,
        entries=int(not cached),
        cost_usd=row.cost_usd or Decimal(0),
        unpriced=int(row.cost_source is CostSource.UNPRICED),
        uncounted=int(row.cost_source is CostSource.UNCOUNTED),
        priced_usd=row.priced_usd,
        reported_usd=row.reported_usd,
        cached=int(cached),
        input_tokens=row.usage.input_total if row.usage else 0,
        output_tokens=row.usage.output_total if row.usage else 0,
    )


class KeySpend(Struct, frozen=True, kw_only=True):
    """What closed entries of one client key add up to; "" is all that came without one."""

    key: str
    tokens: int
    cost_usd: Decimal


Record = EntryRow | AuditRow | TranscriptRow
"""What a journal keeps."""


class Backlog(Struct, frozen=True, kw_only=True):
    """Records that the store does not have yet, oldest first, and the place after the last of them."""

    records: tuple[Record, ...]
    mark: Mark


class Journal(Protocol):
    """Keeps records on local disk. Every call blocks, may be made from any thread, one at a time, and raises
    `JournalError` only."""

    def open(self) -> Head:
        """Make ready, cutting off what a crash left half written; does nothing more when it already is.

        After `close` it can be opened again.
        """
        ...

    def append(self, records: tuple[Record, ...]) -> None:
        """Keep all of `records` or none; on return they survive a loss of power."""
        ...

    def backlog(self, limit: int, until: Mark | None = None) -> Backlog:
        """At most `limit` records that were not yet told to be `carried`, oldest first, of those before `until`."""
        ...

    def carried(self, mark: Mark) -> None:
        """The store has everything before `mark`: it need not be kept any longer."""
        ...

    def renew(self) -> None:
        """Keep nothing any longer that was carried: what the store forgets must not stay here."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        ...


class Query(Struct, frozen=True, kw_only=True):
    """Which entries are wanted; None and 0 leave a field open.

    Args:
        before: the `seq` to go on from; entries come newest first.
        since_at: opened or closed at or after it, epoch seconds.
    """

    limit: int = 100
    before: int | None = None
    provider: str | None = None
    model: str | None = None
    key: str | None = None
    user: str | None = None
    since_at: float | None = None


class Erased(Struct, frozen=True, kw_only=True):
    """What one end user was taken out of: the name from so many entries, and so many transcripts whole."""

    entries: int
    transcripts: int


class AuditPlace(Struct, frozen=True, kw_only=True):
    """Where an act stands among those of all chains: by its time, then by its own chain's order."""

    at: float
    chain: str
    number: int


class ActQuery(Struct, frozen=True, kw_only=True):
    """Which acts are wanted; None leaves a field open.

    Args:
        before: the place to go on from; acts come newest first.
        since_at: at or after it, epoch seconds.
    """

    limit: int = 100
    before: AuditPlace | None = None
    actor: str | None = None
    act: str | None = None
    outcome: str | None = None
    since_at: float | None = None

    def wants(self, row: AuditRow) -> bool:
        """Whether a row is one of them, wherever it stands."""
        late = self.since_at is None or row.at >= self.since_at
        return late and all(getattr(self, name) in (None, getattr(row, name)) for name in ACT_FIELDS)


ACT_FIELDS = ("actor", "act", "outcome")
"""By which acts can be asked for."""


class Store(Protocol):
    """Answers what was kept. Every call blocks, may be made from any thread, one at a time, and raises `JournalError`
    only."""

    def open(self) -> None:
        """Make ready; does nothing when it already is. After `close` it can be opened again."""
        ...

    def put(self, records: tuple[Record, ...]) -> None:
        """Keep all of `records` or none. What is already kept is not changed: an entry is closed by the first closing
        row; a later one, and an opening that comes after it, change nothing. What was erased stays erased."""
        ...

    def totals(self, since_at: float | None = None) -> tuple[ProviderTotal, ...]:
        """Sums of closed entries by provider, in order of name; of those closed at or after `since_at`, if given."""
        ...

    def spent(self, since_at: float, before_at: float) -> tuple[KeySpend, ...]:
        """By client key, of entries closed from `since_at` on and before `before_at`, in order of key."""
        ...

    def entries(self, query: Query) -> tuple[EntryRow, ...]:
        """The newest entries first."""
        ...

    def unfinished(self, writer: str) -> tuple[EntryRow, ...]:
        """Entries that this writer opened and did not close, oldest first."""
        ...

    def audit(self, query: ActQuery) -> tuple[AuditRow, ...]:
        """Acts of all chains, the newest first."""
        ...

    def chain(self, name: str, after: int, limit: int) -> tuple[AuditRow, ...]:
        """The acts of one chain in their order, from the one behind number `after` on."""
        ...

    def chains(self) -> tuple[str, ...]:
        """The names of all chains, in order."""
        ...

    def beginnings(self, before_at: float) -> tuple[AuditRow, ...]:
        """Of each chain the first act that is not from before `before_at`, or its last one if all are; chains without
        anything before it, and which have lost nothing, are left out."""
        ...

    def prune_acts(self, chain: str, before_number: int, limit: int) -> int:
        """Delete at most `limit` of a chain's acts before that number, the oldest first; how many there were."""
        ...

    def reprice(self, rows: tuple[EntryRow, ...]) -> None:
        """Take the cost of these closed entries, and what it was computed from, instead of what is kept."""
        ...

    def prune(self, before_at: float, limit: int) -> int:
        """Delete at most `limit` entries that closed before `before_at`; how many there were."""
        ...

    def transcripts(self, query: Query) -> tuple[TranscriptRow, ...]:
        """The newest transcripts first; of a query's fields `provider` is of no account."""
        ...

    def forget(self, before_at: float, limit: int) -> int:
        """Delete at most `limit` transcripts of exchanges that began before `before_at`; how many there were."""
        ...

    def erase(self, user: str, now_at: float) -> Erased:
        """Take one end user out of every entry that was opened until now, and delete the transcripts of exchanges that
        began until now, also of those still on their way. Sums stay what they were. `sweep` is still to come."""
        ...

    def sweep(self) -> bool:
        """Leave no copy of what was deleted beside the tables. False where somebody reads: to be tried again."""
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
