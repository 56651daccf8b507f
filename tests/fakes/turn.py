"""One request as a scripted provider sees it, and the gate that lets a script wait for its test."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

_ON_CLOSE_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 seconds: closing sends RST and throws away what was not sent."""


class Changes:
    """Wakes those who wait for something to become true; telling awaits nothing, so a cancelled task can do it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Something changed: whoever waits looks again."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until `what()` holds."""
        while not what():
            await self._event.wait()


class Counts(Protocol):
    """What a turn reports to."""

    bytes_sent: int


class Gate:
    """Lets a script wait for its test: `let(n)` lets n waits pass, `open()` all; `reached` is set once one waits."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._permits = 0.0
        self._changes = Changes()

    async def wait(self) -> None:
        """Wait to be let through."""
        self.reached.set()
        await self._changes.until(lambda: self._permits > 0)
        self._permits -= 1

    def let(self, n: float = 1) -> None:
        """Let `n` waits pass, now or later."""
        self._permits += n
        self._changes.tell()

    def open(self) -> None:
        """Let every wait pass from now on."""
        self.let(math.inf)


class Turn:
    """One request, and the socket it came on.

    `headers` has lower-case names. `ended` is "" while the script runs, then "answered", "cut" (by the script), or
    "left" (the client closed first); `over` is set with it.
    """

    def __init__(self, counts: Counts, writer: asyncio.StreamWriter, head: list[str]) -> None:
        self.method, self.path, _ = head[0].split(" ", 2)
        pairs = (line.partition(":") for line in head[1:])
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.body = b""
        self.ended = ""
        self.over = asyncio.Event()
        self._counts = counts
        self.writer = writer

    def asked(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    async def send(self, data: bytes) -> None:
        """Put bytes on the socket, waiting while the client does not read."""
        self._counts.bytes_sent += len(data)
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int, headers: dict[str, str]) -> None:
        """Send a status line and headers."""
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        """Send a piece of a chunked body; an empty one ends it."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def gone(self) -> None:
        """Wait until the client leaves; the script ends there."""
        await asyncio.get_running_loop().create_future()

    def cut(self) -> None:
        """Close in order (FIN), whatever was promised."""
        self.ended = "cut"
        self.writer.close()

    def reset(self) -> None:
        """Close with RST."""
        self.ended = "cut"
        _linger_none(self.writer)
        self.writer.transport.abort()


Script = Callable[[Turn], Awaitable[None]]


def _linger_none(writer: asyncio.StreamWriter) -> None:
    held = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ON_CLOSE_RESET)
