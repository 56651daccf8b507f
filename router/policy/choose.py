"""In which order the targets of a group are tried."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from router.canon.target import Target


class Strategy(StrEnum):
    """Who is first among targets that are well: always the first as configured, or each in turn."""

    PRIORITY = "priority"
    ROUND_ROBIN = "round_robin"


class Candidate(Struct, frozen=True, kw_only=True):
    """A target and what is known of it now.

    Args:
        window_tokens: its context window; None: nobody knows.
        resting_until_s: monotonic; until then its breaker is open or its provider wants quiet. Past or None: awake.
    """

    target: Target
    window_tokens: int | None = None
    resting_until_s: float | None = None


class Wishes(Struct, frozen=True, kw_only=True):
    """What the caller wants of the choice: no other target than the first, a window of so many tokens."""

    fallback: bool = True
    min_context: int | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """The targets in order; empty only when no target can meet the wishes. `cursor` goes into the next choice."""

    targets: tuple[Target, ...]
    cursor: int


def choose_order(
    candidates: tuple[Candidate, ...], strategy: Strategy, cursor: int, wishes: Wishes, now: float
) -> Choice:
    """Order the targets by strategy, then by hope: well, of unknown window, resting (the first to wake first).

    A resting target is last, never absent: when all rest, somebody must be asked. One whose rest is over stands in its
    old place, or no request would ever find out that it is well again.
    """
    able = tuple(c for c in candidates if wishes.min_context is None or _fits(c, wishes.min_context))
    ordered = _ORDERS[strategy](able, cursor, now)
    if not wishes.fallback:
        ordered = ordered[:1]
    hopeful = sorted(
        ordered, key=lambda c: (*_rest(c, now), wishes.min_context is not None and c.window_tokens is None)
    )
    return Choice(targets=tuple(c.target for c in hopeful), cursor=cursor + 1)


def _fits(candidate: Candidate, min_context: int) -> bool:
    return candidate.window_tokens is None or candidate.window_tokens >= min_context


def _rest(candidate: Candidate, now: float) -> tuple[bool, float]:
    until_s = candidate.resting_until_s
    return (False, 0.0) if until_s is None or until_s <= now else (True, until_s)


def _priority(candidates: tuple[Candidate, ...], cursor: int, now: float) -> tuple[Candidate, ...]:
    return candidates


def _round_robin(candidates: tuple[Candidate, ...], cursor: int, now: float) -> tuple[Candidate, ...]:
    """Turns are among those awake: turning over all would give the neighbour of a resting one twice its share."""
    awake = tuple(c for c in candidates if not _rest(c, now)[0])
    resting = tuple(c for c in candidates if _rest(c, now)[0])
    first = cursor % len(awake) if awake else 0
    return (*awake[first:], *awake[:first], *resting)


_ORDERS: dict[Strategy, Callable[[tuple[Candidate, ...], int, float], tuple[Candidate, ...]]] = {
    Strategy.PRIORITY: _priority,
    Strategy.ROUND_ROBIN: _round_robin,
}
