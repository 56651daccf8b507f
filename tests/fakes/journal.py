"""The account in memory, in parts that can be told to refuse, and workers without a thread: the ledger's seams in
virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from actors.books import joined
from actors.vault import Vault
from router.store.journal import (
    ActQuery,
    AuditPlace,
    AuditRow,
    Backlog,
    EntryRow,
    Erased,
    Head,
    JournalError,
    JournalMisfit,
    KeySpend,
    Mark,
    ProviderTotal,
    Query,
    Record,
    TranscriptRow,
    total_of,
)
from router.store.segment import encode_record

T = TypeVar("T")


class Refusing:
    """What can be told to fail: `refusal` is raised by every call while it is set; `bug` once, by the next write, after
    it was made."""

    def __init__(self) -> None:
        self.refusal: JournalError | None = None
        self.bug: Exception | None = None
        self.is_open = False

    def open(self) -> object:
        """As the Protocol says."""
        if not self.is_open:
            self.may_refuse()
        self.is_open = True
        return None

    def close(self) -> None:
        """As the Protocol says."""
        self.is_open = False

    def may_refuse(self) -> None:
        """Raise what was set."""
        if self.refusal is not None:
            raise self.refusal

    def may_break(self) -> None:
        """Raise, once, what was set."""
        bug, self.bug = self.bug, None
        if bug is not None:
            raise bug


class MemoryJournal(Refusing):
    """Keeps records in a list, and remembers every batch it was given. What was carried stays in `records`."""

    def __init__(self, *records: Record) -> None:
        super().__init__()
        self.records: list[Record] = list(records)
        self.batches: list[tuple[Record, ...]] = []
        self._head = Head(writer="here")
        self._carried = 0

    def open(self) -> Head:
        """As the Protocol says."""
        if not self.is_open:
            self.may_refuse()
            self._head = replace(self._head, start=Mark(segment=1, offset_bytes=len(self.records)))
        self.is_open = True
        return self._head

    def append(self, records: tuple[Record, ...]) -> None:
        """As the Protocol says."""
        self.may_refuse()
        assert self.is_open
        for record in records:
            encode_record(record)
        if records:
            self.batches.append(records)
        self.records.extend(records)
        for act in (record for record in records if isinstance(record, AuditRow)):
            self._head = replace(self._head, number=act.number, digest=act.digest)
        self.may_break()

    def backlog(self, limit: int, until: Mark | None = None) -> Backlog:
        """As the Protocol says."""
        self.may_refuse()
        end = len(self.records) if until is None else until.offset_bytes
        stop = max(self._carried, min(self._carried + limit, end))
        mark = Mark(segment=1, offset_bytes=stop)
        return Backlog(records=tuple(self.records[self._carried : stop]), mark=mark)

    def carried(self, mark: Mark) -> None:
        """As the Protocol says."""
        self.may_refuse()
        self._carried = max(self._carried, mark.offset_bytes)

    def renew(self) -> None:
        """As the Protocol says; what was carried stays in `records`."""
        self.may_refuse()

    @property
    def waiting(self) -> tuple[Record, ...]:
        """What the store was not yet seen to have."""
        return tuple(self.records[self._carried :])


class MemoryStore(Refusing):
    """Keeps rows by attempt; those of `misfits` it cannot hold."""

    def __init__(self, *rows: EntryRow) -> None:
        super().__init__()
        self.misfits: set[str] = set()
        self.rows = {row.attempt: replace(row, seq=seq) for seq, row in enumerate(rows, 1)}
        self.acts: dict[tuple[str, int], AuditRow] = {}
        self.said: dict[str, TranscriptRow] = {}
        self._erased: dict[str, float] = {}
        self.swept = 0
        self.unswept: JournalError | None = None
        self.unforgetting: JournalError | None = None

    def open(self) -> None:
        """As the Protocol says."""
        super().open()

    def put(self, records: tuple[Record, ...]) -> None:
        """As the Protocol says."""
        self.may_refuse()
        assert self.is_open
        if any(isinstance(record, EntryRow) and record.attempt in self.misfits for record in records):
            raise JournalMisfit("a value that it cannot hold")
        for record in records:
            if isinstance(record, AuditRow):
                self.acts.setdefault((record.chain, record.number), record)
            elif isinstance(record, TranscriptRow):
                if record.at > self._erased.get(record.user, -1.0):
                    self.said.setdefault(record.exchange, replace(record, seq=len(self.said) + 1))
            else:
                self._put(record)
        self.may_break()

    def totals(self, since_at: float | None = None) -> tuple[ProviderTotal, ...]:
        """As the Protocol says."""
        self.may_refuse()
        sums: dict[str, ProviderTotal] = {}
        for row in self.rows.values():
            if row.closed_at is not None and row.closed_at >= (since_at or 0.0):
                sums[row.provider] = sums.get(row.provider, ProviderTotal(provider=row.provider)).plus(total_of(row))
        return tuple(sums[name] for name in sorted(sums))

    def spent(self, since_at: float, before_at: float) -> tuple[KeySpend, ...]:
        """As the Protocol says."""
        self.may_refuse()
        sums: dict[str, KeySpend] = {}
        for row in self.rows.values():
            if row.closed_at is not None and since_at <= row.closed_at < before_at:
                old = sums.get(row.key, KeySpend(key=row.key, tokens=0, cost_usd=Decimal(0)))
                tokens = row.usage.total if row.usage else 0
                cost_usd = old.cost_usd + (row.cost_usd or 0)
                sums[row.key] = KeySpend(key=row.key, tokens=old.tokens + tokens, cost_usd=cost_usd)
        return tuple(sums[key] for key in sorted(sums))

    def entries(self, query: Query) -> tuple[EntryRow, ...]:
        """As the Protocol says."""
        self.may_refuse()
        newest = sorted(self.rows.values(), key=lambda row: -(row.seq or 0))
        return tuple(row for row in newest if _fits(row, query))[: query.limit]

    def unfinished(self, writer: str) -> tuple[EntryRow, ...]:
        """As the Protocol says."""
        self.may_refuse()
        return tuple(row for row in self.rows.values() if row.closed_at is None and row.writer in ("", writer))

    def audit(self, query: ActQuery) -> tuple[AuditRow, ...]:
        """As the Protocol says."""
        self.may_refuse()
        newest = sorted(self.acts.values(), key=_place, reverse=True)
        fits = (
            act for act in newest if query.wants(act) and (query.before is None or _place(act) < _place(query.before))
        )
        return tuple(fits)[: query.limit]

    def chain(self, name: str, after: int, limit: int) -> tuple[AuditRow, ...]:
        """As the Protocol says."""
        self.may_refuse()
        return tuple(act for (chain, number), act in sorted(self.acts.items()) if chain == name and number > after)[
            :limit
        ]

    def chains(self) -> tuple[str, ...]:
        """As the Protocol says."""
        self.may_refuse()
        return tuple(sorted({chain for chain, _number in self.acts}))

    def reprice(self, rows: tuple[EntryRow, ...]) -> None:
        """As the Protocol says."""
        self.may_refuse()
        for row in rows:
            kept = self.rows[row.attempt]
            self.rows[row.attempt] = replace(kept, cost_usd=row.cost_usd, cost_source=row.cost_source)

    def prune(self, before_at: float, limit: int) -> int:
        """As the Protocol says."""
        self.may_refuse()
        old = [name for name, row in self.rows.items() if row.closed_at is not None and row.closed_at < before_at]
        for name in old[:limit]:
            del self.rows[name]
        return len(old[:limit])

    def transcripts(self, query: Query) -> tuple[TranscriptRow, ...]:
        """As the Protocol says."""
        self.may_refuse()
        newest = sorted(self.said.values(), key=lambda row: -(row.seq or 0))
        return tuple(row for row in newest if query.user in (None, row.user))[: query.limit]

    def forget(self, before_at: float, limit: int) -> int:
        """As the Protocol says."""
        self.may_refuse()
        if self.unforgetting is not None:
            raise self.unforgetting
        old = [name for name, row in self.said.items() if row.at < before_at][:limit]
        for name in old:
            del self.said[name]
        return len(old)

    def beginnings(self, before_at: float) -> tuple[AuditRow, ...]:
        """As the Protocol says."""
        self.may_refuse()
        found = []
        for name in sorted({chain for chain, _number in self.acts}):
            rows = [row for (chain, _number), row in sorted(self.acts.items()) if chain == name]
            found.append(next((row for row in rows if row.at >= before_at), rows[-1]))
        return tuple(row for row in found if row.number > 1)

    def prune_acts(self, chain: str, before_number: int, limit: int) -> int:
        """As the Protocol says."""
        self.may_refuse()
        old = [place for place in sorted(self.acts) if place[0] == chain and place[1] < before_number][:limit]
        for place in old:
            del self.acts[place]
        return len(old)

    def sweep(self) -> bool:
        """As the Protocol says; it can be told to refuse alone, as `forget` can."""
        self.may_refuse()
        if self.unswept is not None:
            raise self.unswept
        self.swept += 1
        return True

    def erase(self, user: str, now_at: float) -> Erased:
        """As the Protocol says."""
        self.may_refuse()
        words = [name for name, row in self.said.items() if row.user == user and row.at <= now_at]
        for name in words:
            del self.said[name]
        self._erased[user] = now_at
        theirs = [name for name, row in self.rows.items() if row.user == user]
        for name in theirs:
            self.rows[name] = replace(self.rows[name], user="")
        return Erased(entries=len(theirs), transcripts=len(words))

    def _put(self, row: EntryRow) -> None:
        if (row.opened_at or 0.0) <= self._erased.get(row.user, -1.0):
            row = replace(row, user="")
        before = self.rows.get(row.attempt)
        if before is None:
            self.rows[row.attempt] = replace(row, seq=len(self.rows) + 1)
        else:
            self.rows[row.attempt] = replace(joined(before, row), seq=before.seq)


def _place(act: AuditRow | AuditPlace) -> tuple[float, str, int]:
    return act.at, act.chain, act.number


def _fits(row: EntryRow, query: Query) -> bool:
    names = ("provider", "model", "key", "user")
    wanted = all(getattr(query, name) in (None, getattr(row, name)) for name in names)
    return wanted and (query.before is None or (row.seq or 0) < query.before)


class MemoryVault:
    """The whole account in memory; survives the tree that writes it, as a disk does."""

    def __init__(self, *rows: EntryRow) -> None:
        self.journal = MemoryJournal()
        self.store = MemoryStore(*rows)
        self.journal_worker = InlineWorker()
        self.store_worker = InlineWorker()
        self.words_worker = InlineWorker()

    def vault(self) -> Vault:
        """As the ledger takes it."""
        return Vault(
            journal=self.journal,
            journal_worker=self.journal_worker,
            store=self.store,
            store_worker=self.store_worker,
            words_worker=self.words_worker,
        )

    @property
    def rows(self) -> dict[str, EntryRow]:
        """Every entry that is kept anywhere, as the store has it or will have it."""
        kept = dict(self.store.rows)
        for record in self.journal.waiting:
            if isinstance(record, EntryRow):
                before = kept.get(record.attempt)
                kept[record.attempt] = record if before is None else joined(before, record)
        return kept

    @property
    def said(self) -> tuple[TranscriptRow, ...]:
        """Every transcript that is kept anywhere."""
        waiting = (record for record in self.journal.waiting if isinstance(record, TranscriptRow))
        return (*self.store.said.values(), *waiting)

    def heal(self) -> None:
        """Nothing refuses or hangs any more."""
        for part in (self.journal, self.store):
            part.refusal = part.bug = None
        for worker in (self.journal_worker, self.store_worker, self.words_worker):
            worker.release()


class InlineWorker:
    """Runs each call at once, between two turns of the loop, in the order they came; while `shut`, they hang."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._turn = asyncio.Lock()
        self.calls = 0

    async def run(self, call: Callable[[], T]) -> T:
        """As the Protocol says."""
        await asyncio.sleep(0)
        async with self._turn:
            await self._open.wait()
            self.calls += 1
            return call()

    def stop(self) -> None:
        """Nothing to give back."""

    def shut(self) -> None:
        """From now on calls hang, as on a dead disk."""
        self._open.clear()

    def release(self) -> None:
        """What hangs goes on."""
        self._open.set()
