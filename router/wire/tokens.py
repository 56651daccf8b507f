"""Token counts in OpenAI's overlapping totals, split into canon's disjoint buckets.

OpenAI counts cached, cache-written and audio tokens inside those of the prompt, and reasoning and audio inside those of
the answer. Some who imitate it count reasoning beside the answer; then only the total tells. Recorded: xAI and
Vercel (reasoning beside), Gemini (thinking shows only in the total), Grok on Azure (more cached than prompt tokens).
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.usage import Usage
from router.wire.members import NULL
from router.wire.tiers import tier_of

_USD_PER_TICK = Decimal(1).scaleb(-10)
"""Source: docs.x.ai, usage, read 2026-10."""


class PromptDetails(Struct, frozen=True):
    """What of the prompt was cached, written to the cache, or sound."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class CompletionDetails(Struct, frozen=True):
    """What of the answer was thinking or sound."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class CostDetails(Struct, frozen=True):
    """What OpenRouter paid, or would have paid, for a call made with the caller's own key."""

    upstream_inference_cost: Raw = NULL


class TokenCounts(Struct, frozen=True):
    """Token counts in every form met, under chat's names; `split_tokens` says which wins. `cost` may be an object."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    num_cached_tokens: int | None = None
    cached_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cost: Raw = NULL
    is_byok: bool | None = None
    cost_details: CostDetails | None = None
    cost_in_usd_ticks: int | None = None


class TotalCost(Struct, frozen=True):
    """Perplexity's `cost`."""

    total_cost: Raw = NULL


_TOTAL_COST = Decoder(TotalCost)
_NO_PROMPT = PromptDetails()
_NO_ANSWER = CompletionDetails()


def split_tokens(body: TokenCounts, tier: object = None) -> Usage:
    """Every token in one bucket; a detail never takes more than its total holds. `tier` is what served them."""
    prompt, details = _count(body.prompt_tokens), body.prompt_tokens_details or _NO_PROMPT
    cache_read = min(_count(_cached(body, details)), prompt)
    prompt -= cache_read
    cache_write = min(_count(details.cache_write_tokens or body.cache_creation_input_tokens), prompt)
    prompt -= cache_write
    audio_input = min(_count(details.audio_tokens), prompt)
    answer, said = _count(body.completion_tokens), body.completion_tokens_details or _NO_ANSWER
    thought = _count(said.reasoning_tokens)
    beside = _reasoning_beside(body, thought)
    inside = 0 if beside else min(thought, answer)
    audio_output = min(_count(said.audio_tokens), answer - inside)
    return Usage(
        input=prompt - audio_input,
        cache_read=cache_read,
        cache_write=cache_write,
        audio_input=audio_input,
        output=answer - inside - audio_output,
        reasoning=beside or inside,
        audio_output=audio_output,
        reported_usd=_reported_usd(body),
        reported_total=body.total_tokens,
        tier=tier_of(tier),
    )


def _count(said: int | None) -> int:
    return said if said is not None and said > 0 else 0


def _cached(body: TokenCounts, details: PromptDetails) -> int | None:
    """Cached tokens under whichever name they came: OpenAI's, DeepSeek's, Mistral's, Together's or Anthropic's."""
    return (
        details.cached_tokens
        or body.prompt_cache_hit_tokens
        or body.num_cached_tokens
        or body.cached_tokens
        or body.cache_read_input_tokens
    )


def _reasoning_beside(body: TokenCounts, reasoning: int) -> int:
    """Thinking tokens that `completion_tokens` does not hold: more than it has, or the total says so; else 0."""
    completion = body.completion_tokens or 0
    unexplained = max((body.total_tokens or 0) - (body.prompt_tokens or 0) - completion, 0)
    if not reasoning:
        return unexplained if body.completion_tokens is not None else 0
    return reasoning if reasoning > completion or unexplained >= reasoning else 0


def _reported_usd(body: TokenCounts) -> str | None:
    """What the provider says it cost, digits untouched where it is one number."""
    if body.cost_in_usd_ticks:
        return format(body.cost_in_usd_ticks * _USD_PER_TICK, "f")
    if body.cost == NULL:
        return None
    cost = bytes(body.cost)
    if cost.startswith(b"{"):
        cost = bytes(_TOTAL_COST.decode(cost).total_cost)
    own = _usd(cost)
    if own is not None and body.is_byok:
        # With the caller's own key `cost` is only the router's fee.
        own += _usd(bytes((body.cost_details or CostDetails()).upstream_inference_cost)) or Decimal(0)
    return None if own is None else format(own, "f")


def _usd(number: bytes) -> Decimal | None:
    """A JSON number as money; None for anything else."""
    return Decimal(number.decode()) if number[:1].isdigit() else None
