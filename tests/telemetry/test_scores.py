"""The health formula, by example and at its edges."""

from __future__ import annotations

import pytest

from router.canon.outcome import End
from router.errors import BLAME, Blame, Reason
from router.telemetry.scores import Score, Span, Window, fold_outcome, judge_attempt, judge_exchange, score_window

SPAN = Span(window_s=300.0, slot_s=10.0, half_life_s=60.0)
NOW = 1000.0


def scored(*outcomes: bool, at: float = NOW, now: float = NOW) -> Score:
    """The score at `now` of these outcomes at `at`, each 0.2 s long."""
    window = Window()
    for good in outcomes:
        window = fold_outcome(window, at, SPAN, good, 0.2)
    return score_window(window, now, SPAN)


def test_nothing_known_is_healthy_and_says_no_rate() -> None:
    """A rate of 1.0 or a time of 0 ms that nobody measured would be made up."""
    assert score_window(Window(), NOW, SPAN) == Score(health=1.0, success_rate=None, avg_response_ms=None, counted=0)


@pytest.mark.parametrize(
    ("good", "bad", "health"),
    [
        pytest.param(0, 1, 4 / 5, id="one-isolated-failure"),
        pytest.param(0, 4, 4 / 8, id="four-failures"),
        pytest.param(0, 5, 4 / 9, id="five-failures"),
        pytest.param(99, 1, 103 / 104, id="one-in-a-hundred"),
        pytest.param(50, 50, 54 / 104, id="half"),
        pytest.param(100, 0, 1.0, id="all-good"),
    ],
)
def test_health_is_the_documented_formula(good: int, bad: int, health: float) -> None:
    """(good + 4) / (good + bad + 4), for outcomes of now."""
    assert scored(*[True] * good, *[False] * bad).health == pytest.approx(health)


def test_a_failure_weighs_half_after_its_half_life() -> None:
    """Age counts from the end of the slot: 1000 is in the slot that ends at 1010."""
    assert scored(False, at=1000.0, now=1070.0).health == pytest.approx(4 / 4.5)


def test_what_is_older_than_the_window_counts_no_more() -> None:
    """Health returns to 1.0 and the rate to unknown."""
    assert scored(False, False, at=NOW, now=NOW + 320.0) == score_window(Window(), NOW, SPAN)


def test_rate_and_time_are_of_the_whole_window() -> None:
    """Time is the mean of the good ones alone: a fast failure does not make a provider fast."""
    window = fold_outcome(Window(), NOW, SPAN, True, 0.1)
    window = fold_outcome(window, NOW + 50, SPAN, True, 0.3)
    window = fold_outcome(window, NOW + 60, SPAN, False, 9.0)
    score = score_window(window, NOW + 60, SPAN)
    assert score.success_rate == pytest.approx(2 / 3)
    assert score.avg_response_ms == pytest.approx(200.0)
    assert score.counted == 3


def test_a_window_stays_small_however_many_outcomes() -> None:
    """Memory is a matter of slots, not of traffic."""
    window = Window()
    for tick in range(20_000):
        window = fold_outcome(window, tick * 0.05, SPAN, True, 0.1)
    assert len(window.slots) <= 31


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_failure_but_a_callers_moves_its_providers_score(reason: Reason) -> None:
    """A wrong key fails every request too; a full queue or an open breaker of ours says nothing about the provider."""
    own = {Reason.BREAKER_OPEN, Reason.BUSY, Reason.NO_TARGET, Reason.SHUTTING_DOWN}
    own |= {Reason.PART_DOWN, Reason.SUPERSEDED, Reason.DIVERGED}
    moves = BLAME[reason] is not Blame.CALLER and reason not in own
    assert judge_attempt(End.FAILED, reason) is (False if moves else None)


@pytest.mark.parametrize(
    ("end", "reason", "judged"),
    [
        pytest.param(End.COMPLETED, None, True, id="completed"),
        pytest.param(End.FAILED, Reason.SERVER_ERROR, False, id="provider"),
        pytest.param(End.FAILED, Reason.NO_TARGET, False, id="gateway"),
        pytest.param(End.CRASHED, None, False, id="crashed"),
        pytest.param(End.FAILED, Reason.CONTEXT_LENGTH, None, id="caller"),
        pytest.param(End.REFUSED, Reason.UNKNOWN_MODEL, None, id="refused"),
        pytest.param(End.LIMITED, Reason.BUSY, None, id="limited"),
        pytest.param(End.CLIENT_GONE, Reason.CLIENT_GONE, None, id="client-gone"),
    ],
)
def test_an_exchange_fails_for_us_unless_its_caller_made_it_fail(
    end: End, reason: Reason | None, judged: bool | None
) -> None:
    """The success rate is what callers who did nothing wrong got."""
    assert judge_exchange(end, reason) is judged
