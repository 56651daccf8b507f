"""Records go to where they are kept in lots; one that does not fit holds up no other."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from actors.books import Books
from router.store.journal import JournalMisfit, Record
from router.telemetry.logs import Line

_LOG = logging.getLogger(__name__)


async def hand_over(
    records: tuple[Record, ...], keep: Callable[[tuple[Record, ...]], Awaitable[None]], books: Books
) -> None:
    """All together; where one does not fit, each by itself, and that one is lost. Raises `JournalError`, as `keep`
    does."""
    try:
        await keep(records)
        return
    except JournalMisfit as error:
        if len(records) == 1:
            books.lost += 1
            _LOG.error(Line.RECORD_LOST, extra={"told": {"why": str(error)}})
            return
    for record in records:
        await hand_over((record,), keep, books)
