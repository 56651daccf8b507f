"""A provider on a real socket that does what its script says, down to single bytes, and keeps account of what it saw.

A script is an async function of one `Turn`: a request, and the means to answer it or to misbehave. `replies.py` has the
usual ones. Scripts are given in order, the last one for ever; `play` gives new ones to a provider that runs.

    async with ScriptedProvider(status(503), answer("well")) as provider:
        ...  # ask provider.base_url
    assert [turn.path for turn in provider.turns] == ["/v1/chat/completions", "/v1/chat/completions"]
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from tests.fakes.turn import Changes, Script, Turn


class ScriptedProvider:
    """The provider. Counts what tests ask about; a client's leaving cancels the script it was served by.

    Args:
        scripts: one for each request in order, the last for ever.
        choose: instead of `scripts`, picks one by the request.
        port: to listen on; 0 takes a free one.
    """

    def __init__(self, *scripts: Script, choose: Callable[[Turn], Script] | None = None, port: int = 0) -> None:
        self.turns: list[Turn] = []
        self.running = 0
        self.most_running = 0
        self.connections = 0
        self.open_connections = 0
        self.bytes_sent = 0
        self.bytes_read = 0
        self.faults: list[BaseException] = []
        """What scripts raised; leaving the context raises the first."""
        self._scripts = list(scripts)
        self._choose = choose
        self._port = port
        self._changes = Changes()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> ScriptedProvider:
        """Listen on 127.0.0.1."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Watched(self._serve, loop), "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Stop listening, drop every connection, and raise what a script raised."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await self.until(lambda: self.open_connections == 0)
        if error is None and self.faults:
            raise self.faults[0]

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the provider is used outside its context")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        """What a configuration names: with the version, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def left(self) -> int:
        """How many requests the client gave up before their script had ended."""
        return sum(turn.ended == "left" for turn in self.turns)

    def play(self, *scripts: Script) -> None:
        """From the next request on, these scripts."""
        self._scripts = list(scripts)

    def hang_up_idle(self) -> None:
        """Close (FIN) every connection that serves no request now, as a server does whose keep-alive ran out."""
        for writer in self._writers:
            if not any(turn.writer is writer and not turn.over.is_set() for turn in self.turns):
                writer.close()

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until `what()` holds; asked again whenever a count changes."""
        await self._changes.until(what)

    def _next(self, turn: Turn) -> Script:
        if self._choose is not None:
            return self._choose(turn)
        return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._writers.add(writer)
        try:
            while (turn := await self._read(reader, writer)) is not None:
                await self._perform(turn)
                if turn.ended != "answered":
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client left: how its request ended is already written down
        finally:
            self._writers.discard(writer)
            self.open_connections -= 1
            writer.close()
            self._changes.tell()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Turn | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        turn = Turn(self, writer, head.decode("latin-1").strip().split("\r\n"))
        turn.body = await reader.readexactly(int(turn.headers.get("content-length", "0")))
        self.bytes_read += len(head) + len(turn.body)
        return turn

    async def _perform(self, turn: Turn) -> None:
        self.turns.append(turn)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self._changes.tell()
        try:
            await self._next(turn)(turn)
            turn.ended = turn.ended or "answered"
        except (ConnectionError, asyncio.CancelledError):
            turn.ended = turn.ended or "left"
            raise
        except Exception as error:  # noqa: BLE001 a script's bug is the test's to see, not the event loop's
            turn.ended = "cut"
            self.faults.append(error)
        finally:
            self.running -= 1
            turn.over.set()
            self._changes.tell()


class _Watched(asyncio.StreamReaderProtocol):
    """A connection whose server task is cancelled as soon as the client closes, whatever its script waits for."""

    def __init__(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._serving: asyncio.Task[Any] | None = None

        async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._serving = asyncio.current_task()
            await serve(reader, writer)

        super().__init__(asyncio.StreamReader(loop=loop), watched, loop=loop)

    def eof_received(self) -> bool | None:
        """The client's FIN: aiohttp never closes one direction only."""
        self._stop()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client's RST, or our own close."""
        self._stop()
        super().connection_lost(exc)

    def _stop(self) -> None:
        if self._serving is not None and not self._serving.done():
            self._serving.cancel()


@contextmanager
def refused() -> Iterator[str]:
    """A base URL nobody listens at, held so that nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"
