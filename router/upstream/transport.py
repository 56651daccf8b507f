"""The seam between an attempt and the world. Its fake, `memory.MemoryTransport`, ships with the product."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct


class UpstreamRequest(Struct, frozen=True, kw_only=True):
    """What goes out. `url` is absolute; `headers` carry the credentials already."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connect_s: float


class UpstreamReply(Protocol):
    """What comes back: the head at once, the body as it arrives.

    Leaving the `async with` block that gave it closes the connection unless the body was read to its end.
    """

    status: int
    headers: dict[str, str]
    """Lower-case names; of a repeated header the last value."""

    @property
    def is_over(self) -> bool:
        """Whether the body has come to its end, and was read to it, as far as that is known without waiting for it."""
        ...

    def blocks(self) -> AsyncIterator[bytes]:
        """The body as it comes, never empty pieces. Raises `WireFault(CUT_STREAM)` when the connection dies inside
        it."""
        ...

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body. Raises `WireFault(MALFORMED)` past `limit_bytes`, `WireFault(CUT_STREAM)` if it is cut."""
        ...


class Transport(Protocol):
    """Carries requests to one provider. Retries nothing, but once, unseen, on a reused connection that died before any
    byte.

    Nothing but the caller bounds waiting, save `connect_s`: the attempt owns the clocks and cancels.
    """

    async def start(self) -> None:
        """Take what is needed (sessions, processes). Raises when it cannot serve; the supervisor reports and
        retries."""
        ...

    def send(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamReply]:
        """Send and wait for the head of the answer.

        Raises:
            WireFault: `CONNECT` or `CONNECT_TIMEOUT` when no connection came about, `CUT_STREAM` when it died before
                the head, `CRASHED` when a worker process behind it died.
        """
        ...

    async def stop(self) -> None:
        """Give everything back. Safe to call twice."""
        ...
