"""Small requests over a pool of links: one write, and the head of the answer.

aiohttp's connector, connections and parser, without its session: no redirects, cookies, proxies, timers and traces, and
no task that writes. A third of what aiohttp's own session takes of the processor.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial

from aiohttp import ClientRequest, ClientTimeout, StreamReader, hdrs
from aiohttp.client_exceptions import ConnectionTimeoutError, InvalidUrlClientError, NonHttpUrlClientError
from aiohttp.connector import Connection
from aiohttp.helpers import TimerNoop
from aiohttp.http import RawResponseMessage
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from router.upstream.link import Link, LinkConnector
from router.upstream.transport import UpstreamRequest

_ONE_WRITE_BYTES = 64 * 1024
"""A longer body is not copied behind its head."""

_SKIPPED = (hdrs.ACCEPT, hdrs.CONTENT_TYPE)
"""What aiohttp would add by itself, and a provider might take at its word."""


class Answer:
    """The head of an answer, and its body as it comes. What the transport reads of aiohttp's `ClientResponse` too."""

    __slots__ = ("connection", "content", "headers", "status")

    def __init__(self, connection: Connection, message: RawResponseMessage, payload: StreamReader) -> None:
        self.status = message.code
        self.headers: CIMultiDictProxy[str] = message.headers
        self.content = payload
        self.connection: Connection | None = connection
        payload.on_eof(self._ended)

    def close(self) -> None:
        """Let the connection go; one whose answer was not read to its end is of no further use."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def _ended(self) -> None:
        """Give the connection back, unless it speaks another protocol now or has not sent the whole request yet: what
        is left of that would be the beginning of the next one."""
        connection = self.connection
        if connection is None or connection.protocol is None or connection.protocol.upgraded:
            return
        self.connection = None
        transport = connection.transport
        if transport is not None and transport.get_write_buffer_size():
            connection.close()
        else:
            connection.release()


class Session:
    """Sends over one connector.

    Args:
        user_agent: sent where a request names none.
        buffer_bytes: what may wait to be read of one answer.
        line_bytes: the longest line, and field, of a head.
    """

    def __init__(self, connector: LinkConnector, *, user_agent: str, buffer_bytes: int, line_bytes: int) -> None:
        self._connector = connector
        self._buffer_bytes = buffer_bytes
        self._line_bytes = line_bytes
        self._drafted = lru_cache(maxsize=64)(partial(_drafted, user_agent))

    async def send(self, request: UpstreamRequest, url: URL, connect: ClientTimeout) -> Answer:
        """Write the request, and wait for the head of its answer. Raises as aiohttp's session does."""
        asked, head = self._drafted(request.method, url, request.headers)
        try:
            connection = await self._connector.connect(asked, [], connect)
        except TimeoutError as error:
            raise ConnectionTimeoutError("no connection in time") from error
        try:
            link = connection.protocol
            assert isinstance(link, Link)
            link.set_response_params(
                read_until_eof=True,
                auto_decompress=False,
                read_bufsize=self._buffer_bytes,
                max_line_size=self._line_bytes,
                max_field_size=self._line_bytes,
            )
            self._write(connection, head, request.body)
            return Answer(connection, *await _final_head(link))
        except BaseException:
            connection.close()
            raise

    def _write(self, connection: Connection, head: bytes, body: bytes) -> None:
        transport = connection.transport
        if transport is None:
            return  # it died in the pool, which reading from it says
        head = b"%bContent-Length: %d\r\n\r\n" % (head, len(body))
        if len(body) <= _ONE_WRITE_BYTES:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)


async def _final_head(link: Link) -> tuple[RawResponseMessage, StreamReader]:
    """The first head that is not one of an informational answer."""
    while True:
        message, payload = await link.read()
        if not 100 <= message.code <= 199 or message.code == 101:
            return message, payload


def _drafted(
    user_agent: str, method: str, url: URL, headers: tuple[tuple[str, str], ...]
) -> tuple[ClientRequest, bytes]:
    """What a connector is asked by, and the head without the length of a body; both are alike for most requests to one
    provider. Raises `ValueError` for what cannot be a header, and as aiohttp for what cannot be an address."""
    if url.scheme not in ("http", "https"):
        raise NonHttpUrlClientError(url)
    if not url.raw_host:
        raise InvalidUrlClientError(url)
    named = CIMultiDict(headers)
    named["Accept-Encoding"] = "identity"
    named.setdefault("User-Agent", user_agent)
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
    return asked, head.removesuffix(b"\r\n")
