"""How many attempts a provider carries at once, who waits for a slot and in which order, and by which key each goes.

The queue is fair between callers: each has its turns in it, and the first turn of everybody comes before the second of
anybody, however many one of them sends. Whoever cannot be served in time is refused at once, before anything is spent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from router.policy.adapt import Adaptive
from router.policy.lanes import (
    ONLY,
    Demand,
    Lane,
    LaneRules,
    Opening,
    Shut,
    Told,
    choose_lane,
    next_held,
    next_read,
    next_reopened,
    next_taken,
    next_told,
)
from router.policy.throttle import ThrottleRules

_NEWEST = 0.2  # weight of the newest hold time in the average
_WAITED_FOR = frozenset({Shut.SLOTS, Shut.RATE})
"""What comes about by itself and soon. All else sends callers to another provider at once."""

Resting = Callable[[str], frozenset[str]]
"""Model -> the keys whose circuit for it is open."""


class PaceRules(Struct, frozen=True, kw_only=True):
    """The bounds of one provider.

    Args:
        max_parallel: attempts under way at once, by all keys; None is no bound.
        max_queue: attempts that may wait; 0 lets none wait.
        max_wait_s: the longest an attempt waits, whatever its deadline: another target may be free.
        throttle: when requests are held back from a provider that mostly refuses.
        lane: what holds for each key.
    """

    max_parallel: int | None = None
    max_queue: int = 100
    max_wait_s: float = 30.0
    throttle: ThrottleRules = ThrottleRules()
    lane: LaneRules = LaneRules()


class Waiter(Struct, frozen=True, kw_only=True):
    """One who asks, and then perhaps waits.

    Args:
        deadline_s: monotonic; served before it or not at all.
        caller: who it is for; turns are between callers.
        turn: its place among the turns of all callers.
    """

    ticket: int
    deadline_s: float
    demand: Demand
    caller: str = ""
    turn: int = 0


class Pacing(Struct, frozen=True, kw_only=True):
    """Everything about one provider's pace.

    Args:
        lanes: its keys, as configured.
        held: slots in use; above the bound only when found so after a restart; not counted where nothing is bounded.
        queue: who waits, in the order of service.
        turn: the turn that was served last.
        hold_s: running average of how long a slot is held; 0 while nobody knows.
    """

    lanes: tuple[Lane, ...] = (Lane(name=ONLY),)
    held: int = 0
    queue: tuple[Waiter, ...] = ()
    turn: int = 0
    hold_s: float = 0.0


class Granted(Struct, frozen=True, kw_only=True):
    """Go, by this key."""

    ticket: int
    key: str


class Queued(Struct, frozen=True, kw_only=True):
    """Wait: the ticket is served or refused by `until_s`. `displaced`: whose place it took in a full queue."""

    until_s: float
    displaced: int | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """There is no use in waiting here."""

    ticket: int
    retry_after_s: float
    why: Shut


def counts(pacing: Pacing, rules: PaceRules) -> bool:
    """Whether slots are bounded, so that every attempt under way must be known."""
    if rules.max_parallel is not None:
        return True
    return any(track.bound.limit is not None for lane in pacing.lanes for track in lane.tracks.values())


def free_from_s(pacing: Pacing, rules: PaceRules) -> float:
    """From when on every attempt may go at once and an answer that says nothing of limits changes nothing; infinite
    where something is bounded, counted or waited for. It saves most requests from being weighed."""
    lane, limits = pacing.lanes[0], rules.lane
    is_bounded = len(pacing.lanes) > 1 or pacing.queue or rules.max_parallel is not None or lane.tracks
    is_metered = limits.requests is not None or limits.tokens is not None or limits.adaptive is Adaptive.GRADIENT
    # A key that was shut for another reason than quiet is opened by the next answer.
    return math.inf if is_bounded or is_metered or lane.why is not Shut.QUIET else lane.shut_until_s


def next_slot(
    pacing: Pacing, waiter: Waiter, now: float, rules: PaceRules, resting: frozenset[str] = frozenset()
) -> tuple[Pacing, Granted | Queued | Refused]:
    """Let it go, give it a place in the queue, or refuse it at once where the wait would outlast its deadline."""
    opening = choose_lane(pacing.lanes, waiter.demand, now, rules.lane, resting)
    if opening.why is not None and opening.why not in _WAITED_FOR:
        return pacing, _refused(waiter, pacing, opening, now)
    model = waiter.demand.model
    ahead = any(other.demand.model == model for other in pacing.queue)
    if opening.why is None and not ahead and _has_slot(pacing, rules):
        return _granted(pacing, waiter, opening.key, now, rules), Granted(ticket=waiter.ticket, key=opening.key)
    return _queued(pacing, waiter, opening, now, rules)


def _has_slot(pacing: Pacing, rules: PaceRules) -> bool:
    return rules.max_parallel is None or pacing.held < rules.max_parallel


def _granted(pacing: Pacing, waiter: Waiter, key: str, now: float, rules: PaceRules) -> Pacing:
    lanes = pacing.lanes
    plain = len(lanes) == 1 and rules.lane.requests is None and rules.lane.tokens is None
    if not (plain and not lanes[0].tracks):
        lanes = tuple(next_taken(lane, waiter.demand, now, rules.lane) if lane.name == key else lane for lane in lanes)
    if lanes is not pacing.lanes or waiter.turn:
        pacing = replace(pacing, lanes=lanes, turn=max(pacing.turn, waiter.turn))
    return next_found(pacing, key, waiter.demand.model) if counts(pacing, rules) else pacing


def _refused(waiter: Waiter, pacing: Pacing, opening: Opening, now: float) -> Refused:
    why = opening.why or Shut.SLOTS
    wait_s = pacing.hold_s if why is Shut.SLOTS else opening.at_s - now
    return Refused(ticket=waiter.ticket, retry_after_s=wait_s, why=why)


def _queued(
    pacing: Pacing, waiter: Waiter, opening: Opening, now: float, rules: PaceRules
) -> tuple[Pacing, Queued | Refused]:
    """A place by turns, or in a full queue the last place of whoever has most of them."""
    own = [other.turn for other in pacing.queue if other.caller == waiter.caller]
    turn = max(pacing.turn, max(own, default=0)) + 1
    until_s = min(waiter.deadline_s, now + rules.max_wait_s)
    placed = replace(waiter, turn=turn, deadline_s=until_s)
    queue = tuple(sorted((*pacing.queue, placed), key=lambda other: (other.turn, other.ticket)))
    wait_s = _expected_s(pacing, queue.index(placed), opening, now, rules)
    why = opening.why or Shut.SLOTS
    if now + wait_s >= until_s:
        return pacing, Refused(ticket=waiter.ticket, retry_after_s=wait_s, why=why)
    if len(queue) <= rules.max_queue:
        return replace(pacing, queue=queue), Queued(until_s=until_s)
    displaced = _most_waiting(queue)
    if displaced == waiter.ticket:
        return pacing, Refused(ticket=waiter.ticket, retry_after_s=wait_s, why=why)
    left = tuple(other for other in queue if other.ticket != displaced)
    return replace(pacing, queue=left), Queued(until_s=until_s, displaced=displaced)


def _expected_s(pacing: Pacing, ahead: int, opening: Opening, now: float, rules: PaceRules) -> float:
    """About how long until it is served, with so many in front of it."""
    rate = rules.lane.requests
    by_rate_s = opening.at_s - now
    if opening.why is Shut.RATE and rate is not None:
        by_rate_s += ahead * rate.each_s / len(pacing.lanes)
    if opening.why is not Shut.SLOTS and _has_slot(pacing, rules):
        return by_rate_s
    return max(by_rate_s, pacing.hold_s * (ahead + 1) / (rules.max_parallel or max(pacing.held, 1)))


def _most_waiting(queue: tuple[Waiter, ...]) -> int:
    """The ticket to give up: the last one of the caller who has most, and of equals the one who came last."""
    waiting = Counter(waiter.caller for waiter in queue)
    return max(queue, key=lambda waiter: (waiting[waiter.caller], waiter.turn, waiter.ticket)).ticket


def next_served(
    pacing: Pacing, now: float, rules: PaceRules, resting: Resting = lambda _model: frozenset()
) -> tuple[Pacing, tuple[Granted, ...], tuple[Refused, ...]]:
    """The queue moves on: the state, who may go now, and whom to refuse.

    Refused are all whose time is over, and all for whom no key is open that is worth waiting for: another target may
    answer now. Who waits for another model's limit holds up nobody.
    """
    served: list[Granted] = []
    refused: list[Refused] = []
    waiting: list[Waiter] = []
    stuck: dict[str, Opening] = {}
    for waiter in pacing.queue:
        model = waiter.demand.model
        opening = stuck.get(model) or choose_lane(pacing.lanes, waiter.demand, now, rules.lane, resting(model))
        if waiter.deadline_s <= now or (opening.why is not None and opening.why not in _WAITED_FOR):
            refused.append(_refused(waiter, pacing, opening, now))
        elif opening.why is None and model not in stuck and _has_slot(pacing, rules):
            pacing = _granted(pacing, waiter, opening.key, now, rules)
            served.append(Granted(ticket=waiter.ticket, key=opening.key))
        else:
            stuck[model] = opening
            waiting.append(waiter)
    return replace(pacing, queue=tuple(waiting)), tuple(served), tuple(refused)


def next_moment(pacing: Pacing, now: float, rules: PaceRules) -> float | None:
    """When the queue should be looked at again though nothing happens; None while nobody waits."""
    if not pacing.queue:
        return None
    firsts = {waiter.demand.model: waiter.demand for waiter in reversed(pacing.queue)}
    opens = [choose_lane(pacing.lanes, demand, now, rules.lane) for demand in firsts.values()]
    limits = [opening.at_s for opening in opens if opening.why is Shut.RATE]
    return min(*(waiter.deadline_s for waiter in pacing.queue), *limits, float("inf"))


def next_left(pacing: Pacing, ticket: int) -> Pacing:
    """One in the queue went away."""
    return replace(pacing, queue=tuple(waiter for waiter in pacing.queue if waiter.ticket != ticket))


def next_returned(pacing: Pacing, key: str, model: str, held_s: float) -> Pacing:
    """A slot came back after `held_s`; whom it goes to is `next_served`'s to say."""
    hold_s = held_s if pacing.hold_s == 0.0 else pacing.hold_s + _NEWEST * (held_s - pacing.hold_s)
    return replace(next_found(pacing, key, model, -1), hold_s=hold_s)


