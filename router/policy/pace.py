"""How many attempts a provider carries at once, who waits for a slot, and when it asked for quiet."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

_NEWEST = 0.2  # weight of the newest hold time in the average


class PaceRules(Struct, frozen=True, kw_only=True):
    """The bounds of one provider.

    Args:
        max_parallel: attempts under way at once; None is no bound.
        max_queue: attempts that may wait for a slot; 0 lets none wait.
        max_wait_s: the longest an attempt waits, whatever its deadline: another target may be free.
        max_cooldown_s: the longest quiet a provider can ask for.
    """

    max_parallel: int | None = None
    max_queue: int = 100
    max_wait_s: float = 30.0
    max_cooldown_s: float = 300.0


class Waiter(Struct, frozen=True, kw_only=True):
    """One in the queue. `deadline_s` is monotonic: served before it or not at all."""

    ticket: int
    deadline_s: float


class Lane(Struct, frozen=True, kw_only=True):
    """Everything about one provider's slots.

    Args:
        held: slots in use; above the bound only when found so after a restart; not counted without a bound.
        queue: who waits, first come first.
        cool_until_s: monotonic; no slot is given before it.
        hold_s: running average of how long a slot is held; 0 while nobody knows.
    """

    held: int = 0
    queue: tuple[Waiter, ...] = ()
    cool_until_s: float = 0.0
    hold_s: float = 0.0


class Granted(Struct, frozen=True, kw_only=True):
    """A slot was free."""


class Queued(Struct, frozen=True, kw_only=True):
    """No slot was free; the ticket is served or refused by `until_s`."""

    until_s: float


class Refused(Struct, frozen=True, kw_only=True):
    """There is no slot and no use in waiting for one here. `cooling`: because the provider asked for quiet."""

    retry_after_s: float
    cooling: bool = False


def next_slot(lane: Lane, waiter: Waiter, now: float, rules: PaceRules) -> tuple[Lane, Granted | Queued | Refused]:
    """Give a slot, a place in the queue, or a refusal at once where the wait would outlast the deadline."""
    if now < lane.cool_until_s:
        return lane, Refused(retry_after_s=lane.cool_until_s - now, cooling=True)
    if rules.max_parallel is None:
        return lane, Granted()
    if lane.held < rules.max_parallel and not lane.queue:
        return replace(lane, held=lane.held + 1), Granted()
    expected_s = lane.hold_s * (len(lane.queue) + 1) / rules.max_parallel
    until_s = min(waiter.deadline_s, now + rules.max_wait_s)
    if len(lane.queue) >= rules.max_queue or now + expected_s >= until_s:
        return lane, Refused(retry_after_s=expected_s)
    place = Waiter(ticket=waiter.ticket, deadline_s=until_s)
    return replace(lane, queue=(*lane.queue, place)), Queued(until_s=until_s)


def next_returned(lane: Lane, held_s: float) -> Lane:
    """A slot came back after `held_s`; whom it goes to is `next_served`'s to say."""
    hold_s = held_s if lane.hold_s == 0.0 else lane.hold_s + _NEWEST * (held_s - lane.hold_s)
    return replace(lane, held=lane.held - 1, hold_s=hold_s)


def next_served(lane: Lane, now: float, rules: PaceRules) -> tuple[Lane, tuple[int, ...], tuple[int, ...]]:
    """The queue moves on: the state, the tickets that have a slot now, and those to refuse.

    Refused are all whose time is over, and everybody while the provider wants quiet: another target may answer now.
    """
    if now < lane.cool_until_s:
        return replace(lane, queue=()), (), tuple(waiter.ticket for waiter in lane.queue)
    late = tuple(waiter.ticket for waiter in lane.queue if waiter.deadline_s <= now)
    waiting = tuple(waiter for waiter in lane.queue if waiter.deadline_s > now)
    free = len(waiting) if rules.max_parallel is None else max(rules.max_parallel - lane.held, 0)
    served = tuple(waiter.ticket for waiter in waiting[:free])
    return replace(lane, held=lane.held + len(served), queue=waiting[free:]), served, late


def next_left(lane: Lane, ticket: int) -> Lane:
    """One in the queue went away."""
    return replace(lane, queue=tuple(waiter for waiter in lane.queue if waiter.ticket != ticket))


def next_cooled(lane: Lane, until_s: float, now: float, rules: PaceRules) -> Lane:
    """The provider asked for quiet; the later of two wishes wins, and neither lasts longer than the bound."""
    return replace(lane, cool_until_s=max(lane.cool_until_s, min(until_s, now + rules.max_cooldown_s)))
