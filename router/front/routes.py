"""Path -> handler, and nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from router.front import chat, health, models
from router.front.context import Context

Handler = Callable[[web.Request, Context], Awaitable[web.StreamResponse]]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/v1/chat/completions", chat.openai_chat),
    ("GET", "/v1/models", models.listing),
    ("GET", "/v1/models/{id:.+}", models.one),
    ("GET", "/health", health.summary),
    ("GET", "/health/detailed", health.detailed),
    ("GET", "/health/providers", health.providers),
    ("GET", "/health/metrics", health.numbers),
    ("GET", "/livez", health.live),
    ("GET", "/readyz", health.ready),
    ("GET", "/metrics", health.prometheus),
)
