"""The Ledger actor: what every attempt used and cost, kept where a crash cannot reach it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import assert_never

from msgspec.structs import replace

from actors.books import GROUP_ENTRIES, Books, closing_of, opening_of
from actors.messages import (
    AdminActed,
    CostView,
    EntriesPage,
    EntryClosed,
    EntryOpened,
    ReadCosts,
    ReadEntries,
    ReadTotals,
    TotalsPage,
)
from actors.runtime import Actor, Crashed, Exit, Job, Overflow, Reply, Snapshot, Wall
from router.canon.cost import CostSource
from router.canon.outcome import End, UsageSource
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason
from router.policy.backoff import Backoff, choose_wait_s
from router.policy.price import PriceBook, is_plausible
from router.store.journal import EntryRow, Journal, JournalError, JournalUnusable, ProviderTotal, Worker, total_of

GROUP_S = 0.05
"""A group commit waits this long for more entries after the first, or until it has `GROUP_ENTRIES`."""

MOST_READ = 1000
"""Rows of one answer."""

OPEN_S = 2.0
"""How long a start waits for the journal; a disk that hangs must not keep a router from answering."""

_RETRY = Backoff(base_s=0.2, cap_s=5.0)
_LAST_TRY_S = 0.2

_LOG = logging.getLogger(__name__)

LedgerMessage = EntryOpened | EntryClosed | ReadCosts | ReadTotals | ReadEntries | AdminActed
LedgerAnswer = CostView | Reply | None


class Ledger(Actor):
    """Prices what ended and writes it in groups, off the loop.

    Accepts `EntryOpened` and `EntryClosed` (facts), `ReadCosts` -> `CostView`, `ReadTotals` -> `TotalsPage`,
    `ReadEntries` -> `EntriesPage`. Publishes `CostView`.

    While the journal refuses, entries wait in memory and are tried again; the view says `degraded`. A journal that
    cannot be used at all (damaged, of a newer version) fails the first start, and only that one.

    A restart loses the message in hand, nothing else: what is not yet written, and this run's sums, are in `books`,
    which the tree keeps; a batch that was being written is written again without effect. The end of the process loses
    what was told in the last `GROUP_S` before a kill; what that left open is closed as crashed by the next start. A
    mailbox of 65536 facts refuses more, and the runtime counts them: it is full only if the loop itself hardly runs.
    """

    mailbox_capacity = 65_536
    overflow = Overflow.REJECT

    def __init__(
        self,
        *,
        journal: Journal,
        worker: Worker,
        books: Books,
        prices: Snapshot[PriceBook],
        published: Snapshot[CostView],
    ) -> None:
        super().__init__()
        self._journal = journal
        self._worker = worker
        self._books = books
        self._prices = prices
        self._published = published
        self._writer: Job | None = None

    async def on_start(self) -> None:
        """Open the journal, settle what an earlier run left open, and begin to write."""
        self._is_open = False
        self._due = asyncio.Event()
        self._full = asyncio.Event()
        try:
            async with asyncio.timeout(OPEN_S):
                await self._make_ready()
        except JournalUnusable as error:
            if self.ref.incarnation == 1:
                raise
            self._degrade(error)
        except JournalError as error:
            self._degrade(error)
        except TimeoutError:
            self._degrade(JournalError(f"the journal did not open within {OPEN_S} s"))
        if self._books.pending or not self._books.settled:
            self._due.set()
        self._publish()
        self._writer = self.tasks.start(self._write_forever(), name="write")
        self.link(self._writer)

    def on_receive(self, message: LedgerMessage) -> LedgerAnswer:
        """Note facts; read beside the mailbox."""
        match message:
            case EntryOpened() | EntryClosed():
                self._note(message)
                if self.ref.mailbox.empty():  # one view for a burst
                    self._publish()
            case ReadCosts():
                return self._publish()
            case AdminActed():
                return None  # the log has it; there is no audit to keep it yet
            case ReadTotals() | ReadEntries():
                reply = self.defer_reply()
                self.tasks.start(self._read(message, reply), name="read")
                return reply
            case _:
                assert_never(message)
        return None

    async def on_stop(self, reason: Exit) -> None:
        """Write what is here, with one more try. After a crash the next incarnation does."""
        if isinstance(reason, Crashed):
            return
        self._take_rest()
        if self._writer is not None:
            self._writer.stop()
            await self._writer.wait()
        try:
            await self._write_all()
        except JournalError:
            await asyncio.sleep(_LAST_TRY_S)
            await self._write_last()
        self._publish()
        await self._worker.run(self._journal.close)
        self._worker.stop()

    # ---- facts

    def _note(self, fact: EntryOpened | EntryClosed) -> None:
        lost = self._books.lost
        if isinstance(fact, EntryOpened):
            self._books.add(opening_of(fact))
        else:
            row = closing_of(fact, self._prices.value)
            self._books.count(total_of(row))
            self._books.add(row)
        if self._books.lost > lost == 0:
            _LOG.error("ledger entries are being lost: the journal refuses and memory for them is spent")
        self._due.set()
        if len(self._books.pending) >= GROUP_ENTRIES:
            self._full.set()

    def _take_rest(self) -> None:
        """Facts that were told before the stop: stops overtake messages, and what was used must be paid for."""
        queue = self.ref.mailbox.queue
        while queue:
            fact = queue.popleft().message
            if isinstance(fact, EntryOpened | EntryClosed):
                self._note(fact)

    # ---- writing

    async def _write_forever(self) -> None:
        """Group after group; after a refusal, wait and go on with the same."""
        tries = 0
        while True:
            await self._due.wait()
            try:
                async with asyncio.timeout(GROUP_S):
                    await self._full.wait()
            except TimeoutError:
                pass
            try:
                await self._write_all()
                tries = 0
            except JournalError as error:
                self._degrade(error)
                await asyncio.sleep(choose_wait_s(tries, _RETRY.base_s, _RETRY, self.ports.rng))
                tries += 1

    async def _write_all(self) -> None:
        """Write what waits now; what comes meanwhile makes the next group. Raises `JournalError`."""
        await self._make_ready()
        left = len(self._books.pending)
        while left > 0 and (batch := self._books.next_batch()):
            await self._worker.run(partial(self._journal.append, batch))
            self._books.written(batch)
            left -= len(batch)
        if not self._books.pending:
            self._due.clear()
        if len(self._books.pending) < GROUP_ENTRIES:
            self._full.clear()
        if self._books.why is not None:
            _LOG.warning("ledger journal accepts writes again")
            self._books.why = None
        self._publish()

    async def _write_last(self) -> None:
        try:
            await self._write_all()
        except JournalError as error:
            self._degrade(error)
            _LOG.error("ledger stops with %d entries that the journal refused", len(self._books.pending))

    async def _make_ready(self) -> None:
        """Open the journal; before this process's first write, settle what earlier ones left. Raises `JournalError`."""
        if not self._books.settled:
            now_at = self.ports.wall.now()
            self._books.settle(await self._worker.run(partial(_settle, self._journal, self._books, now_at)))
            if self._books.crashed:
                _LOG.warning("ledger closed %d entries that an earlier run left open", self._books.crashed)
        elif not self._is_open:
            await self._worker.run(self._journal.open)
        self._is_open = True

    def _degrade(self, error: JournalError) -> None:
        if self._books.why is None:
            _LOG.error("ledger journal refuses, entries wait in memory: %s", error)
        self._books.why = str(error)
        self._books.failed_writes += 1
        self._publish()

    # ---- reading

    async def _read(self, message: ReadTotals | ReadEntries, reply: Reply) -> None:
        """Answer from the journal, once it has what waits; from memory when it refuses."""
        try:
            await self._write_all()
            reply.set(await self._worker.run(lambda: _read(self._journal, message)))
        except JournalError as error:
            self._degrade(error)
            self._due.set()
            reply.set(_read_pending(tuple(self._books.pending.values()), message))

    def _publish(self) -> CostView:
        view = self._books.view()
        self._published.publish(view)
        return view


