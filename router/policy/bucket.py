"""A token bucket kept as one moment: the generic cell rate algorithm, with the refund that an estimate needs.

`full_at_s` is when the bucket will be full again; everything else follows from it and the rate. What was taken by an
estimate is set right once the true amount is known, both ways: who used more than it said makes the next one wait.

Source: https://github.com/brandur/redis-cell, `src/cell/mod.rs`, read 2026-10; the refund is ours.
"""

from __future__ import annotations

from msgspec import Struct


class Rate(Struct, frozen=True, kw_only=True):
    """So much in a period, and at most as much at once."""

    amount: float
    period_s: float = 60.0

    @property
    def each_s(self) -> float:
        """How long one unit takes to come back."""
        return self.period_s / self.amount


def wait_s(full_at_s: float, quantity: float, now: float, rate: Rate) -> float:
    """Seconds until `quantity` can be taken; 0 when it can now. More than the bucket holds waits for a full one."""
    least_s = min(quantity, rate.amount) * rate.each_s
    return max(0.0, max(full_at_s, now) + least_s - rate.period_s - now)


def take(full_at_s: float, quantity: float, now: float, rate: Rate) -> float:
    """The bucket without `quantity`, whether it was there or not: `wait_s` says that."""
    return max(full_at_s, now) + quantity * rate.each_s


def put_back(full_at_s: float, quantity: float, now: float, rate: Rate) -> float:
    """The bucket with `quantity` in it again, as if it had not been taken; a negative one takes more."""
    return max(now, full_at_s - quantity * rate.each_s) if quantity > 0 else take(full_at_s, -quantity, now, rate)
