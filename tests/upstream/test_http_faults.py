"""The aiohttp transport where the provider fails: each failure is the right fault, in words that give nothing away."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.errors import Reason, WireFault
from router.upstream.http import HttpOptions, HttpTransport
from tests.fakes.caller import LIMIT_BYTES, fault_of, open_transport, post, whole_of
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import (
    answer,
    cut_after,
    gated,
    hang_up,
    raw,
    reset,
    reset_after,
    status,
)
from tests.fakes.turn import Gate, Script

_CERTIFICATE = Path(__file__).parent / "localhost.pem"
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
@on_real_loops
async def test_an_answer_that_stops_short_is_a_cut_and_is_sent_once(script: Script) -> None:
    """On a fresh connection nothing is tried again, wherever the answer stopped."""
    async with ScriptedProvider(script) as provider, open_transport() as transport:
        fault = await fault_of(transport, post(provider.base_url))
        assert fault.reason is Reason.CUT_STREAM
        assert f"127.0.0.1:{provider.port}" in fault.message
        assert len(provider.turns) == 1


_FRAMINGS = {"chunked": b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "no length": b"\r\nhalf"}


@pytest.mark.parametrize("framing", _FRAMINGS.values(), ids=_FRAMINGS)
@on_real_loops
async def test_a_reset_inside_the_body_is_a_cut_also_where_the_end_is_the_connections(framing: bytes) -> None:
    """A body without a length ends when the connection closes in order, not when it breaks."""
    gate = Gate()
    script = raw(_HEAD + framing, b"", gate=gate, then="reset")
    async with ScriptedProvider(script) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url)) as reply:
            blocks = reply.blocks()
            assert await anext(blocks) == b"half"
            gate.let()
            with pytest.raises(WireFault) as caught:
                await anext(blocks)
        assert caught.value.reason is Reason.CUT_STREAM


@on_real_loops
async def test_events_before_a_reset_are_handed_on_before_the_cut() -> None:
    """What was sent and read counts; the cut comes after it."""
    gate = Gate()
    async with ScriptedProvider(reset_after(["a"], gate=gate)) as provider, open_transport() as transport:
        got = b""
        async with transport.send(post(provider.base_url)) as reply:
            blocks = reply.blocks()
            while b'"a"' not in got:
                got += await anext(blocks)
            gate.let()
            with pytest.raises(WireFault):
                await anext(blocks)
        assert provider.turns[0].ended == "cut"


@on_real_loops
async def test_a_body_without_a_length_ends_with_an_orderly_close() -> None:
    """HTTP allows it: whether the answer is complete is for its dialect to say."""
    async with ScriptedProvider(raw(_HEAD + b"\r\nall")) as provider, open_transport() as transport:
        assert await whole_of(transport, post(provider.base_url)) == b"all"


@on_real_loops
async def test_a_refused_connection_names_the_place_and_nothing_else() -> None:
    """Nothing listens: no connection came about."""
    with refused() as base_url:
        async with open_transport() as transport:
            fault = await fault_of(transport, post(base_url))
    assert fault.reason is Reason.CONNECT
    assert (
        fault.message == f"{base_url.removeprefix('http://').removesuffix('/v1')} cannot be reached: connection refused"
    )


@on_real_loops
async def test_a_name_that_does_not_exist_is_a_failed_connection() -> None:
    """`.invalid` never resolves (RFC 6761)."""
    async with open_transport() as transport:
        fault = await fault_of(transport, post("http://provider.invalid:81"))
    assert (fault.reason, fault.message) == (Reason.CONNECT, "the name in provider.invalid:81 cannot be resolved")


_ADDRESSES = {
    "no scheme": "provider",
    "other scheme": "ftp://provider:1",
    "no host": "http://",
    "bad port": "http://a:b",
    "long label": f"http://{'a' * 70}.test",
}


@pytest.mark.parametrize("address", _ADDRESSES.values(), ids=_ADDRESSES)
@on_real_loops
async def test_an_address_that_cannot_be_used_is_a_failed_connection(address: str) -> None:
    """A wrong setting fails its attempts, it does not crash them."""
    async with open_transport() as transport:
        assert (await fault_of(transport, post(address))).reason is Reason.CONNECT


@on_real_loops
async def test_the_connect_clock_ends_a_connection_that_never_stands() -> None:
    """TLS against a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        async with open_transport() as transport:
            fault = await fault_of(transport, post(f"https://{place}", connect_s=0.05))
    assert (fault.reason, fault.message) == (Reason.CONNECT_TIMEOUT, f"no connection to {place} within 0.05 s")


@on_real_loops
async def test_the_connect_clock_does_not_bound_the_answer() -> None:
    """It stops once the connection stands: slow models are slower than any handshake."""
    gate = Gate()
    async with ScriptedProvider(gated(gate, answer("late"))) as provider, open_transport() as transport:
        waiting = asyncio.gather(whole_of(transport, post(provider.base_url, connect_s=0.02)))
        await gate.reached.wait()
        await asyncio.sleep(0.05)  # the one real wait here: a clock that must not run has no event to wait for
        gate.let()
        assert b"late" in (await waiting)[0]


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
    async with _says_ok() as place, open_transport() as transport:
        fault = await fault_of(transport, post(f"https://{place}"))
    assert (fault.reason, fault.message) == (Reason.CONNECT, f"{place} does not speak TLS as it should")


@on_real_loops
async def test_a_certificate_nobody_vouches_for_is_a_failed_connection() -> None:
    """The words are OpenSSL's: they tell a wrong name from an unknown authority."""
    async with _says_ok(_certified()) as place, open_transport() as transport:
        fault = await fault_of(transport, post(f"https://{place}"))
    assert fault.reason is Reason.CONNECT
    assert fault.message == f"the certificate of {place} is not trusted: self-signed certificate"


@on_real_loops
async def test_a_ca_file_of_the_operators_is_trusted() -> None:
    """A provider inside the house, behind its own authority."""
    async with _says_ok(_certified()) as place, open_transport(HttpOptions(ca_file=str(_CERTIFICATE))) as transport:
        assert await whole_of(transport, post(f"https://{place}")) == b"ok"


@on_real_loops
async def test_a_ca_file_that_is_missing_fails_the_start() -> None:
    """The supervisor reports it; no request goes out with less trust than was asked for."""
    with pytest.raises(FileNotFoundError):
        await HttpTransport(HttpOptions(ca_file="no-such-file.pem")).start()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@on_real_loops
async def test_a_redirect_is_a_fault_that_says_so_and_is_not_followed(code: int) -> None:
    """Following would send the credential to wherever it points."""
    async with ScriptedProvider(answer()) as other, open_transport() as transport:
        async with ScriptedProvider(status(code, {"Location": other.base_url})) as provider:
            fault = await fault_of(transport, post(provider.base_url))
            assert (fault.reason, fault.status) == (Reason.MALFORMED, code)
            assert f"answered {code}, a redirect" in fault.message
        assert other.turns == []


@pytest.mark.parametrize("code", [400, 401, 429, 503])
@on_real_loops
async def test_an_error_answer_is_an_answer(code: int) -> None:
    """What it means is the dialect's to say; the transport hands over status, headers and body."""
    async with ScriptedProvider(status(code, {"Retry-After": "2"})) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url)) as reply:
            body = await reply.read(LIMIT_BYTES)
        assert (reply.status, reply.headers["retry-after"]) == (code, "2")
        assert b"scripted" in body
        assert len(provider.turns) == 1
