"""Learned bounds: down when a provider refuses, up while it does not, and none without a reason."""

from __future__ import annotations

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.policy.adapt import LEAST, MOST, Adaptive, Bound, Lesson, next_bound


def lesson(throttled: bool = False, *, held: int = 10, sent_s: float = 0.0, first_s: float | None = 1.0) -> Lesson:
    """One attempt's end."""
    return Lesson(throttled=throttled, held=held, sent_s=sent_s, first_token_s=first_s)


@pytest.mark.parametrize("adaptive", Adaptive)
def test_nothing_is_bounded_before_there_is_a_reason(adaptive: Adaptive) -> None:
    """A quiet start: a thousand attempts at once that go well are let go on."""
    bound = next_bound(Bound(), lesson(held=1_000), 1.0, adaptive)
    assert bound.slots == math.inf


def test_a_refusal_bounds_to_a_little_less_than_was_under_way() -> None:
    """Ten at once were too many: nine."""
    assert next_bound(Bound(), lesson(True, held=10), 1.0, Adaptive.AIMD).slots == 9


def test_one_crowd_of_refusals_lowers_once() -> None:
    """Those sent before the first was heard say the same thing again."""
    bound = Bound()
    for held in range(10, 0, -1):
        bound = next_bound(bound, lesson(True, held=held, sent_s=0.5), 1.0, Adaptive.AIMD)
    assert bound.slots == 9
    assert next_bound(bound, lesson(True, held=9, sent_s=1.5), 2.0, Adaptive.AIMD).slots == 8


def test_a_round_of_answers_allows_one_more() -> None:
    """Additive: about as many answers as there are slots raise it by one."""
    bound = Bound(limit=8.0, lowered_s=0.0)
    for _ in range(9):
        bound = next_bound(bound, lesson(held=8), 1.0, Adaptive.AIMD)
    assert bound.slots == 9


def test_what_is_not_used_does_not_grow() -> None:
    """Two at once prove nothing about twenty."""
    bound = Bound(limit=20.0, lowered_s=0.0)
    assert next_bound(bound, lesson(held=2), 1.0, Adaptive.AIMD) == bound


def test_a_bound_that_holds_nothing_back_goes() -> None:
    """So that counting can end too."""
    assert next_bound(Bound(limit=MOST), lesson(held=200), 1.0, Adaptive.AIMD).limit is None


def test_a_gradient_shrinks_when_the_first_token_takes_longer() -> None:
    """An engine that is full answers later and later, and refuses nobody."""
    bound = Bound()
    for _ in range(50):
        bound = next_bound(bound, lesson(held=30, first_s=0.2), 1.0, Adaptive.GRADIENT)
    calm = bound.slots
    for _ in range(30):
        bound = next_bound(bound, lesson(held=int(bound.slots), first_s=4.0), 1.0, Adaptive.GRADIENT)
    assert bound.slots < calm / 2
    for _ in range(200):
        bound = next_bound(bound, lesson(held=int(bound.slots), first_s=0.2), 1.0, Adaptive.GRADIENT)
    assert bound.slots > calm / 2


def test_an_attempt_without_a_token_teaches_a_gradient_nothing() -> None:
    """It may have been refused by a caller's mistake in a millisecond."""
    assert next_bound(Bound(), lesson(first_s=None), 1.0, Adaptive.GRADIENT) == Bound()


class AimdMachine(RuleBasedStateMachine):
    """Any order of answers and refusals against the plainest form of the rule."""

    def __init__(self) -> None:
        super().__init__()
        self.bound, self.now = Bound(), 0.0
        self.limit: float | None = None
        self.lowered_s = -math.inf

    @rule(held=st.integers(1, 300), ago_s=st.floats(0, 5))
    def refuse(self, held: int, ago_s: float) -> None:
        """The provider says it is too much, to an attempt sent a while ago."""
        sent_s = self.now - ago_s
        self.bound = next_bound(self.bound, lesson(True, held=held, sent_s=sent_s), self.now, Adaptive.AIMD)
        if sent_s >= self.lowered_s:
            self.limit = max(1, math.floor(min(held, self.limit or held) * 0.9))
            self.lowered_s = self.now

    @rule(held=st.integers(1, 300))
    def answer(self, held: int) -> None:
        """An attempt goes well."""
        self.bound = next_bound(self.bound, lesson(held=held), self.now, Adaptive.AIMD)
        if self.limit is not None and held >= self.limit / 2:
            self.limit += 1 / self.limit
            self.limit = None if self.limit > MOST else self.limit

    @rule(passed_s=st.floats(0, 5))
    def wait(self, passed_s: float) -> None:
        """Time goes by."""
        self.now += passed_s

    @invariant()
    def both_agree_and_stay_in_range(self) -> None:
        """At least one at once, or the target would never be asked again."""
        assert self.bound.limit == (None if self.limit is None else pytest.approx(self.limit))
        assert self.bound.slots >= LEAST


TestAimd = AimdMachine.TestCase
