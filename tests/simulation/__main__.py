"""`python -m tests.simulation`: worlds of consecutive seeds until enough exchanges were simulated, or time is up."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter

from tests.simulation.batch import TIERS, Batch, Summary, run_seed
from tests.simulation.plan import KINDS
from tests.simulation.schedule import Limits
from tests.simulation.shrinking import Shrinker
from tests.simulation.wire.faults import WIRE_FAULTS
from tests.simulation.wire.peer import CONNECTING

KEPT_SEEDS = (2, 30, 614, 802, 10_085, 71_000_104, 91_000_154, 91_000_508, 91_000_791, 96_000_117, 252_298_800)
"""Worlds that once broke: every run begins with them."""

_SEEDS = 10**9


def main() -> int:
    """Run, print what was done, and end with 1 at the first world that broke an invariant."""
    asked = _arguments()
    limits = Limits(
        without=frozenset(asked.without.split(",")) - {""},
        only=frozenset(asked.only.split(",")) - {""} if asked.only is not None else None,
    )
    kinds = (*KINDS, *WIRE_FAULTS, *CONNECTING)
    unknown = sorted(limits.without - set(kinds))
    if unknown:
        print(f"no such faults: {', '.join(unknown)}; there are {', '.join(dict.fromkeys(kinds))}")
        return 2
    first = _first(asked)
    kept = KEPT_SEEDS if asked.seed is None else ()
    batch = Batch(asked.tier, limits, jobs=asked.jobs)
    most = 1 if asked.seed is not None and asked.exchanges is None and asked.seconds is None else asked.exchanges
    logging.disable(logging.CRITICAL)  # the words of worlds that are run here, to shrink what failed
    began_s = time.perf_counter()
    broken = batch.run(kept, first, most=most, seconds=asked.seconds)
    if broken is not None:
        _accuse(asked.tier, broken, limits)
        return 1
    _boast(batch.done, time.perf_counter() - began_s)
    return 0


def _first(asked: argparse.Namespace) -> int:
    """The seed of the first world: the one asked for, that of a commit, or one that nobody has seen."""
    if asked.seed is not None:
        return int(asked.seed)
    return int(asked.commit[:8], 16) % _SEEDS if asked.commit else time.time_ns() % _SEEDS


def _boast(done: list[Summary], took_s: float) -> None:
    """What was done."""
    faults: Counter[str] = Counter()
    for summary in done:
        faults.update(summary.faults)
    exchanges = sum(summary.exchanges for summary in done)
    core_s = sum(summary.core_s for summary in done)
    seeds = [summary.seed for summary in done]
    for name, count in sorted(faults.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:9,}  {name}")
    print(f"{exchanges:9,}  exchanges in {len(done)} worlds, seeds {min(seeds)} to {max(seeds)}")
    print(f"{sum(faults.values()):9,}  faults injected, of {len(faults)} kinds")
    print(f"{sum(summary.checked for summary in done):9,}  invariants checked, all held")
    print(f"{exchanges / took_s:9,.0f}  exchanges a second; {exchanges / core_s:,.0f} a second of one core")


def _accuse(tier: str, broken: Summary, limits: Limits) -> None:
    """What broke, and the line that reruns it with as few faults as were found to be enough."""
    rerun = f"rerun: python -m tests.simulation --tier {tier} --seed {broken.seed}"
    for words in broken.broken[:10]:
        print(f"seed {broken.seed}: {words[:2000]}")
    print(rerun, flush=True)

    def breaks(faults: object) -> bool:
        only = Limits(without=limits.without, only=frozenset(faults))  # type: ignore[call-overload]
        return run_seed(tier, broken.seed, only).first == broken.first

    shrinker = Shrinker(breaks)
    faults = shrinker.smallest(broken.met)
    print(f"smallest schedule found, {len(faults)} of {len(broken.met)} faults, in {shrinker.runs} runs:")
    print(f"{rerun} --only '{','.join(faults)}'")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--tier", choices=TIERS, default="core", help="how far out the simulation begins")
    parser.add_argument("--exchanges", type=int, help="worlds are begun until so many were simulated")
    parser.add_argument("--seconds", type=float, help="worlds are begun for so long, however many exchanges that makes")
    parser.add_argument("--seed", type=int, help="of the first world; alone: of the only one; default: by date")
    parser.add_argument(
        "--commit", metavar="HASH", help="take the first seed from it: new with each, repeatable for each"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once; default: all cores")
    parser.add_argument("--without", default="", metavar="KIND,KIND", help="kinds of faults to leave out")
    parser.add_argument("--only", metavar="FAULT,FAULT", help="the only faults to inject, by their names in a report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
