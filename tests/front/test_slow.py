"""Callers who take their time, over raw sockets: none holds a connection for longer than it may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, speak, stream
from tests.fakes.served import ASKED, Served, routed, served

HEAD_S, BODY_S, DRIP_S = 0.25, 0.25, 0.05
LIMIT_S = 5.0
TOLD = b"too slowly"
PING = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHAT = json.dumps({"model": "chat", "messages": list(ASKED)}).encode()


@asynccontextmanager
async def _hasty(home: Path, **more: Any) -> AsyncIterator[Served]:
    """A router that waits a quarter of a second for heads and bodies."""
    server = {"head_timeout_s": HEAD_S, "body_timeout_s": BODY_S, "body_bytes_per_s": 1_000_000_000, **more}
    async with ScriptedProvider(speak()) as one, served(routed(one, server=server), home) as router:
        yield router


async def _dripped(router: Served, at_once: bytes, drops: bytes, ends: bytes = b"") -> tuple[bytes, float]:
    """Say something, then a byte now and then, until the router closes the connection or has said `ends`: what it said,
    and after how long."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]))
    began_s, heard, rest = loop.time(), b"", iter(drops)
    try:
        writer.write(at_once)
        while loop.time() < began_s + LIMIT_S:
            try:
                block = await asyncio.wait_for(reader.read(65536), DRIP_S)
            except TimeoutError:
                writer.write(bytes((byte,)) if (byte := next(rest, None)) is not None else b"")
                continue
            heard += block
            if not block or (ends and ends in heard):
                return heard, loop.time() - began_s
        raise TimeoutError(heard)
    except ConnectionError:
        return heard, loop.time() - began_s
    finally:
        writer.close()


_HEADS = {
    "nothing at all": (b"", b""),
    "a head that drips": (b"GET /livez HTTP/1.1\r\n", b"x-slow: " + b"a" * 200),
    "a second head that drips": (PING, b"GET /livez HTTP/1.1\r\nx-slow: " + b"a" * 200),
}


@pytest.mark.parametrize("slow", _HEADS)
@on_real_loops
async def test_a_head_has_its_time(slow: str, tmp_path: Path) -> None:
    """However it comes in, the connection is closed; what was asked before it was answered."""
    at_once, drops = _HEADS[slow]
    async with _hasty(tmp_path) as router:
        answer, took_s = await _dripped(router, at_once, drops)
    assert answer.count(b"HTTP/1.1 200") == at_once.count(b"\r\n\r\n")
    assert HEAD_S * 0.9 < took_s < HEAD_S + 2.0


@on_real_loops
async def test_idle_connections_and_bodies_are_not_held_to_the_time_of_a_head(tmp_path: Path) -> None:
    """One that was used stays open between requests, and a body has its own time."""
    async with _hasty(tmp_path, body_timeout_s=LIMIT_S) as router:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]))
        try:
            head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(CHAT)
            for sent in (head + CHAT[:9], CHAT[9:]):
                writer.write(sent)
                await asyncio.sleep(1.2 * HEAD_S)
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
            writer.write(PING)
            assert b"HTTP/1.1 200" in await asyncio.wait_for(reader.readuntil(b"alive"), LIMIT_S)
        finally:
            writer.close()


_FORMS = {
    "/v1/chat/completions": "invalid_request_error",
    "/v1/responses": "invalid_request_error",
    "/v1/messages": "invalid_request_error",
    "/keys": "invalid_request_error",
}


@pytest.mark.parametrize("path", _FORMS)
@on_real_loops
async def test_a_body_that_drips_is_told_so(path: str, tmp_path: Path) -> None:
    """408 in the form of the path's dialect, and the connection ends."""
    async with _hasty(tmp_path) as router:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        answer, took_s = await _dripped(router, head.encode() + b"{", b" " * 60, TOLD)
    head_said, _, body = answer.partition(b"\r\n\r\n")
    assert head_said.startswith(b"HTTP/1.1 408") and b"connection: close" in head_said.lower()
    said = json.loads(body)
    assert said["error"]["type"] == _FORMS[path] and "too slowly" in said["error"]["message"]
    assert took_s > BODY_S * 0.9
    assert (said.get("type") == "error") is (path == "/v1/messages")


@on_real_loops
async def test_a_large_body_has_the_time_its_size_takes(tmp_path: Path) -> None:
    """As long as it comes as fast as it must, and no longer than a request may take."""
    body = b'{"model": "chat", "messages": [' + b" " * 400
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n"
    async with _hasty(tmp_path, body_bytes_per_s=1000) as router:
        answer, took_s = await _dripped(router, head + body, b" " * 60, TOLD)
        assert answer.startswith(b"HTTP/1.1 408") and took_s > BODY_S + 0.35
    async with _hasty(tmp_path, body_bytes_per_s=100, deadline_s=0.4) as router:
        answer, took_s = await _dripped(router, head + body, b" " * 60, TOLD)
        assert answer.startswith(b"HTTP/1.1 408") and took_s < 2.0


_UNREAD_S = 0.2


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@on_real_loops
async def test_an_answer_that_nobody_reads_has_its_time(streamed: bool, tmp_path: Path) -> None:
    """The exchange is over by then; the connection, and what waits in it, would be held until the reader goes."""
    script = stream(["x" * 100_000] * 80) if streamed else answer("x" * 8_000_000)
    server = {"unread_timeout_s": _UNREAD_S, "max_connections": 1}
    body = json.dumps({"model": "chat", "messages": list(ASKED), "stream": streamed}).encode()
    async with ScriptedProvider(script) as one, served(routed(one, server=server), tmp_path) as router:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]), limit=1024)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        began_s = loop.time()
        while not await _let_in(router):
            assert loop.time() < began_s + LIMIT_S, "the connection is held"
        assert loop.time() > began_s + _UNREAD_S
        writer.close()


async def _let_in(router: Served) -> bool:
    """Whether there is room for one more connection."""
    try:
        return (await router.get("/livez"))[0] == 200
    except aiohttp.ClientError:
        return False
