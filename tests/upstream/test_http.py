"""The aiohttp transport against a provider on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import ssl
import stat
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from router.errors import Reason, WireFault
from router.upstream.http import HttpOptions, HttpTransport
from router.upstream.transport import Transport, UpstreamRequest
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import (
    answer,
    cut_after,
    gated,
    hang_up,
    head_then_silence,
    raw,
    reset,
    reset_after,
    silence,
    stall_after,
    status,
    stream,
)
from tests.fakes.turn import Gate, Script, Turn

_SECRET = "sk-very-secret"
_CERTIFICATE = Path(__file__).parent / "localhost.pem"


def _post(base_url: str, body: bytes = b'{"model":"m"}', *, connect_s: float = 5.0) -> UpstreamRequest:
    headers = (("Authorization", f"Bearer {_SECRET}"), ("Content-Type", "application/json"))
    url = f"{base_url}/chat/completions?key={_SECRET}"
    return UpstreamRequest(method="POST", url=url, headers=headers, body=body, connect_s=connect_s)


@asynccontextmanager
async def _transport(options: HttpOptions | None = None) -> AsyncIterator[Transport]:
    transport: Transport = HttpTransport(options)
    await transport.start()
    try:
        yield transport
    finally:
        await transport.stop()


async def _fault(transport: Transport, request: UpstreamRequest) -> WireFault:
    """The fault that sending and reading `request` to its end raises."""
    with pytest.raises(WireFault) as caught:
        async with transport.send(request) as reply:
            await reply.read(1 << 20)
    assert _SECRET not in str(caught.value)
    return caught.value


@on_real_loops
async def test_a_whole_answer_comes_back_and_its_connection_is_used_again() -> None:
    """A body read to its end gives the connection to the next request."""
    async with ScriptedProvider(answer("well", headers={"X-Request-Id": "r1"})) as provider, _transport() as transport:
        for _ in range(3):
            async with transport.send(_post(provider.base_url)) as reply:
                body = await reply.read(1 << 20)
        assert (reply.status, reply.headers["x-request-id"]) == (200, "r1")
        assert b'"well"' in body
        assert (provider.connections, len(provider.turns)) == (1, 3)


@on_real_loops
async def test_the_request_arrives_as_it_was_given_and_asks_for_no_compression() -> None:
    """Nothing is added that a provider could act on: no cookies, no accepted codings, no default content type."""
    async with ScriptedProvider(answer(headers={"Set-Cookie": "a=b"})) as provider, _transport() as transport:
        for _ in range(2):
            async with transport.send(_post(provider.base_url)) as reply:
                await reply.read(1 << 20)
        turn = provider.turns[1]
        assert (turn.method, turn.path, turn.body) == ("POST", f"/v1/chat/completions?key={_SECRET}", b'{"model":"m"}')
        host = f"127.0.0.1:{provider.port}"
        assert turn.headers == {
            "host": host,
            "authorization": f"Bearer {_SECRET}",
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "pointsman",
            "content-length": "13",
        }


@on_real_loops
async def test_a_stream_is_handed_on_block_by_block_as_it_is_sent() -> None:
    """The second event is sent only after the first was received."""
    gate = Gate()
    async with ScriptedProvider(stream(["a", "b"], gate=gate)) as provider, _transport() as transport:
        async with transport.send(_post(provider.base_url)) as reply:
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

    async with ScriptedProvider(pour) as provider, _transport() as transport:
        async with transport.send(_post(provider.base_url)) as reply:
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
    async with ScriptedProvider(stall_after(["a"])) as provider, _transport() as transport:
        async with transport.send(_post(provider.base_url)) as reply:
            await anext(reply.blocks())
        async with asyncio.timeout(1):
            await provider.turns[0].over.wait()
        assert provider.turns[0].ended == "left"


@pytest.mark.parametrize("script", [silence(), head_then_silence()], ids=["no byte", "head only"])
def test_cancelling_a_waiting_request_closes_the_providers_socket_at_once(script: Script) -> None:
    """Before the head and after it alike."""

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(script) as provider, _transport() as transport:
            waiting = asyncio.gather(_fault(transport, _post(provider.base_url)))
            await provider.until(lambda: provider.running == 1)
            waiting.cancel()
            async with asyncio.timeout(1):
                await provider.turns[0].over.wait()
            assert provider.turns[0].ended == "left"
            with pytest.raises(asyncio.CancelledError):
                await waiting

    scene()


@on_real_loops
async def test_cancelling_an_upload_that_nobody_reads_drops_it_instead_of_flushing() -> None:
    """An orderly close would hold the socket until a stuck provider had read everything."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setblocking(False)
        async with _transport() as transport:
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            before = _open_sockets()
            waiting = asyncio.gather(_fault(transport, _post(url, bytes(16 << 20))))
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
    async with _ClosesIdle() as provider, _transport() as transport:
        for n in range(1, 4):
            async with transport.send(_post(provider.base_url)) as reply:
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
    async with ScriptedProvider(answer()) as provider, _transport() as transport:
        for n in (1, 2):
            async with transport.send(_post(provider.base_url)) as reply:
                await reply.read(1 << 20)
            provider.hang_up_idle()
            await provider.until(lambda: provider.open_connections == 0)
            assert (provider.connections, len(provider.turns)) == (n, n)


