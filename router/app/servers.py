"""The HTTP server that a configuration asks for."""

from __future__ import annotations

from router.front.server import Bounds, HttpServer, MakeContexts, OnBug, bindings_of
from router.front.tls import Tls
from router.settings import Settings


def server_of(settings: Settings, *, make_contexts: MakeContexts, on_bug: OnBug) -> HttpServer:
    """Not started yet."""
    server, admin = settings.server, settings.admin
    return HttpServer(
        bindings_of(
            (server.host, server.port),
            None if admin.port is None else (admin.host, admin.port),
            admin.key.reveal() if admin.key else None,
        ),
        make_contexts=make_contexts,
        on_bug=on_bug,
        tls=Tls(str(server.tls_cert), str(server.tls_key)) if server.tls_cert and server.tls_key else None,
        bounds=Bounds(
            max_connections=server.max_connections,
            head_s=server.head_timeout_s,
            unread_s=server.unread_timeout_s,
        ),
    )
