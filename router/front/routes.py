"""Path -> handler, and the dialect its errors are said in; nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from aiohttp import web

from router.front import (
    account,
    calls,
    capabilities,
    config,
    estimates,
    health,
    kept,
    keys,
    models,
    openapi,
    reports,
    responses,
)
from router.front.context import Context

Handler = Callable[[web.Request, Context], Awaitable[web.StreamResponse]]

CHAT = "openai-chat"
RESPONSES = "openai-responses"
MESSAGES = "anthropic-messages"
COUNT = "anthropic-count"
EMBEDDINGS = "openai-embeddings"
IMAGES = "openai-images"
MODERATIONS = "openai-moderations"
RERANK = "cohere-rerank"
EITHER = "either"
"""No dialect: of two that have the same path, that of the request's headers."""

ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/v1/chat/completions", CHAT, partial(calls.take, spoken=CHAT)),
    ("POST", "/v1/responses", RESPONSES, responses.converse),
    ("GET", "/v1/responses/{id}", RESPONSES, responses.one),
    ("DELETE", "/v1/responses/{id}", RESPONSES, responses.delete),
    ("GET", "/v1/responses/{id}/input_items", RESPONSES, responses.items),
    ("POST", "/v1/messages", MESSAGES, partial(calls.take, spoken=MESSAGES)),
    ("POST", "/v1/messages/count_tokens", COUNT, partial(calls.take, spoken=COUNT)),
    ("POST", "/v1/embeddings", EMBEDDINGS, partial(calls.take, spoken=EMBEDDINGS)),
    ("POST", "/v1/images/generations", IMAGES, partial(calls.take, spoken=IMAGES)),
    ("POST", "/v1/moderations", MODERATIONS, partial(calls.take, spoken=MODERATIONS)),
    ("POST", "/v1/rerank", RERANK, partial(calls.take, spoken=RERANK)),
    ("POST", "/v2/rerank", RERANK, partial(calls.take, spoken=RERANK)),
    ("GET", "/v1/models", EITHER, models.listing),
    ("GET", "/v1/models/{id:.+}", EITHER, models.one),
    ("GET", "/health", CHAT, health.summary),
    ("GET", "/health/detailed", CHAT, health.detailed),
    ("GET", "/health/providers", CHAT, health.providers),
    ("GET", "/health/metrics", CHAT, health.numbers),
    ("GET", "/providers/capabilities", CHAT, capabilities.table),
    ("GET", "/openapi.json", CHAT, openapi.document),
    ("GET", "/livez", CHAT, health.live),
    ("GET", "/readyz", CHAT, health.ready),
    ("GET", "/metrics", CHAT, health.prometheus),
)
"""Method, path, the dialect its errors are said in, handler."""


def _section(path: str, section: str) -> tuple[tuple[str, str, str, Handler], ...]:
    change = partial(config.change, section=section)
    return (
        ("GET", path, CHAT, partial(config.entries, section=section)),
        ("POST", path, CHAT, change),
        ("GET", f"{path}/{{name}}", CHAT, partial(config.entry, section=section)),
        ("PUT", f"{path}/{{name}}", CHAT, change),
        ("PATCH", f"{path}/{{name}}", CHAT, change),
        ("DELETE", f"{path}/{{name}}", CHAT, change),
        ("POST", f"{path}/{{name}}/revert", CHAT, partial(config.change, section=section, how="revert")),
    )


OPERATIONS: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "/providers/status", CHAT, reports.status),
    ("GET", "/providers/health", CHAT, reports.scores),
    ("GET", "/providers/metrics", CHAT, reports.numbers),
    ("GET", "/providers/metrics/{name}", CHAT, reports.numbers_of_one),
    ("POST", "/providers/metrics/reset", CHAT, reports.reset),
    ("POST", "/providers/{name}/retry-keys", CHAT, reports.retry_keys),
    ("GET", "/providers/logs", CHAT, reports.logs),
    ("GET", "/providers/logs/{name}", CHAT, reports.logs),
    ("GET", "/providers/costs", CHAT, reports.costs),
    ("POST", "/costs/estimate", CHAT, estimates.estimate),
    ("GET", "/audit", CHAT, reports.audit),
    ("GET", "/ledger/entries", CHAT, account.entries),
    ("GET", "/ledger/transcripts", CHAT, account.transcripts),
    ("GET", "/ledger/export", CHAT, account.export),
    ("POST", "/ledger/erase", CHAT, account.erase),
    ("POST", "/cache/purge", CHAT, kept.purge),
    ("GET", "/config", CHAT, config.show),
    ("POST", "/config/reload", CHAT, config.reload),
    *_section("/config/providers", config.PROVIDERS),
    *_section("/config/groups", config.GROUPS),
    ("GET", "/keys", CHAT, partial(config.entries, section=config.KEYS)),
    ("POST", "/keys", CHAT, keys.create),
    ("GET", "/keys/{name}", CHAT, partial(config.entry, section=config.KEYS)),
    ("PATCH", "/keys/{name}", CHAT, keys.change),
    ("DELETE", "/keys/{name}", CHAT, partial(config.change, section=config.KEYS)),
    ("POST", "/keys/{name}/rotate", CHAT, keys.rotate),
    ("POST", "/keys/{name}/revert", CHAT, partial(config.change, section=config.KEYS, how="revert")),
)
"""The same, for those who run the router and may change it: never under a host's application."""

_PREFIXES = (("/v1/messages", MESSAGES), ("/v1/responses", RESPONSES), ("/v1/rerank", RERANK), ("/v2/", RERANK))


def spoken(dialect: str, headers: Mapping[str, str]) -> str:
    """The dialect of a request to a route of `dialect`."""
    if dialect != EITHER:
        return dialect
    return MESSAGES if models.VERSION_HEADER in headers else CHAT


def dialect_of(path: str) -> str:
    """The dialect in which a path that leads nowhere is answered: that of what its caller most likely meant."""
    return next((dialect for prefix, dialect in _PREFIXES if path.startswith(prefix)), CHAT)
