"""The aiohttp transport where a body is packed, too long, or not what its head says."""

from __future__ import annotations

import gzip
import zlib

import pytest

from router.errors import Reason
from tests.fakes.caller import LIMIT_BYTES, fault_of, open_transport, post
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import (
    raw,
)
from tests.fakes.turn import Script

_HEAD = b"HTTP/1.1 200 OK\r\n"
_TEXT = b"data: " + b"na" * 1000 + b"\n\n"
_CODED = {
    "gzip": ("gzip", gzip.compress(_TEXT)),
    "gzip, two members": ("GZIP", gzip.compress(_TEXT[:7]) + gzip.compress(_TEXT[7:])),
    "deflate": ("deflate", zlib.compress(_TEXT)),
    "none, but named": ("identity", _TEXT),
}


@pytest.mark.parametrize(("coding", "body"), _CODED.values(), ids=_CODED)
def test_a_compression_nobody_asked_for_is_undone(coding: str, body: bytes) -> None:
    """And the headers that spoke of the packed body do not reach those who pass headers on."""
    head = _HEAD + f"Content-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(raw(head + chunks, then="keep")) as provider, open_transport() as transport:
            async with transport.send(post(provider.base_url)) as reply:
                assert await reply.read(LIMIT_BYTES) == _TEXT
            assert coding == "identity" or "content-encoding" not in reply.headers

    scene()


_UNREADABLE = {
    "a coding we do not have": raw(_HEAD + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx", then="keep"),
    "gzip that is none": raw(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain", then="keep"),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "a length that is none": raw(_HEAD + b"Content-Length: many\r\n\r\nx"),
}


@pytest.mark.parametrize("script", _UNREADABLE.values(), ids=_UNREADABLE)
@on_real_loops
async def test_an_answer_that_cannot_be_read_is_malformed(script: Script) -> None:
    """Not a cut: the provider said something, and it will say it again."""
    async with ScriptedProvider(script) as provider, open_transport() as transport:
        assert (await fault_of(transport, post(provider.base_url))).reason is Reason.MALFORMED


_BOMB = gzip.compress(bytes(64 << 20))
_LONG = {
    "plain": raw(_HEAD + b"Content-Length: 2000000\r\n\r\n" + bytes(2_000_000), then="keep"),
    "packed": raw(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB, then="keep"),
}


@pytest.mark.parametrize("script", _LONG.values(), ids=_LONG)
@on_real_loops
async def test_a_body_over_the_readers_limit_is_malformed(script: Script) -> None:
    """Counted after unpacking: 64 KiB can hold 64 MiB."""
    async with ScriptedProvider(script) as provider, open_transport() as transport:
        fault = await fault_of(transport, post(provider.base_url))
        assert fault.reason is Reason.MALFORMED
        assert fault.message.endswith("is longer than 1048576 bytes")


@on_real_loops
async def test_a_block_is_small_however_much_has_come() -> None:
    """Blocks wait for slow readers, dozens for each: a large one would hold what its reader never asked for."""
    body = b"x" * 600_000
    whole = raw(_HEAD + b"Content-Length: 600000\r\n\r\n" + body, then="keep")
    async with (
        ScriptedProvider(whole) as provider,
        open_transport() as transport,
        transport.send(post(provider.base_url)) as reply,
    ):
        sizes = [len(block) async for block in reply.blocks()]
    assert sum(sizes) == len(body)
    assert max(sizes) <= 16 * 1024
