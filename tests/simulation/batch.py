"""Many worlds, some at once in processes of their own: a world has one core, and nothing in common with another."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import time
from collections.abc import Iterator
from itertools import chain, count, islice

from msgspec import Struct

from tests.simulation.plan import draw_plan
from tests.simulation.schedule import Limits
from tests.simulation.world import run_world

DEFAULT_EXCHANGES = 50_000


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


def run_seed(seed: int, limits: Limits) -> Summary:
    """One world, from its seed."""
    began_s = time.process_time()
    world = run_world(draw_plan(seed), limits)
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
        jobs: processes at once; with 1 all runs here.
    """

    def __init__(self, limits: Limits, *, jobs: int) -> None:
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
        bound = most or (float("inf") if seconds is not None else DEFAULT_EXCHANGES)
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
            yield from (run_seed(seed, self._limits) for seed in seeds)
            return
        context = multiprocessing.get_context("spawn")
        with context.Pool(self._jobs, initializer=_settle_in) as pool:
            ahead = [pool.apply_async(run_seed, (seed, self._limits)) for seed in islice(seeds, 2 * self._jobs)]
            while ahead:
                yield ahead.pop(0).get()
                ahead.append(pool.apply_async(run_seed, (next(seeds), self._limits)))


def _settle_in() -> None:
    """What was imported is not looked through at every collection, and words about refusals on purpose are not said."""
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()
