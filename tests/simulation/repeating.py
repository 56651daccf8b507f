"""Callers who repeat a request under its idempotency key, at once, later, or with other words, and what must hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct

from router.canon.outcome import End
from router.errors import Reason
from tests.simulation.kinds import REPEATS
from tests.simulation.plan import Plan
from tests.simulation.schedule import Schedule
from tests.simulation.story import Heard

if TYPE_CHECKING:
    from tests.simulation.world import World


class Again(Struct, frozen=True, kw_only=True):
    """One repetition: its name, when it comes, and whether it asks something else under the same key."""

    name: str = ""
    after_s: float = 0.0
    other: bool = False


FIRST = Again()
"""The call itself."""


def draw_repeats(schedule: Schedule, exchange: str, plan: Plan) -> tuple[Again, ...]:
    """How the caller of `exchange` repeats itself."""
    if REPEATS not in plan.disturbances:
        return ()
    chance = schedule.chance(f"{REPEATS} {exchange}")
    times = chance.randint(1, 3) if chance.random() < plan.disturbances[REPEATS] * 0.5 else 0
    drawn = tuple(
        Again(
            name=f"{exchange}x{number}",
            after_s=chance.choice((0.0, 0.0, 0.5, 10.0, 100.0)) * chance.random(),
            other=chance.random() < 0.2,
        )
        for number in range(1, times + 1)
    )
    return tuple(again for again in drawn if schedule.admits(REPEATS, again.name))


def one_exchange_per_key(world: World) -> Iterator[str]:
    """What comes under a key again is answered by the exchange that it began, for as long as somebody reads that and
    once it is complete; it begins anew only after a failure. Whoever asks something else, and nobody else, is told."""
    keyed: dict[tuple[str, int], list[Heard]] = defaultdict(list)
    for heard in world.story.heard:
        if heard.key and heard.ends:
            keyed[heard.key, heard.life].append(heard)
    for heards in keyed.values():
        begun: Heard | None = None
        for heard in sorted(heards, key=lambda heard: heard.since_s):
            refused = heard.reason is Reason.KEY_REUSED and heard.end == "turned"
            if begun is not None and (refused or heard.how) and refused == (heard.asked == begun.asked):
                yield f"{heard.key} was asked {heard.asked}, had been {begun.asked}, and was {heard.how or 'refused'}"
            if heard.end == "turned" or heard.how:
                continue
            if begun is not None and _is_known(world, begun, heards, heard.since_s):
                yield f"{heard.key} began {heard.exchange} at {heard.since_s:g}, had begun {begun.exchange}"
            begun = heard


def _is_known(world: World, begun: Heard, heards: list[Heard], now_s: float) -> bool:
    """Whether an exchange is under way with a reader, or complete, at a moment after its beginning."""
    ended_s = world.story.ended_s.get(begun.exchange, inf)
    readers = [heard for heard in heards if heard.exchange == begun.exchange]
    if ended_s < now_s:
        # Once all have left who came under the key, it goes on for others alone: those who asked the same without one.
        stayed = any(heard.end != "left" or heard.until_s >= ended_s for heard in readers)
        completed = (fact for fact in world.story.ended if fact.end is End.COMPLETED)
        return begun.may_keep and stayed and any(fact.exchange == begun.exchange for fact in completed)
    return ended_s > now_s and any(heard.since_s < now_s < heard.until_s for heard in readers)
