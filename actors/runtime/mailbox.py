"""The first of Pykka's seams: the inbox. Bounded, never blocking, and the same one over all incarnations of a name."""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec import Struct

from actors.runtime.counters import Counters
from actors.runtime.reply import Reply

if TYPE_CHECKING:
    from actors.runtime.cell import Cell


class Overflow(StrEnum):
    """What a full mailbox does with a tell. An ask is always rejected."""

    REJECT = "reject"
    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"


class Envelope(Struct, eq=False):
    """A message on its way; `deadline_s` (monotonic) and `reply_to` only when somebody waits."""

    message: Any
    reply_to: Reply | None = None
    deadline_s: float = float("inf")

    @property
    def is_ask(self) -> bool:
        """Whether somebody waits for an answer."""
        return self.reply_to is not None

    def promise(self) -> Reply | None:
        """Where its answer goes; None for a tell."""
        return self.reply_to


class Prompt(Envelope, eq=False):
    """An ask that is handled in its asker's own turn. A way to answer it later is made only where one is wanted."""

    @property
    def is_ask(self) -> bool:
        """Always."""
        return True

    def promise(self) -> Reply:
        """The reply that its asker will wait for after all."""
        if self.reply_to is None:
            self.reply_to = Reply()
        return self.reply_to


class Mailbox:
    """User messages only: stop, kill and down never queue behind them.

    `open`: tells are kept. `live`: an incarnation runs, so asks are let in too. `resting`: the cell that takes a
    message past the mailbox, in its sender's turn; None while one is in hand, something waits, or its actor is not
    prompt.
    """

    __slots__ = ("capacity", "counters", "live", "open", "overflow", "queue", "resting", "waiter")

    def __init__(self, counters: Counters | None = None) -> None:
        self.queue: deque[Envelope] = deque()
        self.capacity = 0
        self.overflow = Overflow.REJECT
        self.counters = counters or Counters()
        self.waiter: asyncio.Future[None] | None = None
        self.resting: Cell | None = None
        self.open = False
        self.live = False

    def put(self, envelope: Envelope, /) -> bool:
        """Take a message in; False when it was not. Never blocks."""
        if len(self.queue) >= self.capacity and not self._make_room(envelope):
            return False
        self.queue.append(envelope)
        if self.waiter is not None:
            self.wake()
        return True

    def put_own(self, message: Any) -> None:
        """A note of the reader to itself: behind what waits already, and never refused."""
        self.queue.append(Envelope(message))
        self.wake()

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self.queue

    def get(self) -> NoReturn:
        """Never: it would block the loop that must bring the message."""
        raise RuntimeError("inbox.get() blocks the event loop")

    def wait(self, loop: asyncio.AbstractEventLoop, resting: Cell | None = None) -> asyncio.Future[None]:
        """What the one reader awaits when nothing waits for it."""
        self.waiter = loop.create_future()
        self.resting = resting
        return self.waiter

    def wake(self) -> None:
        """The reader is to look: a message is in the queue, or something other came."""
        waiter = self.waiter
        if waiter is not None:
            self.waiter = self.resting = None
            if not waiter.done():
                waiter.set_result(None)

    def take_asks(self) -> list[Envelope]:
        """Take the asks out, oldest first; the tells stay for the next incarnation."""
        asks = [envelope for envelope in self.queue if envelope.reply_to is not None]
        tells = [envelope for envelope in self.queue if envelope.reply_to is None]
        self.queue.clear()
        self.queue.extend(tells)
        return asks

    def retire(self) -> None:
        """There will be no next incarnation: count what is left as undelivered."""
        self.open = self.live = False
        self.counters.undelivered += len(self.queue)
        self.queue.clear()

    def _make_room(self, envelope: Envelope) -> bool:
        if envelope.reply_to is not None or self.overflow is Overflow.REJECT:
            self.counters.rejected += 1
            return False
        self.counters.dropped += 1
        if self.overflow is Overflow.DROP_OLDEST:
            for place, queued in enumerate(self.queue):
                if queued.reply_to is None:
                    del self.queue[place]
                    return True
        return False
