"""What a provider said is left, between two reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.canon.allowance import Allowance, Counted
from router.policy.allowance import allowed_at_s, amount_at, is_scarce, next_spent


def reported(left: float, *, limit: float = 60, full_in_s: float = 60, steps: bool = False) -> Allowance:
    """A report of the moment 100."""
    return Allowance(
        counts=Counted.REQUESTS, limit=limit, left=left, at_s=100.0, full_at_s=100.0 + full_in_s, steps=steps
    )


def test_an_even_limit_fills_until_its_reset() -> None:
    """OpenAI's reset is when all is back: one of sixty is back after a sixtieth of it."""
    empty = reported(0)
    assert allowed_at_s(empty, 1, 100.0) == pytest.approx(101.0)
    assert amount_at(empty, 130.0) == pytest.approx(30.0)
    assert amount_at(empty, 161.0) == 60


def test_a_stepping_limit_is_back_all_at_once() -> None:
    """OpenRouter's window: nothing before its end, everything after it."""
    empty = reported(0, steps=True)
    assert allowed_at_s(empty, 1, 130.0) == 160.0
    assert amount_at(empty, 159.0) == 0
    assert amount_at(empty, 160.0) == 60


def test_what_is_sent_between_two_reports_is_taken_off() -> None:
    """The last two of a minute are sent twice, not twenty times."""
    allowance = reported(2, steps=True)
    for _ in range(2):
        assert allowed_at_s(allowance, 1, 100.0) == 100.0
        allowance = next_spent(allowance, 1, 100.0)
    assert allowed_at_s(allowance, 1, 100.0) == 160.0


def test_a_limit_that_is_full_again_says_nothing_more() -> None:
    """Without a new report nothing is held back for ever by an old one."""
    old = reported(0)
    assert next_spent(old, 1_000, 200.0) is old
    assert allowed_at_s(old, 1, 200.0) == 200.0


def test_more_than_the_limit_waits_for_all_of_it() -> None:
    """The provider will refuse it with a reason of its own; here it must not wait for ever."""
    assert allowed_at_s(reported(0), 1_000, 100.0) == pytest.approx(160.0)


@pytest.mark.parametrize(("left", "scarce"), [(0, True), (5, True), (6, False), (60, False)], ids=str)
def test_less_than_a_tenth_is_scarce(left: float, scarce: bool) -> None:
    """Such a key lets others go first."""
    assert is_scarce(reported(left), 100.0) is scarce


@given(
    left=st.floats(-50, 100),
    limit=st.floats(1, 1_000),
    full_in_s=st.floats(0, 1_000),
    quantity=st.floats(0.5, 500),
    steps=st.booleans(),
)
def test_at_the_moment_it_names_there_is_enough(
    left: float, limit: float, full_in_s: float, quantity: float, steps: bool
) -> None:
    """Whatever was reported: never earlier than now, never later than full, and never too early."""
    allowance = reported(min(left, limit), limit=limit, full_in_s=full_in_s, steps=steps)
    at_s = allowed_at_s(allowance, quantity, 100.0)
    assert 100.0 <= at_s <= max(allowance.full_at_s, 100.0) + 1e-6
    assert amount_at(allowance, at_s + 1e-6) >= min(quantity, limit) - 1e-3 * limit
