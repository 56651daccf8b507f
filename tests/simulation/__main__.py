"""`python -m tests.simulation`: worlds of consecutive seeds until enough exchanges were simulated."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter

from tests.simulation.plan import KINDS, Plan, draw_plan
from tests.simulation.world import World, run_world


def main() -> int:
    """Run, print what was done, and end with 1 at the first world that broke an invariant."""
    asked = _arguments()
    logging.disable(logging.CRITICAL)  # the ledger's own words about refusals on purpose
    without = frozenset(asked.without.split(",")) - {""}
    if not without <= set(KINDS):
        print(f"no such faults: {', '.join(sorted(without - set(KINDS)))}; there are {', '.join(KINDS)}")
        return 2
    return _simulate(asked.seed, asked.exchanges, without)


def _simulate(first: int, most: int, without: frozenset[str]) -> int:
    faults: Counter[str] = Counter()
    exchanges = checked = 0
    seed, began_s = first, time.perf_counter()
    while exchanges < most:
        world = run_world(draw_plan(seed, without=without))
        if world.broken:
            _accuse(world, without)
            return 1
        faults += world.story.faults
        exchanges += len(world.story.heard)
        checked += world.checked
        seed += 1
    took_s = time.perf_counter() - began_s
    for name, count in sorted(faults.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:9,}  {name}")
    print(f"{exchanges:9,}  exchanges in {seed - first} worlds, seeds {first} to {seed - 1}")
    print(f"{sum(faults.values()):9,}  faults injected, of {len(faults)} kinds")
    print(f"{checked:9,}  invariants checked, all held")
    print(f"{exchanges / took_s:9,.0f}  exchanges a second")
    return 0


def _accuse(world: World, without: frozenset[str]) -> None:
    """What broke, and the line that reruns it with as few kinds of faults as still break the same invariant."""
    seed = world.plan.seed
    for words in world.broken[:10]:
        print(f"seed {seed}: {words}")
    needless = _needless(world, without)
    left = " ".join(("--without " + ",".join(sorted(needless)),)) if needless else ""
    met = sorted(set(world.story.faults) - needless)
    print(f"faults that could not be left out: {', '.join(met) or 'none'}")
    print(f"rerun: python -m tests.simulation --exchanges 1 --seed {seed} {left}".rstrip())


def _needless(world: World, without: frozenset[str]) -> frozenset[str]:
    """One kind after the other is left out where the same invariant still breaks without it."""
    name = _first(world)
    for kind in sorted(world.story.faults):
        plan: Plan = draw_plan(world.plan.seed, without=without | {kind})
        if _first(run_world(plan)) == name:
            without |= {kind}
    return without


def _first(world: World) -> str:
    return world.broken[0].partition(":")[0] if world.broken else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--exchanges", type=int, default=50_000, help="worlds are begun until so many were simulated")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="of the first world; default: by date")
    parser.add_argument("--without", default="", metavar="KIND,KIND", help="kinds of faults to leave out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