@pytest.mark.parametrize("second", [hang_up(), reset()], ids=["FIN", "RST"])
def test_the_unseen_retry_happens_once(second: Script) -> None:
    """A reused connection that dies is tried again on a fresh one, and what that does is the answer."""

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(answer(), second) as provider, _transport() as transport:
            async with transport.send(_post(provider.base_url)) as reply:
                await reply.read(1 << 20)
            fault = await _fault(transport, _post(provider.base_url))
            assert fault.reason is Reason.CUT_STREAM
            assert (provider.connections, len(provider.turns)) == (2, 3)

    scene()


@on_real_loops
async def test_the_unseen_retry_takes_a_fresh_connection_though_others_wait_in_the_pool() -> None:
    """After a provider's restart every pooled connection is dead, and one retry must be enough."""
    gate = Gate()
    async with ScriptedProvider(gated(gate, answer())) as provider, _transport() as transport:
        both = asyncio.gather(*(_body(transport, provider.base_url) for _ in range(2)))
        await provider.until(lambda: provider.running == 2)
        gate.open()
        await both
        provider.play(hang_up(), answer("again"))
        assert b"again" in await _body(transport, provider.base_url)
        assert (provider.connections, len(provider.turns)) == (3, 4)


async def _body(transport: Transport, base_url: str) -> bytes:
    async with transport.send(_post(base_url)) as reply:
        return await reply.read(1 << 20)


@on_real_loops
async def test_a_reused_connection_that_said_one_byte_is_not_tried_again() -> None:
    """Half a head is an answer begun: the provider worked on the request."""
    async with ScriptedProvider(answer(), raw(b"HTTP/1.1 200 OK\r\nContent-")) as provider, _transport() as transport:
        await _body(transport, provider.base_url)
        fault = await _fault(transport, _post(provider.base_url))
        assert fault.reason is Reason.CUT_STREAM
        assert len(provider.turns) == 2


