"""What may be tried again, where and when, over every `Reason`."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.canon.target import Target
from router.errors import TIMEOUTS, Reason
from router.policy.backoff import Backoff
from router.policy.retry import (
    _REASONS,
    FREE,
    MOVES,
    VERDICTS,
    GiveUp,
    Route,
    Tried,
    TryTarget,
    Verdict,
    Why,
    has_way_on,
    next_step,
)

A = Target(provider="a", model="m")
B = Target(provider="b", model="m")
C = Target(provider="c", model="m")
NAMES = {"a": A, "b": B, "c": C}
BACKOFF = Backoff(base_s=0.1, capacity_base_s=1.0, factor=2.0, cap_s=4.0)
WINDOWS = {"a:m": 8_000, "b:m": 4_000, "c:m": 128_000}
LATE_S = 1_000.0


def step(route: Route, *tries: Tried, now: float = 10.0, seed: int = 0) -> TryTarget | GiveUp:
    """The next step with this file's backoff."""
    return next_step(route, tries, now, BACKOFF, Random(seed))


def route(
    *targets: Target,
    max_attempts: int = 4,
    deadline_s: float = LATE_S,
    fallback: bool = True,
    edges: frozenset[Reason] = MOVES,
) -> Route:
    """A route whose windows are those of `WINDOWS`."""
    return Route(
        targets=targets,
        max_attempts=max_attempts,
        deadline_s=deadline_s,
        fallback=fallback,
        edges=edges,
        windows=WINDOWS,
    )


def failed(target: Target, reason: Reason, retry_at_s: float | None = None) -> Tried:
    """A try that ended two seconds before `step`'s now, told to come back at `retry_at_s`."""
    hint_s = None if retry_at_s is None else retry_at_s - 8.0
    return Tried(target=target, reason=reason, ended_s=8.0, retry_after_s=hint_s)


def requests_sent(plan: Route, reason: Reason) -> list[str]:
    """Providers that get a request, in order, when every try ends with `reason`."""
    tries: tuple[Tried, ...] = ()
    now = 0.0
    while isinstance(chosen := next_step(plan, tries, now, BACKOFF, Random(len(tries))), TryTarget):
        now += chosen.wait_s
        tries = (*tries, failed(chosen.target, reason))
        assert len(tries) < 50, "the exchange never ends"
    return [t.target.provider for t in tries if t.reason not in FREE]


def test_every_reason_has_a_verdict() -> None:
    """A new reason without a row would be a KeyError in the middle of an outage."""
    assert set(VERDICTS) == set(Reason)


def test_no_reason_has_two_verdicts() -> None:
    """The table is written by verdict; a reason listed twice would silently keep its last row."""
    assert sum(len(reasons) for reasons in _REASONS.values()) == len(Reason)


def test_nothing_silent_is_asked_twice() -> None:
    """Every clock that runs out, the exchange's own apart, moves on to another target."""
    assert {VERDICTS[reason] for reason in TIMEOUTS - {Reason.DEADLINE}} == {Verdict.NEXT_TARGET}


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_requests_with_everything_failing_are_exactly_as_documented(reason: Reason) -> None:
    """Three targets, four attempts, every try failing alike: the module's own table of how many leave."""
    expected = {
        Verdict.SAME_TARGET: ["a", "b", "c", "a"],
        Verdict.NEXT_TARGET: ["a", "b", "c"],
        Verdict.LARGER_WINDOW: ["a", "c"],
        Verdict.NEVER: ["a"],
    }[VERDICTS[reason]]
    assert requests_sent(route(A, B, C), reason) == ([] if reason in FREE else expected)


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_single_target_is_retried_when_its_failure_may_pass(reason: Reason) -> None:
    """With nowhere else to go a transient failure gets every attempt, all others one."""
    transient = VERDICTS[reason] is Verdict.SAME_TARGET
    assert requests_sent(route(A, max_attempts=3), reason) == (
        [] if reason in FREE else ["a"] * (3 if transient else 1)
    )


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_request_that_wants_no_fallback_stays_on_its_first_target(reason: Reason) -> None:
    """The opt-out forbids other targets, not other tries."""
    assert set(requests_sent(route(A, B, fallback=False), reason)) <= {"a"}


@pytest.mark.parametrize("attempts", [1, 2, 3, 7], ids=lambda n: f"{n}_attempts")
@pytest.mark.parametrize("targets", [1, 2, 3], ids=lambda n: f"{n}_targets")
def test_a_provider_that_always_answers_500_sees_its_share_of_the_attempts(targets: int, attempts: int) -> None:
    """Scenario 59: exactly `attempts` requests leave, dealt over the targets in turn."""
    plan = route(*(A, B, C)[:targets], max_attempts=attempts)
    assert requests_sent(plan, Reason.SERVER_ERROR) == [("a", "b", "c")[i % targets] for i in range(attempts)]


