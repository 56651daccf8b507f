"""What is wrong with a request, said over a socket: always a status, OpenAI's envelope and an id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from router.app import FRONT_DIALECT
from router.front.context import Context
from router.front.guard import Guard
from router.wire.dialect import FrontHalf
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak, stall_after
from tests.fakes.served import ASKED, routed, served, until

_CHAT = "/v1/chat/completions"
_LIMIT_BYTES = 2048
_HALF = cast("FrontHalf", FRONT_DIALECT.front)


async def _blocks(count: int) -> AsyncIterator[bytes]:
    """A body whose length is not stated."""
    for _ in range(count):
        yield b" " * 1024


async def _envelope(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The error of an answer that has everything a client needs to read one."""
    assert response.content_type == "application/json"
    assert response.headers["x-request-id"].startswith("req-")
    body = await response.json()
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    assert isinstance(error["message"], str) and error["message"]
    return error


def _wish(name: str, value: str) -> dict[str, Any]:
    """A good request but for this wish."""
    return {"json": {"model": "chat", "messages": list(ASKED)}, "headers": {f"x-router-{name}": value}}


_REFUSED: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "an unknown path": ("GET", "/v1/nothing", {}, 404, "invalid_request"),
    "the root": ("GET", "/", {}, 404, "invalid_request"),
    "another method": ("GET", _CHAT, {}, 405, "invalid_request"),
    "another method on a page": ("POST", "/health", {}, 405, "invalid_request"),
    "no JSON": ("POST", _CHAT, {"data": b'{"model": "chat", '}, 400, "invalid_request"),
    "no body": ("POST", _CHAT, {}, 400, "invalid_request"),
    "another encoding than UTF-8": ("POST", _CHAT, {"data": b'{"model": "\xff"}'}, 400, "invalid_request"),
    "a list": ("POST", _CHAT, {"data": b"[]"}, 400, "invalid_request"),
    "no model": ("POST", _CHAT, {"json": {"messages": []}}, 400, "invalid_request"),
    "a stream that is no boolean": ("POST", _CHAT, {"json": {"model": "chat", "stream": "x"}}, 400, "invalid_request"),
    "a wish that is none": (
        "POST",
        _CHAT,
        {"json": {"model": "chat", "messages": []}, "headers": {"x-router-colour": "red"}},
        400,
        "invalid_request",
    ),
    "a deadline of nothing": ("POST", _CHAT, _wish("deadline-s", "0"), 400, "invalid_request"),
    "a deadline before now": ("POST", _CHAT, _wish("deadline-s", "-5"), 400, "invalid_request"),
    "a deadline that is no number": ("POST", _CHAT, _wish("deadline-s", "nan"), 400, "invalid_request"),
    "no attempt at all": ("POST", _CHAT, _wish("max-attempts", "0"), 400, "invalid_request"),
    "less than no context": ("POST", _CHAT, _wish("min-context", "-3"), 400, "invalid_request"),
    "a body that is not compressed as it says": (
        "POST",
        _CHAT,
        {"data": b"hello", "headers": {"content-encoding": "gzip"}},
        400,
        "invalid_request",
    ),
    "a body over the bound": ("POST", _CHAT, {"data": b" " * (_LIMIT_BYTES + 1)}, 413, "request_too_large"),
    "a body over the bound in pieces": ("POST", _CHAT, {"data": 3}, 413, "request_too_large"),
}


@pytest.mark.parametrize(("method", "path", "sent", "status", "code"), _REFUSED.values(), ids=_REFUSED)
@on_real_loops
async def test_what_cannot_be_served_is_said_in_the_envelope(
    method: str, path: str, sent: dict[str, Any], status: int, code: str, tmp_path: Path
) -> None:
    """And no provider hears of it; the next request on the same client is served."""
    async with ScriptedProvider(speak()) as one:
        config = routed(one, server={"max_body_bytes": _LIMIT_BYTES})
        async with served(config, tmp_path) as router:
            given = {**sent, "data": _blocks(sent["data"])} if isinstance(sent.get("data"), int) else sent
            async with router.http.request(method, router.url + path, **given) as response:
                error = await _envelope(response)
                assert (response.status, error["type"], error["code"]) == (status, "invalid_request_error", code)
                assert response.headers.get("x-should-retry") == "false"
            assert one.turns == []
            async with router.chat() as response:
                assert response.status == 200


@on_real_loops
async def test_a_body_up_to_the_bound_goes_through_byte_for_byte(tmp_path: Path) -> None:
    """But for the model's name: thirty megabytes, and unknown fields with it."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        rest = b'"unknown":{"kept":[1, 2.50,null]},"messages":[{"role":"user","content":"%b"}]}' % (
            b"word " * 6_000_000
        )
        body = BytesIO(b'{"model":"chat",' + rest)
        async with router.http.post(f"{router.url}{_CHAT}", data=body) as response:
            assert response.status == 200
        assert one.turns[0].body == b'{"model":"m",' + rest


@on_real_loops
async def test_a_wrong_method_names_the_right_one(tmp_path: Path) -> None:
    """As HTTP asks of a 405."""
    async with (
        ScriptedProvider(speak()) as one,
        served(routed(one), tmp_path) as router,
        router.http.get(router.url + _CHAT) as response,
    ):
        assert (response.status, response.headers["allow"]) == (405, "POST")


@on_real_loops
async def test_a_full_house_says_when_to_come_back(tmp_path: Path) -> None:
    """429 with Retry-After, and one that may be retried: a place comes free at any moment."""
    async with ScriptedProvider(stall_after(["still"]), speak()) as one:
        config = routed(one, server={"max_exchanges": 1})
        async with served(config, tmp_path) as router:
            async with router.stream() as heard:
                await heard.begin()
                async with router.chat() as response:
                    error = await _envelope(response)
                    assert (response.status, error["code"]) == (429, "rate_limit_exceeded")
                    assert response.headers["retry-after"] == "1"
                    assert "x-should-retry" not in response.headers
            await until(lambda: router.in_flight == 0)
            async with router.chat() as response:
                assert response.status == 200


class _Ids:
    """The part of a desk that a guard uses."""

    def new_id(self, prefix: str) -> str:
        return f"{prefix}-1"


def _context() -> Context:
    """No handler here uses more of it."""
    return cast("Context", SimpleNamespace(desk=_Ids()))


@on_real_loops
async def test_a_bug_after_the_head_closes_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """What was said stays as it is: a second head inside the body would be read as a piece of the answer."""

    async def breaks(request: web.Request, _context: Context) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"red")
        raise KeyError("a bug")

    bugs: list[str] = []
    guard = Guard(_context, _HALF, lambda request_id, _: bugs.append(request_id))
    app = web.Application()
    app.router.add_get("/", partial(guard.answer, handler=breaks))
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        head, body = (await reader.read()).split(b"\r\n\r\n", 1)
        writer.close()
    finally:
        await runner.cleanup()
    assert head.startswith(b"HTTP/1.1 200 OK") and body == b"3\r\nred\r\n"
    assert bugs == ["req-1"]
    caplog.clear()


def test_what_broke_where_no_handler_answers_is_no_fault_of_its_caller() -> None:
    """It is reported and told as ours; only what could not be read is no request."""
    bugs: list[str] = []
    guard = Guard(_context, _HALF, lambda request_id, _: bugs.append(request_id))
    broke, unread = guard.refuse(500, KeyError("a bug")), guard.refuse(400, ValueError("a head"))
    assert (broke.status, unread.status, bugs) == (500, 400, ["req-1"])
    assert b"the gateway failed" in cast("bytes", broke.body) and b"no request" not in cast("bytes", broke.body)
