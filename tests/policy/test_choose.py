"""The order of targets: strategy, wishes, health, and never nobody."""

from __future__ import annotations

from collections import Counter

import pytest

from router.canon.target import Target
from router.policy.choose import Candidate, Strategy, Wishes, choose_order

NOW = 100.0


def candidate(name: str, window: int | None = None, resting_until_s: float | None = None) -> Candidate:
    """A candidate at provider `name`."""
    return Candidate(target=Target(provider=name, model="m"), window_tokens=window, resting_until_s=resting_until_s)


def order(
    *candidates: Candidate, strategy: Strategy = Strategy.PRIORITY, cursor: int = 0, wishes: Wishes | None = None
) -> str:
    """The chosen order as the providers' one-letter names."""
    choice = choose_order(candidates, strategy, cursor, wishes or Wishes(), NOW)
    return "".join(target.provider for target in choice.targets)


def test_priority_is_the_configured_order() -> None:
    """And stays so, whatever the cursor."""
    assert order(candidate("a"), candidate("b"), candidate("c"), cursor=2) == "abc"


def test_round_robin_gives_each_target_its_turn() -> None:
    """The cursor that comes out goes into the next choice; over six choices each of three is first twice."""
    three = (candidate("a"), candidate("b"), candidate("c"))
    cursor, firsts = 0, []
    for _ in range(6):
        choice = choose_order(three, Strategy.ROUND_ROBIN, cursor, Wishes(), NOW)
        cursor = choice.cursor
        firsts.append(choice.targets[0].provider)
    assert firsts == ["a", "b", "c", "a", "b", "c"]


def test_round_robin_shares_a_resting_targets_turn_evenly() -> None:
    """Its neighbour in the list does not get a double share."""
    some = (candidate("a"), candidate("b", resting_until_s=NOW + 5), candidate("c"))
    firsts = Counter(order(*some, strategy=Strategy.ROUND_ROBIN, cursor=cursor)[0] for cursor in range(60))
    assert firsts == {"a": 30, "c": 30}


@pytest.mark.parametrize("strategy", Strategy, ids=str)
def test_a_resting_target_is_last_but_there(strategy: Strategy) -> None:
    """Somebody may need it when all others fail."""
    assert order(candidate("a", resting_until_s=NOW + 5), candidate("b"), strategy=strategy) == "ba"


@pytest.mark.parametrize("strategy", Strategy, ids=str)
def test_when_all_rest_the_first_to_wake_is_first(strategy: Strategy) -> None:
    """The list is never empty because of health."""
    some = (candidate("a", resting_until_s=NOW + 9), candidate("b", resting_until_s=NOW + 2))
    assert order(*some, strategy=strategy) == "ba"


def test_a_target_whose_rest_is_over_is_back_in_its_place() -> None:
    """Otherwise a healthy fallback would keep the primary's breaker from ever being probed."""
    assert order(candidate("a", resting_until_s=NOW), candidate("b")) == "ab"


def test_a_window_known_to_be_too_small_is_left_out() -> None:
    """And an unknown one is kept, behind those that are known to fit."""
    some = (candidate("a", window=8_000), candidate("b"), candidate("c", window=200_000))
    assert order(*some, wishes=Wishes(min_context=100_000)) == "cb"


def test_an_unknown_window_matters_only_to_who_asks_for_one() -> None:
    """Without the wish the configured order stands."""
    assert order(candidate("a"), candidate("b", window=8_000)) == "ab"


def test_wishes_that_none_can_meet_leave_nobody() -> None:
    """That is the caller's to change, unlike health."""
    assert order(candidate("a", window=8_000), wishes=Wishes(min_context=9_000)) == ""


def test_without_fallback_the_first_stays_even_when_it_rests() -> None:
    """The opt-out is from other targets: the second one gets nothing (scenario 16)."""
    some = (candidate("a", resting_until_s=NOW + 5), candidate("b"))
    assert order(*some, wishes=Wishes(fallback=False)) == "a"


def test_round_robin_without_fallback_goes_to_who_is_well() -> None:
    """Where turns are taken no target is the caller's own, so the one of this turn is one that is awake."""
    some = (candidate("a", resting_until_s=NOW + 5), candidate("b"))
    for cursor in range(3):
        assert order(*some, strategy=Strategy.ROUND_ROBIN, cursor=cursor, wishes=Wishes(fallback=False)) == "b"
