"""Carries the journal's records to the store, where they can be asked for. A store that refuses or hangs is behind, and
nothing else: the journal has them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from actors.books import Books
from actors.handover import hand_over
from actors.runtime import Ports
from actors.vault import Vault
from router.canon.cost import CostSource
from router.canon.outcome import End, UsageSource
from router.errors import Reason
from router.policy.backoff import Backoff, choose_wait_s
from router.store.journal import (
    Backlog,
    EntryRow,
    JournalError,
    Mark,
    ProviderTotal,
    Record,
    Store,
)
from router.telemetry.logs import Line

T = TypeVar("T")

CARRY_S = 0.25
"""How long records wait in the journal for more, before they are carried together."""

BATCH_RECORDS = 500
"""Records of one transaction."""

IDLE_S = 3600.0
"""The longest that it waits for something new: what is too old goes also where nothing comes."""

_RETRY = Backoff(base_s=0.5, cap_s=10.0)

_LOG = logging.getLogger(__name__)


class Carrier:
    """The way from the disk to the store.

    Args:
        tidied: awaited after a batch was carried, at least every `IDLE_S`; raises `JournalError`, as the store does.
    """

    def __init__(
        self,
        *,
        books: Books,
        vault: Vault,
        ports: Ports,
        tidied: Callable[[], Awaitable[None]],
    ) -> None:
        self._books = books
        self._vault = vault
        self._ports = ports
        self._due = asyncio.Event()
        self._due.set()
        self._turn = asyncio.Lock()
        self._tidied = tidied

    def wake(self) -> None:
        """The journal has something new."""
        self._due.set()

    async def carry_forever(self) -> None:
        """Batch after batch; after a refusal, wait and go on with the same."""
        tries = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._due.wait()
            await asyncio.sleep(CARRY_S)
            self._due.clear()
            try:
                await self.carry_all()
                await self._tidied()
                tries = 0
            except JournalError as error:
                self.refused(error)
                await asyncio.sleep(choose_wait_s(tries, _RETRY.base_s, _RETRY, self._ports.rng))
                tries += 1

    async def carry_all(self) -> None:
        """Carry what the journal has now. Raises `JournalError`."""
        await self.settle()
        if self._books.head is not None:
            async with self._turn:
                await self._carry()
        if self._books.store_why is not None:
            _LOG.warning(Line.STORE_ACCEPTS)
            self._books.store_why = None

    async def _carry(self, until: Mark | None = None) -> None:
        """Batch by batch; one that was put and not yet marked as carried, for a crash, is put again without effect."""
        while (backlog := await self._backlog(until)).records:
            await hand_over(backlog.records, self._put, self._books)
            await self._vault.journal_worker.run(partial(self._vault.journal.carried, backlog.mark))
            if until is None and len(backlog.records) < BATCH_RECORDS:
                break

    async def _put(self, records: tuple[Record, ...]) -> None:
        await self._in_store(partial(self._vault.store.put, records))

    async def _backlog(self, until: Mark | None) -> Backlog:
        return await self._vault.journal_worker.run(partial(self._vault.journal.backlog, BATCH_RECORDS, until))

    async def settle(self) -> None:
        """Open the store; once in the life of this process, first of all, settle what earlier ones left: entries of
        this writer that are open then were open when it died. Raises `JournalError`."""
        await self._in_store(self._vault.store.open)
        head = self._books.head
        if head is None:
            return
        async with self._turn:
            if self._books.settled:
                return
            await self._carry(until=head.start)
            now_at = self._ports.wall.now()
            settled = partial(_settle, self._vault.store, head.writer, now_at)
            left, totals = await self._in_store(settled)
            self._books.crashed += left
            self._books.settle(totals)
        if self._books.crashed:
            _LOG.warning(Line.ENTRIES_CLOSED, extra={"told": {"entries": self._books.crashed}})

    async def _in_store(self, call: Callable[[], T]) -> T:
        return await self._vault.store_worker.run(call)

    def refused(self, error: JournalError) -> None:
        """Say so once; what is not carried stays in the journal."""
        if self._books.store_why is None:
            _LOG.error(Line.STORE_REFUSES, extra={"told": {"why": str(error)}})
        self._books.store_why = str(error)
        self._books.failed_writes += 1
        self._due.set()


def _settle(store: Store, writer: str, now_at: float) -> tuple[int, tuple[ProviderTotal, ...]]:
    """Blocking: close as crashed what this writer left open; how many that were, and the sums of all there is."""
    left = store.unfinished(writer)
    if left:
        store.put(tuple(_crashed(row, now_at) for row in left))
    return len(left), store.totals()


def _crashed(row: EntryRow, now_at: float) -> EntryRow:
    return replace(
        row,
        closed_at=now_at,
        end=End.CRASHED,
        reason=Reason.CRASHED,
        usage_source=UsageSource.NONE,
        cost_source=CostSource.UNCOUNTED,
    )
