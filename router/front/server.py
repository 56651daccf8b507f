"""The HTTP server: an aiohttp application of our own, or our routes under somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

from aiohttp import web

from actors.messages import Desk
from router.front.connection import Connection, Crowd
from router.front.context import Context
from router.front.guard import Admit, Guard
from router.front.origin import admit_all, admit_local, is_loopback
from router.front.routes import CHAT, ROUTES, Handler, dialect_of

Application = web.Application
"""The host program's, when embedded."""

Contexts = Callable[[], Context]
MakeContexts = Callable[[Desk], Contexts]
OnBug = Callable[[str, Exception], None]

KEEPALIVE_S = 75.0
"""How long an idle client connection stays open: longer than the idle limit of the usual load balancers (60 s), so that
they close first and never send a request into a closing connection."""

CUT_S = 0.2
"""How long a handler that outlasts a stop may take to see that its connection is closed."""


class HttpServer:
    """Listens on one address. `port` 0 takes a free one; `address` says which after `start`."""

    def __init__(self, *, host: str, port: int, make_contexts: MakeContexts, on_bug: OnBug) -> None:
        self._host = host
        self._port = port
        self._make_contexts = make_contexts
        self._on_bug = on_bug
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._crowd = Crowd()
        self.address: tuple[str, int] = (host, port)

    async def start(self, desk: Desk) -> None:
        """Listen. Raises `OSError` naming the address when it is taken."""
        app = web.Application()
        admit = admit_local if is_loopback(self._host) else admit_all
        guards = add_routes(app, self._make_contexts(desk), self._on_bug, admit)
        app.middlewares.append(_middleware(guards))
        # Handlers are cancelled when their caller leaves, or the upstream would generate, and bill, for nobody.
        self._runner = web.AppRunner(app, handle_signals=False, handler_cancellation=True, shutdown_timeout=CUT_S)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        self._crowd = Crowd()
        connect = partial(Connection, server, self._crowd, guards[CHAT].refuse, keepalive_s=KEEPALIVE_S)
        self._listener = await asyncio.get_running_loop().create_server(connect, self._host, self._port, backlog=1024)
        host, port, *_ = self._listener.sockets[0].getsockname()
        self.address = (host, port)

    async def stop(self, within_s: float) -> None:
        """Close the listener, then every connection: once its answer has left, or when `within_s` has passed."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        runner, self._runner = self._runner, None
        if runner is None:
            return
        assert runner.server is not None
        # Who was let in a moment ago is counted first.
        await asyncio.sleep(0)
        runner.server.pre_shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await runner.server.shutdown(None)
                await self._crowd.gone()
        await runner.cleanup()


class NoServer:
    """For embedding: requests come in through the API or another application's routes."""

    async def start(self, _desk: Desk) -> None:
        """Nothing listens."""

    async def stop(self, _within_s: float) -> None:
        """Nothing to close."""


def add_routes(app: web.Application, contexts: Contexts, on_bug: OnBug, admit: Admit = admit_all) -> dict[str, Guard]:
    """Put our paths into `app`, each behind the guard of its dialect; nothing of the host application is touched."""
    context = contexts()
    guards = {
        name: Guard(context.desk, dialect.front, on_bug, admit)
        for name, dialect in context.dialects.items()
        if dialect.front is not None
    }
    for method, path, dialect, handler in ROUTES:
        app.router.add_route(method, path, _guarded(guards[dialect], handler, contexts))
    return guards


def _guarded(
    guard: Guard, handler: Handler, contexts: Contexts
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    inner = partial(_with_context, handler, contexts)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await guard(request, inner)

    return handle


async def _with_context(handler: Handler, contexts: Contexts, request: web.Request) -> web.StreamResponse:
    return await handler(request, contexts())


def _middleware(guards: Mapping[str, Guard]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """For our own application: paths that lead nowhere are answered in a dialect too."""

    @web.middleware
    async def outermost(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            return await handler(request)
        return await guards[dialect_of(request.path)](request, handler)

    return outermost
