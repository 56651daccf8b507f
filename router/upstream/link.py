"""One connection to a provider, as a transport must see it: used before or not, a byte heard or not, died or closed."""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar, Token
from functools import partial

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class Link(ResponseHandler):
    """aiohttp's side of a socket, which also remembers what decides whether a request may be sent again unseen."""

    uses: int = 0
    heard: bool = False
    """A byte came since the request that uses the link now was given it."""
    lost: BaseException | None = None
    """The error that ended the socket; None while it lives and after an orderly end."""
    resting: bool = False
    """It is in the pool: nobody asked anything that is not answered."""

    def data_received(self, data: bytes) -> None:
        """Note the byte before it is parsed: half a head is an answer begun. Empty calls are aiohttp resuming.

        What comes behind an answer would be read as that of the next request, which may be another caller's; so the
        connection ends with it, whether it came in the same block or later.
        """
        if data:
            self.heard = True
            if self.resting:
                self.abort()
                return
        super().data_received(data)
        if self.resting and self.should_close:
            self.abort()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp's, which asks parser and transport with every block, paused or not."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Keep the error: aiohttp drops it where a body has no stated length, and a reset would pass for its end."""
        self.lost = exc
        super().connection_lost(exc)


class Sending:
    """What one try to send learns of its connection; `fresh` asks for one that no request used before."""

    __slots__ = ("_token", "fresh", "link", "socket")

    def __init__(self, *, fresh: bool) -> None:
        self.fresh = fresh
        self.link: Link | None = None
        self.socket: asyncio.Transport | None = None
        self._token: Token[Sending]

    def __enter__(self) -> None:
        """A connector asked within the block tells this try what it gives."""
        self._token = SENDING.set(self)

    def __exit__(self, *_: object) -> None:
        """The next try is another one."""
        SENDING.reset(self._token)

    def use(self, link: Link) -> None:
        """This is the connection. What it knows of the request before is of no use any more."""
        link.uses += 1
        link.heard = link.resting = False
        self.link = link
        self.socket = link.transport

    @property
    def stale(self) -> bool:
        """The connection came from the pool and gave no byte: the provider closed it while it was idle."""
        return self.link is not None and self.link.uses > 1 and not self.link.heard

    @property
    def closing(self) -> bool:
        """aiohttp closed the socket, which lives on while bytes wait to be written."""
        return self.socket is not None and self.socket.is_closing()

    def abort(self) -> None:
        """Drop the socket now. An orderly close would first wait for a provider that does not read the request."""
        if self.socket is not None:
            self.socket.abort()


SENDING: ContextVar[Sending] = ContextVar("SENDING")
"""Set where a connector is asked: aiohttp hands nothing of ours down to it."""


class LinkConnector(TCPConnector):
    """A pool without limits (the Pace actor has them) whose connections are `Link`s, told to the try that uses them.

    Args:
        idle_s: an unused connection is kept that long.
        dns_ttl_s: a resolved name is kept that long.
        tls: None is aiohttp's default context, which trusts what the system trusts.
    """

    def __init__(self, *, idle_s: float, dns_ttl_s: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(limit=0, ttl_dns_cache=dns_ttl_s, keepalive_timeout=idle_s, ssl=True if tls is None else tls)
        made: type[ResponseHandler] = Link
        self._factory = partial(made, loop=self._loop)

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """Give a pooled or a new connection, closing pooled ones on the way when a fresh one is asked for."""
        sending = SENDING.get()
        connection = await super().connect(req, traces, timeout)
        while sending.fresh and _link(connection).uses:
            connection.close()
            connection = await super().connect(req, traces, timeout)
        sending.use(_link(connection))
        return connection

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        """aiohttp's, which says so to the link. It may be in the middle of reading what came last."""
        if isinstance(protocol, Link):
            protocol.resting = True
        super()._release(key, protocol, should_close=should_close)


def _link(connection: Connection) -> Link:
    if not isinstance(connection.protocol, Link):
        raise TypeError("aiohttp made a connection that is not a Link")
    return connection.protocol