def test_the_first_try_is_the_first_target_at_once() -> None:
    """An exchange without tries is no special case for whoever drives it."""
    assert step(route(A, B)) == TryTarget(target=A, wait_s=0.0)


def test_failover_does_not_wait() -> None:
    """A target that was not asked yet is asked at once, whatever the first one said about later."""
    throttled = failed(A, Reason.THROTTLED, retry_at_s=15.0)
    assert step(route(A, B), throttled) == TryTarget(target=B, wait_s=0.0)


def test_retry_after_wins_over_backoff() -> None:
    """Scenario S01: the same target is not asked before the moment it named, and soon after it."""
    chosen = step(route(A), failed(A, Reason.THROTTLED, retry_at_s=12.0))
    assert isinstance(chosen, TryTarget)
    assert 2.0 < chosen.wait_s < 2.1


def test_the_later_of_two_retry_afters_wins() -> None:
    """An earlier, longer wish of the same target still stands."""
    tries = (
        failed(A, Reason.THROTTLED, retry_at_s=19.0),
        failed(A, Reason.SERVER_ERROR, retry_at_s=11.0),
    )
    chosen = step(route(A), *tries)
    assert isinstance(chosen, TryTarget)
    assert chosen.wait_s > 9.0


def test_a_retry_after_beyond_the_deadline_ends_the_exchange() -> None:
    """Waiting would only spend the caller's time; the moment is told instead."""
    given_up = step(route(A, deadline_s=11.0), failed(A, Reason.THROTTLED, retry_at_s=15.0))
    assert isinstance(given_up, GiveUp)
    assert given_up.why is Why.DEADLINE
    assert given_up.retry_after_s == pytest.approx(5.0, abs=0.1)


def test_a_repeat_prefers_the_target_that_is_ready_first() -> None:
    """A long Retry-After of the first target does not hold up a second that may be asked now."""
    tries = (failed(A, Reason.THROTTLED, retry_at_s=40.0), failed(B, Reason.SERVER_ERROR))
    chosen = step(route(A, B), *tries)
    assert isinstance(chosen, TryTarget)
    assert chosen.target == B


@pytest.mark.parametrize(
    ("reason", "bound_s"),
    [(Reason.CONNECT, 0.1), (Reason.OVERLOADED, 1.0), (Reason.THROTTLED, 1.0)],
    ids=["transport", "overloaded", "throttled_without_a_hint"],
)
def test_a_repeat_waits_on_the_scale_of_its_failure(reason: Reason, bound_s: float) -> None:
    """Capacity returns more slowly than a connection does."""
    waits = []
    for seed in range(500):
        chosen = step(route(A), failed(A, reason), seed=seed)
        assert isinstance(chosen, TryTarget)
        waits.append(chosen.wait_s)
    assert 0.9 * bound_s < max(waits) <= bound_s


def test_a_request_too_long_goes_only_to_a_larger_window() -> None:
    """Scenario 14: the next in order has a smaller window and is passed over."""
    chosen = step(route(A, B, C), failed(A, Reason.CONTEXT_LENGTH))
    assert chosen == TryTarget(target=C, wait_s=0.0)


def test_a_request_too_long_goes_nowhere_when_windows_are_unknown() -> None:
    """A guess would cost a request that most likely fails the same way."""
    plan = Route(targets=(A, C), max_attempts=4, deadline_s=LATE_S, windows={"a:m": 8_000})
    given_up = step(plan, failed(A, Reason.CONTEXT_LENGTH))
    assert given_up == GiveUp(why=Why.TARGETS, retry_after_s=None)


def test_a_request_too_long_is_not_brought_back_by_a_later_failure() -> None:
    """When the larger target fails in passing, the one that was too small is still too small."""
    tries = (failed(A, Reason.CONTEXT_LENGTH), failed(C, Reason.SERVER_ERROR))
    chosen = step(route(A, B, C), *tries)
    assert isinstance(chosen, TryTarget)
    assert chosen.target == C


def test_an_open_breaker_costs_no_attempt() -> None:
    """With one attempt allowed, a target that was not let through leaves it for the next."""
    chosen = step(route(A, B, max_attempts=1), failed(A, Reason.BREAKER_OPEN, retry_at_s=20.0))
    assert chosen == TryTarget(target=B, wait_s=0.0)


