"""Token counts between Anthropic's words and canon's buckets. `input_tokens` is the uncached rest already.

A stream counts twice: `message_start` holds a preview, `message_delta` the truth. The second may leave out what the
first said of the prompt, or say it anew and larger when a server tool ran: what it says wins, what it leaves out stays.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.canon.usage import Usage
from router.wire.anthropic_messages.schema import NULL, USAGE, CacheCreation, Iteration, UsageBody
from router.wire.members import UNREADABLE
from router.wire.tiers import tier_of

TIERS = {"default": "standard", "priority": "priority", "batch": "batch"}
"""Canon's tiers that Anthropic has a word for.

Source: https://platform.claude.com/docs/en/api/messages, `usage.service_tier`, read 2026-11.
"""

_COUNTED_APART = frozenset({"message", "compaction"})
"""The rounds that make up an answer during which the conversation was compacted."""


def read_usage(raw: Raw) -> UsageBody | None:
    """The counts of a `usage` member; None for null, for an empty one, and for one that cannot be read."""
    if raw == NULL:
        return None
    try:
        body = USAGE.decode(raw)
    except UNREADABLE:
        return None
    return None if body.input_tokens is None and body.output_tokens is None else body


def merge_usage(start: UsageBody | None, final: UsageBody) -> UsageBody:
    """The counts of a stream so far: those of its start, overwritten by those that came later."""
    if start is None:
        return final
    said = {name: value for name, value in msgspec.structs.asdict(final).items() if value is not None}
    return msgspec.structs.replace(start, **said)


def split_usage(body: UsageBody) -> Usage:
    """Every token in one bucket. What was written to the cache and no duration claims was written for five minutes."""
    rounds = _rounds(body)
    thinking = body.output_tokens_details.thinking_tokens if body.output_tokens_details else None
    output = sum(_count(one.output_tokens) for one in rounds)
    reasoning = min(_count(thinking), output)
    written = [_written(one) for one in rounds]
    return Usage(
        input=sum(_count(one.input_tokens) for one in rounds),
        cache_read=sum(_count(one.cache_read_input_tokens) for one in rounds),
        cache_write=sum(short for short, _ in written),
        cache_write_1h=sum(long for _, long in written),
        output=output - reasoning,
        reasoning=reasoning,
        tier=tier_of(body.service_tier),
    )


def decode_usage(raw: Raw) -> Usage | None:
    """The counts of an answer that was not streamed; None where there are none."""
    body = read_usage(raw)
    return None if body is None else split_usage(body)


def encode_usage(usage: Usage | None) -> dict[str, object]:
    """The counts as Anthropic nests them. Its clients read numbers unguarded, so what nobody counted reads as 0."""
    counted = usage or Usage()
    said: dict[str, object] = {
        "input_tokens": counted.input + counted.audio_input + counted.image_input,
        "cache_creation_input_tokens": counted.cache_write + counted.cache_write_1h,
        "cache_read_input_tokens": counted.cache_read,
        "cache_creation": CacheCreation(
            ephemeral_5m_input_tokens=counted.cache_write, ephemeral_1h_input_tokens=counted.cache_write_1h
        ),
        "output_tokens": counted.output_total,
        "service_tier": TIERS.get(counted.tier or ""),
    }
    if counted.reasoning:
        said["output_tokens_details"] = {"thinking_tokens": counted.reasoning}
    return said


def _rounds(body: UsageBody) -> tuple[UsageBody | Iteration, ...]:
    """What to add up: the totals, but for a compacted conversation, whose totals leave the compaction out."""
    kinds = {one.type for one in body.iterations or ()}
    if "compaction" not in kinds or "fallback_message" in kinds:
        return (body,)
    return tuple(one for one in body.iterations or () if one.type in _COUNTED_APART)


def _written(counted: UsageBody | Iteration) -> tuple[int, int]:
    """(five minutes, one hour); a total said later than its split is larger than it."""
    split = counted.cache_creation or CacheCreation()
    long = _count(split.ephemeral_1h_input_tokens)
    if counted.cache_creation_input_tokens is None:
        return _count(split.ephemeral_5m_input_tokens), long
    total = _count(counted.cache_creation_input_tokens)
    long = min(long, total)
    return total - long, long


def _count(tokens: int | None) -> int:
    return max(tokens or 0, 0)
