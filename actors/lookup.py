"""What is read of the account: from the store, or, while it refuses, from what it does not have yet."""

from __future__ import annotations

from typing import TypeVar, assert_never

from msgspec.structs import replace

from actors.messages import (
    AccountBusy,
    AuditPage,
    EntriesPage,
    EraseUser,
    ReadAudit,
    ReadEntries,
    ReadSpend,
    ReadTotals,
    ReadTranscripts,
    SpendPage,
    TotalsPage,
    TranscriptsPage,
    UserErased,
)
from router.store.journal import (
    ActQuery,
    AuditRow,
    EntryRow,
    ProviderTotal,
    Query,
    Record,
    Store,
    TranscriptRow,
    total_of,
)

R = TypeVar("R", EntryRow, TranscriptRow)

MOST_READ = 1000
"""Rows of one answer."""

Read = ReadTotals | ReadSpend | ReadEntries | ReadTranscripts | ReadAudit | EraseUser
Page = TotalsPage | SpendPage | EntriesPage | TranscriptsPage | AuditPage


def from_store(store: Store, message: Read, now_at: float) -> Page | UserErased:
    """Blocking: what the store has."""
    match message:
        case ReadTotals():
            return TotalsPage(totals=store.totals(message.since_at), complete=True)
        case ReadSpend():
            return SpendPage(spent=store.spent(message.since_at, message.before_at), complete=True)
        case ReadEntries(query=query):
            return EntriesPage(rows=store.entries(_page(query)), complete=True)
        case ReadTranscripts(query=query):
            return TranscriptsPage(rows=store.transcripts(_page(query)), complete=True)
        case ReadAudit():
            return AuditPage(rows=store.audit(_bounded(message.query)), complete=True)
        case EraseUser():
            erased = store.erase(message.user, now_at)
            return UserErased(entries=erased.entries, transcripts=erased.transcripts)
        case _:
            assert_never(message)


def from_records(records: tuple[Record, ...], message: Read, why: str) -> Page | AccountBusy:
    """What can be said without the store; such rows have no places yet, so there is only a first page of them."""
    newest = records[::-1]
    rows = tuple(record for record in newest if isinstance(record, EntryRow))
    match message:
        case ReadTotals():
            return TotalsPage(totals=_summed(rows, message.since_at), complete=False)
        case ReadSpend():
            return SpendPage(spent=(), complete=False)
        case ReadEntries(query=query):
            return EntriesPage(rows=_first(rows, query), complete=False)
        case ReadTranscripts(query=query):
            said = tuple(record for record in newest if isinstance(record, TranscriptRow))
            return TranscriptsPage(rows=_first(said, query), complete=False)
        case ReadAudit():
            acts = tuple(row for row in newest if isinstance(row, AuditRow) and message.query.wants(row))
            return AuditPage(rows=acts[: _bounded(message.query).limit], complete=False)
        case EraseUser():
            return AccountBusy(why=why)
        case _:
            assert_never(message)


def _bounded(query: ActQuery) -> ActQuery:
    return replace(query, limit=min(query.limit, MOST_READ))


def _summed(rows: tuple[EntryRow, ...], since_at: float) -> tuple[ProviderTotal, ...]:
    sums: dict[str, ProviderTotal] = {}
    for row in rows:
        if row.closed_at is not None and row.closed_at >= since_at:
            sums[row.provider] = sums.get(row.provider, ProviderTotal(provider=row.provider)).plus(total_of(row))
    return tuple(sums[name] for name in sorted(sums))


def _page(query: Query) -> Query:
    return replace(query, limit=min(query.limit, MOST_READ))


def _first(rows: tuple[R, ...], query: Query) -> tuple[R, ...]:
    fits = tuple(row for row in rows if _fits(row, query)) if query.before is None else ()
    return fits[: _page(query).limit]


def _fits(row: EntryRow | TranscriptRow, query: Query) -> bool:
    """As a store picks them: a transcript has no provider, and began when it did."""
    wanted = [(query.model, row.model), (query.key, row.key), (query.user, row.user)]
    if isinstance(row, EntryRow):
        wanted.append((query.provider, row.provider))
        at = max(row.opened_at or 0.0, row.closed_at or 0.0)
    else:
        at = row.at
    return (query.since_at is None or at >= query.since_at) and all(want in (None, has) for want, has in wanted)
