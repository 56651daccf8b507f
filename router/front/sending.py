"""How answers leave, with as few writes as can be: a whole one in a single write, and of a stream the head with its
first block.

aiohttp's own way from a response to the socket, through a writer with hooks, takes some forty calls of each answer.
"""

from __future__ import annotations

from asyncio import Transport
from http import HTTPStatus

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_exceptions import ClientConnectionResetError
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_writer import _serialize_headers

SERVER_NAME = "pointsman"
"""What answers say they come from."""

_LAST_CHUNK = b"0\r\n\r\n"


def is_plain(request: web.BaseRequest, response: web.StreamResponse) -> bool:
    """Whether `send_whole` can say this; the rest has a body that must not be sent, or makes its own. None of ours sets
    a cookie or asks for a compression."""
    return (
        response.__class__ is web.Response
        and request.method != hdrs.METH_HEAD
        and response.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    )


async def send_whole(request: web.BaseRequest, response: web.Response) -> None:
    """Write a response that `is_plain`, and wait until a slow reader has taken most of it. Raises `ConnectionError`."""
    body = response.body or b""
    assert isinstance(body, bytes)
    response.headers[hdrs.CONTENT_LENGTH] = str(len(body))
    _socket(request).write(_head(request, response) + body)
    if request.protocol.writing_paused:
        await request.writer.drain()


class Stream(web.StreamResponse):
    """An answer that is written as it comes. Begun by `prepare`, ended by `write_eof`, as any of aiohttp's."""

    _pending = b""
    """The head, until the first block takes it along."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Make the head; the application's signals see it first."""
        if self.prepared:
            return self._payload_writer
        self._req, self._payload_writer = request, request.writer
        await request._prepare_hook(self)
        # To an older version only a closed connection says that this was all.
        self._chunked = request.version >= HttpVersion11
        self._keep_alive = self._chunked and self.keep_alive is not False and request.keep_alive
        if self._chunked:
            self.headers[hdrs.TRANSFER_ENCODING] = "chunked"
        self._pending = _head(request, self)
        return request.writer

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write a block, and wait while a slow reader has not taken those before. Raises `ConnectionError`."""
        await self._send(_chunk(data) if self._chunked else bytes(data))

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the last block and the end, once."""
        if self._eof_sent:
            return
        if self._chunked:
            await self._send(_chunk(data) + _LAST_CHUNK if data else _LAST_CHUNK)
        elif data or self._pending:
            await self._send(data)
        self._eof_sent = True
        if self._payload_writer is not None:
            self._body_length = self._payload_writer.output_size  # for a host's access log
        self._req = self._payload_writer = None

    async def _send(self, block: bytes) -> None:
        request = self._req
        assert request is not None
        block, self._pending = self._pending + block, b""
        _socket(request).write(block)
        writer = request.writer
        # What the guard looks at: after this no other head may be written.
        writer.output_size += len(block)
        if request.protocol.writing_paused:
            await writer.drain()


def _chunk(data: bytes | bytearray | memoryview) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), bytes(data))


def _socket(request: web.BaseRequest) -> Transport:
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ClientConnectionResetError("the caller is gone")
    return transport


def _head(request: web.BaseRequest, response: web.StreamResponse) -> bytes:
    """Status line and headers. Raises `ValueError` for a header that would break the line it stands on."""
    headers, version = response.headers, request.version
    headers[hdrs.DATE] = rfc822_formatted_time()
    headers.setdefault(hdrs.SERVER, SERVER_NAME)
    stays = request.keep_alive and response.keep_alive is not False
    if not stays:
        response.force_close()
        if version == HttpVersion11:
            headers[hdrs.CONNECTION] = "close"
    elif version == HttpVersion10:
        headers[hdrs.CONNECTION] = "keep-alive"
    line = f"HTTP/{version.major}.{version.minor} {response.status} {response.reason}"
    return _serialize_headers(line, headers)
