"""Makes transcripts of what exchanges left to be written down, one after the other, in a thread of their own.

The words of a long prompt must hold up neither a request nor an entry."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from actors.books import Books
from actors.messages import ExchangeTranscribed
from router.store.journal import Worker
from router.telemetry.logs import Line

_LOG = logging.getLogger(__name__)


class Copyist:
    """The way from what was said to the words that are kept.

    Args:
        copied: called after each.
    """

    def __init__(self, *, books: Books, worker: Worker, copied: Callable[[], object]) -> None:
        self._books = books
        self._worker = worker
        self._copied = copied
        self._due = asyncio.Event()
        self._turn = asyncio.Lock()
        if books.spoken:
            self._due.set()

    def hear(self, fact: ExchangeTranscribed) -> None:
        """One more; said once when there is no room for it."""
        full = self._books.left_out > 0
        self._books.hear(fact)
        if self._books.left_out and not full:
            _LOG.error(Line.TRANSCRIPTS_LOST)
        self._due.set()

    async def copy_forever(self) -> None:
        """As they come."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self.copy_all()

    async def copy_all(self) -> None:
        """All that were told until now."""
        async with self._turn:
            while self._books.spoken:
                self._books.keep(await self._worker.run(self._books.next_spoken().write))
                self._copied()
