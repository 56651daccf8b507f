"""The HTTP server: an aiohttp application of our own, or our routes under somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import hdrs, web
from msgspec import Struct

from actors.messages import Desk
from router.front.connection import Connection, Crowd
from router.front.guard import Admit, Contexts, Guard
from router.front.openapi import plain
from router.front.origin import admit_all, admit_keyed, admit_local, is_loopback
from router.front.paths import is_keyed, is_operational
from router.front.routes import CHAT, EITHER, OPERATIONS, ROUTES, Handler, dialect_of, spoken
from router.front.tls import Tls

Application = web.Application
"""The host program's, when embedded."""

Route = tuple[str, str, str, Handler]
Answering = Callable[[Any], Awaitable[web.StreamResponse]]
MakeContexts = Callable[[Desk], Contexts]
OnBug = Callable[[str, Exception], None]

KEEPALIVE_S = 75.0
"""How long an idle client connection stays open: longer than the idle limit of the usual load balancers (60 s), so that
they close first and never send a request into a closing connection."""

CUT_S = 0.2
"""How long a handler that outlasts a stop may take to see that its connection is closed."""


class Binding(Struct, frozen=True, kw_only=True):
    """One address, and what is served there.

    Args:
        port: 0 takes a free one.
        routes: path -> handler.
        admit: raises for headers of whom nothing here may hear.
        admit_operators: the same for operational paths.
    """

    host: str
    port: int
    routes: tuple[Route, ...]
    admit: Admit
    admit_operators: Admit


class Bounds(Struct, frozen=True, kw_only=True):
    """What callers may take of an address.

    Args:
        max_connections: open ones; one more is closed at once.
        head_s: how long the head of a request may take, and a TLS handshake.
        unread_s: how long nothing may be taken of an answer that waits.
    """

    max_connections: int
    head_s: float
    unread_s: float


class HttpServer:
    """Listens on one address, or on one for callers and one for those who run the router.

    Args:
        bindings: the first is the callers'.
        tls: None speaks in the clear.
        bounds: what callers may take.
    """

    def __init__(
        self,
        bindings: tuple[Binding, ...],
        *,
        make_contexts: MakeContexts,
        on_bug: OnBug,
        tls: Tls | None = None,
        bounds: Bounds,
    ) -> None:
        self._listeners = tuple(Listener(binding, tls=tls, bounds=bounds) for binding in bindings)
        self._make_contexts = make_contexts
        self._on_bug = on_bug
        self._tls = tls

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where each binding listens, once it does."""
        return tuple(listener.address for listener in self._listeners)

    @property
    def address(self) -> tuple[str, int]:
        """Where callers are heard."""
        return self._listeners[0].address

    async def start(self, desk: Desk) -> None:
        """Listen everywhere or nowhere. Raises `OSError` naming the address when one is taken, or the certificate that
        cannot be used."""
        if self._tls is not None:
            self._tls.renew()
        contexts = self._make_contexts(desk)
        begun: list[Listener] = []
        try:
            for listener in self._listeners:
                begun.append(listener)
                await listener.start(contexts, self._on_bug)
        except OSError:
            for listener in reversed(begun):
                await listener.stop(0.0)
            raise

    def renew(self) -> None:
        """Read the certificate again. Raises `OSError` where it cannot be used; the one before then stays."""
        if self._tls is not None:
            self._tls.renew()

    async def stop(self, within_s: float) -> None:
        """Close the listeners, then every connection: once its answer has left, or when `within_s` has passed. Callers
        come last, so that those who watch them leave can."""
        for listener in self._listeners:
            await listener.stop(within_s)


class Listener:
    """One address of a server. A new life begins with each `start`."""

    def __init__(self, binding: Binding, *, tls: Tls | None, bounds: Bounds) -> None:
        self._binding = binding
        self._tls = tls
        self._bounds = bounds
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._crowd = Crowd(bounds.max_connections, bounds.unread_s)
        self.address: tuple[str, int] = (binding.host, binding.port)

    async def start(self, contexts: Contexts, on_bug: OnBug) -> None:
        """Listen. Raises `OSError` naming the address when it is taken."""
        app = web.Application()
        binding, bounds = self._binding, self._bounds
        guards = add_routes(app, contexts, on_bug, binding.admit, binding.admit_operators, routes=binding.routes)
        app.middlewares.append(_middleware(guards))
        # Handlers are cancelled when their caller leaves, or the upstream would generate, and bill, for nobody.
        self._runner = web.AppRunner(app, handle_signals=False, handler_cancellation=True, shutdown_timeout=CUT_S)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        server.request_handler = _straight(app, server.request_handler)
        self._crowd = Crowd(bounds.max_connections, bounds.unread_s)
        self._crowd.watch()
        connect = partial(
            Connection, server, self._crowd, guards[CHAT].refuse, keepalive_s=KEEPALIVE_S, head_s=bounds.head_s
        )
        tls = None if self._tls is None else self._tls.context
        self._listener = await asyncio.get_running_loop().create_server(
            connect,
            binding.host,
            binding.port,
            backlog=1024,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else bounds.head_s,
        )
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
        self._crowd.stop()
        await runner.cleanup()


class NoServer:
    """For embedding: requests come in through the API or another application's routes."""

    async def start(self, _desk: Desk) -> None:
        """Nothing listens."""

    async def stop(self, _within_s: float) -> None:
        """Nothing to close."""

    def renew(self) -> None:
        """Nothing to read."""


