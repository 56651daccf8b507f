"""Token counts between Bedrock's words and canon's buckets. `inputTokens` is the uncached rest already."""

from __future__ import annotations

from msgspec import Raw

from router.canon.usage import Usage
from router.wire.bedrock_converse.schema import NULL, USAGE, ServiceTier, UsageBody
from router.wire.members import UNREADABLE
from router.wire.tiers import tier_of

_LONG = "1h"


def decode_usage(raw: Raw, tier: ServiceTier | None = None) -> Usage | None:
    """The counts of a `usage` member, with the tier beside them; None for null, for an empty one, and for one that
    cannot be read."""
    if raw == NULL:
        return None
    try:
        body = USAGE.decode(raw)
    except UNREADABLE:
        return None
    if body.input_tokens is None and body.output_tokens is None:
        return None
    written = _count(body.cache_write_input_tokens or body.cache_write_input_token_count)
    long = min(_long(body), written)
    return Usage(
        input=_count(body.input_tokens),
        cache_read=_count(body.cache_read_input_tokens or body.cache_read_input_token_count),
        cache_write=written - long,
        cache_write_1h=long,
        output=_count(body.output_tokens),
        reported_total=body.total_tokens,
        tier=None if tier is None else tier_of(tier.type),
    )


def _long(body: UsageBody) -> int:
    """Tokens written to the one-hour cache; what no duration claims was written for five minutes."""
    return sum(_count(detail.input_tokens) for detail in body.cache_details or () if detail.ttl == _LONG)


def _count(tokens: int | None) -> int:
    return max(tokens or 0, 0)
