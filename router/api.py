"""Embedding: the whole router inside another asyncio program.

    async with Router.from_config("pointsman.yaml") as router:
        async for event in router.stream({"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}):
            ...

Nothing global is touched: no signal handlers, no event loop policy, no logging configuration, no garbage collector
settings. Two routers in one loop do not meet.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from actors.messages import Answered, Call, Committed, Flow, Opened, Whole
from router.app import FRONT_DIALECT, Assembly, kind_rules
from router.canon.event import Event
from router.canon.reply import Reply
from router.canon.request import ChatRequest
from router.errors import Reason, Unavailable
from router.front.server import Application, NoServer, add_routes
from router.settings import Settings, from_environment, load, process_environment
from router.wire.dialect import Ask

Request = ChatRequest | Mapping[str, Any]

LOOK_EVERY_S = 0.5
"""How often a handler under a host's application looks whether its caller is still there."""


class Router:
    """A router to be used with `async with`, or attached to an aiohttp application.

    Args:
        settings: validated settings; `from_config` makes them from a file or a mapping.
    """

    def __init__(self, settings: Settings) -> None:
        self._assembly = Assembly(settings, server=NoServer())

    @classmethod
    def from_config(
        cls,
        source: str | Path | Mapping[str, Any] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> Router:
        """A router from a YAML, TOML or JSON file, a mapping of the same shape, or, with None, the environment alone.

        Raises:
            ConfigInvalid: naming every fault by its path.
        """
        environ = process_environment() if environ is None else environ
        if source is None:
            return cls(from_environment(environ, kind_rules()))
        return cls(load(source if isinstance(source, Mapping) else Path(source), environ, kind_rules()))

    async def __aenter__(self) -> Router:
        """Start the tree. Raises `StartFailed` when an actor cannot start."""
        await self._assembly.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Drain, then stop everything in reverse order."""
        await self._assembly.stop()

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The answer as canon events, as they come; the last one is `Ended`.

        Leaving the loop early ends the exchange, and its upstream call, when the generator is closed.

        Args:
            request: a `ChatRequest`, or a mapping in the form of OpenAI's chat API; whether it says `stream` is of no
                account.

        Raises:
            GatewayError: before the first event or, for an answer that is cut, after the last one that came.
        """
        opened = self._open(request, stream=True)
        try:
            while True:
                piece = await opened.outbox.get()
                if isinstance(piece, Flow):
                    for event in piece.events:
                        yield event
                elif isinstance(piece, Answered):
                    return
        finally:
            opened.leave()

    async def complete(self, request: Request) -> Reply:
        """The whole answer. Raises `GatewayError`."""
        opened = self._open(request, stream=False)
        reply: Reply | None = None
        try:
            while True:
                piece = await opened.outbox.get()
                match piece:
                    case Whole(reply=Reply() as said):
                        reply = said
                    case Answered() if reply is not None:
                        return reply
                    case Committed():
                        continue
                    case _:
                        raise Unavailable("an exchange ended without its answer", reason=Reason.INTERNAL)
        finally:
            opened.leave()

    def attach(self, app: Application) -> None:
        """Serve all HTTP endpoints under `app`, and start and stop with it unless this router is running already."""
        contexts = self._assembly.contexts(self._assembly.desk, look_every_s=LOOK_EVERY_S)
        add_routes(app, contexts, self._assembly.on_bug)
        app.cleanup_ctx.append(self._while_running)

    async def _while_running(self, _app: Application) -> AsyncIterator[None]:
        mine = not self._assembly.started
        if mine:
            await self._assembly.start()
        yield
        if mine:
            await self._assembly.stop()

    def _open(self, request: Request, *, stream: bool) -> Opened:
        desk = self._assembly.desk
        return desk.open(
            Call(
                ask=self._ask(request, stream=stream),
                dialect=FRONT_DIALECT.name,
                request_id=desk.new_id("req"),
                trace_id=desk.trace_id(),
            )
        )

    def _ask(self, request: Request, *, stream: bool) -> Ask:
        """The request as the front end would have read it, so that there is no second way in."""
        front = FRONT_DIALECT.front
        assert front is not None
        if isinstance(request, ChatRequest):
            body = FRONT_DIALECT.encode_request(request, request.model).body
        else:
            body = msgspec.json.encode(request)
        ask = front.peek(body)
        fields = {**ask.fields, "stream": Raw(b"true" if stream else b"false")}
        return msgspec.structs.replace(ask, stream=stream, include_usage=True if stream else None, fields=fields)