def test_when_all_rest_the_earliest_moment_is_told() -> None:
    """Scenario 72: Retry-After is when the first of the targets may be asked."""
    tries = (
        failed(A, Reason.BREAKER_OPEN, retry_at_s=25.0),
        failed(B, Reason.BUSY, retry_at_s=13.0),
    )
    given_up = step(route(A, B), *tries)
    assert isinstance(given_up, GiveUp)
    assert given_up.retry_after_s == pytest.approx(3.0, abs=0.1)


def test_many_keys_are_one_target() -> None:
    """Every try ends with a 429 and another key that could go: each target gets what may be sent to one, no more."""
    plan = Route(targets=(A, B), max_attempts=10, max_per_target=2, deadline_s=LATE_S)
    tries: tuple[Tried, ...] = ()
    while isinstance(chosen := step(plan, *tries), TryTarget):
        tries = (*tries, Tried(target=chosen.target, reason=Reason.THROTTLED, ended_s=10.0, spare=True))
    assert [tried.target for tried in tries] == [A, A, B, B]


def test_a_single_target_that_wants_quiet_is_waited_for() -> None:
    """Somebody else was told to wait: nothing left, nothing is spent, and the moment it named is soon enough."""
    cooling = Tried(target=A, reason=Reason.THROTTLED, ended_s=10.0, retry_after_s=3.0, sent=False)
    chosen = step(route(A, max_attempts=1), cooling)
    assert isinstance(chosen, TryTarget)
    assert 3.0 < chosen.wait_s < 3.1


def test_of_those_that_want_quiet_the_first_to_be_ready_is_waited_for() -> None:
    """Whatever their order."""
    cooling = [
        Tried(target=target, reason=Reason.THROTTLED, ended_s=10.0, retry_after_s=wait_s, sent=False)
        for target, wait_s in ((A, 9.0), (B, 4.0), (C, 6.0))
    ]
    chosen = step(route(A, B, C), *cooling)
    assert isinstance(chosen, TryTarget)
    assert chosen.target == B


@pytest.mark.parametrize("sent", [True, False], ids=["it_told_us", "it_told_others"])
def test_a_wait_longer_than_patience_is_told_instead(sent: bool) -> None:
    """Many callers with minutes to wait would fill the gateway."""
    throttled = Tried(target=A, reason=Reason.THROTTLED, ended_s=10.0, retry_after_s=60.0, sent=sent)
    given_up = step(route(A), throttled)
    assert isinstance(given_up, GiveUp)
    assert given_up.why is Why.PATIENCE
    assert given_up.retry_after_s == pytest.approx(60.0, abs=0.1)


def test_a_failure_that_named_no_moment_still_tells_one() -> None:
    """Scenario 67: the error of a single failing target has a Retry-After."""
    given_up = step(route(A, max_attempts=1), failed(A, Reason.SERVER_ERROR))
    assert given_up == GiveUp(why=Why.ATTEMPTS, retry_after_s=BACKOFF.cap_s)


@pytest.mark.parametrize("sent", [True, False], ids=["refused now", "refused before"])
def test_a_refused_key_is_no_matter_of_waiting(sent: bool) -> None:
    """Also where its provider was not even asked again: somebody must act, so no caller is told to come back."""
    refused = Tried(target=A, reason=Reason.CREDENTIAL, ended_s=10.0, sent=sent)
    given_up = step(route(A), refused)
    assert given_up == GiveUp(why=Why.TARGETS, retry_after_s=None)
    resting = Tried(target=B, reason=Reason.BREAKER_OPEN, ended_s=10.0, retry_after_s=3.0, sent=False)
    assert step(route(A, B), refused, resting, now=10.0) != given_up  # the other one comes back


def test_an_endless_retry_after_is_told_as_a_day() -> None:
    """A header cannot say for ever."""
    given_up = step(route(A), failed(A, Reason.THROTTLED, retry_at_s=float("inf")))
    assert isinstance(given_up, GiveUp)
    assert given_up.retry_after_s == pytest.approx(86_400, abs=3)


def test_no_try_starts_at_the_deadline() -> None:
    """Even a target that was never asked."""
    assert step(route(A, B, deadline_s=10.0), now=10.0) == GiveUp(why=Why.DEADLINE, retry_after_s=None)


