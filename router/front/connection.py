"""One client's connection: aiohttp's own, that speaks a dialect even where no request could be read, and is known to be
open until its last byte has left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from aiohttp import web

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
        refuse: the answer to what is no request, by its status.
        keepalive_s: how long it may be idle.
        head_s: how long its first head may take from the connection's beginning, and a later one from its first byte.
            One that began while the request before it was answered has `keepalive_s`.
    """

    __slots__ = ("_crowd", "_head_s", "_head_timer", "_refuse", "_seen", "_seen_s", "_socket")

    def __init__(
        self,
        server: web.Server,
        crowd: Crowd,
        refuse: Callable[[int], web.Response],
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
        response = self._refuse(status)
        response.force_close()
        return response

    def _await_head(self) -> None:
        # aiohttp has no clock for heads, only one for idle connections.
        self._head_timer = asyncio.get_running_loop().call_later(self._head_s, self.force_close)

    def _forget_head(self) -> None:
        timer, self._head_timer = self._head_timer, None
        if timer is not None:
            timer.cancel()
