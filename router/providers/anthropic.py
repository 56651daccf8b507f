"""Anthropic's own API.

The version is the one that takes sampling parameters; a caller who speaks this dialect sends its own.

Source: https://platform.claude.com/docs/en/api/overview, read 2026-11.
"""

from __future__ import annotations

from router.canon.allowance import Counted
from router.canon.operation import Operation
from router.providers.kind import Endpoint, Kind, key_header
from router.providers.limits import LimitHeader, moment
from router.providers.prefix import Prefix
from router.wire.anthropic_messages import DIALECT
from router.wire.anthropic_messages.models import traits_of

CLAUDES = Prefix(accepts=lambda model: traits_of(model).prefill, trims=True)
"""The older ones go on with a beginning, wherever they are served."""

VERSION = (("anthropic-version", "2023-06-01"),)


def _limit(counts: Counted, stem: str) -> LimitHeader:
    stem = f"anthropic-ratelimit-{stem}"
    return LimitHeader(
        counts=counts, limit=f"{stem}-limit", left=f"{stem}-remaining", reset=f"{stem}-reset", when=moment
    )


LIMITS = (
    _limit(Counted.REQUESTS, "requests"),
    _limit(Counted.INPUT, "input-tokens"),
    _limit(Counted.OUTPUT, "output-tokens"),
)
"""Its `tokens` headers repeat whichever of the two token limits is the tighter one.

Source: https://platform.claude.com/docs/en/api/rate-limits#response-headers, read 2026-11.
"""


def messages_url(base_url: str, model: str, stream: bool) -> str:
    """Messages below a base URL with or without its version: Anthropic's own tools leave it out."""
    del model, stream
    return f"{base_url.removesuffix('/v1')}/v1/messages"


def count_url(base_url: str, model: str, stream: bool) -> str:
    """Where a prompt is only counted."""
    return f"{messages_url(base_url, model, stream)}/count_tokens"


KIND = Kind(
    name="anthropic",
    dialect=DIALECT,
    base_url="https://api.anthropic.com",
    url=messages_url,
    auth=key_header("x-api-key"),
    headers=VERSION,
    needs_key=True,
    system="anthropic",
    price_id="anthropic",
    key_variable="ANTHROPIC_API_KEY",
    limits=LIMITS,
    others={
        Operation.COUNT_TOKENS: Endpoint(url=count_url),
    },
    prefix=CLAUDES,
)
