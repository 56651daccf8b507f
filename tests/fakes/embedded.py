"""A whole router in virtual time: no sockets, no threads, providers in memory, and a reader who reads as it likes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from actors.messages import Answered, Call, Committed, ConfigRefused, ConfigTaken, Opened, Piece, ReloadConfig, Whole
from actors.runtime import ChannelClosed, virtual_ports
from router.app import FRONT_DIALECT, Assembly, Parts, kind_rules
from router.canon.operation import Operation
from router.canon.target import Target
from router.errors import GatewayError
from router.front.server import NoServer
from router.settings import Origin
from router.upstream.memory import MemoryTransport, Script
from router.wire.dialect import FrontHalf
from tests.fakes.journal import InlineWorker, MemoryVault
from tests.fakes.lines import Lines

NOWHERE = "http://provider.test/v1"
PROVIDER = {"kind": "openai-compatible", "base_url": NOWHERE, "models": ["m"]}
STREAMED = (("content-type", "text/event-stream"),)


class Embedded:
    """The router, and what went to each provider by its name, to the newest of its units. `config` is its source: what
    a reload reads."""

    def __init__(self, config: dict[str, Any], scripts: dict[str, Script]) -> None:
        self.config = config
        self.scripts = scripts
        self.transports: dict[str, MemoryTransport] = {}
        self.log = Lines()
        self.origin = Origin(config, {}, kind_rules(), changes="home" in config)
        self.account = MemoryVault()
        self.assembly = Assembly(
            self.origin.read(),
            server=NoServer(),
            origin=self.origin,
            parts=Parts(
                ports=virtual_ports(),
                sink=self.log,
                transport=lambda name: lambda _spawn: self._transport(name),
                vault=self.account.vault(),
                reader=InlineWorker(),
            ),
        )

    def _transport(self, name: str) -> MemoryTransport:
        made = self.transports[name] = MemoryTransport(self.scripts[name])
        return made

    async def reload(self) -> ConfigTaken | ConfigRefused:
        """What becomes of the source as it is now."""
        word = await self.assembly.system.ref("root/config").ask(ReloadConfig(by="test"))
        assert isinstance(word, ConfigTaken | ConfigRefused)
        return word

    def open(self, *, stream: bool = True, **fields: Any) -> Opened:
        """Hand a chat request in, as a front does."""
        front = FRONT_DIALECT.front
        assert front is not None
        body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": stream, **fields}
        return self._open(front, FRONT_DIALECT.name, Operation.CHAT, body)

    def embed(self, texts: list[str]) -> Opened:
        """Hand in texts to embed."""
        codec = FRONT_DIALECT.codecs[Operation.EMBEDDINGS]
        assert codec.front is not None
        return self._open(codec.front, codec.name, Operation.EMBEDDINGS, {"model": "auto", "input": texts})

    def _open(self, front: FrontHalf, spoken: str, operation: Operation, body: dict[str, Any]) -> Opened:
        desk = self.assembly.desk
        call = Call(
            ask=front.peek(json.dumps(body).encode()),
            dialect=spoken,
            request_id=desk.new_id("req"),
            trace_id=desk.trace_id(),
            operation=operation,
        )
        return desk.open(call)


@asynccontextmanager
async def embedded(*scripts: Script, **sections: Any) -> AsyncIterator[Embedded]:
    """A started router whose providers `p0`, `p1`, ... follow these scripts; `auto` asks them in order."""
    named = {f"p{number}": script for number, script in enumerate(scripts)}
    config = {"providers": {name: dict(PROVIDER) for name in named}, "retry": {"jitter": False}, **sections}
    router = Embedded(config, named)
    await router.assembly.start()
    try:
        yield router
    finally:
        await router.assembly.stop()


class Read:
    """What a reader got of one answer: its pieces, then either the last of them or the error."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.error: GatewayError | None = None

    @property
    def complete(self) -> bool:
        """Whether the reader was told that this is all."""
        return bool(self.pieces) and isinstance(self.pieces[-1], Answered)

    @property
    def target(self) -> Target:
        """Who answered."""
        return next(piece.target for piece in self.pieces if isinstance(piece, Committed))

    @property
    def raw(self) -> bytes:
        """The bytes to pass on."""
        return b"".join(getattr(piece, "raw", b"") for piece in self.pieces)

    @property
    def whole(self) -> Whole | None:
        """The answer of a call that was not streamed."""
        return next((piece for piece in self.pieces if isinstance(piece, Whole)), None)


async def read(opened: Opened) -> Read:
    """Read to the end; an error is part of what was read."""
    got = Read()
    try:
        while True:
            got.pieces.append(await opened.outbox.get())
    except ChannelClosed:
        return got
    except GatewayError as error:
        got.error = error
        return got
