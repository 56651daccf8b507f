"""One exchange that several read: each of its own accord, from the beginning, and the exchange is one.

Nobody is in between. The reader who has come to the end of what is known fetches the next piece, and the others wait
for it; so the provider feels the fastest reader, and a reader who goes takes nothing from the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from actors.messages import Answered, Flow, Opened, Piece, Whole
from actors.runtime import ChannelClosed, ChannelTimeout
from router.errors import GatewayError, Reason, Refused, UpstreamFailed

PIECE_BYTES = 512
"""What a piece costs beside what it says. Rounded up."""

AHEAD = 4
"""How far the fastest reader may be ahead of the slowest once nothing is kept for those to come."""

_ENCODER = msgspec.json.Encoder()


class Shared:
    """What one exchange has said so far, and who reads it.

    `keeps` says whether everything is still there from the beginning, so that one more reader can come; `size_bytes`
    what that takes, the request included; `ended` that nothing more will come.

    Args:
        changed: told when it grew, ended, or lost its last reader.
    """

    def __init__(self, opened: Opened, changed: Callable[[Shared], None]) -> None:
        self.opened = opened
        self.keeps = True
        self.ended = False
        self.size_bytes = sum(len(bytes(value)) for value in opened.ask.fields.values())
        self._changed = changed
        self._pieces: list[Piece] = []
        self._dropped = 0
        self._error: GatewayError | None = None
        self._readers: dict[Reader, None] = {}
        self._fetching = False
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def lasts(self) -> bool:
        """Whether what it said is worth saying again: it is a whole answer, or a provider broke it off when some of it
        had been told."""
        if not (self.ended and self.keeps):
            return False
        if self._error is None:
            return bool(self._pieces) and isinstance(self._pieces[-1], Answered)
        return isinstance(self._error, UpstreamFailed) and any(isinstance(piece, Flow) for piece in self._pieces)

    def read(self, how: str | None) -> Opened:
        """One more reader, from the beginning.

        Args:
            how: in what way it is not the first, in a word.
        """
        reader = Reader(self)
        self._readers[reader] = None
        first = self.opened
        return Opened(job=None, outbox=reader, config=first.config, ask=first.ask, how=how, gone=reader.abandon)

    def let_go(self) -> None:
        """Keep nothing more than who reads it now still has to read."""
        self.keeps = False
        self._trim()

    def left(self, reader: Reader) -> None:
        """A reader goes. With the last one the exchange ends, unless it has: then all it said is kept."""
        if reader not in self._readers:
            return
        del self._readers[reader]
        if self._readers:
            self._trim()
            self._wake()
        elif not self.ended:
            for piece in self.opened.rest():
                self._add(piece)
            self.opened.leave()
            self._end(None)
            self._changed(self)

    def rest(self, reader: Reader) -> tuple[Piece, ...]:
        """What this reader has still to read of what was said."""
        if not self.ended:
            for piece in self.opened.rest():
                self._add(piece)
            self._wake()
        return tuple(self._pieces[reader.place - self._dropped :])

    async def piece(self, reader: Reader, timeout_s: float | None) -> Piece:
        """What comes next for this reader. Raises as `Channel.get`."""
        loop = asyncio.get_running_loop()
        until_s = None if timeout_s is None else loop.time() + timeout_s
        while reader.place >= self._dropped + len(self._pieces):
            if reader.gone:
                raise Refused("the caller left", reason=Reason.CLIENT_GONE)
            if self.ended:
                raise ChannelClosed if self._error is None else again(self._error)
            left_s = None if until_s is None else max(0.0, until_s - loop.time())
            if self._fetching or self._is_ahead:
                await self._woken(left_s)
            else:
                await self._fetch(left_s)
        piece = self._pieces[reader.place - self._dropped]
        reader.place += 1
        if not self.keeps:
            self._trim()
            self._wake()
        return piece

    def is_ready(self, reader: Reader) -> bool:
        """Whether something was said that this reader has not read, or nothing more will come for it."""
        return reader.place < self._dropped + len(self._pieces) or reader.gone or self.ended

    @property
    def _is_ahead(self) -> bool:
        """Whether the slowest reader must read on first: what is kept is bounded by that."""
        return not self.keeps and len(self._pieces) >= AHEAD

    async def _fetch(self, timeout_s: float | None) -> None:
        self._fetching = True
        try:
            self._add(await self.opened.outbox.get(timeout_s=timeout_s))
        except GatewayError as error:
            self._end(error)
        except ChannelClosed:
            self._end(None)
        finally:
            self._fetching = False
            self._wake()
        self._changed(self)

    def _add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        if self.keeps:
            self.size_bytes += size_of(piece)
        if isinstance(piece, Answered):
            self._end(None)

    def _end(self, error: GatewayError | None) -> None:
        if not self.ended:
            self.ended, self._error = True, error
            # What is told again holds no more of the exchange than its words.
            self.opened = replace(self.opened, job=None)

    def _trim(self) -> None:
        """Drop what no reader is still to read, where nobody else is to come."""
        if self.keeps:
            return
        least = min((reader.place for reader in self._readers), default=self._dropped)
        del self._pieces[: least - self._dropped]
        self._dropped = least
        self.size_bytes = 0

    async def _woken(self, timeout_s: float | None) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            raise ChannelTimeout from None
        finally:
            self._waiting.remove(waiter)

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)


class Reader:
    """One reader's own place in it; reads like a channel."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.place = 0
        self.gone = False

    async def get(self, *, timeout_s: float | None = None) -> Piece:
        """The next piece. Raises as `Channel.get`."""
        return await self._shared.piece(self, timeout_s)

    @property
    def is_ready(self) -> bool:
        """Whether `get` would not wait."""
        return self._shared.is_ready(self)

    def leave(self) -> None:
        """Read no more."""
        self._shared.left(self)

    def rest(self) -> tuple[Piece, ...]:
        """What was said and not yet read, at once."""
        return self._shared.rest(self)

    def abandon(self) -> None:
        """The caller is gone, and its reader is not told yet."""
        self.gone = True
        self._shared.left(self)


def again(error: GatewayError) -> GatewayError:
    """The same error for one more reader: whoever tells it may add words, and a traceback is each reader's own."""
    copy = error.__class__.__new__(error.__class__, *error.args)
    copy.__dict__.update(error.__dict__)
    return copy


def size_of(piece: Piece) -> int:
    """Bytes that a piece takes, about."""
    match piece:
        case Flow():
            return PIECE_BYTES + (2 * len(piece.raw) if piece.raw else len(_ENCODER.encode(piece.events)))
        case Whole():
            return PIECE_BYTES + len(piece.raw) + len(_ENCODER.encode(piece.reply))
    return PIECE_BYTES
