"""What is measured of a target: peaks, what is usual, learned limits, shares that grow."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy.pulse import (
    DECAY_S,
    LEARNED_FACTOR,
    LEARNED_FLOOR_S,
    LEAST_SAMPLES,
    LEAST_SHARE,
    PENALTY_S,
    SAMPLES,
    Pulse,
    learned_limit_s,
    load_of,
    next_ended,
    next_failed,
    next_heard,
    next_late,
    next_started,
    percentile_s,
    share_of,
)


def heard(*took_s: float, at_s: float = 0.0) -> Pulse:
    """Streamed answers that began after so long, all at one moment."""
    pulse = Pulse()
    for each_s in took_s:
        pulse = next_heard(pulse, each_s, at_s, streamed=True)
    return pulse


def test_a_slow_answer_counts_at_once_and_a_fast_one_with_time() -> None:
    """A peak is taken whole; what is below it is mixed in by how long ago the last measurement was."""
    assert heard(0.2, 3.0).streamed.peak_s == 3.0
    assert heard(3.0, 0.2).streamed.peak_s == 3.0
    later = next_heard(heard(3.0), 0.2, DECAY_S, streamed=True)
    assert later.streamed.peak_s == pytest.approx(3.0 * exp(-1) + 0.2 * (1 - exp(-1)))


def test_what_is_usual_follows_slowly_and_ignores_failures() -> None:
    """A fifth of the way with each answer."""
    pulse = heard(1.0, 2.0)
    assert pulse.streamed.typical_s == pytest.approx(1.2)
    failed = next_failed(pulse, 60.0, 1.0)
    assert failed.streamed.typical_s == pytest.approx(1.2)
    assert failed.streamed.peak_s == 60.0


def test_a_failure_is_a_peak_for_whoever_fails_at_once() -> None:
    """Refused in a millisecond is not fast; and it counts for both kinds of answer."""
    failed = next_failed(heard(0.2), 0.001, 0.0)
    assert failed.streamed.peak_s == failed.whole.peak_s == PENALTY_S
    assert next_failed(Pulse(), 0.001, 0.0).streamed.peak_s == PENALTY_S


def test_load_grows_with_attempts_and_fades_only_in_idleness() -> None:
    """Of a target that hangs nothing is heard: forgetting its peak would send everybody there."""
    idle = heard(2.0)
    busy = next_started(next_started(idle))
    assert load_of(idle, 0.0, streamed=True) == 2.0
    assert load_of(idle, DECAY_S, streamed=True) == pytest.approx(2.0 * exp(-1))
    assert load_of(busy, DECAY_S * 100, streamed=True) == 6.0


def test_nobody_measured_is_light_until_it_is_asked() -> None:
    """So that it is measured, and not by a crowd."""
    assert load_of(Pulse(), 0.0, streamed=True) == 0.0
    assert load_of(next_started(Pulse()), 0.0, streamed=True) == 2.0


def test_an_attempt_that_ended_leaves_no_trace_in_the_count() -> None:
    """Begun and ended, as often as one likes."""
    assert next_ended(next_started(Pulse())) == Pulse()


def test_a_limit_is_learned_from_enough_and_bounded_on_both_sides() -> None:
    """Twice the 99th percentile; the configured one until then, and at most."""
    assert learned_limit_s(heard(*[4.0] * (LEAST_SAMPLES - 1)), 60.0) == 60.0
    assert learned_limit_s(heard(*[4.0] * LEAST_SAMPLES), 60.0) == LEARNED_FACTOR * 4.0
    assert learned_limit_s(heard(*[0.1] * LEAST_SAMPLES), 60.0) == LEARNED_FLOOR_S
    assert learned_limit_s(heard(*[0.1] * LEAST_SAMPLES), 2.0) == 2.0
    assert learned_limit_s(heard(*[50.0] * LEAST_SAMPLES), 60.0) == 60.0


def test_one_outlier_in_a_hundred_is_no_rule() -> None:
    """Two are."""
    assert learned_limit_s(heard(*[4.0] * 99, 20.0), 60.0) == 8.0
    assert learned_limit_s(heard(*[4.0] * 98, 20.0, 20.0), 60.0) == 40.0


def test_a_provider_that_became_slower_is_given_more_time_again() -> None:
    """What ran into the limit is remembered: the limit doubles until the answers come through, and no first token that
    is merely slow is refused for ever."""
    pulse, limit_s, refused = heard(*[3.0] * SAMPLES), 6.0, 0
    while (limit_s := learned_limit_s(pulse, 60.0)) < 25.0:
        pulse, refused = next_late(pulse, limit_s), refused + 1
        assert refused < 20
    assert refused == 6


@given(st.lists(st.floats(0, 100), max_size=250), st.floats(0.1, 600))
def test_a_learned_limit_never_exceeds_the_configured_one(took_s: list[float], configured_s: float) -> None:
    """Nor does the memory exceed its bound."""
    pulse = heard(*took_s)
    assert len(pulse.firsts) == min(len(took_s), SAMPLES)
    assert learned_limit_s(pulse, configured_s) <= configured_s


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_least_that_covers_its_share(samples: list[float], share: float) -> None:
    """By counting."""
    found = percentile_s(tuple(samples), share)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= share * len(samples)
    assert sum(sample < found for sample in samples) < share * len(samples)


def test_a_share_grows_from_a_tenth_to_all() -> None:
    """In a straight line; without a window or without a moment it is whole."""
    shares = [share_of(100.0, now, 10.0) for now in (100.0, 100.5, 105.0, 110.0, 200.0)]
    assert shares == [LEAST_SHARE, LEAST_SHARE, 0.5, 1.0, 1.0]
    assert share_of(None, 100.0, 10.0) == share_of(100.0, 100.0, 0.0) == 1.0