def next_found(pacing: Pacing, key: str, model: str, change: int = 1) -> Pacing:
    """A slot is in use that was not counted so far, or not any more; by which key is not always known."""
    lanes = tuple(next_held(lane, model, change) if lane.name == key else lane for lane in pacing.lanes)
    return replace(pacing, lanes=lanes, held=pacing.held + change)


def next_measured(pacing: Pacing, key: str, told: Told, held: int, now: float, rules: PaceRules) -> Pacing:
    """An attempt by `key` ended, as `told`; `held` were under way on its track."""
    alone = len(pacing.lanes) == 1
    lanes = tuple(
        next_told(lane, told, held, now, rules.lane, alone=alone) if lane.name == key else lane for lane in pacing.lanes
    )
    changed = any(after is not before for after, before in zip(lanes, pacing.lanes, strict=True))
    return replace(pacing, lanes=lanes) if changed else pacing


def next_reopened_all(pacing: Pacing) -> Pacing:
    """Every key may be tried again."""
    return replace(pacing, lanes=tuple(next_reopened(lane) for lane in pacing.lanes))


def next_informed(pacing: Pacing, key: str, told: Told) -> Pacing:
    """A provider said what is left while the attempt goes on."""
    lanes = tuple(next_read(lane, told.model, told.allowances) if lane.name == key else lane for lane in pacing.lanes)
    return replace(pacing, lanes=lanes)


def shut_until_s(lanes: tuple[Lane, ...]) -> float:
    """Until when no key of the provider is open, as far as a whole key is shut."""
    return min(lane.shut_until_s for lane in lanes)
