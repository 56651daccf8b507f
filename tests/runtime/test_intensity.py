"""The one number an OTP reader checks first."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import Backoff, Intensity, choose_delay, spend_restart


def naive(moments: list[float], limit: Intensity) -> int:
    """How many restarts a supervisor makes of those wanted, by counting pairs: no state, no window kept."""
    made: list[float] = []
    for now in moments:
        if sum(1 for earlier in made if now - limit.period_s <= earlier) + 1 > limit.restarts:
            return len(made)
        made.append(now)
    return len(made)


@given(
    gaps=st.lists(st.integers(min_value=0, max_value=12), max_size=60),
    restarts=st.integers(min_value=0, max_value=6),
    period=st.integers(min_value=1, max_value=10),
)
def test_restarts_are_spent_as_counting_by_hand_says(gaps: list[int], restarts: int, period: int) -> None:
    """Whole seconds, as OTP counts them, so that the far edge of the window is met exactly and often."""
    limit = Intensity(restarts=restarts, period_s=float(period))
    moments = [float(sum(gaps[: number + 1])) for number in range(len(gaps))]
    history: tuple[float, ...] = ()
    spent = 0
    for now in moments:
        after = spend_restart(history, now, limit)
        if after is None:
            break
        history, spent = after, spent + 1
        assert len(history) <= restarts
    assert spent == naive(moments, limit)


def test_the_far_edge_of_the_window_still_counts() -> None:
    """OTP keeps a restart of exactly `period` ago: `R >= Now - Period`."""
    limit = Intensity(restarts=1, period_s=5.0)
    assert spend_restart((0.0,), 5.0, limit) is None
    assert spend_restart((0.0,), 5.000001, limit) == (5.000001,)


@pytest.mark.parametrize(
    "values",
    [pytest.param({"restarts": -1}, id="negative"), pytest.param({"period_s": 0.0}, id="no-window")],
)
def test_an_intensity_that_means_nothing_is_refused(values: dict[str, float]) -> None:
    """OTP: intensity >= 0, period > 0."""
    with pytest.raises(ValueError, match="restarts may not be negative"):
        Intensity(**values)  # type: ignore[arg-type]


@given(failures=st.integers(min_value=0, max_value=10_000), seed=st.integers())
def test_a_delay_never_passes_its_cap(failures: int, seed: int) -> None:
    """Even after so many failures that the doubling would overflow."""
    backoff = Backoff(first_s=0.1, cap_s=30.0)
    assert 0.0 <= choose_delay(backoff, failures, random.Random(seed)) <= min(30.0, 0.1 * 2.0 ** min(failures, 64))
