"""In which order the targets of a group are tried.

    priority        as configured
    round_robin     each in turn
    load_balanced   the better of two drawn at random, by expected wait times attempts under way; then the others by it
    fastest_first   by how soon answers usually begin
    cheapest        by what this request would probably cost; an unknown price is last
    weighted        drawn at random, each as often as its weight says

Whoever rests (an open circuit, a provider that wants quiet) comes after all who do not. A caller who names a
conversation has its targets in the order of that name, so that the next turn meets the cache of the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from math import inf, log
from random import Random

from msgspec import Struct

from router.canon.target import Target
from router.policy.affinity import Affinity, place_of
from router.policy.pulse import UNKNOWN_S, Pulse, load_of, share_of


class Strategy(StrEnum):
    """Who is first among targets that are well."""

    PRIORITY = "priority"
    ROUND_ROBIN = "round_robin"
    LOAD_BALANCED = "load_balanced"
    FASTEST_FIRST = "fastest_first"
    CHEAPEST = "cheapest"
    WEIGHTED = "weighted"


NAMED = frozenset({Strategy.PRIORITY, Strategy.CHEAPEST})
"""Strategies that say who answers; the others say how the load is shared, and only these know shares and affinity."""

EXPLORE = 0.02
EXPLORE_AFTER_S = 30.0
"""So often `fastest_first` begins with the target that was not measured for longest, if that is so long ago: who was
slow once would otherwise never be asked again."""

_LEAST_HEALTH = 0.05  # the share of a target that only fails, so that somebody sees when it is well again


class ChoiceRules(Struct, frozen=True, kw_only=True):
    """How a group orders its targets.

    Args:
        affinity: what may tie the requests of one conversation to one target.
        slow_start_s: how long the share of a target that came back takes to be whole again.
    """

    strategy: Strategy = Strategy.PRIORITY
    affinity: Affinity = Affinity.ASKED
    slow_start_s: float = 10.0


class Candidate(Struct, frozen=True, kw_only=True):
    """A target and what is known of it now.

    Args:
        window_tokens: its context window; None: nobody knows.
        resting_until_s: monotonic; until then its breaker is open or its provider wants quiet. Past or None: awake.
        weight: its share as configured; 0 is asked only when the others do not answer.
        since_s: monotonic; when it came back or began; None: always there.
        health: its provider's score, 0 to 1.
        usd: what this request would cost there; None: nobody knows, or nobody asked.
    """

    target: Target
    window_tokens: int | None = None
    resting_until_s: float | None = None
    weight: float = 1.0
    since_s: float | None = None
    pulse: Pulse = Pulse()
    health: float = 1.0
    usd: Decimal | None = None


class Wishes(Struct, frozen=True, kw_only=True):
    """What the caller wants of the choice.

    Args:
        fallback: False keeps the request on one target.
        min_context: the window must have so many tokens.
        affinity: names the conversation; None: it has no name, or its group ties nobody.
        streamed: whether the answer is to be streamed.
    """

    fallback: bool = True
    min_context: int | None = None
    affinity: bytes | None = None
    streamed: bool = False


class Choice(Struct, frozen=True, kw_only=True):
    """The targets in order; empty only when no target can meet the wishes. `cursor` goes into the next choice."""

    targets: tuple[Target, ...]
    cursor: int


class Moment(Struct, frozen=True, kw_only=True):
    """What a choice depends on beside its targets: the group's cursor, the time, and chance."""

    cursor: int
    now: float
    rng: Random


class _Field(Struct, frozen=True, kw_only=True):
    """Who stands to be ordered, and for whom."""

    awake: tuple[Candidate, ...]
    wishes: Wishes
    moment: Moment


def choose_order(candidates: tuple[Candidate, ...], rules: ChoiceRules, wishes: Wishes, moment: Moment) -> Choice:
    """Order the targets by strategy, then by hope: well, of unknown window, resting (the first to wake first).

    A resting target is last, never absent: when all rest, somebody must be asked. One whose rest is over stands in its
    old place, or no request would ever find out that it is well again.
    """
    able = tuple(c for c in candidates if wishes.min_context is None or _fits(c, wishes.min_context))
    if not wishes.fallback and rules.strategy is Strategy.PRIORITY:
        # The first is the caller's own wish; where targets share, the one of this moment is one that is awake.
        able = able[:1]
    resting = sorted((c for c in able if _rests(c, moment.now)), key=lambda c: c.resting_until_s or 0.0)
    ordered = (*_awake_order(able, rules, wishes, moment), *resting)
    if wishes.min_context is not None:
        ordered = tuple(sorted(ordered, key=lambda c: (_rests(c, moment.now), c.window_tokens is None)))
    targets = tuple(c.target for c in ordered)
    return Choice(targets=targets if wishes.fallback else targets[:1], cursor=moment.cursor + 1)


def _awake_order(
    able: tuple[Candidate, ...], rules: ChoiceRules, wishes: Wishes, moment: Moment
) -> tuple[Candidate, ...]:
    awake = tuple(c for c in able if not _rests(c, moment.now))
    if len(awake) < 2:
        return awake
    order = _ORDERS[rules.strategy]
    if rules.strategy in NAMED:
        return order(_Field(awake=awake, wishes=wishes, moment=moment))
    shares = _shares(awake, rules.slow_start_s, moment.now)
    if wishes.affinity is not None:
        return _tied(awake, shares, wishes.affinity)
    # Who came back lately lets the others be ordered first, as often as its share says.
    late = {c.target for c, share in zip(awake, shares, strict=True) if share < 1.0 and moment.rng.random() >= share}
    prompt = tuple(c for c in awake if c.target not in late) if late else awake
    ordered = order(_Field(awake=prompt, wishes=wishes, moment=moment))
    return (*ordered, *(c for c in awake if c.target in late)) if late else ordered


