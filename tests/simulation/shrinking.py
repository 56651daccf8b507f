"""The smallest schedule of faults that still breaks an invariant: faults are left out by kinds, then in ever smaller
groups, one by one at last, as long as the same invariant breaks.

Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002): ddmin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tests.simulation.schedule import MARK

MOST_RUNS = 300
"""A hint that takes an hour is read by nobody."""

Breaks = Callable[[Sequence[str]], bool]


class Shrinker:
    """Looks for a small part of a schedule for which `breaks` still holds. `runs` counts what was tried."""

    def __init__(self, breaks: Breaks, most_runs: int = MOST_RUNS) -> None:
        self.runs = 0
        self._breaks = breaks
        self._most_runs = most_runs

    def smallest(self, met: Sequence[str]) -> tuple[str, ...]:
        """Of the faults of `met`, in their order; all of them when even they break nothing any more."""
        left = tuple(met)
        if not self._still(left):
            return left
        for kind in dict.fromkeys(name.partition(MARK)[0] for name in met):
            less = tuple(name for name in left if name.partition(MARK)[0] != kind)
            if len(less) < len(left) and self._still(less):
                left = less
        return self._thinned(left)

    def _thinned(self, left: tuple[str, ...]) -> tuple[str, ...]:
        pieces = 2
        while len(left) > 1 and self.runs < self._most_runs:
            size = -(-len(left) // pieces)
            less = next((rest for rest in _without_one(left, size) if self._still(rest)), None)
            if less is not None:
                left, pieces = less, max(pieces - 1, 2)
            elif size == 1:
                break
            else:
                pieces = min(pieces * 2, len(left))
        return left

    def _still(self, faults: Sequence[str]) -> bool:
        if self.runs >= self._most_runs:
            return False
        self.runs += 1
        return self._breaks(faults)


def _without_one(left: tuple[str, ...], size: int) -> Iterable[tuple[str, ...]]:
    """`left` without each of its pieces in turn."""
    for start in range(0, len(left), size):
        yield left[:start] + left[start + size :]
