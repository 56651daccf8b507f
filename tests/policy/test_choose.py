"""The order of targets: strategy, wishes, health, and never nobody."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.canon.target import Target
from router.policy.affinity import Affinity, affinity_of
from router.policy.choose import (
    EXPLORE,
    NAMED,
    Candidate,
    Choice,
    ChoiceRules,
    Moment,
    Strategy,
    Wishes,
    choose_order,
)
from router.policy.pulse import Latency, Pulse

NOW = 100.0


def candidate(name: str, window: int | None = None, resting_until_s: float | None = None) -> Candidate:
    """A candidate at provider `name`."""
    return Candidate(target=Target(provider=name, model="m"), window_tokens=window, resting_until_s=resting_until_s)


def chosen(
    *candidates: Candidate,
    strategy: Strategy = Strategy.PRIORITY,
    cursor: int = 0,
    wishes: Wishes | None = None,
    seed: int = 0,
) -> Choice:
    """The choice at `NOW`, with the chance of a seed."""
    moment = Moment(cursor=cursor, now=NOW, rng=Random(seed))
    return choose_order(candidates, ChoiceRules(strategy=strategy), wishes or Wishes(), moment)


def order(*candidates: Candidate, **said: Any) -> str:
    """The chosen order as the providers' one-letter names."""
    return "".join(target.provider for target in chosen(*candidates, **said).targets)


def firsts(*candidates: Candidate, times: int = 4000, **said: Any) -> Counter[str]:
    """How often each is first, over so many seeds."""
    return Counter(order(*candidates, seed=seed, **said)[0] for seed in range(times))


def measured(peak_s: float, in_flight: int = 0, at_s: float = NOW) -> Pulse:
    """Of streamed answers that begin after so long."""
    return Pulse(in_flight=in_flight, streamed=Latency(peak_s=peak_s, typical_s=peak_s, at_s=at_s))


BALANCED: dict[str, Any] = {"strategy": Strategy.LOAD_BALANCED, "wishes": Wishes(streamed=True)}
FASTEST: dict[str, Any] = {"strategy": Strategy.FASTEST_FIRST, "wishes": Wishes(streamed=True)}
WEIGHTED: dict[str, Any] = {"strategy": Strategy.WEIGHTED}


def at(name: str, pulse: Pulse) -> Candidate:
    """A candidate that was measured."""
    return replace(candidate(name), pulse=pulse)


def test_priority_is_the_configured_order() -> None:
    """And stays so, whatever the cursor."""
    assert order(candidate("a"), candidate("b"), candidate("c"), cursor=2) == "abc"


def test_round_robin_gives_each_target_its_turn() -> None:
    """The cursor that comes out goes into the next choice; over six choices each of three is first twice."""
    three = (candidate("a"), candidate("b"), candidate("c"))
    cursor, turns = 0, []
    for _ in range(6):
        choice = chosen(*three, strategy=Strategy.ROUND_ROBIN, cursor=cursor)
        cursor = choice.cursor
        turns.append(choice.targets[0].provider)
    assert turns == ["a", "b", "c", "a", "b", "c"]


def test_round_robin_shares_a_resting_targets_turn_evenly() -> None:
    """Its neighbour in the list does not get a double share."""
    some = (candidate("a"), candidate("b", resting_until_s=NOW + 5), candidate("c"))
    turns = Counter(order(*some, strategy=Strategy.ROUND_ROBIN, cursor=cursor)[0] for cursor in range(60))
    assert turns == {"a": 30, "c": 30}


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


def test_load_balanced_prefers_the_lighter_of_two() -> None:
    """Of two there is nothing to draw; the busier one is as much heavier as it has attempts under way."""
    assert order(at("a", measured(0.4)), at("b", measured(0.3)), **BALANCED) == "ba"
    assert order(at("a", measured(0.4)), at("b", measured(0.3, in_flight=1)), **BALANCED) == "ab"


def test_load_balanced_never_begins_with_the_heaviest_and_spreads_over_the_others() -> None:
    """The best of all would draw everybody at once; of two drawn the heaviest of four always loses."""
    four = (at("a", measured(0.1)), at("b", measured(0.2)), at("c", measured(0.3)), at("d", measured(9.0)))
    counted = firsts(*four, **BALANCED)
    assert counted["d"] == 0
    assert [round(counted[name] / 4000, 1) for name in "abc"] == [0.5, 0.3, 0.2]


def test_load_balanced_asks_who_was_never_measured_but_no_crowd_at_once() -> None:
    """An idle unknown is the best there is; with attempts under way it is taken for middling."""
    assert order(at("a", measured(0.1)), at("b", Pulse()), **BALANCED) == "ba"
    assert order(at("a", measured(0.1)), at("b", Pulse(in_flight=1)), **BALANCED) == "ab"


