"""The token bucket, against one that counts its tokens."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.policy.bucket import Rate, put_back, take, wait_s

MINUTE = Rate(amount=6)


def test_a_full_bucket_gives_all_it_holds_at_once_and_then_by_the_rate() -> None:
    """Six a minute: six now, then one each ten seconds."""
    full_at_s = 0.0
    for _ in range(6):
        assert wait_s(full_at_s, 1, 100.0, MINUTE) == 0.0
        full_at_s = take(full_at_s, 1, 100.0, MINUTE)
    assert wait_s(full_at_s, 1, 100.0, MINUTE) == pytest.approx(10.0)
    assert wait_s(full_at_s, 1, 110.0, MINUTE) == pytest.approx(0.0)


def test_more_than_the_bucket_holds_waits_for_a_full_one() -> None:
    """A prompt of a million tokens at a limit of half a million must not wait for ever."""
    assert wait_s(0.0, 1_000, 100.0, MINUTE) == 0.0
    full_at_s = take(0.0, 1_000, 100.0, MINUTE)
    assert wait_s(full_at_s, 1, 100.0, MINUTE) > 9_000


def test_what_was_taken_for_nothing_comes_back_whole() -> None:
    """Scenario 57: a refused one consumes nothing."""
    full_at_s = take(0.0, 4, 100.0, MINUTE)
    assert put_back(take(full_at_s, 2, 100.0, MINUTE), 2, 100.0, MINUTE) == pytest.approx(full_at_s)


def test_putting_back_less_than_nothing_takes_more() -> None:
    """An answer longer than its estimate makes the next one wait."""
    full_at_s = take(0.0, 3, 100.0, MINUTE)
    assert put_back(full_at_s, -2, 100.0, MINUTE) == pytest.approx(take(full_at_s, 2, 100.0, MINUTE))


class Counting:
    """The reference: a number of tokens, filled as time goes by."""

    def __init__(self) -> None:
        self.tokens = MINUTE.amount

    def fill(self, passed_s: float) -> None:
        """Time brings tokens, and no more than fit."""
        self.tokens = min(MINUTE.amount, self.tokens + passed_s * MINUTE.amount / MINUTE.period_s)

    def wait_s(self, quantity: float) -> float:
        """How long until there are so many."""
        return max(0.0, (min(quantity, MINUTE.amount) - self.tokens) * MINUTE.period_s / MINUTE.amount)


class BucketMachine(RuleBasedStateMachine):
    """Any order of taking, putting back and waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.real, self.naive, self.now = 0.0, Counting(), 1_000.0

    @rule(quantity=st.integers(1, 9))
    def ask(self, quantity: int) -> None:
        """Somebody takes what is there, or leaves it."""
        waiting_s = wait_s(self.real, quantity, self.now, MINUTE)
        assert waiting_s == pytest.approx(self.naive.wait_s(quantity), abs=1e-6)
        if waiting_s == 0.0:
            self.real = take(self.real, quantity, self.now, MINUTE)
            self.naive.tokens -= quantity

    @rule(quantity=st.integers(-5, 5))
    def true_up(self, quantity: int) -> None:
        """The true amount is known, less or more than was taken."""
        self.real = put_back(self.real, quantity, self.now, MINUTE)
        self.naive.tokens = min(MINUTE.amount, self.naive.tokens + quantity)

    @rule(passed_s=st.floats(0, 90))
    def wait(self, passed_s: float) -> None:
        """Time goes by."""
        self.now += passed_s
        self.naive.fill(passed_s)

    @invariant()
    def both_hold_the_same(self) -> None:
        """Full at the same moment."""
        missing = MINUTE.amount - self.naive.tokens
        assert max(self.real, self.now) - self.now == pytest.approx(missing * MINUTE.each_s, abs=1e-6)


TestBucket = BucketMachine.TestCase
