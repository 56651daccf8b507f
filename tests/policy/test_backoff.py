"""Waits between tries: random, growing, bounded."""

from __future__ import annotations

import math
from random import Random

import pytest

from router.policy.backoff import Backoff, believed_s, choose_wait_s

BACKOFF = Backoff(base_s=0.1, factor=2.0, cap_s=1.0)


@pytest.mark.parametrize(
    ("tries", "bound_s"),
    [(0, 0.1), (1, 0.2), (3, 0.8), (4, 1.0), (10_000, 1.0)],
    ids=["first", "second", "fourth", "at_the_cap", "far_beyond_every_float_power"],
)
def test_a_wait_is_spread_from_zero_to_its_bound(tries: int, bound_s: float) -> None:
    """Full jitter uses the whole range; a clamp after the jitter would pile waits up at the cap."""
    rng = Random(1)
    waits = [choose_wait_s(tries, 0.1, BACKOFF, rng) for _ in range(2_000)]
    assert max(waits) <= bound_s
    assert min(waits) < 0.02 * bound_s
    assert max(waits) > 0.98 * bound_s
    assert len(set(waits)) == len(waits)


@pytest.mark.parametrize(
    ("said_s", "believed"),
    [(None, 0.0), (-5.0, 0.0), (0.0, 0.0), (2.5, 2.5), (86_400.0, 60.0), (math.inf, 60.0), (math.nan, 0.0)],
    ids=["nothing", "a_past_date", "now", "a_moment", "a_day", "for_ever", "not_a_number"],
)
def test_a_retry_after_is_believed_within_bounds(said_s: float | None, believed: float) -> None:
    """No header of a provider's can close it for longer than we allow."""
    assert believed_s(said_s, 60.0) == believed
