"""The server's own: how it stops, and what it says to what is no request."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from yarl import URL

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, speak
from tests.fakes.served import ASKED, GROUP, Served, routed, served, until

_LARGE = "red " * 2_000_000
"""More than what all the buffers between a server and a client hold."""


async def _slow_reader(router: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A caller whose answer is complete and waits to be read."""
    body = json.dumps({"model": GROUP, "messages": list(ASKED)}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]), limit=1024)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.0\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )
    assert await reader.readline() == b"HTTP/1.0 200 OK\r\n"
    await until(lambda: router.in_flight == 0)
    return reader, writer


@on_real_loops
async def test_a_stop_lets_a_complete_answer_leave(tmp_path: Path) -> None:
    """Its exchange has ended long before its reader has it all."""
    async with ScriptedProvider(answer(_LARGE)) as one, served(routed(one), tmp_path) as router:
        reader, writer = await _slow_reader(router)
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(router.assembly.stop())
            await until(lambda: not router.assembly.desk.ready)
            assert not stopping.done()
            _, body = (await reader.read()).split(b"\r\n\r\n", 1)
            writer.close()
        assert json.loads(body)["choices"][0]["message"]["content"] == _LARGE


@on_real_loops
async def test_a_stop_waits_for_no_reader_for_ever(tmp_path: Path) -> None:
    """What is left of the drain is the bound, and at least a second."""
    async with (
        ScriptedProvider(answer(_LARGE)) as one,
        served(routed(one, server={"drain_s": 0.1}), tmp_path) as router,
    ):
        _, writer = await _slow_reader(router)
        async with asyncio.timeout(4):
            await router.assembly.stop()
        writer.close()


_NO_REQUESTS = {
    "garbage": b"GARBAGE\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\n\r\n",
    "a broken chunk": b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
}


@pytest.mark.parametrize("sent", _NO_REQUESTS.values(), ids=_NO_REQUESTS)
@on_real_loops
async def test_what_is_no_request_is_told_so_in_the_envelope(sent: bytes, tmp_path: Path) -> None:
    """With an id, and the connection ends."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(router.url.rsplit(":", 1)[1]))
        writer.write(sent)
        head, body = (await reader.read()).split(b"\r\n\r\n", 1)
        writer.close()
        assert b" 400 " in head.splitlines()[0] and b"x-request-id: req-" in head.lower()
        assert [line for line in head.lower().splitlines() if line.startswith(b"server:")] == [b"server: pointsman"]
        assert json.loads(body)["error"]["code"] == "invalid_request"


@on_real_loops
async def test_no_answer_names_a_library(tmp_path: Path) -> None:
    """A page, a stream, a path that leads nowhere, a method that is not taken."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        async with router.chat(stream=True) as response:
            signed = [response.headers["server"]]
            await response.read()
        for method, path in (("GET", "/health"), ("GET", "/nowhere"), ("PUT", "/v1/messages")):
            async with router.http.request(method, router.url + path) as response:
                signed.append(response.headers["server"])
        assert signed == ["pointsman"] * 4


@on_real_loops
async def test_a_path_is_found_however_it_is_spelt_and_a_word_before_the_body_is_given(tmp_path: Path) -> None:
    """The short way to a handler is for one spelling, and only a shorter one."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        body = {"model": GROUP, "messages": [{"role": "user", "content": "hi"}]}
        for path, expects in (
            ("/v1/chat/completions", False),
            ("/v1/chat/completions?a=b", False),
            ("/v1/chat/%63ompletions", False),
            ("/v1/chat/completions", True),
        ):
            async with router.http.post(URL(router.url + path, encoded=True), json=body, expect100=expects) as response:
                assert (path, response.status) == (path, 200)
        async with router.http.get(router.url + "/v1/chat/completions") as response:
            assert (response.status, response.headers["allow"]) == (405, "POST")
