"""The aiohttp transport against a provider on a real socket: what is sent, kept, closed and sent again."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress

import pytest

from router.errors import Reason, WireFault
from router.upstream.http import HttpTransport
from router.upstream.transport import UpstreamRequest
from tests.fakes.caller import LIMIT_BYTES, SECRET, fault_of, open_transport, post, whole_of
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import (
    answer,
    gated,
    hang_up,
    head_then_silence,
    raw,
    reset,
    silence,
    stall_after,
    status,
    stream,
)
from tests.fakes.turn import Gate, Script, Turn


@on_real_loops
async def test_a_whole_answer_comes_back_and_its_connection_is_used_again() -> None:
    """A body read to its end gives the connection to the next request."""
    async with (
        ScriptedProvider(answer("well", headers={"X-Request-Id": "r1"})) as provider,
        open_transport() as transport,
    ):
        for _ in range(3):
            async with transport.send(post(provider.base_url)) as reply:
                body = await reply.read(LIMIT_BYTES)
        assert (reply.status, reply.headers["x-request-id"]) == (200, "r1")
        assert b'"well"' in body
        assert (provider.connections, len(provider.turns)) == (1, 3)


@on_real_loops
async def test_the_request_arrives_as_it_was_given_and_asks_for_no_compression() -> None:
    """Nothing is added that a provider could act on: no cookies, no accepted codings, no default content type."""
    async with ScriptedProvider(answer(headers={"Set-Cookie": "a=b"})) as provider, open_transport() as transport:
        for _ in range(2):
            async with transport.send(post(provider.base_url)) as reply:
                await reply.read(LIMIT_BYTES)
        turn = provider.turns[1]
        assert (turn.method, turn.path, turn.body) == ("POST", f"/v1/chat/completions?key={SECRET}", b'{"model":"m"}')
        host = f"127.0.0.1:{provider.port}"
        assert turn.headers == {
            "host": host,
            "authorization": f"Bearer {SECRET}",
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "pointsman",
            "content-length": "13",
        }


@on_real_loops
async def test_a_stream_is_handed_on_block_by_block_as_it_is_sent() -> None:
    """The second event is sent only after the first was received."""
    gate = Gate()
    async with ScriptedProvider(stream(["a", "b"], gate=gate)) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url)) as reply:
            blocks = reply.blocks()
            assert b"assistant" in await anext(blocks)
            gate.let()
            assert b'"a"' in await anext(blocks)
            gate.let()
            rest = b"".join([block async for block in blocks])
        assert b'"b"' in rest
        assert rest.endswith(b"data: [DONE]\n\n")


@on_real_loops
async def test_a_body_far_over_the_buffers_arrives_whole_past_back_pressure() -> None:
    """A reader that waits makes the provider wait, and loses nothing."""
    size_bytes = 24 << 20

    async def pour(turn: Turn) -> None:
        await turn.head(200, {"Content-Length": str(size_bytes)})
        for _ in range(size_bytes >> 16):
            await turn.send(bytes(1 << 16))

    async with ScriptedProvider(pour) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url)) as reply:
            blocks = reply.blocks()
            got_bytes = len(await anext(blocks))
            await _settled(lambda: provider.bytes_sent)
            assert provider.bytes_sent < size_bytes
            async for block in blocks:
                got_bytes += len(block)
        assert got_bytes == size_bytes
        assert provider.turns[0].ended == "answered"


async def _settled(count: Callable[[], int]) -> None:
    """Turn the loop until `count` stands still for a thousand turns."""
    still, last = 0, -1
    while still < 1000:
        await asyncio.sleep(0)
        still, last = (still + 1, last) if count() == last else (0, count())


@on_real_loops
async def test_leaving_a_stream_early_closes_the_providers_socket_at_once() -> None:
    """The provider sees the close while it is still willing to send."""
    async with ScriptedProvider(stall_after(["a"])) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url)) as reply:
            await anext(reply.blocks())
        async with asyncio.timeout(1):
            await provider.turns[0].over.wait()
        assert provider.turns[0].ended == "left"


@pytest.mark.parametrize("script", [silence(), head_then_silence()], ids=["no byte", "head only"])
@on_real_loops
async def test_cancelling_a_waiting_request_closes_the_providers_socket_at_once(script: Script) -> None:
    """Before the head and after it alike."""
    async with ScriptedProvider(script) as provider, open_transport() as transport:
        waiting = asyncio.gather(fault_of(transport, post(provider.base_url)))
        await provider.until(lambda: provider.running == 1)
        waiting.cancel()
        async with asyncio.timeout(1):
            await provider.turns[0].over.wait()
        assert provider.turns[0].ended == "left"
        with pytest.raises(asyncio.CancelledError):
            await waiting


@on_real_loops
async def test_cancelling_an_upload_that_nobody_reads_drops_it_instead_of_flushing() -> None:
    """An orderly close would hold the socket until a stuck provider had read everything."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setblocking(False)
        async with open_transport() as transport:
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            before = _open_sockets()
            waiting = asyncio.gather(fault_of(transport, post(url, bytes(16 << 20))))
            accepted, _ = await loop.sock_accept(deaf)
            with accepted:
                await _settled(lambda: 0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                await _settled(lambda: 0)
                assert _open_sockets() == before + 1


def _open_sockets() -> int:
    """How many sockets this process holds: a closed one whose bytes still wait is held, and no peer can tell."""
    count = 0
    for number in os.listdir("/dev/fd"):
        with suppress(OSError):
            count += stat.S_ISSOCK(os.fstat(int(number)).st_mode)
    return count


@on_real_loops
async def test_a_connection_closed_while_idle_is_replaced_unseen_and_the_request_is_processed_once() -> None:
    """The provider's keep-alive ran out: it closes on the request's arrival, having read none of it."""
    async with _ClosesIdle() as provider, open_transport() as transport:
        for n in range(1, 4):
            async with transport.send(post(provider.base_url)) as reply:
                assert await reply.read(100) == b"ok"
            assert provider.processed == n
        assert provider.connections == 3


class _ClosesIdle:
    """Serves one request a connection, says keep-alive, and closes only when the next request has come, unread."""

    def __init__(self) -> None:
        self.processed = 0
        self.connections = 0

    async def __aenter__(self) -> _ClosesIdle:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readuntil(b"}")
        self.processed += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read(1)
        writer.close()


@on_real_loops
async def test_idle_connections_that_the_provider_closed_are_not_used_at_all() -> None:
    """A close seen in time costs no retry: the next request opens its own connection."""
    async with ScriptedProvider(answer()) as provider, open_transport() as transport:
        for n in (1, 2):
            async with transport.send(post(provider.base_url)) as reply:
                await reply.read(LIMIT_BYTES)
            provider.hang_up_idle()
            await provider.until(lambda: provider.open_connections == 0)
            assert (provider.connections, len(provider.turns)) == (n, n)


@pytest.mark.parametrize("second", [hang_up(), reset()], ids=["FIN", "RST"])
@on_real_loops
async def test_the_unseen_retry_happens_once(second: Script) -> None:
    """A reused connection that dies is tried again on a fresh one, and what that does is the answer."""
    async with ScriptedProvider(answer(), second) as provider, open_transport() as transport:
        await whole_of(transport, post(provider.base_url))
        fault = await fault_of(transport, post(provider.base_url))
        assert fault.reason is Reason.CUT_STREAM
        assert (provider.connections, len(provider.turns)) == (2, 3)


@on_real_loops
async def test_the_unseen_retry_takes_a_fresh_connection_though_others_wait_in_the_pool() -> None:
    """After a provider's restart every pooled connection is dead, and one retry must be enough."""
    gate = Gate()
    async with ScriptedProvider(gated(gate, answer())) as provider, open_transport() as transport:
        both = asyncio.gather(*(whole_of(transport, post(provider.base_url)) for _ in range(2)))
        await provider.until(lambda: provider.running == 2)
        gate.open()
        await both
        provider.play(hang_up(), answer("again"))
        assert b"again" in await whole_of(transport, post(provider.base_url))
        assert (provider.connections, len(provider.turns)) == (3, 4)


@on_real_loops
async def test_a_reused_connection_that_said_one_byte_is_not_tried_again() -> None:
    """Half a head is an answer begun: the provider worked on the request."""
    async with (
        ScriptedProvider(answer(), raw(b"HTTP/1.1 200 OK\r\nContent-")) as provider,
        open_transport() as transport,
    ):
        await whole_of(transport, post(provider.base_url))
        fault = await fault_of(transport, post(provider.base_url))
        assert fault.reason is Reason.CUT_STREAM
        assert len(provider.turns) == 2


@on_real_loops
async def test_a_body_of_many_megabytes_is_sent_whole() -> None:
    """Pictures travel inside requests."""
    body = bytes(range(256)) * (5 << 12)
    async with ScriptedProvider(answer(), choose=lambda turn: status(200, body=b"ok")) as provider:
        async with open_transport() as transport, transport.send(post(provider.base_url, body)) as reply:
            assert await reply.read(10) == b"ok"
        assert provider.turns[0].body == body
        assert provider.turns[0].headers["content-length"] == str(len(body))


@on_real_loops
async def test_a_refusal_that_comes_before_the_upload_ended_is_the_answer() -> None:
    """A provider that finds the request too large says so, and stops reading; the rest is dropped."""
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
        with suppress(ConnectionError):
            assert len(await reader.read()) < 16 << 20
        writer.close()
        closed.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, open_transport() as transport:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with transport.send(post(url, bytes(16 << 20))) as reply:
            assert (reply.status, await reply.read(100)) == (413, b"large")
        await closed.wait()


@on_real_loops
async def test_a_header_line_of_sixteen_kilobytes_is_nofault_of() -> None:
    """Edges in front of providers send such; aiohttp alone would refuse the answer."""
    policy = "x" * 16_000
    async with ScriptedProvider(answer(headers={"X-Policy": policy})) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url)) as reply:
            await reply.read(LIMIT_BYTES)
        assert reply.headers["x-policy"] == policy


@on_real_loops
async def test_a_credential_with_a_line_break_is_the_operatorsfault_of() -> None:
    """Read from a file with its last newline: nothing is sent, and the breaker must not move."""
    async with ScriptedProvider(answer()) as provider, open_transport() as transport:
        headers = (("Authorization", f"Bearer {SECRET}\n"),)
        request = UpstreamRequest(method="POST", url=provider.base_url, headers=headers, body=b"", connect_s=5)
        assert (await fault_of(transport, request)).reason is Reason.CREDENTIAL
        assert provider.turns == []


@on_real_loops
async def test_stopping_cuts_what_is_being_read_and_can_be_done_twice() -> None:
    """Nobody is left waiting for a session that is gone."""
    async with ScriptedProvider(stall_after(["a"])) as provider:
        transport = HttpTransport()
        await transport.start()
        async with transport.send(post(provider.base_url)) as reply:
            blocks = reply.blocks()
            await anext(blocks)
            await transport.stop()
            await transport.stop()
            with pytest.raises(WireFault) as caught:
                async for _ in blocks:
                    pass
        assert caught.value.reason is Reason.CUT_STREAM
        assert (await fault_of(transport, post(provider.base_url))).reason is Reason.SHUTTING_DOWN
