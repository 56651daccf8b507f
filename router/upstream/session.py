"""Small requests over a pool of links: one write, and the head of the answer.

aiohttp's connector, connections and parser, without its session: no redirects, cookies, proxies, timers and traces, and
no task that writes. A third of what aiohttp's own session takes of the processor.
"""

from __future__ import annotations

import asyncio
import math
from functools import lru_cache
from typing import cast

from aiohttp import ClientRequest, ClientTimeout, StreamReader, hdrs
from aiohttp.client_exceptions import ConnectionTimeoutError, InvalidUrlClientError, NonHttpUrlClientError
from aiohttp.connector import Connection
from aiohttp.helpers import TimerNoop
from aiohttp.http import RawResponseMessage
from aiohttp.http_writer import _serialize_headers
from msgspec import Struct
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from router.errors import Reason, WireFault
from router.upstream.link import Link, LinkConnector, Sending
from router.upstream.pool import Pool
from router.upstream.transport import UpstreamRequest

_ONE_WRITE_BYTES = 64 * 1024
"""A longer body is not copied behind its head."""

_SKIPPED = (hdrs.ACCEPT, hdrs.CONTENT_TYPE)
"""What aiohttp would add by itself, and a provider might take at its word."""


class Draft(Struct, frozen=True):
    """What requests with the same method, address and headers have in common.

    Args:
        asked: what a connector is asked by.
        head: all of it but the length of the body and the end.
        pool: connections to the address.
    """

    asked: ClientRequest
    head: bytes
    pool: Pool


class Answer:
    """The head of an answer, and its body as it comes. What the transport reads of aiohttp's `ClientResponse` too."""

    __slots__ = ("_link", "_pool", "connection", "content", "headers", "status")

    def __init__(
        self, pool: Pool, connection: Connection, link: Link, message: RawResponseMessage, payload: StreamReader
    ) -> None:
        self.status = message.code
        self.headers: CIMultiDictProxy[str] = message.headers
        self.content = payload
        self.connection: Connection | None = connection
        self._pool = pool
        self._link = link
        payload.on_eof(self._ended)

    def close(self) -> None:
        """Let the connection go; one whose answer was not read to its end is of no further use."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def _ended(self) -> None:
        """Give the connection back, unless it speaks another protocol now."""
        connection = self.connection
        if connection is not None and not self._link.upgraded:
            self.connection = None
            self._pool.give(connection, self._link)


class Session:
    """Sends over one connector.

    Args:
        user_agent: sent where a request names none.
        idle_s: an unused connection is kept that long.
        buffer_bytes: what may wait to be read of one answer.
        line_bytes: the longest line, and field, of a head.
    """

    def __init__(
        self, connector: LinkConnector, *, user_agent: str, idle_s: float, buffer_bytes: int, line_bytes: int
    ) -> None:
        self._connector = connector
        self._user_agent = user_agent
        self._idle_s = idle_s
        self._buffer_bytes = buffer_bytes
        self._line_bytes = line_bytes
        self._pools: dict[object, Pool] = {}
        self._drafted = lru_cache(maxsize=64)(self._draft)

    async def send(self, request: UpstreamRequest, sending: Sending) -> Answer:
        """Write the request, and wait for the head of its answer. Raises as aiohttp's session does."""
        draft = self._drafted(request.method, request.url, request.headers)
        connection = None if sending.fresh else draft.pool.take()
        if connection is None:
            connection = await self._connect(draft, request.connect_s, sending)
        else:
            sending.use(cast(Link, connection.protocol))
        link = sending.link
        assert link is not None
        try:
            link.set_response_params(
                read_until_eof=True,
                auto_decompress=False,
                read_bufsize=self._buffer_bytes,
                max_line_size=self._line_bytes,
                max_field_size=self._line_bytes,
            )
            _write(link, draft.head, request.body)
            message, payload = await link.read()
            while 100 <= message.code <= 199 and message.code != 101:
                message, payload = await link.read()
            return Answer(draft.pool, connection, link, message, payload)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close every idle connection. Those in use are the connector's to close."""
        for pool in self._pools.values():
            pool.close()

    async def _connect(self, draft: Draft, connect_s: float, sending: Sending) -> Connection:
        if sending.fresh:
            draft.pool.close()
        try:
            with sending:
                return await self._connector.connect(draft.asked, [], connect_clock(connect_s))
        except TimeoutError as error:
            raise ConnectionTimeoutError("no connection in time") from error

    def _draft(self, method: str, address: str, headers: tuple[tuple[str, str], ...]) -> Draft:
        """Raises `ValueError` for what cannot be a header, and as aiohttp for what cannot be an address."""
        url, _ = address_of(address)
        if url.scheme not in ("http", "https"):
            raise NonHttpUrlClientError(url)
        if not url.raw_host:
            raise InvalidUrlClientError(url)
        named = CIMultiDict(headers)
        named["Accept-Encoding"] = "identity"
        named.setdefault("User-Agent", self._user_agent)
        asked = ClientRequest(
            method,
            url,
            headers=named,
            skip_auto_headers=_SKIPPED,
            loop=asyncio.get_running_loop(),
            timer=TimerNoop(),
        )
        asked.headers.pop(hdrs.CONTENT_LENGTH, None)
        head = _serialize_headers(f"{asked.method} {asked.url.raw_path_qs} HTTP/1.1", asked.headers)
        pool = self._pools.setdefault(asked.connection_key, Pool(self._idle_s))
        return Draft(asked, head.removesuffix(b"\r\n"), pool)


@lru_cache(maxsize=64)
def address_of(text: str) -> tuple[URL, str]:
    """The address, and `host:port` for messages: a path or query may hold a credential."""
    try:
        url = URL(text, encoded=True)
        return url, f"{url.host_subcomponent}:{url.port}"
    except ValueError as error:
        raise WireFault(Reason.CONNECT, "the provider's address is not a URL") from error


@lru_cache(maxsize=16)
def connect_clock(connect_s: float) -> ClientTimeout:
    """The one clock here: over a name and all its addresses together, and not rounded up to whole seconds past 5 s."""
    return ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s, ceil_threshold=math.inf)


def _write(link: Link, head: bytes, body: bytes) -> None:
    transport = link.transport
    if transport is None:
        return  # it died in the pool, which reading from it says
    head = b"%bContent-Length: %d\r\n\r\n" % (head, len(body))
    if len(body) <= _ONE_WRITE_BYTES:
        transport.write(head + body)
    else:
        transport.write(head)
        transport.write(body)
