"""What a provider's own rate-limit headers say is left, and how long to wait for more.

A report is a moment's truth: between two of them what is sent is taken off here, and what time brings back is added, so
that the last of a minute's requests is not sent twenty times over.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.canon.allowance import Allowance


def amount_at(allowance: Allowance, now: float) -> float:
    """How much is left at `now`."""
    if now >= allowance.full_at_s:
        return allowance.limit
    if allowance.steps:
        return allowance.left
    passed = max(0.0, now - allowance.at_s) / (allowance.full_at_s - allowance.at_s)
    return allowance.left + (allowance.limit - allowance.left) * passed


def allowed_at_s(allowance: Allowance, quantity: float, now: float) -> float:
    """When `quantity` is left, `now` when it is. More than the limit waits for all of it, or would wait for ever."""
    wanted = min(quantity, allowance.limit)
    if amount_at(allowance, now) >= wanted:
        return now
    if allowance.steps:
        return allowance.full_at_s
    share = (wanted - allowance.left) / (allowance.limit - allowance.left)
    return allowance.at_s + (allowance.full_at_s - allowance.at_s) * share


def next_spent(allowance: Allowance, quantity: float, now: float) -> Allowance:
    """The allowance after `quantity` was sent. One that is full again says nothing until the next report."""
    if now >= allowance.full_at_s:
        return allowance
    return replace(allowance, left=allowance.left - quantity)


def is_scarce(allowance: Allowance, now: float) -> bool:
    """Whether less than a tenth is left: a key with more should go first."""
    return amount_at(allowance, now) * 10 < allowance.limit
