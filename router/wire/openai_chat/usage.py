"""Token counts as chat completions name them; `router/wire/tokens.py` splits them."""

from __future__ import annotations

from msgspec import Raw

from router.canon.usage import Usage
from router.wire.members import UNREADABLE
from router.wire.openai_chat.schema import NULL, USAGE
from router.wire.tokens import split_tokens


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
    if body.prompt_tokens is None and body.completion_tokens is None:
        return None
    return split_tokens(body, tier)


def encode_usage(usage: Usage) -> dict[str, object]:
    """The counts as OpenAI nests them."""
    return {
        "prompt_tokens": usage.input_total,
        "completion_tokens": usage.output_total,
        "total_tokens": usage.total,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
