"""The faults that one exchange was given: which of its attempts they have hit."""

from __future__ import annotations

from router.canon.drill import Drill
from router.canon.target import Target
from router.policy.drill import choose_drill


class Drilling:
    """Deals out faults, and takes back what was dealt to an attempt that never went out."""

    def __init__(self, drills: tuple[Drill, ...]) -> None:
        self._drills = drills
        self._dealt: tuple[tuple[Target, int], ...] = ()
        self.injected: tuple[str, ...] = ()
        """Every fault that was dealt, and to whom, in words."""

    def deal(self, target: Target) -> Drill | None:
        """The fault for the next attempt at a target."""
        if not self._drills:
            return None
        dealt = [place for _, place in self._dealt]
        hits = tuple(dealt.count(place) for place in range(len(self._drills)))
        place = choose_drill(self._drills, hits, target)
        if place is None:
            return None
        self._dealt = (*self._dealt, (target, place))
        self.injected = (*self.injected, f"{target} {self._drills[place].text}")
        return self._drills[place]

    def unsent(self, target: Target) -> None:
        """The last attempt at a target never went out: the fault waits for another."""
        if self._dealt and self._dealt[-1][0] == target:
            self._dealt, self.injected = self._dealt[:-1], self.injected[:-1]
