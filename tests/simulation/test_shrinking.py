"""A failing schedule becomes the smallest that still fails."""

from __future__ import annotations

from collections.abc import Sequence

from tests.simulation.shrinking import Shrinker

_MET = tuple(f"{kind}@{number}" for number in range(20) for kind in ("drip", "reset", "stop"))


def test_two_faults_that_fail_together_are_what_is_left() -> None:
    """However many others there were."""
    culprits = {"drip@7", "stop@13"}
    shrinker = Shrinker(lambda faults: culprits <= set(faults))
    assert set(shrinker.smallest(_MET)) == culprits
    assert shrinker.runs < 60


def test_a_fault_that_fails_alone_is_what_is_left() -> None:
    """And nothing is, where no fault is needed at all."""
    assert Shrinker(lambda faults: "reset@3" in faults).smallest(_MET) == ("reset@3",)
    assert Shrinker(lambda faults: True).smallest(_MET[:1]) == ()


def test_what_does_not_fail_again_is_not_shrunk() -> None:
    """A hint that hides the fault would be worse than a long one."""
    assert Shrinker(lambda faults: False).smallest(_MET) == _MET


def test_shrinking_ends() -> None:
    """After so many runs it takes what it has."""
    tried: list[int] = []

    def breaks(faults: Sequence[str]) -> bool:
        tried.append(len(faults))
        return len(faults) > 50

    assert len(Shrinker(breaks, most_runs=12).smallest(_MET)) > 50
    assert len(tried) == 12
