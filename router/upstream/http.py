"""The transport over HTTP/1.1: one aiohttp session per provider, which retries nothing and limits nothing by itself."""

from __future__ import annotations

import asyncio
import io
import os
import ssl
from collections.abc import Awaitable, Iterator
from functools import partial

import aiohttp
from aiohttp import ClientResponse, ClientSession
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct
from multidict import CIMultiDict

from router.errors import Reason, WireFault
from router.upstream.blocks import Blocks, read_whole
from router.upstream.inflate import INFLATABLE, Inflater
from router.upstream.link import LinkConnector, Sending
from router.upstream.session import Answer, Session, address_of, connect_clock
from router.upstream.transport import UpstreamRequest

_READ_BUFFER_BYTES = 64 * 1024
"""aiohttp's 256 KiB a stream would let a thousand slow clients pin half a gigabyte."""
_BLOCK_BYTES = 16 * 1024
"""The most that is taken at once. Blocks wait in channels for slow readers, a few dozen of them each."""
_HEAD_LINE_BYTES = 32 * 1024
"""Some providers' edges send a content-security-policy longer than aiohttp's 8 KiB."""
_PLAIN_BODY_BYTES = 512 * 1024
"""Larger bodies go out by aiohttp's own session, in pieces with back-pressure: a provider may say no to half of one."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BODY_ENDS = frozenset({"content-encoding", "content-length"})
"""Headers that no longer fit a body that was unpacked."""


class HttpOptions(Struct, frozen=True, kw_only=True):
    """What an operator may set of a provider's connections.

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's; None trusts the system's.
        idle_s: how long an unused connection is kept. Load balancers commonly close after 60 s; one that closes
            earlier (uvicorn: 5 s) is met by the unseen retry.
        dns_ttl_s: how long a resolved name is kept.
        user_agent: sent where the request names none.
    """

    ca_file: str | None = None
    idle_s: float = 30.0
    dns_ttl_s: int = 300
    user_agent: str = "pointsman"


class HttpReply:
    """The head of an answer, and its body as it comes. Made by `HttpTransport.send` only."""

    def __init__(self, response: ClientResponse | Answer, sending: Sending, peer: str) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._link = sending.link
        self._peer = peer
        self._pieces: Iterator[bytes] = iter(())
        self._taken_bytes = 0
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        self._inflater = Inflater() if coding in INFLATABLE else None
        if self._inflater is not None:
            self.headers = {name: value for name, value in self.headers.items() if name not in _BODY_ENDS}
        elif coding not in ("identity", ""):
            raise WireFault(
                Reason.MALFORMED,
                f"{peer} compressed its answer with {coding!r}, which was not asked for and cannot be unpacked",
                status=self.status,
            )

    @property
    def is_over(self) -> bool:
        """As the Protocol says."""
        return self._response.content.at_eof()

    def blocks(self) -> Blocks:
        """The body as it comes, at most 16 KiB at once; the socket waits while nobody asks for more."""
        return Blocks(self._take_raw if self._inflater is None else partial(self._take_inflated, self._inflater))

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body, `limit_bytes` counted after unpacking."""
        return await read_whole(self.blocks(), limit_bytes, self.status)

    async def _take_raw(self) -> bytes:
        content = self._response.content
        try:
            if content.total_bytes > self._taken_bytes:
                block = content.read_nowait(_BLOCK_BYTES)
            else:
                block = b"" if content.is_eof() and content.exception() is None else await content.read(_BLOCK_BYTES)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            # aiohttp says RuntimeError where its session was closed between two reads.
            raise self._cut() from error
        self._taken_bytes += len(block)
        if not block and self._ends_with_connection and self._link is not None and self._link.lost is not None:
            raise self._cut() from self._link.lost
        return block

    async def _take_inflated(self, inflater: Inflater) -> bytes:
        while not (piece := next(self._pieces, b"")):
            block = await self._take_raw()
            if not block:
                if not inflater.whole:
                    raise self._cut()
                return b""
            self._pieces = inflater.feed(block)
        return piece

    @property
    def _ends_with_connection(self) -> bool:
        """Neither a length nor chunks: only how the socket ended tells an end from a cut."""
        headers = self._response.headers
        return "Content-Length" not in headers and "Transfer-Encoding" not in headers

    def _cut(self) -> WireFault:
        return WireFault(Reason.CUT_STREAM, f"{self._peer} cut its answer off", status=self.status)


