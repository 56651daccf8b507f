"""What a connection does with answers, over raw sockets: how each ends, and what may follow it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import ASKED, Served, routed, served

_PING = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def _asked(version: str, *, stream: bool, headers: str = "") -> bytes:
    body = json.dumps({"model": "chat", "messages": list(ASKED), "stream": stream})
    head = (
        f"POST /v1/chat/completions HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return (head + body).encode()


async def _said(router: Served, sent: bytes) -> bytes:
    """All that the router says to these bytes, until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]))
    writer.write(sent)
    async with asyncio.timeout(5):
        said = await reader.read()
    writer.close()
    return said


_FORMS = {
    "1.1": ("1.1", "", True),
    "1.1 that closes": ("1.1", "Connection: close\r\n", False),
    "1.0": ("1.0", "", False),
    "1.0 that stays": ("1.0", "Connection: keep-alive\r\n", True),
}


@pytest.mark.parametrize("form", _FORMS)
@on_real_loops
async def test_an_answer_ends_as_its_callers_version_can_see(form: str, tmp_path: Path) -> None:
    """By its length, its last chunk or the connection's end; a connection stays open only where the first two tell it,
    and then another request may be on its way already."""
    version, headers, stays = _FORMS[form]
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        behind = _PING if stays else b""
        whole = await _said(router, _asked(version, stream=False, headers=headers) + behind)
        streamed = await _said(router, _asked(version, stream=True, headers=headers) + behind)
    assert whole.count(b'alive"}') == stays and whole.lower().count(b"content-length: ") == 1 + stays
    assert (b"connection: keep-alive" in whole.lower()) is (form == "1.0 that stays")
    head, _, body = streamed.partition(b"\r\n\r\n")
    assert streamed.count(b"data: [DONE]\n\n") == 1
    assert (b"transfer-encoding: chunked" in head.lower()) is (version == "1.1")
    assert b"content-length" not in head.lower()
    if version == "1.1":
        ended, _, rest = body.partition(b"\r\n0\r\n\r\n")
        assert ended.endswith(b"data: [DONE]\n\n") and (b"alive" in rest) is stays
        assert (b"connection: close" in head.lower()) is not stays
    else:
        assert body.endswith(b"data: [DONE]\n\n") and b"alive" not in body


@on_real_loops
async def test_a_head_alone_has_no_body(tmp_path: Path) -> None:
    """The length is that of what a GET would be told."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        told, asked = await _said(router, _PING), await _said(router, _PING.replace(b"GET", b"HEAD"))
    assert asked.startswith(b"HTTP/1.1 200") and b"server: pointsman" in asked.lower()
    assert asked.endswith(b"\r\n\r\n") and asked.count(b"\r\n\r\n") == 1
    assert b"content-length: %d\r\n" % len(told.partition(b"\r\n\r\n")[2]) in asked.lower()


@on_real_loops
async def test_a_body_that_nobody_wanted_is_read_past(tmp_path: Path) -> None:
    """What is sent after an early answer belongs to the request before; the next one is found behind it."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]))
        writer.write(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" + b"G" * 30000)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 404")
        writer.write(b"G" * 1970000 + _PING)
        async with asyncio.timeout(5):
            rest = await reader.read()
        writer.close()
    assert rest.count(b"HTTP/1.1 200") == 1 and rest.endswith(b'alive"}')
