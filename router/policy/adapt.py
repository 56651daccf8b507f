"""How many attempts at once a target carries, learned from how it answers.

Two ways, because there are two kinds of providers. One that is shared with others (an API that is paid for) says itself
when it is too much, so its bound is found by asking for a little more until it refuses: additive increase,
multiplicative decrease. One that is ours alone (an engine on our own machines) never refuses, it only gets slower, so
its bound is found in the time to the first token. Neither bounds anything before it has seen a reason to.

Time to the first token, never the whole answer's: that measures how long answers are.

Source: https://github.com/Netflix/concurrency-limits, `AIMDLimit.java` and `Gradient2Limit.java`, read 2026-10.
"""

from __future__ import annotations

import math
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

LEAST, MOST = 1.0, 200.0
"""A bound outside these is none: below, nothing would ever be learned; above, nothing is held back."""

_KEPT = 0.9
_TOLERANCE = 1.5
_SMOOTHING = 0.2
_QUEUE = 4.0
_NEWEST = 2.0 / 601.0
_WARM_UP = 10
_FIRST = 20.0


class Adaptive(StrEnum):
    """How the bound is learned: not at all, from refusals, or from the time to the first token."""

    OFF = "off"
    AIMD = "aimd"
    GRADIENT = "gradient"


class Bound(Struct, frozen=True, kw_only=True):
    """What is learned of one target.

    Args:
        limit: attempts at once; None while nothing speaks for a bound.
        lowered_s: monotonic moment of the last decrease; an attempt from before it tells nothing new.
        usual_s: long average of the time to the first token.
        samples: how many times are in it, up to the warm-up.
    """

    limit: float | None = None
    lowered_s: float = -math.inf
    usual_s: float = 0.0
    samples: int = 0

    @property
    def slots(self) -> float:
        """Attempts at once, whole; infinite without a bound."""
        return math.inf if self.limit is None else math.floor(self.limit)


class Lesson(Struct, frozen=True, kw_only=True):
    """How one attempt went.

    Args:
        throttled: the provider said it was too much.
        held: attempts under way at the target when it ended, itself included.
        sent_s: when its request went out, monotonic.
        first_token_s: from then to its first content; None when none came.
    """

    throttled: bool
    held: int
    sent_s: float
    first_token_s: float | None = None


def next_bound(bound: Bound, lesson: Lesson, now: float, adaptive: Adaptive) -> Bound:
    """The bound after an attempt."""
    if adaptive is Adaptive.OFF:
        return bound
    if lesson.throttled:
        return _lowered(bound, lesson, now)
    if adaptive is Adaptive.GRADIENT:
        return bound if lesson.first_token_s is None else _graded(bound, lesson.held, lesson.first_token_s)
    return _raised(bound, lesson.held)


def _lowered(bound: Bound, lesson: Lesson, now: float) -> Bound:
    """Once for each crowd: its other refusals were sent before the first of them was heard."""
    if lesson.sent_s < bound.lowered_s:
        return bound
    held = float(lesson.held) if bound.limit is None else min(bound.limit, lesson.held)
    return replace(bound, limit=max(LEAST, math.floor(held * _KEPT)), lowered_s=now)


def _raised(bound: Bound, held: int) -> Bound:
    """One more for each round of answers, while what is allowed is used at all."""
    if bound.limit is None or held * 2 < bound.limit:
        return bound
    limit = bound.limit + 1.0 / bound.limit
    return replace(bound, limit=None if limit > MOST else limit)


def _graded(bound: Bound, held: int, first_token_s: float) -> Bound:
    """Shrink by as much as the newest time exceeds the usual one; grow by a little queue while it does not."""
    weight = max(_NEWEST, 1.0 / (bound.samples + 1))
    usual_s = bound.usual_s + weight * (first_token_s - bound.usual_s)
    if usual_s > 2.0 * first_token_s:
        usual_s *= 0.95  # after a time of load the average must come down, or it would excuse the next one
    learned = replace(bound, usual_s=usual_s, samples=min(bound.samples + 1, _WARM_UP * 60))
    if learned.samples < _WARM_UP:
        return learned
    limit = _FIRST if bound.limit is None else bound.limit
    if held * 2 < limit:
        return replace(learned, limit=limit)
    gradient = max(0.5, min(1.0, _TOLERANCE * usual_s / first_token_s)) if first_token_s > 0 else 1.0
    limit = (1.0 - _SMOOTHING) * limit + _SMOOTHING * (limit * gradient + _QUEUE)
    return replace(learned, limit=min(max(limit, LEAST), MOST))
