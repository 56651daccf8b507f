"""Which of the faults that a request was given hits an attempt."""

from __future__ import annotations

from collections.abc import Sequence

from router.canon.drill import Drill
from router.canon.target import Target


def choose_drill(drills: Sequence[Drill], hits: Sequence[int], target: Target) -> int | None:
    """The first of `drills` that is meant for `target` and has attempts left; None: this attempt goes as it is.

    Args:
        hits: how many attempts each has hit.
    """
    for place, drill in enumerate(drills):
        left = drill.attempts is None or hits[place] < drill.attempts
        if left and drill.target in (None, target.provider, str(target)):
            return place
    return None
