"""Many worlds, some at once in processes of their own: a world has one core, and nothing in common with another."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, count, islice

from msgspec import Struct

from actors.runtime import SimDeadlock
from tests.simulation.plan import draw_plan
from tests.simulation.schedule import Limits
from tests.simulation.wire.world import draw_wire_plan, run_wire_world
from tests.simulation.world import World, run_world


def _core(seed: int, limits: Limits) -> World:
    return run_world(draw_plan(seed), limits)


def _wire(seed: int, limits: Limits) -> World:
    return run_wire_world(draw_wire_plan(seed), limits)


TIERS = {"core": (_core, 50_000), "wire": (_wire, 10_000)}
"""How a world of each is run, and how many exchanges are simulated when nobody says."""


class Summary(Struct, frozen=True, kw_only=True):
    """What is left of one world.

    Args:
        met: names of the faults, in order; only of a world that broke.
        core_s: of one core.
    """

    seed: int
    exchanges: int
    checked: int
    faults: dict[str, int]
    broken: tuple[str, ...]
    met: tuple[str, ...]
    core_s: float

    @property
    def first(self) -> str:
        """The name of the first invariant that broke; "" for none."""
        return self.broken[0].partition(":")[0] if self.broken else ""


def run_seed(tier: str, seed: int, limits: Limits) -> Summary:
    """One world, from its seed."""
    began_s = time.process_time()
    try:
        world = TIERS[tier][0](seed, limits)
    except SimDeadlock as error:
        words = (f"no_world_hangs: {error}",)
        return Summary(seed=seed, exchanges=0, checked=0, faults={}, broken=words, met=(), core_s=0.0)
    return Summary(
        seed=seed,
        exchanges=len(world.story.heard),
        checked=world.checked,
        faults=dict(world.schedule.kinds),
        broken=tuple(world.broken),
        met=tuple(world.schedule.met) if world.broken else (),
        core_s=time.process_time() - began_s,
    )


class Batch:
    """Runs worlds until there were enough. `done` are those that held.

    Args:
        tier: one of `TIERS`.
        jobs: processes at once; with 1 all runs here.
    """

    def __init__(self, tier: str, limits: Limits, *, jobs: int) -> None:
        self._tier = tier
        self.done: list[Summary] = []
        self._limits = limits
        self._jobs = jobs

    def run(self, kept: tuple[int, ...], first: int, *, most: int | None, seconds: float | None) -> Summary | None:
        """The first world that broke, in order of seeds; None when none did.

        Args:
            kept: seeds to begin with.
            first: of the others.
            most: exchanges; None with `seconds` is no bound.
        """
        bound = most or (float("inf") if seconds is not None else TIERS[self._tier][1])
        until_s = time.perf_counter() + (seconds if seconds is not None else float("inf"))
        exchanges = 0
        for summary in self._summaries(chain(kept, count(first))):
            if summary.broken:
                return summary
            self.done.append(summary)
            exchanges += summary.exchanges
            if exchanges >= bound or time.perf_counter() >= until_s:
                return None
        return None

    def _summaries(self, seeds: Iterator[int]) -> Iterator[Summary]:
        if self._jobs <= 1:
            _settle_in()
            yield from (run_seed(self._tier, seed, self._limits) for seed in seeds)
            return
        # Unlike multiprocessing's own pool, this one says when a process has died, instead of waiting for its answer.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self._jobs, mp_context=context, initializer=_settle_in)

        def begin(seed: int) -> Future[Summary]:
            return pool.submit(run_seed, self._tier, seed, self._limits)

        try:
            ahead = [begin(seed) for seed in islice(seeds, 2 * self._jobs)]
            while ahead:
                yield ahead.pop(0).result()
                ahead.append(begin(next(seeds)))
        finally:
            pool.shutdown(cancel_futures=True)


def _settle_in() -> None:
    """What was imported is not looked through at every collection, and words about refusals on purpose are not said."""
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()
