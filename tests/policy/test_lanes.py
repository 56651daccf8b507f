"""Keys of one provider: which one goes, and what takes one of them out."""

from __future__ import annotations

import math

import pytest

from router.canon.allowance import Allowance, Counted
from router.errors import Reason
from router.policy.adapt import Adaptive, Bound
from router.policy.bucket import Rate
from router.policy.lanes import (
    Demand,
    Lane,
    LaneRules,
    Shut,
    Told,
    Track,
    choose_lane,
    next_held,
    next_reopened,
    next_taken,
    next_told,
)

RULES = LaneRules()
A, B = Lane(name="a"), Lane(name="b")
M = Demand(model="m")


def told(reason: Reason | None, **fields: object) -> Told:
    """An attempt's end."""
    return Told(model="m", reason=reason, **fields)  # type: ignore[arg-type]


def after(lane: Lane, reason: Reason | None, now: float = 100.0, rules: LaneRules = RULES, **fields: object) -> Lane:
    """A key of several after an attempt by it."""
    return next_told(lane, told(reason, **fields), 1, now, rules, alone=False)


def test_a_key_that_is_tried_again_keeps_what_it_was_asked_for() -> None:
    """Refused, refused for one model, or empty, it is open again; in quiet it stays."""
    for shut in (
        after(A, Reason.CREDENTIAL, status=401),
        after(A, Reason.CREDENTIAL, status=403),
        after(A, Reason.QUOTA_EXHAUSTED),
    ):
        assert choose_lane((shut,), M, 101.0, RULES).why is not None
        assert choose_lane((next_reopened(shut),), M, 101.0, RULES).why is None
    quiet = after(A, Reason.THROTTLED, retry_after_s=9.0)
    assert next_reopened(quiet) is quiet


def test_weights_are_shares_and_turns_are_even() -> None:
    """Of forty attempts thirty go by the key that weighs three times as much, and never in a row of more than three."""
    lanes: tuple[Lane, ...] = (Lane(name="a", weight=3), Lane(name="b"))
    taken = []
    for _ in range(40):
        key = choose_lane(lanes, M, 1.0, RULES).key
        taken.append(key)
        lanes = tuple(next_taken(lane, M, 1.0, RULES) if lane.name == key else lane for lane in lanes)
    assert taken.count("a") == 30
    assert "aaaa" not in "".join(taken)


def test_the_least_loaded_for_its_weight_goes_first() -> None:
    """Two under way by a key of weight four are less than one by a key of weight one."""
    lanes = (next_held(B, "m", 1), next_held(next_held(Lane(name="a", weight=4), "m", 1), "m", 1))
    assert choose_lane(lanes, M, 1.0, RULES).key == "a"


@pytest.mark.parametrize(
    "reason", [Reason.THROTTLED, Reason.QUOTA_EXHAUSTED, Reason.CREDENTIAL], ids=["throttled", "exhausted", "refused"]
)
def test_what_takes_one_key_out_leaves_the_other(reason: Reason) -> None:
    """A 429, an empty account and a wrong key are each that key's alone."""
    lanes = (after(A, reason, status=401 if reason is Reason.CREDENTIAL else 429), B)
    for _ in range(3):
        assert choose_lane(lanes, M, 100.0, RULES).key == "b"


def test_a_refused_key_stays_out_until_the_configuration_changes() -> None:
    """A year of waiting does not mend it."""
    lane = after(A, Reason.CREDENTIAL, status=401)
    opening = choose_lane((lane,), M, 1e9, RULES)
    assert (opening.why, opening.at_s) == (Shut.REFUSED, math.inf)


def test_a_key_that_may_not_use_one_model_may_use_others() -> None:
    """403 is most often that."""
    lane = after(A, Reason.CREDENTIAL, status=403)
    assert choose_lane((lane,), M, 200.0, RULES).why is Shut.REFUSED
    assert choose_lane((lane,), Demand(model="n"), 200.0, RULES).why is None


def test_a_credential_that_never_reached_the_provider_condemns_no_key() -> None:
    """A token service that was down for a second must not cost the provider."""
    assert choose_lane((after(A, Reason.CREDENTIAL),), M, 100.0, RULES).why is None


def test_an_answer_brings_back_a_key_only_if_it_began_after_the_refusal() -> None:
    """A long stream that began while the key was good says nothing of today."""
    rules = LaneRules(refused_s=60.0)
    lane = after(A, Reason.CREDENTIAL, rules=rules, status=401)
    assert after(lane, None, 130.0, rules, sent_s=50.0).why is Shut.REFUSED
    assert after(lane, None, 170.0, rules, sent_s=165.0).why is Shut.QUIET


