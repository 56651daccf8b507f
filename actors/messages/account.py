"""What was used and what it cost: the ledger, what models can do, and answers kept."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from actors.messages.exchange import Answered, Committed, Piece
from router.canon.ability import Traits
from router.canon.operation import Operation
from router.canon.outcome import End, UsageSource
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason
from router.policy.enduser import label_of as label_of
from router.policy.lanes import ONLY
from router.store.answers import Label
from router.store.journal import ActQuery, AuditRow, EntryRow, KeySpend, ProviderTotal, Query, TranscriptRow


class EntryOpened(Struct, frozen=True, kw_only=True):
    """Fact for the Ledger: an attempt is about to go out.

    Args:
        key: name of the provider's key that it goes out by.
        group: the public name that was asked for.
        user: the end user that the caller named, "" for none.
        client: id of the client key that asked, `owner` whose it is; "" where none did.
        operation: what was asked for.
    """

    attempt: str
    exchange: str
    number: int
    provider: str
    model: str
    at: float
    key: str = ONLY
    group: str = ""
    user: str = ""
    client: str = ""
    owner: str = ""
    operation: Operation = Operation.CHAT


class AnswerRepeated(Struct, frozen=True, kw_only=True):
    """Fact for the Ledger: an answer was given again, out of the cache. An entry of its own, opened and closed, and
    free.

    Args:
        provider: who gave it the first time.
        group: as in `EntryOpened`, and so are `user`, `client`, `owner` and `operation`.
    """

    exchange: str
    provider: str
    model: str
    opened_at: float
    at: float
    group: str
    user: str
    client: str
    owner: str
    operation: Operation = Operation.CHAT


class EntryClosed(Struct, frozen=True, kw_only=True):
    """Fact for the Ledger: an attempt ended. Exactly one for each `EntryOpened`.

    Args:
        asked_bytes: of the prompt as it was written; 0 where that says nothing of its tokens.
        said_bytes: of the answer, as far as it was streamed.
    """

    attempt: str
    exchange: str
    provider: str
    model: str
    end: End
    reason: Reason | None
    usage: Usage | None
    usage_source: UsageSource
    at: float
    key: str = ONLY
    asked_bytes: int = 0
    said_bytes: int = 0


class ExchangeTranscribed(Struct, frozen=True, kw_only=True):
    """Fact for the Ledger: an exchange whose words are to be kept has ended.

    Args:
        size_bytes: what they take in memory until then, about.
        write: makes the row, once; it takes its time, so a thread calls it.
    """

    size_bytes: int
    write: Callable[[], TranscriptRow]


class CostView(Struct, frozen=True, kw_only=True):
    """What the Ledger publishes: what everything cost, over all runs that wrote the same journal.

    Args:
        providers: sums of closed entries by provider.
        overall: the same over all providers.
        complete: whether what earlier runs wrote is in the sums; false until the store could be read.
        degraded: journal or store refuses; `why` says how. Entries wait in memory for the one, on disk for the other.
        pending: records that are not yet in the journal.
        failed_writes: tries that one of them refused; each was or will be made again.
        lost: entries that found no room in memory while the journal refused. Their cost is in the sums of this run.
        crashed: entries that an earlier run left open, closed as crashed at this one's start.
        mismatched: entries of this run whose provider's own total is not the sum of its parts.
    """

    overall: ProviderTotal
    providers: dict[str, ProviderTotal]
    complete: bool = False
    degraded: bool = False
    why: str | None = None
    pending: int = 0
    failed_writes: int = 0
    lost: int = 0
    crashed: int = 0
    mismatched: int = 0


class ReadCosts(Struct, frozen=True, kw_only=True):
    """Ask the Ledger what everything cost. Answer: `CostView`; every fact told before the ask is in it."""


class ReadTotals(Struct, frozen=True, kw_only=True):
    """Ask the Ledger for the sums of entries closed at or after `since_at`. Answer: `TotalsPage`."""

    since_at: float


class TotalsPage(Struct, frozen=True, kw_only=True):
    """Sums by provider. `complete` is false when the journal could not be read: then of what waits in memory."""

    totals: tuple[ProviderTotal, ...]
    complete: bool


class ReadSpend(Struct, frozen=True, kw_only=True):
    """Ask the Ledger what each client key spent in entries closed from `since_at` on and before `before_at`. Answer:
    `SpendPage`."""

    since_at: float
    before_at: float


class SpendPage(Struct, frozen=True, kw_only=True):
    """By key, "" for none. `complete` is false when the store could not be read."""

    spent: tuple[KeySpend, ...]
    complete: bool


class ReadEntries(Struct, frozen=True, kw_only=True):
    """Ask the Ledger for entries, the newest first. Answer: `EntriesPage`; every fact told before the ask is in it.

    Args:
        query: its `limit` is never more than 1000; `before` is the `seq` of the last entry of the page before this one.
    """

    query: Query = Query()


class EntriesPage(Struct, frozen=True, kw_only=True):
    """Entries, newest first. `complete` is false when the store could not be read: then those it does not have yet."""

    rows: tuple[EntryRow, ...]
    complete: bool


class ReadTranscripts(Struct, frozen=True, kw_only=True):
    """Ask the Ledger for transcripts, the newest first. Answer: `TranscriptsPage`; every exchange told before the ask
    is in it.

    Args:
        query: as in `ReadEntries`.
    """

    query: Query = Query()


class TranscriptsPage(Struct, frozen=True, kw_only=True):
    """Transcripts, newest first. `complete` is false when the store could not be read: then those it does not have
    yet."""

    rows: tuple[TranscriptRow, ...]
    complete: bool


class PrefixRefused(Struct, frozen=True, kw_only=True):
    """Fact for Capability: a target did not take the beginning of an answer. It is not given one again."""

    target: Target


class ReadAudit(Struct, frozen=True, kw_only=True):
    """Ask the Ledger for acts, the newest first. Answer: `AuditPage`; every fact told before the ask is in it.

    Args:
        query: its `limit` is never more than 1000; `before` is the place of the last act of the page before this one.
    """

    query: ActQuery = ActQuery()


class AuditPage(Struct, frozen=True, kw_only=True):
    """Acts, newest first. `complete` is false when the store could not be read: then those it does not have yet."""

    rows: tuple[AuditRow, ...]
    complete: bool


class EraseUser(Struct, frozen=True, kw_only=True):
    """Ask the Ledger to take an end user out of the account: the name, and all that was said. Answer: `UserErased`, or
    `AccountBusy`.

    Args:
        actor: who wants it; the erasure is an act of its own in the audit log.
    """

    user: str
    actor: str


class UserErased(Struct, frozen=True, kw_only=True):
    """The name is gone from so many entries, and so many transcripts are gone whole."""

    entries: int
    transcripts: int


class AccountBusy(Struct, frozen=True, kw_only=True):
    """The store refuses now; `why` says how."""

    why: str


class FactsLearned(Struct, frozen=True, kw_only=True):
    """Fact for Capability: what a provider's own list says of its models, by its names for them; all that it said
    before is replaced."""

    provider: str
    models: dict[str, Traits]


class Lookup(Struct, frozen=True, kw_only=True):
    """Ask the Cache for an answer to exactly this request (`policy/cachekey.py`). Answer: `Hit` or `Miss`."""

    key: str


class Hit(Struct, frozen=True, kw_only=True):
    """The pieces of the answer, given `age_s` ago, as its reader was told them; `passed` is as in `Stored`."""

    pieces: tuple[Piece, ...]
    age_s: float
    passed: bool = False

    @property
    def begun(self) -> Committed:
        """How it began, and whose it is."""
        assert isinstance(self.pieces[0], Committed), "only complete answers are kept"
        return self.pieces[0]

    @property
    def ended(self) -> Answered:
        """How it ended, and what it cost then."""
        assert isinstance(self.pieces[-1], Answered), "only complete answers are kept"
        return self.pieces[-1]


class Miss(Struct, frozen=True, kw_only=True):
    """Nothing is kept under that key, or no longer."""


class Stored(Struct, frozen=True, kw_only=True):
    """Fact for the Cache: a complete answer that may be given again, in the pieces that its reader was told.

    Args:
        size_bytes: what these take, about.
        passed: whether its bytes were passed on as they came. The relay that did it is not kept.
        label: what it can be told from others by.
    """

    key: str
    pieces: tuple[Piece, ...]
    size_bytes: int
    passed: bool = False
    label: Label = Label()


class Purge(Struct, frozen=True, kw_only=True):
    """Ask the Cache to forget answers. Reply: `Purged`, or `NotPurged`. One that is still being given may be kept
    afterwards.

    Args:
        client: of that client key alone; None of any.
        model: of that name, or of that `provider:model`; None of any.
        user: of that end user, as callers named it; None of any.
    """

    client: str | None = None
    model: str | None = None
    user: str | None = None


class Purged(Struct, frozen=True, kw_only=True):
    """So many answers are gone."""

    entries: int


class NotPurged(Struct, frozen=True, kw_only=True):
    """The file does not answer, or refuses; some may be gone."""


class CacheView(Struct, frozen=True, kw_only=True):
    """What the Cache publishes. Counts go on over restarts; entries do not. `unkept` are complete answers that did not
    come into it, because its file refuses or is too slow for them."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0
    expired: int = 0
    purged: int = 0
    unkept: int = 0
    entries: int = 0
    size_bytes: int = 0
