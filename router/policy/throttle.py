"""Holding back from a provider that mostly refuses: what it would refuse anyway costs it work and us time.

A breaker knows only all or nothing, and opens on failures. A provider that refuses two of three requests for want of
capacity is best asked for the share it accepts, and a little more, so that its return is noticed.

Source: https://sre.google/sre-book/handling-overload/ ("client-side throttling"), read 2026-10.
"""

from __future__ import annotations

from msgspec import Struct

from router.policy.window import Window, next_counted, recent

_SLICES = 24


class ThrottleRules(Struct, frozen=True, kw_only=True):
    """When and how much is held back.

    Args:
        factor: requests let through for each one that is accepted; infinite holds back nothing.
        window_s: what is remembered.
        min_per_s: nothing is held back from a provider that is asked less often than this, on average over the window.
        most: share held back at most, below 1: the rest finds out that the provider is well again.
    """

    factor: float = 2.0
    window_s: float = 120.0
    min_per_s: float = 1.0
    most: float = 0.9


Ration = Window
"""What was asked lately, and how much of it was accepted."""


def held_back(ration: Ration, now: float, rules: ThrottleRules) -> float:
    """The chance with which a request should not be sent now."""
    lately = recent(ration, int(now * _SLICES // rules.window_s), _SLICES)
    if lately.count < rules.min_per_s * rules.window_s:
        return 0.0
    return min(rules.most, max(0.0, (lately.count - rules.factor * lately.part) / (lately.count + 1)))


def next_asked(ration: Ration, accepted: bool, now: float, rules: ThrottleRules) -> Ration:
    """Record a request that was answered, refused, or held back here; the last two are not accepted."""
    return next_counted(ration, int(now * _SLICES // rules.window_s), _SLICES, 1, int(accepted))
