"""Holding back: only from who mostly refuses, only when it is asked often, and never altogether."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy.throttle import Ration, ThrottleRules, held_back, next_asked

RULES = ThrottleRules(factor=2.0, window_s=120.0, min_per_s=1.0, most=0.9)


def asked(accepted: int, refused: int, now: float = 1_000.0) -> Ration:
    """A ration after so many of each."""
    ration = Ration()
    for number in range(accepted + refused):
        ration = next_asked(ration, number < accepted, now, RULES)
    return ration


@pytest.mark.parametrize(
    ("accepted", "refused", "expected"),
    [(120, 0, 0.0), (100, 100, 0.0), (50, 150, 100 / 201), (0, 400, 0.9), (0, 119, 0.0)],
    ids=["all_well", "half_refused", "mostly_refused", "all_refused", "seldom_asked"],
)
def test_what_is_held_back_follows_the_formula(accepted: int, refused: int, expected: float) -> None:
    """Nothing while it accepts half, and never everything: its return would go unseen."""
    assert held_back(asked(accepted, refused), 1_000.0, RULES) == pytest.approx(expected)


def test_it_is_forgotten_after_the_window() -> None:
    """Two minutes later it is asked as if nothing had been."""
    assert held_back(asked(0, 400), 1_121.0, RULES) == 0.0


def test_an_infinite_factor_holds_back_nothing() -> None:
    """That is how it is switched off."""
    assert held_back(asked(0, 400), 1_000.0, ThrottleRules(factor=float("inf"))) == 0.0
    assert held_back(asked(1, 400), 1_000.0, ThrottleRules(factor=float("inf"))) == 0.0


def test_a_provider_that_takes_one_in_five_is_sent_little_more_than_it_takes() -> None:
    """The rule's promise: about `factor` requests for each that is accepted."""
    rng, ration, sent, taken, now = Random(7), Ration(), 0, 0, 1_000.0
    for _ in range(40_000):
        now += 0.05
        if rng.random() < held_back(ration, now, RULES):
            ration = next_asked(ration, False, now, RULES)
            continue
        sent += 1
        accepted = sent % 5 == 0
        taken += accepted
        ration = next_asked(ration, accepted, now, RULES)
    assert sent < 40_000 * 0.45
    assert sent / taken == pytest.approx(5, rel=0.01)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=300))
def test_the_chance_is_one_and_stays_below_its_cap(story: list[tuple[bool, float]]) -> None:
    """Whatever happened; and the memory of it stays small."""
    ration, now = Ration(), 0.0
    for accepted, passed_s in story:
        now += passed_s
        ration = next_asked(ration, accepted, now, RULES)
        assert 0.0 <= held_back(ration, now, RULES) <= RULES.most
    assert len(ration.slices) <= 25
