"""A transport that fails on purpose: all above it is the real thing, and so is what it wraps.

A fault at `connect` or `head` with a status or a hang sends nothing, so that a drill costs nothing there. A fault at a
frame sends the request, and the provider's true answer goes as far as the fault lets it.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from router.canon.drill import Drill, Mishap, Place
from router.errors import Reason, WireFault
from router.upstream.blocks import Blocks, read_whole
from router.upstream.transport import Transport, UpstreamReply, UpstreamRequest


class Piece(Protocol):
    """One event of a stream, as it came."""

    @property
    def raw(self) -> bytes: ...
    @property
    def is_comment(self) -> bool: ...


class Splits(Protocol):
    """Cuts a body into events."""

    def feed(self, block: bytes) -> Sequence[Piece]:
        """The events that these bytes complete."""
        ...

    def end(self) -> Sequence[Piece]:
        """The bytes are over: what was left."""
        ...


class FaultyTransport:
    """Carries one attempt's request, and lets `drill` happen to it.

    Args:
        inner: what really carries it. It is not started or stopped from here.
        split: a fresh splitter of the answer's events; None takes the whole body as one.
        fired: called when the fault has happened.
    """

    def __init__(
        self, inner: Transport, drill: Drill, split: Callable[[], Splits] | None, fired: Callable[[], None]
    ) -> None:
        self._inner = inner
        self._drill = drill
        self._split = split or Entire
        self._fired = fired

    async def start(self) -> None:
        """Nothing: whoever owns the inner one starts it."""

    async def stop(self) -> None:
        """Nothing, likewise."""

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamReply]:
        """As the Protocol says, and the fault in its place."""
        drill = self._drill
        if drill.place is Place.FRAME:
            async with self._inner.send(request) as reply:
                yield FaultyReply(reply, drill, self._split(), self._fired)
            return
        self._fired()
        if drill.mishap is Mishap.STATUS:
            yield made_reply(drill)
            return
        await self._fail(request.connect_s)
        async with self._inner.send(request) as reply:
            yield reply

    async def _fail(self, connect_s: float) -> None:
        """Fail before the head, or only be late."""
        drill = self._drill
        if drill.mishap is Mishap.DELAY:
            await asyncio.sleep(drill.delay_s)
        elif drill.mishap is Mishap.REFUSE:
            raise WireFault(Reason.CONNECT, said(drill))
        elif drill.mishap is Mishap.CUT:
            raise WireFault(Reason.CUT_STREAM, said(drill))
        elif drill.place is Place.CONNECT:
            await asyncio.sleep(connect_s)
            raise WireFault(Reason.CONNECT_TIMEOUT, said(drill))
        else:
            await asyncio.get_running_loop().create_future()


class Whole:
    """An answer that is all there."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._left = [body]

    @property
    def is_over(self) -> bool:
        """As the Protocol says."""
        return not self._left

    def blocks(self) -> Blocks:
        """The body, once."""
        return Blocks(self._take)

    async def read(self, limit_bytes: int) -> bytes:
        """The body."""
        return await read_whole(self.blocks(), limit_bytes, self.status)

    async def _take(self) -> bytes:
        return self._left.pop() if self._left else b""


class FaultyReply:
    """A provider's answer, event by event, up to the one that is hit."""

    def __init__(self, inner: UpstreamReply, drill: Drill, split: Splits, fired: Callable[[], None]) -> None:
        self.status = inner.status
        self.headers = inner.headers
        self._blocks = inner.blocks()
        self._drill = drill
        self._split = split
        self._fired = fired
        self._ready: deque[Piece] = deque()
        self._ended = False
        self._number = 0

    @property
    def is_over(self) -> bool:
        """As the Protocol says."""
        return self._ended and not self._ready

    def blocks(self) -> Blocks:
        """The body as it is left, an event a block."""
        return Blocks(self._take)

    async def read(self, limit_bytes: int) -> bytes:
        """All of it. Raises what the fault raises."""
        return await read_whole(self.blocks(), limit_bytes, self.status)

    async def _take(self) -> bytes:
        # The last event is known only when nothing follows it.
        held = 0 if self._drill.frame else 1
        while len(self._ready) <= held and not self._ended:
            await self._fill()
        return await self._passed(self._ready.popleft()) if self._ready else b""

    async def _fill(self) -> None:
        try:
            block = await anext(self._blocks)
        except StopAsyncIteration:
            self._ready.extend(self._split.end())
            self._ended = True
            return
        self._ready.extend(self._split.feed(block))

    async def _passed(self, piece: Piece) -> bytes:
        """What becomes of one event. A comment is none."""
        if piece.is_comment:
            return piece.raw
        self._number += 1
        is_last = self._ended and not self._ready
        if self._number != self._drill.frame if self._drill.frame else not is_last:
            return piece.raw
        self._fired()
        match self._drill.mishap:
            case Mishap.CUT:
                raise WireFault(Reason.CUT_STREAM, said(self._drill))
            case Mishap.DELAY:
                await asyncio.sleep(self._drill.delay_s)
                return piece.raw
            case Mishap.MALFORMED:
                return spoiled(piece.raw)
            case _:
                await asyncio.get_running_loop().create_future()
                raise AssertionError("nobody ends this wait but who cancels it")


class Entire:
    """A body that is one event: all of it."""

    is_comment = False

    def __init__(self) -> None:
        self.raw = b""

    def feed(self, block: bytes) -> Sequence[Piece]:
        """Kept."""
        self.raw += block
        return ()

    def end(self) -> Sequence[Piece]:
        """All that came."""
        return (self,)


def said(drill: Drill) -> str:
    """What a caller reads of it: nobody may take it for a provider's word."""
    return f"the fault {drill.text!r} was injected here on request"


def made_reply(drill: Drill) -> Whole:
    """An error answer that no provider gave."""
    headers = {"content-type": "application/json"}
    if drill.retry_after_s is not None:
        headers["retry-after"] = f"{drill.retry_after_s:g}"
    body = json.dumps({"error": {"message": said(drill), "type": "injected", "code": None}}).encode()
    return Whole(drill.status, headers, body)


def spoiled(raw: bytes) -> bytes:
    """An event of the same length and frame that cannot be read: its last byte that is no white space is another."""
    body = raw.rstrip()
    return body[:-1] + b"\x15" + raw[len(body) :] if body else raw
