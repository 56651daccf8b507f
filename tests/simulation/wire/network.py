"""A network in memory and a virtual loop upon it: servers and connections are asked for as of any loop, and what real
parsers write to one end arrives at the other, in order, later, and with back-pressure.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from actors.runtime import VirtualLoop

HIGH_BYTES = 64 * 1024
"""What may be on its way before the writer is told to wait."""

Address = tuple[str, int]
Factory = Callable[[], asyncio.BaseProtocol]
Knock = Callable[[], Awaitable[asyncio.BaseProtocol]]
"""Whom a connection reaches; raises `OSError` where nobody listens, and may take for ever."""


class _Word:
    """What arrives beside bytes."""

    def __init__(self, error: OSError | None) -> None:
        self.error = error


_EOF = _Word(None)


class Pipe(asyncio.Transport):
    """One end of a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, own: Address) -> None:
        super().__init__({"sockname": own, "peername": ("127.0.0.1", 1)})
        self._loop = loop
        self._protocol: Any = protocol
        self._peer: Pipe | None = None
        self._inbox: deque[bytes | _Word] = deque()
        self._is_paused = self._is_closing = self._is_lost = self._is_waiting = False

    @staticmethod
    def pair(loop: asyncio.AbstractEventLoop, one: asyncio.BaseProtocol, other: asyncio.BaseProtocol) -> Pipe:
        """Connect two protocols; the end of the first."""
        ends = Pipe(loop, one, ("10.0.0.1", 1)), Pipe(loop, other, ("10.0.0.2", 2))
        ends[0]._peer, ends[1]._peer = ends[1], ends[0]
        other.connection_made(ends[1])
        one.connection_made(ends[0])
        return ends[0]

    # ---- as a transport

    def write(self, data: Any) -> None:
        """Send."""
        if data and not self._is_closing and self._peer is not None:
            self._peer._take(bytes(data))
            if self._peer._weight > HIGH_BYTES and not self._is_waiting:
                self._is_waiting = True
                self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Send all, at once."""
        self.write(b"".join(bytes(data) for data in list_of_data))

    def close(self) -> None:
        """End in order: what was written arrives first."""
        if not self._is_closing:
            self._is_closing = True
            if self._peer is not None:
                self._peer._take(_EOF)
            self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        """End at once: what is on its way is lost."""
        if not self._is_lost:
            self._is_closing = True
            if self._peer is not None:
                self._peer._inbox.clear()
                self._peer._take(_Word(ConnectionResetError("the peer reset the connection")))
            self._loop.call_soon(self._lose, None)

    def is_closing(self) -> bool:
        """Whether an end was asked for or came."""
        return self._is_closing

    def pause_reading(self) -> None:
        """Take no bytes for now."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Take bytes again."""
        self._is_paused = False
        for _ in self._inbox:
            self._loop.call_soon(self._deliver)

    def is_reading(self) -> bool:
        """Whether bytes are taken."""
        return not self._is_paused and not self._is_closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Speak with another from now on."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who is spoken with."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """They are fixed here."""

    def get_write_buffer_size(self) -> int:
        """What is on its way."""
        return 0 if self._peer is None else self._peer._weight

    def can_write_eof(self) -> bool:
        """HTTP needs no half of a connection."""
        return False

    # ---- between the two ends

    @property
    def _weight(self) -> int:
        return sum(len(item) for item in self._inbox if isinstance(item, bytes))

    def _take(self, item: bytes | _Word) -> None:
        """Each delivery takes the oldest, so that order survives a loop that shuffles."""
        if not self._is_lost:
            self._inbox.append(item)
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        if self._is_lost or not self._inbox or (self._is_paused and isinstance(self._inbox[0], bytes)):
            return
        item = self._inbox.popleft()
        if isinstance(item, bytes):
            if not self._is_closing:
                self._protocol.data_received(item)
            self._relieve()
        elif item.error is not None:
            self._lose(item.error)
        elif not self._is_closing and not self._protocol.eof_received():
            self.close()

    def _relieve(self) -> None:
        """The other end may write on."""
        peer = self._peer
        if peer is not None and peer._is_waiting and self._weight <= HIGH_BYTES // 4:
            peer._is_waiting = False
            peer._protocol.resume_writing()

    def _lose(self, error: OSError | None) -> None:
        if not self._is_lost:
            self._is_lost = self._is_closing = True
            self._inbox.clear()
            self._protocol.connection_lost(error)
            self._relieve()


class WireLoop(VirtualLoop):
    """A virtual loop with a network: `peers` are the servers of the world outside, by address."""

    def __init__(self, *, seed: int = 0, shuffle: bool = False) -> None:
        super().__init__(seed=seed, shuffle=shuffle)
        self.peers: dict[Address, Knock] = {}
        self._listeners: dict[Address, Factory] = {}
        self._dialled: dict[int, asyncio.BaseProtocol] = {}

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        """Listen in memory."""
        return _Listener(self._listeners, (host, port), protocol_factory)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Reach whoever is there; the socket itself never leaves this process."""
        knock = self.peers.get(tuple(address[:2]))
        if knock is None:
            raise ConnectionRefusedError(111, "nobody listens there")
        self._dialled[sock.fileno()] = await knock()

    async def create_connection(self, protocol_factory: Any, *_: Any, **given: Any) -> Any:
        """Put a pair of pipes in the place of a socket that `sock_connect` connected."""
        sock: socket.socket = given["sock"]
        other = self._dialled.pop(sock.fileno())
        sock.close()
        protocol = protocol_factory()
        return Pipe.pair(self, protocol, other), protocol

    def dial(self, address: Address, protocol: asyncio.BaseProtocol) -> Pipe:
        """A caller's connection to a server in this loop. Raises `ConnectionRefusedError`."""
        factory = self._listeners.get(address)
        if factory is None:
            raise ConnectionRefusedError(111, "nobody listens there")
        return Pipe.pair(self, protocol, factory())


class _Listener:
    """As `asyncio.Server`, as far as it is used."""

    def __init__(self, listeners: dict[Address, Factory], address: Address, factory: Factory) -> None:
        self._listeners = listeners
        self._address = address
        listeners[address] = factory
        self.sockets = [self]

    def getsockname(self) -> Address:
        """As of a socket."""
        return self._address

    def close(self) -> None:
        """Nobody comes in any more."""
        self._listeners.pop(self._address, None)

    async def wait_closed(self) -> None:
        """At once."""