def _fits(candidate: Candidate, min_context: int) -> bool:
    return candidate.window_tokens is None or candidate.window_tokens >= min_context


def _rests(candidate: Candidate, now: float) -> bool:
    return candidate.resting_until_s is not None and candidate.resting_until_s > now


def _shares(awake: tuple[Candidate, ...], window_s: float, now: float) -> tuple[float, ...]:
    """Shares relative to the largest: where all came at once, as at a start, all have theirs whole."""
    shares = [share_of(c.since_s, now, window_s) for c in awake]
    largest = max(shares)
    return tuple(share / largest for share in shares)


def _priority(field: _Field) -> tuple[Candidate, ...]:
    return field.awake


def _round_robin(field: _Field) -> tuple[Candidate, ...]:
    """Turns are among those awake: turning over all would give the neighbour of a resting one twice its share."""
    first = field.moment.cursor % len(field.awake)
    return (*field.awake[first:], *field.awake[:first])


def _load_balanced(field: _Field) -> tuple[Candidate, ...]:
    """The better of two at random: the best of all would send everybody to one target between two measurements.

    Source: `P2CPick.scala` of twitter/finagle, read 2026-11; M. Mitzenmacher, "The Power of Two Choices", 2001.
    """
    if len(field.awake) == 1:
        return field.awake
    loads = {c.target: _load(c, field) for c in field.awake}
    first, second = field.moment.rng.sample(field.awake, 2)
    better = second if loads[second.target] < loads[first.target] else first
    others = sorted((c for c in field.awake if c is not better), key=lambda c: loads[c.target])
    return (better, *others)


def _load(candidate: Candidate, field: _Field) -> float:
    """What a request meets there, as much more as the target is due less than the others."""
    due = candidate.weight * max(candidate.health, _LEAST_HEALTH)
    load = load_of(candidate.pulse, field.moment.now, streamed=field.wishes.streamed)
    return load / due if due > 0 else inf


def _fastest_first(field: _Field) -> tuple[Candidate, ...]:
    """By how soon answers usually begin, over the health: who fails half the time takes twice as long to answer."""
    streamed, moment = field.wishes.streamed, field.moment
    ordered = tuple(sorted(field.awake, key=lambda c: _typical_s(c, streamed)))
    stalest = min(ordered, key=lambda c: _measured_at_s(c, streamed))
    if moment.now - _measured_at_s(stalest, streamed) >= EXPLORE_AFTER_S and moment.rng.random() < EXPLORE:
        return (stalest, *(c for c in ordered if c is not stalest))
    return ordered


def _typical_s(candidate: Candidate, streamed: bool) -> float:
    pulse = candidate.pulse
    latency = pulse.streamed if streamed else pulse.whole
    known_s = latency.typical_s
    if known_s is None:
        # who was never asked is asked; who only failed, or is being asked, is taken for middling
        known_s = UNKNOWN_S if pulse.in_flight or latency.peak_s is not None else 0.0
    return known_s / max(candidate.health, _LEAST_HEALTH)


def _measured_at_s(candidate: Candidate, streamed: bool) -> float:
    return (candidate.pulse.streamed if streamed else candidate.pulse.whole).at_s


def _cheapest(field: _Field) -> tuple[Candidate, ...]:
    return tuple(sorted(field.awake, key=lambda c: (c.usd is None, c.usd or Decimal(0))))


def _weighted(field: _Field) -> tuple[Candidate, ...]:
    """Drawn without putting back, each by its weight among those left.

    At random and not in turn: nothing has to be kept, lost or counted anew when a target rests or comes back, and
    several routers do not march in step.

    Source: P. Efraimidis and P. Spirakis, "Weighted random sampling with a reservoir", 2006: the least of exponential
    variables of rates w is the one of w with chance w over their sum.
    """
    drawn = [
        (-log(1.0 - field.moment.rng.random()) / c.weight if c.weight > 0 else inf, place)
        for place, c in enumerate(field.awake)
    ]
    return tuple(field.awake[place] for _, place in sorted(drawn))


def _tied(awake: tuple[Candidate, ...], shares: tuple[float, ...], affinity: bytes) -> tuple[Candidate, ...]:
    """The whole order by the conversation's name: where its target fails, all its turns go to the same other one.

    Who came back has its names back one by one as its share grows, each once.
    """
    placed = [(place_of(affinity, str(c.target), c.weight * share), c) for c, share in zip(awake, shares, strict=True)]
    return tuple(c for _, c in sorted(placed, key=lambda pair: pair[0]))


_ORDERS: dict[Strategy, Callable[[_Field], tuple[Candidate, ...]]] = {
    Strategy.PRIORITY: _priority,
    Strategy.ROUND_ROBIN: _round_robin,
    Strategy.LOAD_BALANCED: _load_balanced,
    Strategy.FASTEST_FIRST: _fastest_first,
    Strategy.CHEAPEST: _cheapest,
    Strategy.WEIGHTED: _weighted,
}