_HEAD = b"HTTP/1.1 200 OK\r\n"
_CUTS: dict[str, Script] = {
    "closed without a byte": hang_up(),
    "reset without a byte": reset(),
    "closed inside the head": raw(_HEAD),
    "closed inside a stated length": raw(_HEAD + b"Content-Length: 9\r\n\r\nhalf"),
    "closed between chunks": raw(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
    "closed inside a chunk": raw(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"),
    "closed after an event": cut_after(["a"]),
    "closed inside gzip": raw(
        _HEAD + b"Content-Encoding: gzip\r\nContent-Length: 15\r\n\r\n" + gzip.compress(b"abc")[:15]
    ),
}


@pytest.mark.parametrize("script", _CUTS.values(), ids=_CUTS)
def test_an_answer_that_stops_short_is_a_cut_and_is_sent_once(script: Script) -> None:
    """On a fresh connection nothing is tried again, wherever the answer stopped."""

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(script) as provider, _transport() as transport:
            fault = await _fault(transport, _post(provider.base_url))
            assert fault.reason is Reason.CUT_STREAM
            assert f"127.0.0.1:{provider.port}" in fault.message
            assert len(provider.turns) == 1

    scene()


_FRAMINGS = {"chunked": b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "no length": b"\r\nhalf"}


@pytest.mark.parametrize("framing", _FRAMINGS.values(), ids=_FRAMINGS)
def test_a_reset_inside_the_body_is_a_cut_also_where_the_end_is_the_connections(framing: bytes) -> None:
    """A body without a length ends when the connection closes in order, not when it breaks."""

    @on_real_loops
    async def scene() -> None:
        gate = Gate()
        script = raw(_HEAD + framing, b"", gate=gate, then="reset")
        async with ScriptedProvider(script) as provider, _transport() as transport:
            async with transport.send(_post(provider.base_url)) as reply:
                blocks = reply.blocks()
                assert await anext(blocks) == b"half"
                gate.let()
                with pytest.raises(WireFault) as caught:
                    await anext(blocks)
            assert caught.value.reason is Reason.CUT_STREAM

    scene()


@on_real_loops
async def test_events_before_a_reset_are_handed_on_before_the_cut() -> None:
    """What was sent and read counts; the cut comes after it."""
    gate = Gate()
    async with ScriptedProvider(reset_after(["a"], gate=gate)) as provider, _transport() as transport:
        got = b""
        async with transport.send(_post(provider.base_url)) as reply:
            with pytest.raises(WireFault):
                async for block in reply.blocks():
                    got += block
                    if b'"a"' in got:
                        gate.let()
        assert b'"a"' in got


@on_real_loops
async def test_a_body_without_a_length_ends_with_an_orderly_close() -> None:
    """HTTP allows it: whether the answer is complete is for its dialect to say."""
    async with ScriptedProvider(raw(_HEAD + b"\r\nall")) as provider, _transport() as transport:
        assert await _body(transport, provider.base_url) == b"all"


@on_real_loops
async def test_a_refused_connection_names_the_place_and_nothing_else() -> None:
    """Nothing listens: no connection came about."""
    with refused() as base_url:
        async with _transport() as transport:
            fault = await _fault(transport, _post(base_url))
    assert fault.reason is Reason.CONNECT
    assert (
        fault.message == f"{base_url.removeprefix('http://').removesuffix('/v1')} cannot be reached: connection refused"
    )


@on_real_loops
async def test_a_name_that_does_not_exist_is_a_failed_connection() -> None:
    """`.invalid` never resolves (RFC 6761)."""
    async with _transport() as transport:
        fault = await _fault(transport, _post("http://provider.invalid:81"))
    assert (fault.reason, fault.message) == (Reason.CONNECT, "the name in provider.invalid:81 cannot be resolved")


_ADDRESSES = {
    "no scheme": "provider",
    "other scheme": "ftp://provider:1",
    "no host": "http://",
    "bad port": "http://a:b",
    "long label": f"http://{'a' * 70}.test",
}


@pytest.mark.parametrize("address", _ADDRESSES.values(), ids=_ADDRESSES)
def test_an_address_that_cannot_be_used_is_a_failed_connection(address: str) -> None:
    """A wrong setting fails its attempts, it does not crash them."""

    @on_real_loops
    async def scene() -> None:
        async with _transport() as transport:
            assert (await _fault(transport, _post(address))).reason is Reason.CONNECT

    scene()


@on_real_loops
async def test_the_connect_clock_ends_a_connection_that_never_stands() -> None:
    """TLS against a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        async with _transport() as transport:
            fault = await _fault(transport, _post(f"https://{place}", connect_s=0.05))
    assert (fault.reason, fault.message) == (Reason.CONNECT_TIMEOUT, f"no connection to {place} within 0.05 s")


@on_real_loops
async def test_the_connect_clock_does_not_bound_the_answer() -> None:
    """It stops once the connection stands: slow models are slower than any handshake."""
    gate = Gate()
    async with ScriptedProvider(gated(gate, answer())) as provider, _transport() as transport:
        waiting = asyncio.gather(_send(transport, _post(provider.base_url, connect_s=0.02)))
        await gate.reached.wait()
        await asyncio.sleep(0.05)  # the one real wait here: a clock that must not run has no event to wait for
        gate.let()
        assert (await waiting)[0] == 200


async def _send(transport: Transport, request: UpstreamRequest) -> int:
    async with transport.send(request) as reply:
        await reply.read(1 << 20)
        return reply.status


@asynccontextmanager
async def _says_ok(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """`host:port` of a server that answers whatever comes with "ok", over TLS where given."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _certified() -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_CERTIFICATE)
    return tls


@on_real_loops
async def test_plain_http_behind_an_https_address_is_a_failed_connection() -> None:
    """A handshake that fails is a connection that did not come about."""
    async with _says_ok() as place, _transport() as transport:
        fault = await _fault(transport, _post(f"https://{place}"))
    assert (fault.reason, fault.message) == (Reason.CONNECT, f"{place} does not speak TLS as it should")


@on_real_loops
async def test_a_certificate_nobody_vouches_for_is_a_failed_connection() -> None:
    """The words are OpenSSL's: they tell a wrong name from an unknown authority."""
    async with _says_ok(_certified()) as place, _transport() as transport:
        fault = await _fault(transport, _post(f"https://{place}"))
    assert fault.reason is Reason.CONNECT
    assert fault.message == f"the certificate of {place} is not trusted: self-signed certificate"


@on_real_loops
async def test_a_ca_file_of_the_operators_is_trusted() -> None:
    """A provider inside the house, behind its own authority."""
    async with _says_ok(_certified()) as place, _transport(HttpOptions(ca_file=str(_CERTIFICATE))) as transport:
        assert await _body(transport, f"https://{place}") == b"ok"


@on_real_loops
async def test_a_ca_file_that_is_missing_fails_the_start() -> None:
    """The supervisor reports it; no request goes out with less trust than was asked for."""
    with pytest.raises(FileNotFoundError):
        await HttpTransport(HttpOptions(ca_file="no-such-file.pem")).start()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_fault_that_says_so_and_is_not_followed(code: int) -> None:
    """Following would send the credential to wherever it points."""

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(answer()) as other, _transport() as transport:
            async with ScriptedProvider(status(code, {"Location": other.base_url})) as provider:
                fault = await _fault(transport, _post(provider.base_url))
                assert (fault.reason, fault.status) == (Reason.MALFORMED, code)
                assert f"answered {code}, a redirect" in fault.message
            assert other.turns == []

    scene()


@pytest.mark.parametrize("code", [400, 401, 429, 503])
def test_an_error_answer_is_an_answer(code: int) -> None:
    """What it means is the dialect's to say; the transport hands over status, headers and body."""

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(status(code, {"Retry-After": "2"})) as provider, _transport() as transport:
            async with transport.send(_post(provider.base_url)) as reply:
                body = await reply.read(1 << 20)
            assert (reply.status, reply.headers["retry-after"]) == (code, "2")
            assert b"scripted" in body
            assert len(provider.turns) == 1

    scene()


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
        async with ScriptedProvider(raw(head + chunks, then="keep")) as provider, _transport() as transport:
            async with transport.send(_post(provider.base_url)) as reply:
                assert await reply.read(1 << 20) == _TEXT
            assert coding == "identity" or "content-encoding" not in reply.headers

    scene()


_UNREADABLE = {
    "a coding we do not have": raw(_HEAD + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx", then="keep"),
    "gzip that is none": raw(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain", then="keep"),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "a length that is none": raw(_HEAD + b"Content-Length: many\r\n\r\nx"),
}


@pytest.mark.parametrize("script", _UNREADABLE.values(), ids=_UNREADABLE)
def test_an_answer_that_cannot_be_read_is_malformed(script: Script) -> None:
    """Not a cut: the provider said something, and it will say it again."""

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(script) as provider, _transport() as transport:
            assert (await _fault(transport, _post(provider.base_url))).reason is Reason.MALFORMED

    scene()


_BOMB = gzip.compress(bytes(64 << 20))
_LONG = {
    "plain": raw(_HEAD + b"Content-Length: 2000000\r\n\r\n" + bytes(2_000_000), then="keep"),
    "packed": raw(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB, then="keep"),
}


@pytest.mark.parametrize("script", _LONG.values(), ids=_LONG)
def test_a_body_over_the_readers_limit_is_malformed(script: Script) -> None:
    """Counted after unpacking: 64 KiB can hold 64 MiB."""

    @on_real_loops
    async def scene() -> None:
        async with ScriptedProvider(script) as provider, _transport() as transport:
            fault = await _fault(transport, _post(provider.base_url))
            assert fault.reason is Reason.MALFORMED
            assert fault.message.endswith("is longer than 1048576 bytes")

    scene()


@on_real_loops
async def test_a_body_of_many_megabytes_is_sent_whole() -> None:
    """Pictures travel inside requests."""
    body = bytes(range(256)) * (5 << 12)
    async with ScriptedProvider(answer(), choose=lambda turn: status(200, body=b"ok")) as provider:
        async with _transport() as transport, transport.send(_post(provider.base_url, body)) as reply:
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

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, _transport() as transport:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with transport.send(_post(url, bytes(16 << 20))) as reply:
            assert (reply.status, await reply.read(100)) == (413, b"large")
        await closed.wait()


@on_real_loops
async def test_a_header_line_of_sixteen_kilobytes_is_no_fault() -> None:
    """Edges in front of providers send such; aiohttp alone would refuse the answer."""
    policy = "x" * 16_000
    async with ScriptedProvider(answer(headers={"X-Policy": policy})) as provider, _transport() as transport:
        async with transport.send(_post(provider.base_url)) as reply:
            await reply.read(1 << 20)
        assert reply.headers["x-policy"] == policy


@on_real_loops
async def test_a_credential_with_a_line_break_is_the_operators_fault() -> None:
    """Read from a file with its last newline: nothing is sent, and the breaker must not move."""
    async with ScriptedProvider(answer()) as provider, _transport() as transport:
        headers = (("Authorization", f"Bearer {_SECRET}\n"),)
        request = UpstreamRequest(method="POST", url=provider.base_url, headers=headers, body=b"", connect_s=5)
        assert (await _fault(transport, request)).reason is Reason.CREDENTIAL
        assert provider.turns == []


@on_real_loops
async def test_stopping_cuts_what_is_being_read_and_can_be_done_twice() -> None:
    """Nobody is left waiting for a session that is gone."""
    async with ScriptedProvider(stall_after(["a"])) as provider:
        transport = HttpTransport()
        await transport.start()
        async with transport.send(_post(provider.base_url)) as reply:
            blocks = reply.blocks()
            await anext(blocks)
            await transport.stop()
            await transport.stop()
            with pytest.raises(WireFault) as caught:
                async for _ in blocks:
                    pass
        assert caught.value.reason is Reason.CUT_STREAM
        assert (await _fault(transport, _post(provider.base_url))).reason is Reason.SHUTTING_DOWN
