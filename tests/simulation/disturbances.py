"""What goes wrong inside: actors crash, jobs are cancelled, the journal refuses, the disk hangs, the wall clock jumps.
All of it heals. Each disturbance draws what it would do next and then asks whether it may."""

from __future__ import annotations

import asyncio
import math
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from actors.runtime import Wall
from router.store.journal import JournalError
from tests.simulation.kinds import CANCELS, CLOCK, CRASHES, HANGS, REFUSES, SWAPS
from tests.simulation.scouting import scouted
from tests.simulation.swapping import swap_configurations
from tests.simulation.taps import Poison

if TYPE_CHECKING:
    from tests.simulation.world import World

GAP_S = 1.3
"""Between two crashes of the router's own actors: ten within ten seconds end it by design, and then it serves
nobody."""

_OWN = ("config", "ledger", "telemetry", "limits", "cache", "capability", "retry", "front")
_DEAF = frozenset({"config", "front", "scout"})
"""Actors that are sent nothing."""

_JOBS = ("fold", "write", "carry")
"""The jobs of actors, which go down with them and they with these."""


class JumpingWall:
    """A wall clock that somebody sets."""

    def __init__(self, wall: Wall) -> None:
        self.offset_s = 0.0
        self._wall = wall

    def now(self) -> float:
        """Epoch seconds, as far as anybody knows."""
        return self._wall.now() + self.offset_s


async def crash_actors(world: World, chance: Random, force: float) -> None:
    """One actor after the other, any of them: at once, over the next message it is given, or behind that."""
    names = [*_OWN, *(f"groups/{name}" for name in world.plan.settings["failover_groups"])]
    for provider in world.plan.dialects:
        names += [f"providers/{provider}/{part}" for part in ("pace", "breaker", "provider")] * 2
    scouts = [f"providers/{name}/scout" for name in scouted(world.plan.settings["providers"])]
    # Scouts came later: by a chance of their own they take the place of another now and then.
    instead = world.schedule.chance(f"{CRASHES} scouts")
    for number in count(1):
        await asyncio.sleep(GAP_S + chance.expovariate(1.0) * (1.0 - force) * 10)
        drawn, how = chance.choice(names), chance.choice(("now", "before", "behind"))
        drawn = instead.choice(scouts) if scouts and instead.random() < 0.15 else drawn
        name = world.place_of(drawn)
        if name is None or world.story.now() < world.spare_until_s or not world.admits(CRASHES, number, name, how):
            continue
        world.spare_until_s = world.story.now() + GAP_S
        # What a ledger has in hand when it crashes is lost by design: it is never made to crash over a fact.
        if how == "now" or name.rpartition("/")[2] in _DEAF:
            world.assembly.system.ref(f"root/{name}").tell(Poison())
        else:
            world.taps.arm(f"root/{name}", before=how == "before" and name != "ledger")


async def cancel_jobs(world: World, chance: Random, force: float) -> None:
    """Some exchange, some attempt or some job of an actor is cancelled by nobody in particular, at any of its steps."""
    for number in count(1):
        await asyncio.sleep(chance.expovariate(1.0) * (1.05 - force) * 4)
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        which = chance.random()
        if not world.admits(CANCELS, number):
            continue
        # Whose own job is cancelled crashes, and may not do so too often.
        tasks = {task.get_name(): task for task in asyncio.all_tasks()}
        spared = world.story.now() < world.spare_until_s
        names = sorted(name for name in tasks if name.startswith("req-") or (name in _JOBS and not spared))
        if names:
            name = names[int(which * len(names))]
            if name in _JOBS:
                world.spare_until_s = world.story.now() + GAP_S
            tasks[name].cancel()


async def refuse_writes(world: World, chance: Random, force: float) -> None:
    """Journal or store refuse for a while, again and again; once in a way one fails after it wrote."""
    for number in count(1):
        await asyncio.sleep(chance.expovariate(1.0) * 5)
        is_bug, refused_s = chance.random() < 0.2, chance.expovariate(1.0) * 10 * force
        part = chance.choice((world.account.journal, world.account.store))
        if not world.admits(REFUSES, number):
            continue
        if is_bug:
            part.bug = RuntimeError("a bug on purpose")
            continue
        world.ledger_hurt_s = math.inf
        part.refusal = JournalError("refused on purpose")
        await asyncio.sleep(refused_s)
        world.hurt_ledger()
        part.refusal = None


async def hang_disk(world: World, chance: Random, force: float) -> None:
    """Calls of the journal, or of the store, hang for a while."""
    for number in count(1):
        await asyncio.sleep(chance.expovariate(1.0) * 5)
        hangs_s = chance.expovariate(1.0) * 10 * force
        worker = chance.choice((world.account.journal_worker, world.account.store_worker))
        if world.admits(HANGS, number):
            world.ledger_hurt_s = math.inf
            worker.shut()
            await asyncio.sleep(hangs_s)
            world.hurt_ledger()
            worker.release()


async def set_clock(world: World, chance: Random, force: float) -> None:
    """The wall clock is set, forward and back, by up to a day."""
    for number in count(1):
        await asyncio.sleep(chance.expovariate(1.0) * 5)
        offset_s = chance.uniform(-86_400, 86_400) * force
        if world.admits(CLOCK, number):
            world.wall.offset_s = offset_s


STIRRERS = {
    CRASHES: crash_actors,
    CANCELS: cancel_jobs,
    REFUSES: refuse_writes,
    HANGS: hang_disk,
    CLOCK: set_clock,
    SWAPS: swap_configurations,
}
"""By the name under which a plan enables them; each runs until it is stopped."""
