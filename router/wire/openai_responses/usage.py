"""Token counts as the Responses API names them; `router/wire/tokens.py` splits them."""

from __future__ import annotations

from msgspec import Raw

from router.canon.usage import Usage
from router.wire.members import NULL, UNREADABLE
from router.wire.openai_responses.schema import USAGE
from router.wire.tokens import TokenCounts, split_tokens


def decode_usage(raw: Raw, tier: object = None) -> Usage | None:
    """The counts of a `usage` member; None for null, for an empty one, and for one that cannot be read.

    Args:
        tier: the `service_tier` beside them.
    """
    if raw == NULL:
        return None
    try:
        body = USAGE.decode(raw)
    except UNREADABLE:
        return None
    if body.input_tokens is None and body.output_tokens is None:
        return None
    return split_tokens(
        TokenCounts(
            prompt_tokens=body.input_tokens,
            completion_tokens=body.output_tokens,
            total_tokens=body.total_tokens,
            prompt_tokens_details=body.input_tokens_details,
            completion_tokens_details=body.output_tokens_details,
            cost=body.cost,
            is_byok=body.is_byok,
            cost_details=body.cost_details,
            cost_in_usd_ticks=body.cost_in_usd_ticks,
        ),
        tier,
    )


def encode_usage(usage: Usage) -> dict[str, object]:
    """The counts as the Responses API nests them; sound has no member of its own and stays in the totals."""
    return {
        "input_tokens": usage.input_total,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
        },
        "output_tokens": usage.output_total,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