def test_load_balanced_lets_a_weak_provider_wait_longer() -> None:
    """At a fifth of its health a target is as heavy as one five times as slow; so it is at a fifth of the weight."""
    well = at("a", measured(0.4))
    assert order(well, replace(at("b", measured(0.1)), health=0.2), **BALANCED) == "ab"
    assert order(well, replace(at("b", measured(0.1)), health=0.3), **BALANCED) == "ba"
    assert order(well, replace(at("b", measured(0.1)), weight=0.2), **BALANCED) == "ab"


def test_streamed_and_whole_answers_are_not_compared() -> None:
    """The one is measured to its first content, the other to its end."""
    quick = Pulse(streamed=Latency(peak_s=0.1, typical_s=0.1), whole=Latency(peak_s=9.0, typical_s=9.0))
    slow = Pulse(streamed=Latency(peak_s=0.5, typical_s=0.5), whole=Latency(peak_s=3.0, typical_s=3.0))
    two = (at("a", quick), at("b", slow))
    for strategy in (Strategy.LOAD_BALANCED, Strategy.FASTEST_FIRST):
        assert order(*two, strategy=strategy, wishes=Wishes(streamed=True)) == "ab"
        assert order(*two, strategy=strategy, wishes=Wishes(streamed=False)) == "ba"


def test_fastest_first_orders_all_by_their_usual_first_token() -> None:
    """How many attempts are under way is no matter, and a failing provider is as much slower as it fails."""
    three = (at("a", measured(0.3)), at("b", measured(0.1, in_flight=50)), at("c", measured(0.2)))
    assert order(*three, **FASTEST) == "bca"
    assert order(three[0], replace(three[1], health=0.4), three[2], **FASTEST) == "cba"


def test_fastest_first_asks_the_unknown_first_but_not_one_that_only_failed() -> None:
    """Who fails at once has no usual time, and a peak."""
    known = at("a", measured(0.3))
    assert order(known, at("b", Pulse()), **FASTEST) == "ba"
    assert order(known, at("b", Pulse(streamed=Latency(peak_s=5.0))), **FASTEST) == "ab"


def test_fastest_first_looks_after_the_one_it_has_not_seen_for_longest() -> None:
    """A fiftieth of the calls; none of them while its figure is fresh."""
    known = at("a", measured(0.3))
    counted = firsts(known, at("b", measured(3.0, at_s=NOW - 31)), **FASTEST)
    assert counted["b"] / 4000 == pytest.approx(EXPLORE, abs=0.008)
    assert firsts(known, at("b", measured(3.0, at_s=NOW - 29)), times=500, **FASTEST) == {"a": 500}


def test_cheapest_is_by_price_and_an_unknown_price_is_last() -> None:
    """Unknown is not zero; free is. Equal prices keep their configured order."""
    some = (
        candidate("a"),
        replace(candidate("b"), usd=Decimal("0.02")),
        replace(candidate("c"), usd=Decimal(0)),
        replace(candidate("d"), usd=Decimal("0.02")),
    )
    assert order(*some, strategy=Strategy.CHEAPEST) == "cbda"


def test_weighted_is_first_as_often_as_its_weight_says() -> None:
    """Three to one, and the second place of one is the first of the others."""
    three = (replace(candidate("a"), weight=6.0), replace(candidate("b"), weight=3.0), candidate("c"))
    counted = firsts(*three, times=8000, **WEIGHTED)
    assert [counted[name] / 8000 for name in "abc"] == pytest.approx([0.6, 0.3, 0.1], abs=0.02)


def test_weighted_shares_among_those_left_when_one_rests() -> None:
    """The remaining weights keep their ratio."""
    three = (replace(candidate("a", resting_until_s=NOW + 1), weight=6.0), replace(candidate("b"), weight=3.0))
    counted = firsts(*three, candidate("c"), **WEIGHTED)
    assert [counted[name] / 4000 for name in "abc"] == pytest.approx([0.0, 0.75, 0.25], abs=0.03)


@pytest.mark.parametrize("strategy", [Strategy.WEIGHTED, Strategy.LOAD_BALANCED], ids=str)
def test_a_weight_of_nothing_is_asked_last(strategy: Strategy) -> None:
    """And before whoever rests."""
    spare, rests = replace(candidate("a"), weight=0.0), candidate("b", resting_until_s=NOW + 1)
    assert {order(spare, rests, candidate("c"), strategy=strategy, seed=seed) for seed in range(50)} == {"cab"}


@pytest.mark.parametrize("strategy", sorted(set(Strategy) - NAMED), ids=str)
def test_a_target_that_came_back_has_a_share_that_grows(strategy: Strategy) -> None:
    """A tenth at first, half of it after half of the window, all of it at the end; never nothing."""
    others = [at(name, measured(0.2)) for name in "bcd"]
    alone = 1.0 if strategy is Strategy.FASTEST_FIRST else 0.25
    for back_s, share in ((0.0, 0.1), (5.0, 0.5), (10.0, 1.0)):
        quick = measured(0.1 if strategy is Strategy.FASTEST_FIRST else 0.2)
        came = replace(at("a", quick), since_s=NOW - back_s)
        wishes = Wishes(streamed=True)
        turns = [
            order(came, *others, strategy=strategy, cursor=turn, seed=turn, wishes=wishes)[0] for turn in range(4000)
        ]
        assert turns.count("a") / 4000 == pytest.approx(alone * share, abs=0.03 + 0.05 * share)


