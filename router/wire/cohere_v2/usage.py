"""Cohere's counts in canon's buckets: what was read and written there, and beside them what is billed of it."""

from __future__ import annotations

import math

from msgspec import Raw

from router.canon.usage import Usage
from router.wire.cohere_v2.schema import USAGE, Counted
from router.wire.members import UNREADABLE


def decode_usage(raw: Raw) -> Usage | None:
    """The counts; None where nothing was counted or can be read. Billed ones alone are all that is known then."""
    try:
        body = USAGE.decode(raw)
    except UNREADABLE:
        return None
    billed = (body.billed_units if body else None) or Counted()
    tokens = (body.tokens if body else None) or Counted()
    has_tokens = _is_counted(tokens)
    if body is None or not (has_tokens or _is_counted(billed)):
        return None
    counted = tokens if has_tokens else billed
    prompt, answer = _count(counted.input_tokens), _count(counted.output_tokens)
    cached = min(_count(body.cached_tokens), prompt)
    reasoning = min(_count(counted.reasoning_tokens), answer)
    return Usage(
        input=prompt - cached,
        cache_read=cached,
        output=answer - reasoning,
        reasoning=reasoning,
        billed_input=_count(billed.input_tokens) if _is_counted(billed) else None,
        billed_output=_count(billed.output_tokens) if _is_counted(billed) else None,
    )


def _is_counted(counted: Counted) -> bool:
    return counted.input_tokens is not None or counted.output_tokens is not None


def _count(said: float | None) -> int:
    """A whole number of tokens, never negative."""
    return max(int(said), 0) if said is not None and math.isfinite(said) else 0
