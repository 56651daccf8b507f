"""How often a supervisor may restart, and how long it may wait before."""

from __future__ import annotations

import random

from msgspec import Struct


class Intensity(Struct, frozen=True):
    """More than `restarts` within `period_s` and the supervisor gives up. Shared by all its children, as in OTP."""

    restarts: int = 3
    period_s: float = 5.0

    def __post_init__(self) -> None:
        if self.restarts < 0 or self.period_s <= 0:
            raise ValueError(f"restarts may not be negative and period_s must be positive: {self}")


class Backoff(Struct, frozen=True):
    """A growing, jittered wait before restarts, outside the intensity; forgotten after `reset_after_s` of health."""

    first_s: float = 0.1
    cap_s: float = 30.0
    reset_after_s: float = 60.0


def spend_restart(history: tuple[float, ...], now: float, limit: Intensity) -> tuple[float, ...] | None:
    """Record a restart at `now`; None when the budget is spent and the supervisor must stop.

    Args:
        history: monotonic seconds of earlier restarts, oldest first.

    Source: stdlib/supervisor.erl, add_restart/1: the window slides, and its far edge still counts.
    """
    recent = tuple(at for at in history if at >= now - limit.period_s)
    return (*recent, now) if len(recent) < limit.restarts else None


def choose_delay(backoff: Backoff, failures: int, rng: random.Random) -> float:
    """Seconds before the next start. Full jitter: what died together should not return together.

    Args:
        failures: earlier failures in a row, without the one at hand.
    """
    return rng.uniform(0.0, min(backoff.cap_s, backoff.first_s * 2.0 ** min(failures, 64)))
