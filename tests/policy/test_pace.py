"""Slots, the queue and quiet times of one provider, as state -> state."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.policy.pace import (
    Granted,
    Lane,
    PaceRules,
    Queued,
    Refused,
    Waiter,
    next_cooled,
    next_left,
    next_returned,
    next_served,
    next_slot,
)

ONE = PaceRules(max_parallel=1, max_queue=2, max_wait_s=30.0, max_cooldown_s=300.0)
FULL = Lane(held=1)


def waiter(ticket: int, deadline_s: float = 1_000.0) -> Waiter:
    """One who asks."""
    return Waiter(ticket=ticket, deadline_s=deadline_s)


def test_a_free_slot_is_given_at_once() -> None:
    """And counted."""
    assert next_slot(Lane(), waiter(1), 0.0, ONE) == (Lane(held=1), Granted())


def test_without_a_bound_a_slot_is_always_free() -> None:
    """And not counted: nobody has to watch for its return."""
    assert next_slot(Lane(), waiter(1), 0.0, PaceRules(max_parallel=None)) == (Lane(), Granted())


def test_a_full_provider_queues_up_to_its_bound() -> None:
    """The third in a queue of two is refused at once."""
    lane = FULL
    for ticket in (1, 2):
        lane, answer = next_slot(lane, waiter(ticket), 0.0, ONE)
        assert answer == Queued(until_s=30.0)
    unchanged, answer = next_slot(lane, waiter(3), 0.0, ONE)
    assert unchanged == lane
    assert isinstance(answer, Refused)


def test_the_queue_is_served_first_come_first() -> None:
    """A slot that comes back goes to the oldest, and to nobody who came later."""
    lane, _ = next_slot(FULL, waiter(1), 0.0, ONE)
    lane, _ = next_slot(lane, waiter(2), 0.0, ONE)
    lane, served, refused = next_served(next_returned(lane, 1.0), 1.0, ONE)
    assert (served, refused) == ((1,), ())
    assert [w.ticket for w in lane.queue] == [2]


def test_nobody_overtakes_the_queue() -> None:
    """A free slot with somebody waiting belongs to who waits."""
    lane = Lane(held=0, queue=(waiter(1),))
    _, answer = next_slot(lane, waiter(2), 0.0, ONE)
    assert isinstance(answer, Queued)


def test_a_wait_that_would_outlast_the_deadline_is_refused_at_once() -> None:
    """With slots held 20 s on average, who has 10 s left gains nothing by waiting; who has 25 s may."""
    lane = Lane(held=1, hold_s=20.0)
    _, answer = next_slot(lane, waiter(1, deadline_s=10.0), 0.0, ONE)
    assert answer == Refused(retry_after_s=20.0)
    _, answer = next_slot(lane, waiter(1, deadline_s=25.0), 0.0, ONE)
    assert answer == Queued(until_s=25.0)


def test_who_waited_too_long_is_refused_when_the_queue_moves() -> None:
    """And the slot goes to the next in time."""
    lane = Lane(held=0, queue=(waiter(1, deadline_s=5.0), waiter(2, deadline_s=50.0)))
    lane, served, refused = next_served(lane, 5.0, ONE)
    assert (served, refused) == ((2,), (1,))


def test_quiet_refuses_everybody_until_it_is_over() -> None:
    """Those who ask and those who wait: another target may answer now."""
    lane = next_cooled(Lane(held=1, queue=(waiter(1),)), 20.0, 10.0, ONE)
    lane, served, refused = next_served(lane, 10.0, ONE)
    assert (served, refused) == ((), (1,))
    assert next_slot(lane, waiter(2), 10.0, ONE) == (lane, Refused(retry_after_s=10.0, cooling=True))
    _, answer = next_slot(Lane(cool_until_s=20.0), waiter(2), 20.0, ONE)
    assert answer == Granted()


def test_the_later_of_two_quiet_times_wins() -> None:
    """Scenario 66, in both orders."""
    for first, second in ((20.0, 40.0), (40.0, 20.0)):
        assert next_cooled(next_cooled(Lane(), first, 10.0, ONE), second, 10.0, ONE).cool_until_s == 40.0


def test_no_quiet_lasts_longer_than_its_bound() -> None:
    """A Retry-After of a year does not remove a provider for a year."""
    assert next_cooled(Lane(), 1e9, 10.0, ONE).cool_until_s == 310.0


def test_one_who_left_the_queue_gets_no_slot() -> None:
    """A slot given to nobody would be lost until a restart."""
    lane = next_left(Lane(held=0, queue=(waiter(1), waiter(2))), 1)
    assert next_served(lane, 0.0, ONE)[1] == (2,)


class PaceMachine(RuleBasedStateMachine):
    """Any order of asking, returning, leaving, cooling and waiting against a set of holders."""

    RULES = PaceRules(max_parallel=3, max_queue=4, max_wait_s=10.0)

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane()
        self.now = 0.0
        self.tickets = 0
        self.holding: set[int] = set()
        self.waiting: list[int] = []

    @rule(patience_s=st.floats(0, 20))
    def ask(self, patience_s: float) -> None:
        """Somebody asks for a slot."""
        self.tickets += 1
        self.lane, answer = next_slot(self.lane, waiter(self.tickets, self.now + patience_s), self.now, self.RULES)
        if isinstance(answer, Granted):
            self.holding.add(self.tickets)
        elif isinstance(answer, Queued):
            self.waiting.append(self.tickets)
        else:
            assert answer.retry_after_s >= 0

    @precondition(lambda self: self.holding)
    @rule(held_s=st.floats(0, 5))
    def give_back(self, held_s: float) -> None:
        """Some holder ends."""
        self.holding.remove(min(self.holding))
        self.lane = next_returned(self.lane, held_s)
        self.move_on()

    @precondition(lambda self: self.waiting)
    @rule()
    def leave(self) -> None:
        """The last in the queue goes away."""
        self.lane = next_left(self.lane, self.waiting.pop())

    @rule(quiet_s=st.floats(0, 5))
    def cool(self, quiet_s: float) -> None:
        """The provider asks for quiet."""
        self.lane = next_cooled(self.lane, self.now + quiet_s, self.now, self.RULES)
        self.move_on()

    @rule(passed_s=st.floats(0, 5))
    def wait(self, passed_s: float) -> None:
        """Time goes by."""
        self.now += passed_s
        self.move_on()

    def move_on(self) -> None:
        """The queue moves; everybody is served or refused once, in order."""
        self.lane, served, refused = next_served(self.lane, self.now, self.RULES)
        assert list(served) == sorted(served)
        self.holding |= set(served)
        self.waiting = [ticket for ticket in self.waiting if ticket not in served + refused]

    @invariant()
    def nobody_is_lost_and_no_slot_is_made_up(self) -> None:
        """State and the naive sets agree, and the bound holds."""
        assert self.lane.held == len(self.holding) <= 3
        assert [w.ticket for w in self.lane.queue] == self.waiting
        assert len(self.waiting) <= 4


TestPaceMachine = PaceMachine.TestCase
