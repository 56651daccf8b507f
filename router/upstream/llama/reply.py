"""Answers as the transport hands them out: one that a worker is still writing, and one that is whole already."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from router.errors import Reason, WireFault
from router.upstream.llama.answer import JSON_HEADERS, error_body
from router.upstream.llama.frames import Block, End, Head

_CAPACITY = 64
"""Frames between a worker and a reader who lags. Full, the pipe fills, and the worker waits: nothing grows."""

Part = Head | Block | End


class Inbox:
    """One answer's frames, from the task that reads the worker to the caller. One producer, one consumer."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()
        self._fault: WireFault | None = None
        self._left = False
        self._changed = asyncio.Event()

    async def put(self, part: Part) -> None:
        """Wait for room. What comes after the reader left is dropped."""
        while len(self._parts) >= _CAPACITY and not self._left:
            await self._change()
        if not self._left:
            self._parts.append(part)
            self._changed.set()

    async def get(self) -> Part:
        """The next frame. After the last one, raises the fault that ended them."""
        while not self._parts:
            if self._fault is not None:
                raise self._fault
            await self._change()
        self._changed.set()
        return self._parts.popleft()

    def fail(self, fault: WireFault) -> None:
        """No more frames will come; those that came are still read first."""
        self._fault = fault
        self._changed.set()

    def leave(self) -> None:
        """The reader is gone: let the producer go on."""
        self._left = True
        self._parts.clear()
        self._changed.set()

    async def _change(self) -> None:
        # Full and empty exclude each other, so only one side ever waits and one event serves both.
        self._changed.clear()
        await self._changed.wait()


class WorkerReply:
    """An answer that a worker is writing."""

    def __init__(self, head: Head, inbox: Inbox) -> None:
        self.status = head.status
        self.headers = dict(head.headers)
        self.complete = False
        self._inbox = inbox

    @property
    def is_over(self) -> bool:
        """As the Protocol says."""
        return self.complete

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `WireFault(CRASHED)` when the worker dies inside it."""
        while not self.complete:
            part = await self._inbox.get()
            if isinstance(part, Block):
                yield part.data
            self.complete = isinstance(part, End)

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body. Raises `WireFault(MALFORMED)` past `limit_bytes`."""
        body = bytearray()
        async for block in self.blocks():
            body += block
            if len(body) > limit_bytes:
                raise WireFault(Reason.MALFORMED, f"the answer exceeds {limit_bytes} bytes", status=self.status)
        return bytes(body)


class WholeReply:
    """An answer that the transport gives itself, without a worker."""

    def __init__(self, status: int, body: bytes, *, retry_after_s: float | None = None) -> None:
        self.status = status
        self.headers = dict(JSON_HEADERS)
        if retry_after_s is not None:
            self.headers["retry-after"] = str(max(1, round(retry_after_s)))
        self._body = body

    @property
    def is_over(self) -> bool:
        """As the Protocol says."""
        return True

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body, in one block."""
        yield self._body

    async def read(self, limit_bytes: int) -> bytes:
        """The body. Raises `WireFault(MALFORMED)` past `limit_bytes`."""
        if len(self._body) > limit_bytes:
            raise WireFault(Reason.MALFORMED, f"the answer exceeds {limit_bytes} bytes", status=self.status)
        return self._body


def refusal(
    status: int, message: str, *, code: str, param: str | None = None, retry_after_s: float | None = None
) -> WholeReply:
    """An OpenAI error, as a provider would have answered it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return WholeReply(status, error_body(message, kind=kind, code=code, param=param), retry_after_s=retry_after_s)
