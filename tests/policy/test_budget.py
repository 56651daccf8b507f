"""The retry budget: a share of traffic, a floor, and forgetting."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from router.policy.budget import Budget, BudgetRules, next_earned, spend_retry

NO_FLOOR = BudgetRules(share=0.2, min_per_s=0.0, ttl_s=10.0)


def earned(times: int, now: float = 100.0, budget: Budget | None = None) -> Budget:
    """A budget after so many first tries at `now`."""
    budget = budget or Budget()
    for _ in range(times):
        budget = next_earned(budget, now, NO_FLOOR)
    return budget


def spent(budget: Budget, now: float, rules: BudgetRules) -> int:
    """How many retries can be paid at `now`."""
    count = 0
    while (after := spend_retry(budget, now, rules)) is not None:
        budget, count = after, count + 1
    return count


@pytest.mark.parametrize(("tries", "retries"), [(0, 0), (4, 0), (5, 1), (99, 19), (100, 20)], ids=str)
def test_retries_are_a_fifth_of_first_tries(tries: int, retries: int) -> None:
    """Whole numbers all the way: the hundredth try pays for the twentieth retry, not nearly."""
    assert spent(earned(tries), 100.0, NO_FLOOR) == retries


def test_a_quiet_gateway_may_still_retry() -> None:
    """The floor allows its rate over the whole window without any traffic."""
    assert spent(Budget(), 100.0, BudgetRules(min_per_s=2.0, ttl_s=10.0)) == 20


def test_the_floor_comes_on_top_of_the_share() -> None:
    """Both together bound a storm: 20 of the floor and 20 of a hundred tries."""
    assert spent(earned(100), 100.0, BudgetRules(share=0.2, min_per_s=2.0, ttl_s=10.0)) == 40


def test_first_tries_are_forgotten_after_the_window() -> None:
    """Yesterday's traffic pays for nothing."""
    assert spent(earned(100, now=100.0), 109.0, NO_FLOOR) == 20
    assert spent(earned(100, now=100.0), 111.0, NO_FLOOR) == 0


def test_spending_is_forgotten_too() -> None:
    """A budget that was overdrawn by an outage is whole again one window later."""
    rules = BudgetRules(min_per_s=1.0, ttl_s=10.0)
    budget = Budget()
    while (after := spend_retry(budget, 100.0, rules)) is not None:
        budget = after
    assert spent(budget, 105.0, rules) == 0
    assert spent(budget, 111.0, rules) == 10


@given(st.lists(st.tuples(st.floats(0, 0.5), st.booleans()), max_size=200))
def test_no_traffic_pattern_gets_more_than_its_share(events: list[tuple[float, bool]]) -> None:
    """In every window of first tries and retries, the retries granted are at most share and floor."""
    rules = BudgetRules(share=0.5, min_per_s=0.3, ttl_s=10.0)
    budget, now = Budget(), 0.0
    firsts: list[float] = []
    granted: list[float] = []
    for gap_s, is_retry in events:
        now += gap_s
        if not is_retry:
            budget = next_earned(budget, now, rules)
            firsts.append(now)
        elif (after := spend_retry(budget, now, rules)) is not None:
            budget = after
            granted.append(now)
        assert len(budget.slices) <= 10
        # granted in the newest nine slices, first tries in the newest ten: certain to be inside the budget's own window
        lately = sum(t > now - 9.0 for t in granted)
        assert lately <= 0.5 * sum(t > now - 20.0 for t in firsts) + 3


class NaiveBudget:
    """The rule as one would say it: of the last ten slices, what first tries earned and retries cost; and a floor."""

    def __init__(self) -> None:
        self.booked: list[tuple[int, float]] = []

    def recent(self, now: float) -> float:
        return sum(amount for number, amount in self.booked if number > int(now) - 10)

    def spend(self, now: float) -> bool:
        if self.recent(now) + MACHINE.min_per_s * MACHINE.ttl_s / MACHINE.share < 1 / MACHINE.share:
            return False
        self.booked.append((int(now), -1 / MACHINE.share))
        return True


MACHINE = BudgetRules(share=0.25, min_per_s=0.2, ttl_s=10.0)


class BudgetMachine(RuleBasedStateMachine):
    """Any order of first tries, retries and pauses: both budgets pay for the same, and no window overspends."""

    @initialize()
    def begin(self) -> None:
        """Nothing earned, nothing spent."""
        self.real, self.naive, self.now = Budget(), NaiveBudget(), 0.0

    @rule(times=st.integers(1, 9))
    def earn(self, times: int) -> None:
        """First tries go out."""
        for _ in range(times):
            self.real = next_earned(self.real, self.now, MACHINE)
            self.naive.booked.append((int(self.now), 1.0))

    @rule()
    def spend(self) -> None:
        """A retry asks to be paid for."""
        after = spend_retry(self.real, self.now, MACHINE)
        assert (after is not None) == self.naive.spend(self.now)
        self.real = self.real if after is None else after

    @rule(passed_s=st.sampled_from([0.25, 1.0, 3.0, 9.0, 11.0]))
    def wait(self, passed_s: float) -> None:
        """Time goes by."""
        self.now += passed_s

    @invariant()
    def is_bounded(self) -> None:
        """Ten slices are kept, and one that is beginning."""
        assert len(self.real.slices) <= 11


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(deadline=None, max_examples=60)
