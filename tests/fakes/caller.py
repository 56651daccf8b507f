"""A caller of an HTTP transport: the request it sends, and what it makes of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from router.errors import WireFault
from router.upstream.http import HttpOptions, HttpTransport
from router.upstream.transport import Transport, UpstreamRequest

SECRET = "sk-very-secret"
"""In the headers and in the address of every request: no fault may repeat it."""
LIMIT_BYTES = 1 << 20


def post(base_url: str, body: bytes = b'{"model":"m"}', *, connect_s: float = 5.0) -> UpstreamRequest:
    """A chat request."""
    headers = (("Authorization", f"Bearer {SECRET}"), ("Content-Type", "application/json"))
    url = f"{base_url}/chat/completions?key={SECRET}"
    return UpstreamRequest(method="POST", url=url, headers=headers, body=body, connect_s=connect_s)


@asynccontextmanager
async def open_transport(options: HttpOptions | None = None) -> AsyncIterator[Transport]:
    """A started HTTP transport, stopped at the end."""
    transport = HttpTransport(options)
    await transport.start()
    try:
        yield transport
    finally:
        await transport.stop()


async def whole_of(transport: Transport, request: UpstreamRequest) -> bytes:
    """The body of the answer to `request`."""
    async with transport.send(request) as reply:
        return await reply.read(LIMIT_BYTES)


async def fault_of(transport: Transport, request: UpstreamRequest) -> WireFault:
    """The fault that sending `request` and reading the answer to its end raises."""
    with pytest.raises(WireFault) as caught:
        await whole_of(transport, request)
    assert SECRET not in str(caught.value)
    return caught.value
