"""How the whole router is: one word, and what speaks against `healthy`. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

LEAST_RATE = 0.9
"""The success rate under which something is not called healthy, though it may serve still."""

LEAST_COUNTED = 10
"""Outcomes that a rate needs before it says anything."""


class Record(Struct, frozen=True, kw_only=True):
    """How one provider's attempts went lately, or requests as callers saw them.

    Args:
        whose: as a sentence about it begins.
        success_rate: None where nothing lately told it.
        counted: outcomes behind it.
    """

    whose: str
    success_rate: float | None
    counted: int


def complaint_of(record: Record) -> str | None:
    """What an operator should hear about it; None where all is well, or nobody can say."""
    if record.success_rate is None or record.counted < LEAST_COUNTED or record.success_rate >= LEAST_RATE:
        return None
    return f"{record.whose}: {record.success_rate:.0%} of the last {record.counted} were answered"


def status_of(*, ready: bool, well: int, reasons: Iterable[str]) -> str:
    """One word: draining, unhealthy (`well`, the providers that can be asked, is 0), degraded, healthy."""
    if not ready:
        return "draining"
    if not well:
        return "unhealthy"
    return "degraded" if any(True for _ in reasons) else "healthy"