@pytest.mark.parametrize("strategy", sorted(NAMED), ids=str)
def test_who_names_the_first_has_it_back_at_once(strategy: Strategy) -> None:
    """Where the operator or the price says who answers, nobody else does."""
    back = replace(candidate("a"), since_s=NOW, usd=Decimal(1))
    assert firsts(back, replace(candidate("b"), usd=Decimal(2)), times=200, strategy=strategy) == {"a": 200}


def test_targets_that_all_came_at_once_have_their_shares_whole() -> None:
    """As at a start: there is nobody to go first instead."""
    two = (replace(candidate("a"), since_s=NOW), replace(candidate("b"), since_s=NOW))
    assert {order(*two, strategy=Strategy.ROUND_ROBIN, seed=seed) for seed in range(50)} == {"ab"}


@pytest.mark.parametrize("strategy", sorted(set(Strategy) - NAMED), ids=str)
def test_a_named_conversation_keeps_its_order(strategy: Strategy) -> None:
    """Whatever the turn, the chance and the load, its targets come in one order, the second one too."""
    four = [at(name, measured(0.1)) for name in "abcd"]
    name = affinity_of("a conversation", {}, Affinity.ASKED)
    orders = {
        order(*four, strategy=strategy, cursor=turn, seed=turn, wishes=Wishes(affinity=name)) for turn in range(20)
    }
    assert len(orders) == 1
    whole = orders.pop()
    first, second = whole[0], whole[1]
    four["abcd".index(first)] = candidate(first, resting_until_s=NOW + 9)
    assert order(*four, strategy=strategy, wishes=Wishes(affinity=name))[0] == second


@pytest.mark.parametrize("strategy", sorted(NAMED), ids=str)
def test_a_name_moves_nobody_from_a_first_target_that_is_named(strategy: Strategy) -> None:
    """Priority and price come before warmth."""
    two = (replace(candidate("a"), usd=Decimal(1)), replace(candidate("b"), usd=Decimal(2)))
    names = [affinity_of(f"key {n}", {}, Affinity.ASKED) for n in range(20)]
    assert {order(*two, strategy=strategy, wishes=Wishes(affinity=name)) for name in names} == {"ab"}


def any_candidate(name: str) -> st.SearchStrategy[Candidate]:
    """Anything that can be known of a target."""
    moment = st.none() | st.floats(0, 200)
    seconds = st.none() | st.floats(0, 1e4)
    latency = st.builds(Latency, peak_s=seconds, typical_s=seconds, at_s=st.floats(0, 200))
    return st.builds(
        Candidate,
        target=st.just(Target(provider=name, model="m")),
        window_tokens=st.none() | st.integers(1, 10),
        resting_until_s=moment,
        weight=st.floats(0, 1e6),
        since_s=moment,
        pulse=st.builds(Pulse, in_flight=st.integers(0, 1000), streamed=latency, whole=latency),
        health=st.floats(0, 1),
        usd=st.none() | st.decimals(0, 10, places=3),
    )


@given(
    some=st.tuples(*map(any_candidate, "abcd")),
    strategy=st.sampled_from(Strategy),
    wishes=st.builds(
        Wishes,
        fallback=st.booleans(),
        min_context=st.none() | st.integers(1, 10),
        affinity=st.none() | st.binary(min_size=16, max_size=16),
        streamed=st.booleans(),
    ),
    cursor=st.integers(0, 1000),
    seed=st.integers(0, 1000),
)
def test_a_choice_is_of_all_who_are_able_and_the_awake_come_first(
    some: tuple[Candidate, ...], strategy: Strategy, wishes: Wishes, cursor: int, seed: int
) -> None:
    """For whatever is known: nobody twice, nobody left out but by the wishes, and the same seed chooses the same."""
    choice = chosen(*some, strategy=strategy, cursor=cursor, wishes=wishes, seed=seed)
    assert choice == chosen(*some, strategy=strategy, cursor=cursor, wishes=wishes, seed=seed)
    able = {c.target: c for c in some if not (wishes.min_context and (c.window_tokens or 10) < wishes.min_context)}
    assert len(set(choice.targets)) == len(choice.targets)
    if wishes.fallback:
        assert set(choice.targets) == set(able)
    else:
        assert len(choice.targets) == min(1, len(able))
    if wishes.fallback or strategy is not Strategy.PRIORITY:
        rests = [(able[target].resting_until_s or 0.0) > NOW for target in choice.targets]
        assert rests == sorted(rests)
        assert bool(rests and rests[0]) == (bool(able) and all((c.resting_until_s or 0.0) > NOW for c in able.values()))
