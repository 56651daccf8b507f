"""A journal in memory that can be told to refuse, and workers without a thread: the ledger's seams in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from actors.books import joined
from router.store.journal import EntryRow, JournalError, ProviderTotal, total_of

T = TypeVar("T")


class MemoryJournal:
    """Keeps rows by attempt and remembers every batch it was given.

    `refusal` is raised by every call while it is set; `bug` once, by the next `append`, after the rows were kept.
    """

    def __init__(self, *rows: EntryRow) -> None:
        self.rows = {row.attempt: replace(row, seq=seq) for seq, row in enumerate(rows, 1)}
        self.batches: list[tuple[EntryRow, ...]] = []
        self.refusal: JournalError | None = None
        self.bug: Exception | None = None
        self.is_open = False

    def open(self) -> None:
        """As the Protocol says."""
        if not self.is_open:
            self._may_refuse()
        self.is_open = True

    def append(self, rows: tuple[EntryRow, ...]) -> None:
        """As the Protocol says."""
        self._may_refuse()
        assert self.is_open
        if rows:
            self.batches.append(rows)
        for row in rows:
            before = self.rows.get(row.attempt)
            self.rows[row.attempt] = (
                replace(row, seq=len(self.rows) + 1) if before is None else replace(joined(before, row), seq=before.seq)
            )
        bug, self.bug = self.bug, None
        if bug is not None:
            raise bug

    def totals(self, since_at: float | None = None) -> tuple[ProviderTotal, ...]:
        """As the Protocol says."""
        self._may_refuse()
        sums: dict[str, ProviderTotal] = {}
        for row in self.rows.values():
            if row.closed_at is not None and row.closed_at >= (since_at or 0.0):
                sums[row.provider] = sums.get(row.provider, ProviderTotal(provider=row.provider)).plus(total_of(row))
        return tuple(sums[name] for name in sorted(sums))

    def entries(self, limit: int, provider: str | None = None, before: int | None = None) -> tuple[EntryRow, ...]:
        """As the Protocol says."""
        self._may_refuse()
        newest = sorted(self.rows.values(), key=lambda row: -(row.seq or 0))
        fits = [
            row for row in newest if provider in (None, row.provider) and (before is None or (row.seq or 0) < before)
        ]
        return tuple(fits[:limit])

    def unfinished(self) -> tuple[EntryRow, ...]:
        """As the Protocol says."""
        self._may_refuse()
        return tuple(row for row in self.rows.values() if row.closed_at is None)

    def close(self) -> None:
        """As the Protocol says."""
        self.is_open = False

    def _may_refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal


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
