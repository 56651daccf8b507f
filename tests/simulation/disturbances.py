"""What goes wrong inside: actors crash, the journal refuses, the disk hangs, the wall clock jumps. All of it heals."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from actors.runtime import Wall
from router.store.journal import JournalError
from tests.simulation.plan import CLOCK, CRASHES, HANGS, REFUSES

if TYPE_CHECKING:
    from tests.simulation.world import World

GAP_S = 1.3
"""Between two crashes of the router's own actors: ten within ten seconds end it by design, and then it serves
nobody."""

_OWN = ("config", "ledger", "telemetry", "limits", "cache", "capability", "retry", "front")


class Poison:
    """A message that no actor takes."""

    def __repr__(self) -> str:
        return "poison, on purpose"


class JumpingWall:
    """A wall clock that somebody sets."""

    def __init__(self, wall: Wall) -> None:
        self.offset_s = 0.0
        self._wall = wall

    def now(self) -> float:
        """Epoch seconds, as far as anybody knows."""
        return self._wall.now() + self.offset_s


async def crash_actors(world: World, chance: Random, force: float) -> None:
    """One actor after the other, any of them."""
    names = [*_OWN, *(f"groups/{name}" for name in world.plan.settings["failover_groups"])]
    for provider in world.plan.dialects:
        names += [f"providers/{provider}/{part}" for part in ("pace", "breaker", "provider")] * 2
    while True:
        await asyncio.sleep(GAP_S + chance.expovariate(1.0) * (1.0 - force) * 10)
        name = chance.choice(names)
        world.count(CRASHES, name)
        world.assembly.system.ref(f"root/{name}").tell(Poison())


async def refuse_writes(world: World, chance: Random, force: float) -> None:
    """The journal refuses for a while, again and again; once in a way it fails after it wrote."""
    while True:
        await asyncio.sleep(chance.expovariate(1.0) * 5)
        world.count(REFUSES)
        if chance.random() < 0.2:
            world.journal.bug = RuntimeError("a bug on purpose")
            continue
        world.journal.refusal = JournalError("refused on purpose")
        await asyncio.sleep(chance.expovariate(1.0) * 10 * force)
        world.journal.refusal = None


async def hang_disk(world: World, chance: Random, force: float) -> None:
    """Calls of the journal hang for a while."""
    while True:
        await asyncio.sleep(chance.expovariate(1.0) * 5)
        world.count(HANGS)
        world.worker.shut()
        await asyncio.sleep(chance.expovariate(1.0) * 10 * force)
        world.worker.release()


async def set_clock(world: World, chance: Random, force: float) -> None:
    """The wall clock is set, forward and back, by up to a day."""
    while True:
        await asyncio.sleep(chance.expovariate(1.0) * 5)
        world.count(CLOCK)
        world.wall.offset_s = chance.uniform(-86_400, 86_400) * force


STIRRERS = {CRASHES: crash_actors, REFUSES: refuse_writes, HANGS: hang_disk, CLOCK: set_clock}
"""By the name under which a plan enables them; each runs until it is stopped."""
