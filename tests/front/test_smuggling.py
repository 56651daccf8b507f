"""Requests that are meant to be read in two ways, over raw sockets: no key is got around, and nothing is smuggled."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import Served, routed, served

KEY = "sk-canary-of-the-admin"
LIMIT_S = 3.0

_TARGETS: dict[str, tuple[str, str]] = {
    "plainly": ("/config", "localhost"),
    "a host with a path": ("/config", "localhost:4000/#@evil"),
    "a host with a user": ("/config", "localhost@evil.test"),
    "two hosts in one": ("/config", "localhost, evil.test"),
    "an absolute form": ("http://localhost/config", "localhost"),
    "an absolute form of another host": ("http://evil.test/config", "localhost"),
    "an absolute form with a user": ("http://localhost@evil.test/config", "localhost"),
    "two slashes": ("//config", "localhost"),
    "two slashes and a host": ("//localhost/config", "localhost"),
    "a slash more": ("/config/", "localhost"),
    "an encoded slash": ("/%2fconfig", "localhost"),
    "an encoded letter": ("/%63onfig", "localhost"),
    "a segment that goes up": ("/v1/../config", "localhost"),
    "an encoded segment that goes up": ("/v1/%2e%2e/config", "localhost"),
    "an encoded slash that goes up": ("/v1/models/..%2f..%2fconfig", "localhost"),
    "a backslash": ("/v1\\..\\config", "localhost"),
    "a semicolon": ("/config;/livez", "localhost"),
    "a fragment": ("/livez#/../config", "localhost"),
    "a question": ("/config?/livez", "localhost"),
    "a null": ("/config%00", "localhost"),
    "an asterisk": ("*", "localhost"),
    "another case": ("/CONFIG", "localhost"),
}

_SMUGGLED = b"GET /config HTTP/1.1\r\nHost: localhost\r\nx-admin-key: " + KEY.encode() + b"\r\n\r\n"
_HEAD = b"POST /livez HTTP/1.1\r\nHost: localhost\r\n"
_LENGTH = b"Content-Length: %d\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_FRAMES: dict[str, bytes] = {
    "a length and chunks": _HEAD + _LENGTH % 5 + _CHUNKED + b"\r\n0\r\n\r\n" + _SMUGGLED,
    "chunks and a length": _HEAD + _CHUNKED + _LENGTH % 5 + b"\r\n0\r\n\r\n" + _SMUGGLED,
    "two lengths": _HEAD + _LENGTH % 0 + _LENGTH % len(_SMUGGLED) + b"\r\n" + _SMUGGLED,
    "two lengths in one": _HEAD + b"Content-Length: 0, 5\r\n\r\n" + _SMUGGLED,
    "a length with a sign": _HEAD + b"Content-Length: +0\r\n\r\n" + _SMUGGLED,
    "a length in hexadecimal": _HEAD + b"Content-Length: 0x0\r\n\r\n" + _SMUGGLED,
    "a blank before the colon": _HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "an unknown coding": _HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "chunks twice": _HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "chunks that are not last": _HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "a size that is none": _HEAD + _CHUNKED + b"\r\n-1\r\n\r\n" + _SMUGGLED,
    "a line feed alone": _HEAD + b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "a header that goes on": _HEAD + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "a null in a header": _HEAD + b"X: \0\r\n\r\n" + _SMUGGLED,
    "no host": b"GET /config HTTP/1.1\r\n\r\n",
    "a line that is too long": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header that is too long": _HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "too many headers": _HEAD + b"X: y\r\n" * 10_000 + b"\r\n",
}


async def told(router: Served, sent: bytes) -> bytes:
    """All that comes back until the connection ends; the caller says no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]))
    try:
        async with asyncio.timeout(LIMIT_S):
            writer.write(sent)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.shows(96)
@pytest.mark.parametrize("trick", _TARGETS)
@on_real_loops
async def test_no_way_of_writing_a_path_gets_around_the_key(trick: str, tmp_path: Path) -> None:
    """Whatever it is taken for, it is refused or shows nothing of the configuration."""
    target, host = _TARGETS[trick]
    async with ScriptedProvider(speak()) as one, served(routed(one, admin={"key": KEY}), tmp_path) as router:
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answer = await told(router, head.encode())
    status = int(answer.split(b" ", 2)[1])
    assert b"providers" not in answer
    assert status in (400, 401, 403, 404) or (status == 200 and b"alive" in answer)


@pytest.mark.parametrize("trick", _FRAMES)
@on_real_loops
async def test_what_can_be_read_in_two_ways_is_not_read(trick: str, tmp_path: Path) -> None:
    """One refusal, the connection ends, and what came behind is nobody's request."""
    async with ScriptedProvider(speak()) as one, served(routed(one, admin={"key": KEY}), tmp_path) as router:
        answer = await told(router, _FRAMES[trick])
    assert b"providers" not in answer
    assert len(re.findall(rb"HTTP/1\.[01] \d{3} ", answer)) <= 1
    assert answer == b"" or answer.split(b" ", 2)[1] == b"400"


@on_real_loops
async def test_one_connection_too_many_is_closed(tmp_path: Path) -> None:
    """Those that are open go on, and a place that comes free is one."""
    ping = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    config = {"server": {"max_connections": 2}}
    async with ScriptedProvider(speak()) as one, served(routed(one, **config), tmp_path) as router:
        port = int(router.url.rsplit(":", 1)[1])
        open_ = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in open_:
            writer.write(ping)
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        assert await told(router, ping) == b""
        open_[0][1].close()
        await open_[0][1].wait_closed()
        for _, writer in open_:
            writer.close()
        while not (await told(router, ping.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))):
            continue