class HttpTransport:
    """Carries requests to one provider over pooled connections. See `transport.Transport` for what it promises.

    A death after the connection stood and before the head is `CUT_STREAM`, never `CONNECT`, even when it cannot have
    worked on the request: only `CONNECT` says for certain that the provider saw nothing.
    """

    def __init__(self, options: HttpOptions | None = None) -> None:
        self._options = options or HttpOptions()
        self._session: ClientSession | None = None
        self._small: Session | None = None

    async def start(self) -> None:
        """Read the authorities' file, if one is set, and make the session. Opens no connection."""
        options = self._options
        tls: ssl.SSLContext | None = None
        if options.ca_file is not None:
            tls = await asyncio.to_thread(ssl.create_default_context, cafile=options.ca_file)
        connector = LinkConnector(idle_s=options.idle_s, dns_ttl_s=options.dns_ttl_s, tls=tls)
        self._small = Session(
            connector,
            user_agent=options.user_agent,
            idle_s=options.idle_s,
            buffer_bytes=_READ_BUFFER_BYTES,
            line_bytes=_HEAD_LINE_BYTES,
        )
        self._session = ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": options.user_agent},
            skip_auto_headers=("Accept", "Content-Type"),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=_READ_BUFFER_BYTES,
            max_line_size=_HEAD_LINE_BYTES,
            max_field_size=_HEAD_LINE_BYTES,
        )

    def send(self, request: UpstreamRequest) -> Opening:
        """Send, and give the answer once its head is there. Leaving before the body ended drops the socket at once."""
        return Opening(self, request)

    async def stop(self) -> None:
        """Close every connection, used and idle. An answer still being read ends as cut."""
        session, self._session = self._session, None
        small, self._small = self._small, None
        if session is not None and small is not None:
            await session.close()  # its connector closes those of either, and waits until they are
            small.close()

    async def open(self, request: UpstreamRequest, peer: str) -> tuple[ClientResponse | Answer, Sending]:
        """Send once, and once more on a fresh connection where a pooled one proved dead."""
        sending = Sending(fresh=False)
        try:
            try:
                return await self._try(request, sending), sending
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError):
                if not sending.stale:
                    raise
                sending.abort()
            sending = Sending(fresh=True)
            return await self._try(request, sending), sending
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            sending.abort()
            raise _fault(error, peer, request.connect_s) from error
        except BaseException:
            sending.abort()
            raise

    def _try(self, request: UpstreamRequest, sending: Sending) -> Awaitable[ClientResponse | Answer]:
        session, small = self._session, self._small
        if session is None or small is None:
            raise WireFault(Reason.SHUTTING_DOWN, "the connections to this provider are closed")
        if len(request.body) <= _PLAIN_BODY_BYTES:
            return small.send(request, sending)
        return _send_large(session, request, sending)


class Opening:
    """One request on its way, for `async with`. A class, since a request enters one and a generator costs more."""

    __slots__ = ("_request", "_response", "_sending", "_transport")

    def __init__(self, transport: HttpTransport, request: UpstreamRequest) -> None:
        self._transport = transport
        self._request = request
        self._response: ClientResponse | Answer | None = None
        self._sending: Sending

    async def __aenter__(self) -> HttpReply:
        _, peer = address_of(self._request.url)
        response, self._sending = await self._transport.open(self._request, peer)
        self._response = response
        try:
            if response.status in _REDIRECTS:
                raise WireFault(
                    Reason.MALFORMED,
                    f"{peer} answered {response.status}, a redirect; set the provider's base URL to the final address",
                    status=response.status,
                )
            return HttpReply(response, self._sending, peer)
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        """Drop the socket, unless the body was read to its end."""
        response = self._response
        if response is None:
            return
        if response.connection is not None or self._sending.closing:
            self._sending.abort()
        response.close()


async def _send_large(session: ClientSession, request: UpstreamRequest, sending: Sending) -> ClientResponse:
    headers = CIMultiDict(request.headers)
    headers["Accept-Encoding"] = "identity"
    url, _ = address_of(request.url)
    with sending:
        return await session.request(
            request.method,
            url,
            headers=headers,
            data=io.BytesIO(request.body),
            allow_redirects=False,
            timeout=connect_clock(request.connect_s),
        )


def _fault(error: Exception, peer: str, connect_s: float) -> WireFault:
    """The first row of `_FAULTS` that fits; words of the library never pass, they may quote headers or the path."""
    for kind, reason, words in _FAULTS:
        if isinstance(error, kind):
            return WireFault(reason, words.format(peer=peer, connect_s=connect_s, why=_why(error)))
    return WireFault(Reason.CUT_STREAM, f"the connection to {peer} died before an answer came")


def _why(error: Exception) -> str:
    """What the operating system says of a connection that did not come about."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    number = cause.errno if isinstance(cause, OSError) else None
    return os.strerror(number).lower() if number else "no connection"


_FAULTS: tuple[tuple[type[Exception], Reason, str], ...] = (
    (aiohttp.ServerTimeoutError, Reason.CONNECT_TIMEOUT, "no connection to {peer} within {connect_s:g} s"),
    (aiohttp.ClientConnectorDNSError, Reason.CONNECT, "the name in {peer} cannot be resolved"),
    (aiohttp.ClientConnectorCertificateError, Reason.CONNECT, "the certificate of {peer} is not trusted: {why}"),
    (aiohttp.ClientConnectorSSLError, Reason.CONNECT, "{peer} does not speak TLS as it should"),
    (aiohttp.ClientConnectorError, Reason.CONNECT, "{peer} cannot be reached: {why}"),
    (aiohttp.InvalidURL, Reason.CONNECT, "the provider's address cannot be used"),
    (aiohttp.NonHttpUrlClientError, Reason.CONNECT, "the address of {peer} is not one of http or https"),
    (HttpProcessingError, Reason.MALFORMED, "{peer} answered with something that is not HTTP"),
    (aiohttp.ClientResponseError, Reason.MALFORMED, "{peer} answered with something that is not HTTP"),
    (UnicodeError, Reason.CONNECT, "the name in {peer} cannot be resolved"),
    (ValueError, Reason.CREDENTIAL, "a header for {peer} holds a line break or another byte that may not be sent"),
)
"""Failures before the head, the more special class first. What no row names is a connection that died."""
