"""How long to wait before asking again, when nobody said, and how much of what a provider said is believed."""

from __future__ import annotations

import math
from random import Random

from msgspec import Struct

_MOST_DOUBLINGS = 64  # beyond it every cap has long been reached, and a float power may overflow


class Backoff(Struct, frozen=True, kw_only=True):
    """The scale of the waits between tries on one target.

    Args:
        base_s: bound of the first wait after a failure of transport or server.
        capacity_base_s: bound of the first wait after a 429 or 529 that named none; capacity returns more slowly.
        factor: how much the bound grows with each try.
        cap_s: the bound grows no further.
        jitter: False waits the bound itself.
    """

    base_s: float = 0.05
    capacity_base_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 8.0
    jitter: bool = True


def choose_wait_s(tries: int, base_s: float, backoff: Backoff, rng: Random) -> float:
    """Full jitter: uniform from zero, so that callers that failed together do not come back together.

    Args:
        tries: earlier waits on this target, 0 before the first.
        base_s: bound of the first wait.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("full jitter").
    """
    bound_s = min(backoff.cap_s, base_s * backoff.factor ** min(tries, _MOST_DOUBLINGS))
    return rng.uniform(0.0, bound_s) if backoff.jitter else bound_s


def believed_s(retry_after_s: float | None, cap_s: float) -> float:
    """A provider's Retry-After as a wait: a past one is none, and none outlasts `cap_s`."""
    if retry_after_s is None or math.isnan(retry_after_s):
        return 0.0
    return min(max(retry_after_s, 0.0), cap_s)
