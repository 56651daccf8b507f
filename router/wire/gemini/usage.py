"""Token counts: Google's totals, of which some overlap and some stand apart, in canon's disjoint buckets.

Cached tokens are inside those of the prompt. Thinking, and what the provider's own tools put into the prompt, stand
beside them. The details say how many tokens of each were sound.
"""

from __future__ import annotations

from msgspec import Raw

from router.canon.usage import Usage
from router.wire.gemini.schema import NULL, UNREADABLE, USAGE, ModalityCount, UsageMetadata
from router.wire.tiers import tier_of


def decode_usage(raw: Raw) -> Usage | None:
    """The counts of `usageMetadata`; None where it holds none yet, and for one that cannot be read."""
    if raw == NULL:
        return None
    try:
        body = USAGE.decode(raw)
    except UNREADABLE:
        return None
    if body.prompt_token_count is None and body.total_token_count is None:
        return None
    return _split(body)


def _split(body: UsageMetadata) -> Usage:
    prompt = _count(body.prompt_token_count)
    tools = _count(body.tool_use_prompt_token_count)
    cached = min(_count(body.cached_content_token_count), prompt)
    cached_audio = min(_audio(body.cache_tokens_details), cached)
    heard = max(_audio(body.prompt_tokens_details) - cached_audio, 0) + _audio(body.tool_use_prompt_tokens_details)
    audio_input = min(heard, prompt - cached + tools)
    thoughts = _count(body.thoughts_token_count)
    answer = _count(body.candidates_token_count)
    # Some count the thinking twice: only then do prompt and answer alone make the total.
    if 0 < thoughts <= answer and prompt + tools + answer == body.total_token_count:
        answer -= thoughts
    audio_output = min(_audio(body.candidates_tokens_details), answer)
    return Usage(
        input=prompt - cached + tools - audio_input,
        cache_read=cached,
        audio_input=audio_input,
        output=answer - audio_output,
        reasoning=thoughts,
        audio_output=audio_output,
        reported_total=body.total_token_count,
        tier=tier_of(body.service_tier or body.traffic_type),
    )


def _audio(details: tuple[ModalityCount, ...] | None) -> int:
    return sum([_count(detail.token_count) for detail in details if detail.modality == "AUDIO"]) if details else 0


def _count(said: int | None) -> int:
    return said if said is not None and said > 0 else 0