@given(
    reasons=st.lists(st.sampled_from(list(Reason)), max_size=30),
    hints=st.lists(st.one_of(st.none(), st.floats(0, 30)), min_size=30, max_size=30),
    targets=st.integers(1, 3),
    attempts=st.integers(1, 6),
    deadline_s=st.floats(0.1, 60),
    fallback=st.booleans(),
)
def test_no_history_breaks_a_bound(
    reasons: list[Reason],
    hints: list[float | None],
    targets: int,
    attempts: int,
    deadline_s: float,
    fallback: bool,
) -> None:
    """Whatever fails in whatever order: attempts, deadline, Retry-After and silence hold, and the exchange ends."""
    plan = route(*(A, B, C)[:targets], max_attempts=attempts, deadline_s=deadline_s, fallback=fallback)
    tries: tuple[Tried, ...] = ()
    now = 0.0
    for reason, hint_s in zip(reasons, hints, strict=False):
        chosen = next_step(plan, tries, now, BACKOFF, Random(7))
        if isinstance(chosen, GiveUp):
            return
        now += chosen.wait_s
        assert now < deadline_s
        own = [t for t in tries if t.target == chosen.target]
        assert all(VERDICTS[t.reason] is Verdict.SAME_TARGET for t in own)
        assert all(t.retry_after_s is None or t.ended_s + t.retry_after_s <= now for t in own)
        assert fallback or chosen.target == A
        tries = (
            *tries,
            Tried(target=chosen.target, reason=reason, ended_s=now, retry_after_s=hint_s),
        )
        assert sum(t.reason not in FREE for t in tries) <= attempts
    assert len(tries) <= attempts + targets


@pytest.mark.parametrize("reason", sorted(set(Reason) - MOVES))
def test_what_never_moves_on_does_where_an_edge_names_it(reason: Reason) -> None:
    """Each target once: a refusal is not asked for again where it was given."""
    assert requests_sent(route(A, B), reason) == ["a"]
    assert requests_sent(route(A, B, edges=MOVES | {reason}), reason) == ["a", "b"]


@pytest.mark.parametrize("reason", sorted(MOVES - FREE - {Reason.SUPERSEDED}))
def test_what_no_edge_names_stays_where_it_happened(reason: Reason) -> None:
    """As often as it may be repeated there, and no other target gets a request."""
    sent = requests_sent(route(A, B, C, edges=MOVES - {reason}), reason)
    assert sent == ["a"] * (4 if VERDICTS[reason] is Verdict.SAME_TARGET else 1)


@pytest.mark.parametrize("reason", sorted(FREE))
def test_no_edge_holds_back_where_nobody_was_asked(reason: Reason) -> None:
    """A breaker that a route's failures opened must not keep its callers from the next target."""
    chosen = step(route(A, B, edges=frozenset()), failed(A, reason))
    assert chosen == TryTarget(target=B, wait_s=0.0)


def test_an_edge_for_long_requests_leads_to_larger_windows_only() -> None:
    """Named or not: it would be too long there again."""
    plan = route(A, B, C, edges=frozenset({Reason.CONTEXT_LENGTH}))
    assert step(plan, failed(A, Reason.CONTEXT_LENGTH)) == TryTarget(target=C, wait_s=0.0)
    assert isinstance(step(route(A, C, edges=frozenset()), failed(A, Reason.CONTEXT_LENGTH)), GiveUp)


@given(
    reasons=st.lists(st.sampled_from(Reason), max_size=8),
    edges=st.frozensets(st.sampled_from(Reason)),
    attempts=st.integers(1, 5),
)
def test_whatever_edges_there_are_no_more_requests_leave(
    reasons: list[Reason], edges: frozenset[Reason], attempts: int
) -> None:
    """The documented number bounds every mixture of failures and edges."""
    tries: tuple[Tried, ...] = ()
    plan = route(A, B, C, max_attempts=attempts, edges=edges)
    for reason in reasons:
        chosen = step(plan, *tries)
        if isinstance(chosen, GiveUp):
            break
        tries = (*tries, failed(chosen.target, reason))
    assert sum(not t.is_free for t in tries) <= attempts


def test_a_refusal_has_a_way_on_while_another_target_and_an_attempt_are_left() -> None:
    """Else the refusal is the answer."""
    edges = MOVES | {Reason.CONTENT_POLICY}
    refused = Reason.CONTENT_POLICY
    assert has_way_on(route(A, B, edges=edges), (), A, refused)
    assert not has_way_on(route(A, B), (), A, refused)
    assert not has_way_on(route(A, B, edges=edges), (failed(A, Reason.CONNECT),), B, refused)
    assert not has_way_on(route(A, B, edges=edges, max_attempts=1), (), A, refused)
    assert not has_way_on(route(A, B, edges=edges, fallback=False), (), A, refused)
