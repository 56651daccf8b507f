"""The Ledger actor: what every attempt used and cost, kept where a crash cannot reach it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import assert_never

from msgspec.structs import replace

from actors.accesses import Accesses
from actors.books import Books, opening_of, repeated_of
from actors.carrier import Carrier
from actors.copyist import Copyist
from actors.lookup import MOST_READ, Read, from_records, from_store
from actors.messages import (
    AdminActed,
    AnswerRepeated,
    CostView,
    EntryClosed,
    EntryOpened,
    EraseUser,
    ExchangeTranscribed,
    ReadAudit,
    ReadCosts,
    ReadEntries,
    ReadSpend,
    ReadTotals,
    ReadTranscripts,
    UserErased,
)
from actors.retention import Retention
from actors.runtime import Actor, Crashed, Exit, Job, Overflow, Reply, Snapshot, Wall
from actors.scribe import Scribe
from actors.vault import Vault
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.price import PriceBook, is_plausible
from router.store.journal import (
    JournalError,
    JournalUnusable,
    Record,
    total_of,
)
from router.telemetry.logs import Line

OPEN_S = 2.0
"""How long a start waits for journal and store; a disk that hangs must not keep a router from answering."""

CARRY_LAST_S = 3.0
"""How long a stop waits for the store to take what the journal has; the next start carries the rest."""

COPY_LAST_S = 2.0
"""How long a stop makes transcripts of what was still said."""

_LAST_TRY_S = 0.2

_LOG = logging.getLogger(__name__)

Fact = EntryOpened | EntryClosed | AnswerRepeated | AdminActed | ExchangeTranscribed
LedgerMessage = Fact | ReadCosts | Read
LedgerAnswer = CostView | Reply | None


class Ledger(Actor):
    """Prices what ended and writes it in groups, off the loop: to the journal first, and from there to the store.

    Accepts the facts `EntryOpened`, `EntryClosed`, `AnswerRepeated`, `ExchangeTranscribed` and `AdminActed`;
    `ReadCosts` -> `CostView`, `ReadTotals` -> `TotalsPage`, `ReadSpend` -> `SpendPage`, `ReadEntries` ->
    `EntriesPage`, `ReadTranscripts` -> `TranscriptsPage`, `ReadAudit` -> `AuditPage`, `EraseUser` -> `UserErased |
    AccountBusy`.
    Its sums, and by target what it learned of the size of tokens, are read off the `books`.

    While the journal refuses, records wait in memory and are tried again; while the store does, they stay in the
    journal, however long. The view says `degraded`. A place that cannot be used at all (damaged, of a newer version)
    fails the first start, and only that one.

    A restart loses the message in hand, nothing else: what is not yet written, and this run's sums, are in `books`,
    which the tree keeps; a batch that was being written is written again without effect. The end of the process loses
    what was told in the last `scribe.GROUP_S` before a kill; what that left open is closed as crashed by the next
    start. A mailbox of 65536 facts refuses more, and the runtime counts them: it is full only if the loop itself hardly
    runs.
    """

    mailbox_capacity = 65_536
    overflow = Overflow.REJECT

    def __init__(
        self,
        *,
        vault: Vault,
        books: Books,
        prices: Snapshot[PriceBook],
        accesses: Accesses,
    ) -> None:
        super().__init__()
        self._accesses = accesses
        self._vault = vault
        self._books = books
        self._prices = prices
        self._jobs: tuple[Job, ...] = ()

    async def on_start(self) -> None:
        """Open journal and store, settle what an earlier run left open, and begin to write and to carry."""
        books, vault, ports = self._books, self._vault, self.ports
        self._retention = Retention(vault=vault, ports=ports, keep=self._keep)
        self._carrier = Carrier(books=books, vault=vault, ports=ports, tidied=self._retention.tidy)
        self._scribe = Scribe(books=books, vault=vault, ports=ports, written=self._carrier.wake)
        self._copyist = Copyist(books=books, worker=vault.words_worker, copied=self._scribe.wake)
        await self._open("journal", self._scribe.open, self._scribe.refused)
        await self._open("store", self._carrier.settle, self._carrier.refused)
        self._jobs = (
            self.tasks.start(self._scribe.write_forever(), name="write"),
            self.tasks.start(self._carrier.carry_forever(), name="carry"),
            self.tasks.start(self._copyist.copy_forever(), name="copy"),
            self.tasks.start(self._sum_forever(), name="sum"),
        )
        for job in self._jobs:
            self.link(job)

    def on_receive(self, message: LedgerMessage) -> LedgerAnswer:
        """Note facts; read beside the mailbox."""
        match message:
            case EntryOpened() | EntryClosed() | AnswerRepeated() | AdminActed() | ExchangeTranscribed():
                self._note(message)
            case ReadCosts():
                return self._books.view()
            case ReadTotals() | ReadSpend() | ReadEntries() | ReadTranscripts() | ReadAudit() | EraseUser():
                reply = self.defer_reply()
                self.tasks.start(self._answer(message, reply), name="read")
                return reply
            case _:
                assert_never(message)
        return None

    async def on_stop(self, reason: Exit) -> None:
        """Write what is here, with one more try, and carry what can be. After a crash the next incarnation does."""
        if isinstance(reason, Crashed):
            return
        self._take_rest()
        self._note_accesses()
        for job in self._jobs:
            job.stop()
            await job.wait()
        await self._write_last()
        await self._copy_last()
        await self._carry_last()
        vault = self._vault
        await vault.journal_worker.run(vault.journal.close)
        for worker in (vault.journal_worker, vault.store_worker, vault.words_worker):
            worker.stop()

    # ---- facts

    def _note(self, fact: Fact) -> None:
        books, lost = self._books, self._books.lost
        match fact:
            case EntryOpened():
                books.add(opening_of(fact, self._writer))
            case EntryClosed():
                books.count(total_of(books.close(fact, self._prices.value)))
                books.learn(fact)
            case AnswerRepeated():
                row = repeated_of(fact, self._writer)
                books.count(total_of(row))
                books.add(row)
            case AdminActed():
                books.act(fact)
            case ExchangeTranscribed():
                self._copyist.hear(fact)
            case _:
                assert_never(fact)
        if books.lost > lost == 0:
            _LOG.error(Line.ENTRIES_LOST)
        self._scribe.wake()

    @property
    def _writer(self) -> str:
        """Who we are, once the journal says so."""
        return self._books.head.writer if self._books.head else ""

    def _take_rest(self) -> None:
        """Facts that were told before the stop: stops overtake messages, and what was used must be paid for."""
        queue = self.ref.mailbox.queue
        while queue:
            fact = queue.popleft().message
            if isinstance(fact, Fact):
                self._note(fact)

    async def _sum_forever(self) -> None:
        while True:
            await asyncio.sleep(self._accesses.sum_s())
            self._note_accesses()

    def _note_accesses(self) -> None:
        for fact in self._accesses.take():
            self._note(fact)

    # ---- writing

    async def _open(
        self, which: str, ready: Callable[[], Awaitable[None]], refused: Callable[[JournalError], None]
    ) -> None:
        """Wait for a place, within bounds; one that is no use at all is an error of the first start."""
        try:
            async with asyncio.timeout(OPEN_S):
                await ready()
        except JournalUnusable as error:
            if self.ref.incarnation == 1:
                raise
            refused(error)
        except JournalError as error:
            refused(error)
        except TimeoutError:
            refused(JournalError(f"the {which} did not open within {OPEN_S} s"))

    async def _write_last(self) -> None:
        try:
            await self._scribe.write_all()
            return
        except JournalError:
            await asyncio.sleep(_LAST_TRY_S)
        try:
            await self._scribe.write_all()
        except JournalError as error:
            self._scribe.refused(error)
            _LOG.error(Line.LEDGER_STOPPED_SHORT, extra={"told": {"records": len(self._books.pending)}})

    async def _copy_last(self) -> None:
        """Words come after the entries, and not all of them if they take too long."""
        if not self._books.spoken:
            return
        try:
            async with asyncio.timeout(COPY_LAST_S):
                await self._copyist.copy_all()
        except TimeoutError:
            _LOG.error(Line.TRANSCRIPTS_LOST)
        await self._write_last()

    async def _carry_last(self) -> None:
        """The store is closed only when it answers: a thread that hangs in it is left to the end of the process."""
        try:
            async with asyncio.timeout(CARRY_LAST_S):
                await self._carrier.carry_all()
                await self._vault.store_worker.run(self._vault.store.close)
        except JournalError as error:
            self._carrier.refused(error)
        except TimeoutError:
            self._carrier.refused(JournalError(f"the store did not take everything within {CARRY_LAST_S} s"))

    # ---- reading

    async def _answer(self, message: Read, reply: Reply) -> None:
        """Answer from the store, once it has what waits; when it refuses, from what it does not have yet."""
        await self._copyist.copy_all()
        try:
            await self._scribe.write_all()
        except JournalError as error:
            self._scribe.refused(error)
        try:
            await self._carrier.carry_all()
            answer = await self._vault.store_worker.run(
                partial(from_store, self._vault.store, message, self.ports.wall.now())
            )
        except JournalError as error:
            self._carrier.refused(error)
            reply.set(from_records(await self._uncarried(), message, str(error)))
            return
        if isinstance(message, EraseUser):
            self._note(_erasure(message.actor, self.ports.wall.now()))  # first: what is done is told whatever follows
            await self._sweep()
        elif self._books.pending and not isinstance(answer, UserErased):
            # the journal refuses: what waits for it is not in the store either
            answer = replace(answer, complete=False)
        reply.set(answer)

    async def _keep(self, fact: AdminActed) -> None:
        """Have an act in the store. Raises `JournalError`."""
        self._note(fact)
        await self._scribe.write_all()
        await self._carrier.carry_all()

    async def _sweep(self) -> None:
        """What was erased is left neither in the journal nor beside the store's tables; what refuses does so later."""
        try:
            await self._retention.sweep()
        except JournalError as error:
            self._carrier.refused(error)
        try:
            await self._vault.journal_worker.run(self._vault.journal.renew)
        except JournalError as error:
            self._scribe.refused(error)

    async def _uncarried(self) -> tuple[Record, ...]:
        """What the store does not have: in the journal, and in memory."""
        try:
            backlog = await self._vault.journal_worker.run(partial(self._vault.journal.backlog, MOST_READ))
        except JournalError:
            return tuple(self._books.pending.values())
        return backlog.records + tuple(self._books.pending.values())


def pricer(prices: Snapshot[PriceBook], wall: Wall) -> Callable[[Target, Usage | None], Decimal | None]:
    """What an exchange tells its caller that an answer cost, by the ledger's own book; None when nobody knows."""

    def cost_usd(target: Target, usage: Usage | None) -> Decimal | None:
        counted = usage if usage is not None and is_plausible(usage) else None
        return prices.value.cost(target, counted, wall.now()).usd

    return cost_usd


def _erasure(by: str, at: float) -> AdminActed:
    """The act that an erasure is: it does not name whom it is to forget."""
    return AdminActed(by=by, act="user.erased", subject="an end user", outcome="taken", at=at)
