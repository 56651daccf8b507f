"""Token counts between OpenAI's overlapping totals and canon's disjoint buckets.

OpenAI counts cached, cache-written and audio tokens inside `prompt_tokens`, and reasoning and audio inside
`completion_tokens`. Some who imitate it count reasoning beside the answer; then only the total tells. Recorded: xAI and
Vercel (reasoning beside), Gemini (thinking shows only in the total), Grok on Azure (more cached than prompt tokens).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Raw

from router.canon.usage import Usage
from router.wire.openai_chat.schema import (
    NULL,
    TOTAL_COST,
    USAGE,
    CompletionDetails,
    CostDetails,
    PromptDetails,
    UsageBody,
)

_USD_PER_TICK = Decimal(1).scaleb(-10)
"""Source: docs.x.ai, usage, read 2026-10."""


def decode_usage(raw: Raw) -> Usage | None:
    """The counts of a `usage` member; None for null, for an empty one, and for one that cannot be read."""
    if raw == NULL:
        return None
    try:
        body = USAGE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if body.prompt_tokens is None and body.completion_tokens is None:
        return None
    return _split(body)


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


def _split(body: UsageBody) -> Usage:
    prompt = _Bucket(body.prompt_tokens)
    details = body.prompt_tokens_details or PromptDetails()
    cache_read = prompt.take(_cached(body, details))
    cache_write = prompt.take(details.cache_write_tokens or body.cache_creation_input_tokens)
    audio_input = prompt.take(details.audio_tokens)
    said = body.completion_tokens_details or CompletionDetails()
    completion = _Bucket(body.completion_tokens)
    beside = _reasoning_beside(body, max(said.reasoning_tokens or 0, 0))
    reasoning = beside or completion.take(said.reasoning_tokens)
    audio_output = completion.take(said.audio_tokens)
    return Usage(
        input=prompt.left,
        cache_read=cache_read,
        cache_write=cache_write,
        audio_input=audio_input,
        output=completion.left,
        reasoning=reasoning,
        audio_output=audio_output,
        reported_usd=_reported_usd(body),
        reported_total=body.total_tokens,
    )


class _Bucket:
    """A total from which parts are taken, never more than is left: a provider's wrong detail makes no negative rest."""

    def __init__(self, total: int | None) -> None:
        self.left = max(total or 0, 0)

    def take(self, part: int | None) -> int:
        taken = min(max(part or 0, 0), self.left)
        self.left -= taken
        return taken


def _cached(body: UsageBody, details: PromptDetails) -> int | None:
    """Cached tokens under whichever name they came: OpenAI's, DeepSeek's, Mistral's, Together's or Anthropic's."""
    return (
        details.cached_tokens
        or body.prompt_cache_hit_tokens
        or body.num_cached_tokens
        or body.cached_tokens
        or body.cache_read_input_tokens
    )


def _reasoning_beside(body: UsageBody, reasoning: int) -> int:
    """Thinking tokens that `completion_tokens` does not hold: more than it has, or the total says so; else 0."""
    completion = body.completion_tokens or 0
    unexplained = max((body.total_tokens or 0) - (body.prompt_tokens or 0) - completion, 0)
    if not reasoning:
        return unexplained if body.completion_tokens is not None else 0
    return reasoning if reasoning > completion or unexplained >= reasoning else 0


def _reported_usd(body: UsageBody) -> str | None:
    """What the provider says it cost, digits untouched where it is one number."""
    if body.cost_in_usd_ticks:
        return format(body.cost_in_usd_ticks * _USD_PER_TICK, "f")
    cost = bytes(body.cost)
    if cost.startswith(b"{"):
        cost = bytes(TOTAL_COST.decode(cost).total_cost)
    own = _usd(cost)
    if own is not None and body.is_byok:
        # With the caller's own key `cost` is only the router's fee.
        own += _usd(bytes((body.cost_details or CostDetails()).upstream_inference_cost)) or Decimal(0)
    return None if own is None else format(own, "f")


def _usd(number: bytes) -> Decimal | None:
    """A JSON number as money; None for anything else."""
    return Decimal(number.decode()) if number[:1].isdigit() else None
