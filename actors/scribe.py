"""Writes what waits in the books to the journal, in groups; whatever the disk does, nothing that waits is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from actors.books import GROUP_RECORDS, Books
from actors.handover import hand_over
from actors.runtime import Ports
from actors.vault import Vault
from router.policy.backoff import Backoff, choose_wait_s
from router.store.journal import JournalError, Record
from router.telemetry.logs import Line

GROUP_S = 0.05
"""A group commit waits this long for more records after the first, or until it has `GROUP_RECORDS`."""

_RETRY = Backoff(base_s=0.2, cap_s=5.0)

_LOG = logging.getLogger(__name__)


class Scribe:
    """The way from memory to the disk.

    Args:
        written: called whenever the journal has taken or refused something.
    """

    def __init__(self, *, books: Books, vault: Vault, ports: Ports, written: Callable[[], object]) -> None:
        self._books = books
        self._journal = vault.journal
        self._worker = vault.journal_worker
        self._ports = ports
        self._written = written
        self._due = asyncio.Event()
        self._full = asyncio.Event()
        self._is_due = bool(books.pending)
        if self._is_due:
            self._due.set()

    def wake(self) -> None:
        """Something waits."""
        if not self._is_due:  # most facts of a group are not its first
            self._is_due = True
            self._due.set()
        if len(self._books.pending) >= GROUP_RECORDS:
            self._full.set()

    async def write_forever(self) -> None:
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
                await self.write_all()
                tries = 0
            except JournalError as error:
                self.refused(error)
                await asyncio.sleep(choose_wait_s(tries, _RETRY.base_s, _RETRY, self._ports.rng))
                tries += 1

    async def write_all(self) -> None:
        """Write what waits now; what comes meanwhile makes the next group. Raises `JournalError`."""
        await self.open()
        left = len(self._books.pending)
        while left > 0 and (batch := self._books.next_batch()):
            await hand_over(batch, self._append, self._books)
            self._books.written(batch)
            left -= len(batch)
        if not self._books.pending:
            self._is_due = False
            self._due.clear()
        if len(self._books.pending) < GROUP_RECORDS:
            self._full.clear()
        if self._books.why is not None:
            _LOG.warning(Line.JOURNAL_ACCEPTS)
            self._books.why = None
        self._written()

    async def _append(self, records: tuple[Record, ...]) -> None:
        await self._worker.run(partial(self._journal.append, records))

    async def open(self) -> None:
        """Make the journal ready, and learn from it who we are. Raises `JournalError`."""
        head = await self._worker.run(self._journal.open)
        if self._books.opened(head) and head.torn_bytes:
            _LOG.warning(Line.JOURNAL_TORN, extra={"told": {"cut_bytes": head.torn_bytes}})

    def refused(self, error: JournalError) -> None:
        """Say so once; what waits goes on waiting."""
        if self._books.why is None:
            _LOG.error(Line.JOURNAL_REFUSES, extra={"told": {"why": str(error)}})
        self._books.why = str(error)
        self._books.failed_writes += 1
        self._is_due = True
        self._due.set()
        self._written()
