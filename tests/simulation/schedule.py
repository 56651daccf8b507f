"""Which faults a world meets. Each has a name, `kind@place`, and a chance of its own, drawn from the seed and its
place: leaving one out changes no draw of another, which lets a failing schedule shrink to what matters in it.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from msgspec import Struct

MARK = "@"


class Limits(Struct, frozen=True, kw_only=True):
    """What of a seed's faults is let happen.

    Args:
        without: kinds that are left out.
        only: names of the faults that are let in; None lets in all.
    """

    without: frozenset[str] = frozenset()
    only: frozenset[str] | None = None


EVERYTHING = Limits()


class Schedule:
    """Says yes or no to each fault, and remembers what it said yes to."""

    def __init__(self, seed: int, limits: Limits = EVERYTHING) -> None:
        self._seed = seed
        self._limits = limits
        self.met: list[str] = []
        """Names of the faults that were injected, in order."""
        self.kinds: Counter[str] = Counter()
        """How often each kind was injected."""

    def chance(self, place: str) -> Random:
        """The chance that belongs to a place, the same in every run of the seed."""
        return Random(f"{self._seed} {place}")

    def admits(self, kind: str, place: object) -> bool:
        """Whether the fault happens; from then on it counts as injected."""
        name = f"{kind}{MARK}{place}"
        limits = self._limits
        if kind in limits.without or (limits.only is not None and name not in limits.only):
            return False
        self.met.append(name)
        self.kinds[kind] += 1
        return True
