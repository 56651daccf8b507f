"""One client's connection: aiohttp's own, that speaks a dialect even where no request could be read, and is known to be
open until its last byte has left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aiohttp import StreamReader, hdrs, web
from aiohttp.http import RawRequestMessage
from aiohttp.http_writer import StreamWriter
from aiohttp.web_protocol import ERROR

from router.front.sending import SERVER_NAME, is_plain, send_whole

_LOOKS = 4
"""Looks at a connection in the time that its answer may wait unread."""


class Crowd:
    """The open connections of one listener.

    Args:
        most: how many there may be.
        unread_s: who takes no byte of what waits for it for that long, and at most a quarter more, is dropped from
            `watch` on. Closing waits for the last byte to leave, so who never reads would hold connection and answer
            for as long as it likes. nginx does the same after a minute (`send_timeout`).
    """

    def __init__(self, most: int, unread_s: float) -> None:
        self._most = most
        self._unread_s = unread_s
        self._timer: asyncio.TimerHandle | None = None
        self._open: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def watch(self) -> None:
        """Look at every connection, now and from time to time."""
        loop = asyncio.get_running_loop()
        for connection in tuple(self._open):
            connection.look(loop.time(), self._unread_s)
        self._timer = loop.call_later(self._unread_s / _LOOKS, self.watch)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def add(self, connection: Connection) -> None:
        """One more."""
        self._open.add(connection)
        self._empty.clear()

    def drop(self, connection: Connection) -> None:
        """One less: all it had to say has left, or never will."""
        self._open.discard(connection)
        if not self._open:
            self._empty.set()

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._open) >= self._most

    async def gone(self) -> None:
        """Wait until there is none."""
        await self._empty.wait()


class Connection(web.RequestHandler):
    """See the module.

    Args:
        crowd: where it is counted.
        refuse: the answer to what is no request, by its status and the error.
        keepalive_s: how long it may be idle.
        head_s: how long its first head may take from the connection's beginning, and a later one from its first byte.
            One that began while the request before it was answered has `keepalive_s`.
    """

    __slots__ = ("_crowd", "_head_s", "_head_timer", "_refuse", "_seen", "_seen_s", "_socket")

    def __init__(
        self,
        server: web.Server,
        crowd: Crowd,
        refuse: Callable[[int, BaseException | None], web.Response],
        *,
        keepalive_s: float,
        head_s: float,
    ) -> None:
        # Access logs come from the telemetry actor; aiohttp's would cost a quarter of a proxied request.
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as AppRunner hands it on
            keepalive_timeout=keepalive_s,
        )
        self._crowd = crowd
        self._refuse = refuse
        self._head_s = head_s
        self._head_timer: asyncio.TimerHandle | None = None
        self._socket: asyncio.Transport
        self._seen = (0, 0)
        self._seen_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """aiohttp's, counted. One too many is closed before it is read: no answer is cheaper than that."""
        full = self._crowd.full
        self._crowd.add(self)
        self._socket = cast(asyncio.Transport, transport)  # uvloop's are none by their class
        super().connection_made(transport)
        if full:
            self._socket.abort()
        else:
            self._await_head()

    def look(self, now_s: float, unread_s: float) -> None:
        """Drop it when something waits to be sent, and nothing of that was taken for so long."""
        seen = (self._request_count, self._socket.get_write_buffer_size())
        if seen != self._seen:
            self._seen, self._seen_s = seen, now_s
        elif seen[1] and now_s - self._seen_s >= unread_s:
            self._socket.abort()

    def data_received(self, data: bytes) -> None:
        """aiohttp's, with an eye on the clock while these are bytes of a head."""
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._forget_head()
        elif self._head_timer is None and self._waiter is not None and not self._waiter.done():
            # Nothing is answered and no body is read, so these can only begin a head. A waiter that is done has been
            # given a request, and its handler is not awake yet: they are of its body.
            self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """aiohttp's, counted."""
        self._forget_head()
        super().connection_lost(exc)
        self._crowd.drop(self)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp's, which asks the transport with every request, paused or not."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    async def start(self) -> None:
        """Answer one request after another. aiohttp's has a task for each, which costs a turn of the loop to begin and
        one to end, and is for handlers that leave something in their context: none here does."""
        while not self._force_close:
            if not self._messages:
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
            if not await self._answer(*self._next_message()):
                break
            self._rest()
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write it, unless its handler has, in our own way where that will do. Whether the caller is gone."""
        if self._upgraded or not (resp.prepared or is_plain(request, resp)):
            resp.headers[hdrs.SERVER] = SERVER_NAME
            return await super().finish_response(request, resp, start_time)
        try:
            await (resp.write_eof() if resp.prepared else send_whole(request, cast(web.Response, resp)))
        except ConnectionError:
            return resp, True
        return resp, False

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp could not read, in a dialect; what broke in a handler was reported by the guard. Either way the
        connection ends. Raises `ConnectionError` where a head was written."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        response = self._refuse(status, exc)
        response.force_close()
        return response

    def _next_message(self) -> tuple[Any, StreamReader]:
        """The oldest that waits, or why it cannot be read; there is room for another one behind it."""
        message, payload = self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        return message, payload

    async def _answer(self, message: Any, payload: StreamReader) -> bool:
        """Answer a request. Whether another one may come."""
        handler, factory, task = self._request_handler, self._request_factory, self._task_handler
        assert handler is not None and factory is not None and task is not None
        if message.__class__ is not RawRequestMessage:
            handler, message = self._make_error_handler(message), ERROR
        request = factory(message, payload, self, StreamWriter(self, self._loop), task)
        try:
            response, is_gone = await self._handle_request(request, None, handler)
            if is_gone:
                return False
            self._keepalive = response.keep_alive is not False
            if not payload.is_eof():
                await self._linger(payload)
        except ConnectionError:
            return False  # the caller's, under the end of an answer: there is nobody to tell
        except BaseException:
            self.force_close()
            raise
        finally:
            request._task = None  # type: ignore[assignment]  # it would hold the task that holds it, as in aiohttp
        return self._keepalive and not self._close and not self._force_close

    async def _linger(self, payload: StreamReader) -> None:
        """Read on, for a while, what is left of a body that nobody wants: a caller whose connection is reset while it
        still sends may never see its answer."""
        try:
            async with asyncio.timeout(self._lingering_time):
                while not payload.is_eof() and not self._force_close:
                    await payload.readany()
        except TimeoutError:
            self.close()

    def _rest(self) -> None:
        """Close the connection if no request follows in time."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def _await_head(self) -> None:
        # aiohttp has no clock for heads, only one for idle connections.
        self._head_timer = asyncio.get_running_loop().call_later(self._head_s, self.force_close)

    def _forget_head(self) -> None:
        timer, self._head_timer = self._head_timer, None
        if timer is not None:
            timer.cancel()