def bindings_of(main: tuple[str, int], admin: tuple[str, int] | None, admin_key: str | None) -> tuple[Binding, ...]:
    """What is served where. Without an address of its own administration shares the callers'.

    Args:
        admin_key: what operational paths ask for; None asks for nothing, which only this machine may be told.
    """
    shared = ROUTES + OPERATIONS
    if admin is None:
        return (_binding(main, shared, admin_key),)
    callers = tuple(route for route in ROUTES if not is_operational(route[1]))
    return _binding(main, callers, admin_key), _binding(admin, tuple(r for r in shared if r not in callers), admin_key)


def _binding(address: tuple[str, int], routes: tuple[Route, ...], admin_key: str | None) -> Binding:
    host, port = address
    admit = admit_local if is_loopback(host) else admit_all
    return Binding(host=host, port=port, routes=routes, admit=admit, admit_operators=admit_keyed(admin_key, admit))


def add_routes(
    app: web.Application,
    contexts: Contexts,
    on_bug: OnBug,
    admit: Admit = admit_all,
    admit_operators: Admit = admit_all,
    *,
    routes: tuple[Route, ...] = ROUTES,
) -> dict[str, Guard]:
    """Put paths into `app`, each behind the guard of its dialect; nothing of the host application is touched."""

    def guards(admit: Admit, *, audits: bool = False, keyed: bool = False) -> dict[str, Guard]:
        return {
            name: Guard(contexts, codec.front, on_bug, admit, audits=audits, keyed=keyed)
            for name, codec in contexts().codecs.items()
            if codec.front is not None
        }

    anyone, callers = guards(admit), guards(admit, audits=True, keyed=True)
    operators = guards(admit_operators, audits=True)
    for method, path, dialect, handler in routes:
        guards_here = operators if is_operational(path) else callers if is_keyed(path) else anyone
        guarded = _guarded(guards_here, dialect, handler, f"{method} {plain(path)}")
        # Whoever watches a service often asks for no more than a head; HTTP wants that of every page.
        for each in (method, hdrs.METH_HEAD) if method == hdrs.METH_GET else (method,):
            app.router.add_route(each, path, guarded)
    return anyone


def _guarded(guards: Mapping[str, Guard], dialect: str, handler: Handler, place: str) -> Answering:
    if dialect != EITHER:
        return partial(guards[dialect].answer, handler=handler, place=place)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await guards[spoken(dialect, request.headers)].answer(request, handler, place)

    return handle


def _straight(app: web.Application, by_route: Answering) -> Answering:
    """Requests for a path that is spelt as its route is go to its handler at once: looking for the route, and aiohttp's
    layers around it, cost a twentieth of a proxied request. All others, and who expects a word before the body, go the
    long way."""
    places = {
        (route.method, resource.canonical): (web.UrlMappingMatchInfo({}, route), route.handler)
        for resource in app.router.resources()
        if isinstance(resource, web.PlainResource)
        for route in resource
    }
    for place, _ in places.values():
        place.add_app(app)  # its signals are sent as ever
        place.freeze()

    def answer(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        found = places.get((request.method, request.raw_path))
        if found is None or hdrs.EXPECT in request.headers or not isinstance(request, web.Request):
            return by_route(request)
        request._match_info, handler = found
        return handler(request)

    return answer


def _middleware(guards: Mapping[str, Guard]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """For our own application: paths that lead nowhere are answered in a dialect too."""

    @web.middleware
    async def outermost(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            return await handler(request)
        return await guards[dialect_of(request.path)].answer(request, lambda request, _context: handler(request))

    return outermost
