"""Slots, keys and the fair queue of one provider, as state -> state."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from router.errors import Reason
from router.policy.adapt import Adaptive, Bound
from router.policy.bucket import Rate
from router.policy.lanes import ONLY, Demand, Lane, LaneRules, Shut, Told, Track
from router.policy.pace import (
    Granted,
    PaceRules,
    Pacing,
    Queued,
    Refused,
    Waiter,
    counts,
    free_from_s,
    next_found,
    next_left,
    next_measured,
    next_moment,
    next_returned,
    next_served,
    next_slot,
)

ONE = PaceRules(max_parallel=1, max_queue=2, max_wait_s=30.0)
FULL = next_found(Pacing(), ONLY, "m")


def waiter(ticket: int, deadline_s: float = 1_000.0, caller: str = "", model: str = "m") -> Waiter:
    """One who asks."""
    return Waiter(ticket=ticket, deadline_s=deadline_s, demand=Demand(model=model), caller=caller)


def throttled(pacing: Pacing, now: float, retry_after_s: float) -> Pacing:
    """A 429 that names a time."""
    told = Told(model="m", reason=Reason.THROTTLED, retry_after_s=retry_after_s)
    return next_measured(pacing, ONLY, told, 1, now, ONE)


def crowded(*callers: str, rules: PaceRules = ONE, pacing: Pacing = FULL) -> Pacing:
    """A full provider with one waiting for each of these, who came in this order."""
    for ticket, caller in enumerate(callers, 1):
        pacing, answer = next_slot(pacing, waiter(ticket, caller=caller), 0.0, rules)
        assert isinstance(answer, Queued)
    return pacing


def tickets(pacing: Pacing) -> list[int]:
    """Who waits, in the order of service."""
    return [one.ticket for one in pacing.queue]


def test_a_free_slot_is_given_at_once() -> None:
    """And counted, for the provider, the key and the model."""
    pacing, answer = next_slot(Pacing(), waiter(1), 0.0, ONE)
    assert answer == Granted(ticket=1, key=ONLY)
    assert (pacing.held, pacing.lanes[0].held, pacing.lanes[0].tracks["m"].held) == (1, 1, 1)


def test_without_a_bound_a_slot_is_always_free() -> None:
    """And not counted: nobody has to watch for its return, and nothing is made anew for it."""
    before = Pacing()
    after, answer = next_slot(before, waiter(1), 0.0, PaceRules())
    assert answer == Granted(ticket=1, key=ONLY)
    assert after is before


def test_a_learned_bound_makes_slots_count() -> None:
    """From the first refusal on."""
    lane = Lane(name=ONLY, tracks={"m": Track(bound=Bound(limit=4.0))})
    assert not counts(Pacing(), PaceRules())
    assert counts(Pacing(lanes=(lane,)), PaceRules())


def test_a_full_provider_queues_up_to_its_bound() -> None:
    """The third in a queue of two is refused at once."""
    pacing = crowded("", "")
    unchanged, answer = next_slot(pacing, waiter(3), 0.0, ONE)
    assert unchanged == pacing
    assert answer == Refused(ticket=3, retry_after_s=0.0, why=Shut.SLOTS)


def test_one_caller_is_served_first_come_first() -> None:
    """A slot that comes back goes to the oldest, and to nobody who came later."""
    pacing, served, refused = next_served(next_returned(crowded("", ""), ONLY, "m", 1.0), 1.0, ONE)
    assert (served, refused) == ((Granted(ticket=1, key=ONLY),), ())
    assert tickets(pacing) == [2]


def test_callers_have_turns() -> None:
    """Who sends five at once waits behind the first of everybody else."""
    rules = replace(ONE, max_queue=10)
    assert tickets(crowded("a", "a", "a", "b", "a", "c", "b", rules=rules)) == [1, 4, 6, 2, 7, 3, 5]


def test_a_turn_that_was_had_is_had() -> None:
    """Somebody new is not put before all that others have waited for, nor behind it."""
    rules = replace(ONE, max_queue=10)
    pacing = crowded("a", "a", "a", rules=rules)
    for _ in range(2):
        pacing, _, _ = next_served(next_returned(pacing, ONLY, "m", 1.0), 1.0, rules)
    pacing, _ = next_slot(pacing, waiter(9, caller="b"), 1.0, rules)
    assert tickets(pacing) == [3, 9]


def test_a_full_queue_takes_from_who_has_most() -> None:
    """One caller cannot fill it: the newcomer takes the last place of the crowd, and not the other way round."""
    pacing = crowded("a", "a")
    pacing, answer = next_slot(pacing, waiter(3, caller="b"), 0.0, ONE)
    assert isinstance(answer, Queued)
    assert (answer.displaced, tickets(pacing)) == (2, [1, 3])
    same, answer = next_slot(pacing, waiter(4, caller="a"), 0.0, ONE)
    assert isinstance(answer, Refused)
    assert same is pacing


def test_nobody_overtakes_the_queue() -> None:
    """A free slot with somebody waiting belongs to who waits."""
    pacing = next_returned(crowded(""), ONLY, "m", 1.0)
    _, answer = next_slot(pacing, waiter(2), 0.0, ONE)
    assert isinstance(answer, Queued)


def test_who_waits_for_another_models_limit_holds_up_nobody() -> None:
    """One model's bound is not the provider's."""
    rules = PaceRules(max_queue=5)
    lane = Lane(name=ONLY, tracks={"slow": Track(held=1, bound=Bound(limit=1.0))})
    pacing, answer = next_slot(Pacing(lanes=(lane,), held=1), waiter(1, model="slow"), 0.0, rules)
    assert isinstance(answer, Queued)
    pacing, answer = next_slot(pacing, waiter(2, model="m"), 0.0, rules)
    assert isinstance(answer, Granted)


def test_a_wait_that_would_outlast_the_deadline_is_refused_at_once() -> None:
    """With slots held 20 s on average, who has 10 s left gains nothing by waiting; who has 25 s may."""
    pacing = replace(FULL, hold_s=20.0)
    _, answer = next_slot(pacing, waiter(1, deadline_s=10.0), 0.0, ONE)
    assert answer == Refused(ticket=1, retry_after_s=20.0, why=Shut.SLOTS)
    _, answer = next_slot(pacing, waiter(1, deadline_s=25.0), 0.0, ONE)
    assert answer == Queued(until_s=25.0)


def test_a_spent_limit_is_waited_for_only_as_long_as_there_is_time() -> None:
    """Two a minute, both gone: the next is due in 30 s, the one behind it in 60."""
    rules = PaceRules(max_wait_s=100.0, lane=LaneRules(requests=Rate(amount=2)))
    pacing = Pacing()
    for ticket in (1, 2):
        pacing, answer = next_slot(pacing, waiter(ticket), 100.0, rules)
        assert isinstance(answer, Granted)
    _, answer = next_slot(pacing, waiter(3, deadline_s=120.0), 100.0, rules)
    assert answer == Refused(ticket=3, retry_after_s=pytest.approx(30.0), why=Shut.RATE)  # type: ignore[arg-type]
    pacing, answer = next_slot(pacing, waiter(3, deadline_s=150.0), 100.0, rules)
    assert isinstance(answer, Queued)
    _, answer = next_slot(pacing, waiter(4, deadline_s=150.0), 100.0, rules)
    assert isinstance(answer, Refused)
    assert next_moment(pacing, 100.0, rules) == pytest.approx(130.0)
    pacing, served, _ = next_served(pacing, 130.0, rules)
    assert [one.ticket for one in served] == [3]


def test_who_waited_too_long_is_refused_when_the_queue_moves() -> None:
    """And the slot goes to the next in time."""
    pacing = Pacing(queue=(waiter(1, deadline_s=5.0), waiter(2, deadline_s=50.0)))
    pacing, served, refused = next_served(pacing, 5.0, ONE)
    assert ([one.ticket for one in served], [one.ticket for one in refused]) == ([2], [1])


def test_quiet_refuses_everybody_until_it_is_over() -> None:
    """Those who ask and those who wait: another target may answer now."""
    pacing, served, refused = next_served(throttled(crowded(""), 10.0, 10.0), 10.0, ONE)
    assert (served, refused) == ((), (Refused(ticket=1, retry_after_s=10.0, why=Shut.QUIET),))
    _, answer = next_slot(pacing, waiter(2), 10.0, ONE)
    assert answer == Refused(ticket=2, retry_after_s=10.0, why=Shut.QUIET)
    _, answer = next_slot(throttled(Pacing(), 10.0, 10.0), waiter(2), 20.0, ONE)
    assert isinstance(answer, Granted)


def test_one_who_left_the_queue_gets_no_slot() -> None:
    """A slot given to nobody would be lost until a restart."""
    pacing = next_left(Pacing(queue=(waiter(1), waiter(2))), 1)
    assert [one.ticket for one in next_served(pacing, 0.0, ONE)[1]] == [2]


TOLD = st.builds(
    Told,
    model=st.sampled_from(["m", "n"]),
    reason=st.sampled_from(
        [None, None, Reason.SERVER_ERROR, Reason.THROTTLED, Reason.CREDENTIAL, Reason.QUOTA_EXHAUSTED]
    ),
    status=st.sampled_from([None, 401, 403]),
    retry_after_s=st.sampled_from([None, 2.0]),
    sent=st.booleans(),
)
FREELY = st.builds(
    PaceRules,
    max_parallel=st.sampled_from([None, None, 2]),
    lane=st.builds(
        LaneRules,
        requests=st.sampled_from([None, None, Rate(amount=5.0)]),
        tokens=st.sampled_from([None, None, Rate(amount=50.0)]),
        adaptive=st.sampled_from(Adaptive),
        refused_s=st.just(3.0),
        exhausted_s=st.just(4.0),
    ),
)


@given(FREELY, st.integers(1, 2), st.lists(st.tuples(TOLD, st.floats(0, 3)), max_size=5), st.booleans())
def test_where_nothing_is_bounded_asking_and_answering_change_nothing(
    rules: PaceRules, keys: int, story: list[tuple[Told, float]], waits: bool
) -> None:
    """What the actor leaves out then comes to nothing: the state is the same one, and who asks goes by the one key."""
    pacing, now = Pacing(lanes=tuple(Lane(name=str(key)) for key in range(keys))), 10.0
    for told, passed_s in story:
        now += passed_s
        pacing = next_measured(pacing, "0", told, 1, now, rules)
    if waits:
        pacing, _ = next_slot(pacing, waiter(1), now, rules)
    for at_s in (now, now + 1.0, now + 100.0):
        if at_s >= free_from_s(pacing, rules):
            assert next_slot(pacing, waiter(2), at_s, rules) == (pacing, Granted(ticket=2, key="0"))
            answered = Told(model="m", reason=None, sent_s=at_s)
            assert next_measured(pacing, "0", answered, 1, at_s, rules) is pacing
            assert not counts(pacing, rules)


def test_a_provider_nobody_bounds_is_free_and_waits_out_the_quiet_it_asked_for() -> None:
    """Else the law above would hold of nothing."""
    assert free_from_s(Pacing(), PaceRules()) == 0.0
    hinted = Told(model="m", reason=Reason.SERVER_ERROR, retry_after_s=2.0)
    assert free_from_s(next_measured(Pacing(), ONLY, hinted, 1, 5.0, PaceRules()), PaceRules()) == 7.0


def test_a_key_that_was_refused_is_not_free_before_it_is_taken_again() -> None:
    """The answer that takes it in again must be heard, or it would be reported as out for ever."""
    rules = PaceRules(lane=LaneRules(refused_s=3.0))
    refused = next_measured(Pacing(), ONLY, Told(model="m", reason=Reason.CREDENTIAL, status=401), 1, 5.0, rules)
    assert free_from_s(refused, rules) == math.inf
    again = next_measured(refused, ONLY, Told(model="m", reason=None, sent_s=9.0), 1, 9.0, rules)
    assert free_from_s(again, rules) == 0.0


class PaceMachine(RuleBasedStateMachine):
    """Any order of asking, returning, leaving, cooling and waiting against a set of holders."""

    RULES = PaceRules(max_parallel=3, max_queue=4, max_wait_s=10.0)

    def __init__(self) -> None:
        super().__init__()
        self.pacing = Pacing(lanes=(Lane(name="a"), Lane(name="b", weight=2)))
        self.now = 0.0
        self.tickets = 0
        self.holding: dict[int, str] = {}
        self.waiting: set[int] = set()

    @rule(patience_s=st.floats(0, 20), caller=st.sampled_from("xyz"))
    def ask(self, patience_s: float, caller: str) -> None:
        """Somebody asks for a slot."""
        self.tickets += 1
        asking = waiter(self.tickets, self.now + patience_s, caller)
        self.pacing, answer = next_slot(self.pacing, asking, self.now, self.RULES)
        if isinstance(answer, Granted):
            self.holding[answer.ticket] = answer.key
        elif isinstance(answer, Queued):
            self.waiting.add(self.tickets)
            self.waiting.discard(answer.displaced or 0)
        else:
            assert answer.retry_after_s >= 0

    @precondition(lambda self: self.holding)
    @rule(held_s=st.floats(0, 5))
    def give_back(self, held_s: float) -> None:
        """Some holder ends."""
        key = self.holding.pop(min(self.holding))
        self.pacing = next_returned(self.pacing, key, "m", held_s)
        self.move_on()

    @precondition(lambda self: self.waiting)
    @rule()
    def leave(self) -> None:
        """The last in the queue goes away."""
        self.pacing = next_left(self.pacing, self.waiting.pop())

    @rule(quiet_s=st.floats(0, 5), key=st.sampled_from("ab"))
    def cool(self, quiet_s: float, key: str) -> None:
        """The provider asks one key for quiet."""
        told = Told(model="m", reason=Reason.SERVER_ERROR, retry_after_s=quiet_s)
        self.pacing = next_measured(self.pacing, key, told, 1, self.now, self.RULES)
        self.move_on()

    @rule(passed_s=st.floats(0, 5))
    def wait(self, passed_s: float) -> None:
        """Time goes by."""
        self.now += passed_s
        self.move_on()

    def move_on(self) -> None:
        """The queue moves; everybody is served or refused once, and nobody by a key that wants quiet."""
        self.pacing, served, refused = next_served(self.pacing, self.now, self.RULES)
        shut = {lane.name for lane in self.pacing.lanes if self.now < lane.shut_until_s}
        for one in served:
            assert one.key not in shut
            self.holding[one.ticket] = one.key
        self.waiting -= {one.ticket for one in served} | {one.ticket for one in refused}

    @invariant()
    def nobody_is_lost_and_no_slot_is_made_up(self) -> None:
        """State and the naive sets agree, by key too, and the bounds hold."""
        assert self.pacing.held == len(self.holding) <= 3
        for lane in self.pacing.lanes:
            assert lane.held == list(self.holding.values()).count(lane.name)
        assert set(tickets(self.pacing)) == self.waiting
        assert len(self.waiting) <= 4
        order = [(one.turn, one.ticket) for one in self.pacing.queue]
        assert order == sorted(order)


TestPaceMachine = PaceMachine.TestCase