def pricer(prices: Snapshot[PriceBook], wall: Wall) -> Callable[[Target, Usage | None], Decimal | None]:
    """What an exchange tells its caller that an answer cost, by the ledger's own book; None when nobody knows."""

    def cost_usd(target: Target, usage: Usage | None) -> Decimal | None:
        counted = usage if usage is not None and is_plausible(usage) else None
        return prices.value.cost(target, counted, wall.now()).usd

    return cost_usd


def _settle(journal: Journal, books: Books, now_at: float) -> tuple[ProviderTotal, ...]:
    """Blocking: open, close what is open as crashed, and sum up what earlier runs wrote."""
    journal.open()
    left = journal.unfinished()
    journal.append(
        tuple(
            replace(
                row,
                closed_at=now_at,
                end=End.CRASHED,
                reason=Reason.CRASHED,
                usage_source=UsageSource.NONE,
                cost_source=CostSource.UNCOUNTED,
            )
            for row in left
        )
    )
    # counted here, because on a slow disk nobody may be waiting any more; only this thread writes it
    books.crashed += len(left)
    return journal.totals()


def _read(journal: Journal, message: ReadTotals | ReadEntries) -> TotalsPage | EntriesPage:
    """Blocking: what the journal has."""
    if isinstance(message, ReadTotals):
        return TotalsPage(totals=journal.totals(message.since_at), complete=True)
    rows = journal.entries(min(message.limit, MOST_READ), message.provider, message.before)
    return EntriesPage(rows=rows, complete=True)


def _read_pending(rows: tuple[EntryRow, ...], message: ReadTotals | ReadEntries) -> TotalsPage | EntriesPage:
    """What waits in memory; it has no places yet, so there is only a first page of it."""
    if isinstance(message, ReadTotals):
        sums: dict[str, ProviderTotal] = {}
        for row in rows:
            if row.closed_at is not None and row.closed_at >= message.since_at:
                sums[row.provider] = sums.get(row.provider, ProviderTotal(provider=row.provider)).plus(total_of(row))
        return TotalsPage(totals=tuple(sums[name] for name in sorted(sums)), complete=False)
    fits = tuple(row for row in reversed(rows) if message.provider in (None, row.provider))
    return EntriesPage(rows=() if message.before is not None else fits[: min(message.limit, MOST_READ)], complete=False)
