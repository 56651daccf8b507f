"""What a provider's own rate-limit headers said, as it is kept between two answers."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Counted(StrEnum):
    """What a limit counts: requests, the prompt's tokens, the answer's, or both."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    INPUT = "input_tokens"
    OUTPUT = "output_tokens"


class Allowance(Struct, frozen=True, kw_only=True):
    """One limit as it was last reported.

    Args:
        counts: what it counts.
        limit: how much it holds when it is full.
        left: how much was left at `at_s`, less what was sent since; may fall below 0.
        at_s: monotonic moment of the report.
        full_at_s: monotonic moment at which it is full again.
        steps: whether all of it comes back at that moment; else it fills evenly until then.
    """

    counts: Counted
    limit: float
    left: float
    at_s: float
    full_at_s: float
    steps: bool = False