def test_a_429_that_names_no_time_rests_a_key_shortly_where_there_is_another() -> None:
    """Alone, our own backoff decides when it is asked again."""
    assert after(A, Reason.THROTTLED).shut_until_s == 101.0
    assert next_told(A, told(Reason.THROTTLED), 1, 100.0, RULES).shut_until_s == 0.0


def test_the_later_of_two_quiet_times_wins() -> None:
    """Scenario 66, in both orders; and none lasts longer than its bound."""
    for first, second in ((20.0, 40.0), (40.0, 20.0)):
        lane = after(after(A, Reason.THROTTLED, retry_after_s=first), Reason.THROTTLED, retry_after_s=second)
        assert lane.shut_until_s == 140.0
    assert after(A, Reason.SERVER_ERROR, retry_after_s=1e9).shut_until_s == 400.0


def test_a_key_that_failed_this_exchange_is_its_last_choice() -> None:
    """And still a choice: a second try on a lone key is not refused."""
    assert choose_lane((A, B), Demand(model="m", avoid=("a",)), 1.0, RULES).key == "b"
    assert choose_lane((A,), Demand(model="m", avoid=("a",)), 1.0, RULES).key == "a"


def test_a_key_whose_circuit_is_open_is_the_last_choice() -> None:
    """For that model."""
    assert choose_lane((A, B), M, 1.0, RULES, frozenset({"a"})).key == "b"


def test_requests_by_a_key_keep_to_its_rate() -> None:
    """Two a minute: the third waits half a minute, or goes by the other key."""
    rules = LaneRules(requests=Rate(amount=2))
    lane = next_taken(next_taken(A, M, 100.0, rules), M, 100.0, rules)
    opening = choose_lane((lane,), M, 100.0, rules)
    assert opening.why is Shut.RATE
    assert opening.at_s == pytest.approx(130.0)
    assert choose_lane((lane, B), M, 100.0, rules).key == "b"


def test_what_was_not_sent_comes_back() -> None:
    """Scenario 57: whoever is refused after it had its turn has consumed nothing."""
    rules = LaneRules(requests=Rate(amount=2), tokens=Rate(amount=1_000))
    demand = Demand(model="m", tokens=600)
    lane = next_taken(A, demand, 100.0, rules)
    assert choose_lane((lane,), demand, 100.0, rules).why is Shut.RATE
    back = next_told(lane, told(Reason.BREAKER_OPEN, sent=False, reserved=600), 1, 100.0, rules)
    assert choose_lane((back,), Demand(model="m", tokens=1_000), 100.0, rules).why is None


def test_tokens_are_set_right_when_they_are_known() -> None:
    """Estimated at 600, used 100: 900 are left; used 900, and 100 are."""
    rules = LaneRules(tokens=Rate(amount=1_000))
    lane = next_taken(A, Demand(model="m", tokens=600), 100.0, rules)
    for used, left in ((100, 900), (900, 100)):
        true = next_told(lane, told(None, reserved=600, used=used), 1, 100.0, rules)
        assert choose_lane((true,), Demand(model="m", tokens=left), 100.0, rules).why is None
        assert choose_lane((true,), Demand(model="m", tokens=left + 2), 100.0, rules).why is Shut.RATE


def test_what_a_provider_said_is_left_holds_until_it_says_otherwise() -> None:
    """Two left: two go, the third waits for what the provider named."""
    two = Allowance(counts=Counted.REQUESTS, limit=60, left=2, at_s=100.0, full_at_s=160.0, steps=True)
    lane = next_told(A, told(None, allowances=(two,)), 1, 100.0, RULES)
    for _ in range(2):
        assert choose_lane((lane,), M, 100.0, RULES).why is None
        lane = next_taken(lane, M, 100.0, RULES)
    assert choose_lane((lane,), M, 100.0, RULES).at_s == 160.0
    assert choose_lane((lane,), Demand(model="n"), 100.0, RULES).why is None
    more = Allowance(counts=Counted.REQUESTS, limit=60, left=9, at_s=101.0, full_at_s=160.0, steps=True)
    lane = next_told(lane, told(None, allowances=(more,)), 1, 101.0, RULES)
    assert choose_lane((lane,), M, 101.0, RULES).why is None


def test_a_learned_bound_is_a_bound() -> None:
    """Three at once were one too many."""
    lane = Lane(name="a", tracks={"m": Track(held=2, bound=Bound(limit=2.0))})
    assert choose_lane((lane,), M, 1.0, RULES).why is Shut.SLOTS
    assert choose_lane((lane, B), M, 1.0, RULES).key == "b"


def test_a_callers_fault_teaches_nothing() -> None:
    """A rejected request in a millisecond is no sign of room."""
    rules = LaneRules(adaptive=Adaptive.AIMD)
    lane = Lane(name="a", tracks={"m": Track(bound=Bound(limit=2.0))})
    assert next_told(lane, told(Reason.REJECTED), 2, 1.0, rules) == lane
