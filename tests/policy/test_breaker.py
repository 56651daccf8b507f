"""The breaker as state -> state: what opens it, who probes, which results count."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from router.errors import BLAME, Blame, Reason
from router.policy.breaker import (
    TRANSITIONS,
    BreakerRules,
    Change,
    Circuit,
    Judged,
    Permit,
    Phase,
    Wait,
    next_circuit,
    next_permit,
    next_unprobed,
)
from router.policy.window import EMPTY, Window

RULES = BreakerRules(
    failure_threshold=3,
    failure_rate=0.5,
    min_calls=10,
    window_s=10.0,
    recovery_timeout_s=4.0,
    max_open_s=20.0,
    max_retry_after_s=60.0,
    probe_timeout_s=30.0,
)
FULL = 1.0
OPEN = Circuit(phase=Phase.OPEN, epoch=1, until_s=4.0)
HALF_OPEN = Circuit(phase=Phase.HALF_OPEN, epoch=2, until_s=34.0)
BLAMELESS = [reason for reason in Reason if BLAME[reason] in (Blame.CALLER, Blame.GATEWAY)]
PROVIDERS = [reason for reason in Reason if BLAME[reason] is Blame.PROVIDER]
CAPACITIES = [reason for reason in Reason if BLAME[reason] is Blame.CAPACITY]


def after(circuit: Circuit, *reasons: Reason | None, now: float = 0.0, hint_s: float | None = None) -> Circuit:
    """The circuit after results of its own epoch, all at `now`."""
    for reason in reasons:
        judged = Judged(epoch=circuit.epoch, reason=reason, retry_after_s=hint_s)
        circuit = next_circuit(circuit, judged, now, RULES, FULL)
    return circuit


def test_every_phase_and_change_stands_in_the_table() -> None:
    """A change that no phase knows would be dead, a phase without a row a trap."""
    assert set(TRANSITIONS) == set(Phase)
    assert {change for row in TRANSITIONS.values() for change in row} == set(Change)


@pytest.mark.parametrize("reason", PROVIDERS, ids=str)
def test_failures_in_a_row_open_it(reason: Reason) -> None:
    """Exactly at the threshold."""
    assert after(Circuit(), *[reason] * 2).phase is Phase.CLOSED
    assert after(Circuit(), *[reason] * 3).phase is Phase.OPEN


@pytest.mark.parametrize("reason", PROVIDERS, ids=str)
def test_a_success_ends_a_row_of_failures(reason: Reason) -> None:
    """Two, a success and two are not three in a row."""
    assert after(Circuit(), reason, reason, None, reason, reason).phase is Phase.CLOSED


@pytest.mark.parametrize("reason", CAPACITIES, ids=str)
def test_full_capacity_does_not_count_as_a_row(reason: Reason) -> None:
    """A few 429s slow a provider down; they do not take it out."""
    assert after(Circuit(), *[reason] * 9).phase is Phase.CLOSED


@pytest.mark.parametrize("reason", CAPACITIES, ids=str)
def test_full_capacity_for_half_of_the_window_opens_it(reason: Reason) -> None:
    """The share counts them once there are enough calls to speak of a share."""
    assert after(Circuit(), *[reason] * 10).phase is Phase.OPEN


def test_full_capacity_does_not_end_a_row_of_failures() -> None:
    """A 429 between 500s is no sign of health."""
    assert after(Circuit(), *[Reason.SERVER_ERROR, Reason.THROTTLED] * 3).phase is Phase.OPEN


def test_a_partial_outage_opens_it_without_any_row() -> None:
    """Every second call failing is never three in a row."""
    assert after(Circuit(), *[None, Reason.SERVER_ERROR] * 4).phase is Phase.CLOSED
    assert after(Circuit(), *[None, Reason.SERVER_ERROR] * 5).phase is Phase.OPEN


def test_one_failure_in_a_hundred_is_nothing() -> None:
    """Scenario 68."""
    assert after(Circuit(), *[None] * 50, Reason.SERVER_ERROR, *[None] * 49).phase is Phase.CLOSED


def test_failures_older_than_the_window_are_forgotten() -> None:
    """The share is of now."""
    circuit = after(Circuit(), *[Reason.THROTTLED] * 9, now=0.0)
    circuit = after(circuit, Reason.THROTTLED, now=10.0)
    assert circuit.phase is Phase.CLOSED
    assert circuit.window == Window(((10, 1, 1),), 1, 1)


@pytest.mark.parametrize("reason", BLAMELESS, ids=str)
def test_what_the_provider_did_not_do_never_moves_it(reason: Reason) -> None:
    """Scenario 65: a thousand bad bodies or impatient callers leave it as it was, a row of failures included."""
    near = after(Circuit(), Reason.SERVER_ERROR, Reason.SERVER_ERROR)
    assert after(near, *[reason] * 1_000) == near


@pytest.mark.parametrize("reason", BLAMELESS, ids=str)
def test_a_probe_that_proved_nothing_frees_its_place(reason: Reason) -> None:
    """Scenario 64: the next one may probe at once, and the open time does not grow."""
    dropped = after(HALF_OPEN, reason, now=9.0)
    assert (dropped.phase, dropped.failed_probes) == (Phase.OPEN, 0)
    _, answer = next_permit(dropped, 9.0, RULES, FULL)
    assert answer == Permit(epoch=dropped.epoch + 1, probe=True)


def test_a_probe_that_ended_without_a_result_frees_its_place() -> None:
    """As above, when nobody told how it ended."""
    dropped = next_unprobed(HALF_OPEN, HALF_OPEN.epoch, 9.0)
    _, answer = next_permit(dropped, 9.0, RULES, FULL)
    assert isinstance(answer, Permit)


def test_the_end_of_an_older_probe_frees_nothing() -> None:
    """Else the newer probe would not be the only one."""
    assert next_unprobed(HALF_OPEN, HALF_OPEN.epoch - 2, 9.0) == HALF_OPEN


def test_open_lets_nobody_through_before_its_time() -> None:
    """And says how long that is."""
    assert next_permit(OPEN, 1.0, RULES, FULL) == (OPEN, Wait(retry_after_s=3.0))


def test_half_open_lets_exactly_one_through() -> None:
    """Scenario 63: of two hundred who knock at the same moment one is the probe."""
    circuit, probes = OPEN, 0
    for _ in range(200):
        circuit, answer = next_permit(circuit, 4.0, RULES, FULL)
        probes += isinstance(answer, Permit)
    assert probes == 1


def test_a_probe_that_succeeds_closes_it_with_a_clean_slate() -> None:
    """Old failures would open it again at the first new one."""
    closed = after(HALF_OPEN, None)
    assert (closed.phase, closed.consecutive, closed.window, closed.failed_probes) == (Phase.CLOSED, 0, EMPTY, 0)


@pytest.mark.parametrize("reason", PROVIDERS + CAPACITIES, ids=str)
def test_a_probe_that_fails_opens_it_again_for_longer(reason: Reason) -> None:
    """A 429 fails a probe too."""
    reopened = after(HALF_OPEN, reason, now=10.0)
    assert (reopened.phase, reopened.until_s) == (Phase.OPEN, 18.0)


def test_open_times_double_up_to_their_cap() -> None:
    """4, 8, 16, then 20 for ever."""
    circuit, now, open_times = after(Circuit(), *[Reason.CONNECT] * 3), 0.0, []
    for _ in range(60):
        open_times.append(circuit.until_s - now)
        now = circuit.until_s
        circuit, _ = next_permit(circuit, now, RULES, FULL)
        circuit = after(circuit, Reason.CONNECT, now=now)
    assert open_times[:5] == pytest.approx([4.0, 8.0, 16.0, 20.0, 20.0])
    assert max(open_times) == pytest.approx(20.0)


def test_jitter_shortens_and_still_spreads_at_the_cap() -> None:
    """A clamp after the jitter would make all breakers at the cap probe in step."""
    long_open = Circuit(phase=Phase.HALF_OPEN, epoch=2, failed_probes=9, until_s=99.0)
    judged = Judged(epoch=2, reason=Reason.CONNECT)
    until = [next_circuit(long_open, judged, 0.0, RULES, jitter).until_s for jitter in (0.0, 0.5, 1.0)]
    assert until == pytest.approx([16.0, 18.0, 20.0])


def test_a_retry_after_longer_than_the_open_time_wins() -> None:
    """And a shorter one does not shorten it; a very long one is believed up to its bound."""
    for hint_s, open_s in ((1.0, 4.0), (30.0, 30.0), (1e6, 60.0)):
        assert after(Circuit(), *[Reason.OVERLOADED] * 10, hint_s=hint_s).until_s == open_s


def test_late_results_of_an_older_epoch_move_nothing() -> None:
    """Stragglers neither extend an outage nor end one, and an old probe does not settle a newer one."""
    for circuit in (OPEN, HALF_OPEN, Circuit(epoch=3)):
        for reason in (None, Reason.SERVER_ERROR, Reason.REJECTED):
            late = Judged(epoch=circuit.epoch - 1, reason=reason)
            assert next_circuit(circuit, late, 1.0, RULES, FULL) is circuit


def test_a_probe_without_a_result_by_its_deadline_has_failed() -> None:
    """No wedge: who knocks after it opens the circuit again, and later there is a new probe."""
    reopened, answer = next_permit(HALF_OPEN, 34.0, RULES, FULL)
    assert (reopened.phase, reopened.failed_probes) == (Phase.OPEN, 1)
    assert answer == Wait(retry_after_s=8.0)
    _, answer = next_permit(reopened, 42.0, RULES, FULL)
    assert isinstance(answer, Permit)


SLUGGISH = replace(RULES, slow_call_s=2.0, slow_call_rate=0.8)


def begun(circuit: Circuit, *first_tokens_s: float | None, rules: BreakerRules = SLUGGISH) -> Circuit:
    """The circuit after answers whose first content took so long."""
    for first_token_s in first_tokens_s:
        judged = Judged(epoch=circuit.epoch, reason=None, first_token_s=first_token_s)
        circuit = next_circuit(circuit, judged, 0.0, rules, FULL)
    return circuit


def test_slow_answers_open_it_once_there_are_enough() -> None:
    """Ten, eight of them slow: it answers, and another target should."""
    assert begun(Circuit(), *[3.0] * 9).phase is Phase.CLOSED
    assert begun(Circuit(), 0.5, 0.5, *[3.0] * 8).phase is Phase.OPEN
    assert begun(Circuit(), 0.5, 0.5, 0.5, *[3.0] * 8).phase is Phase.CLOSED


def test_answers_without_a_first_content_are_not_slow() -> None:
    """Those that are not streamed: their time is that of all they say."""
    assert begun(Circuit(), *[None] * 50).phase is Phase.CLOSED


def test_nothing_is_slow_unless_it_is_said_what_is() -> None:
    """By default."""
    assert begun(Circuit(), *[500.0] * 50, rules=RULES).phase is Phase.CLOSED


def test_a_slow_probe_has_failed() -> None:
    """It came, and too late: what opened the circuit is not over."""
    assert begun(HALF_OPEN, 3.0).phase is Phase.OPEN
    assert begun(HALF_OPEN, 0.5).phase is Phase.CLOSED


class NaiveBreaker:
    """The same breaker as one would write it in half an hour: a list of all results, flags, no epochs."""

    def __init__(self) -> None:
        self.phase, self.results, self.row, self.failed_probes, self.until_s = (
            "closed",
            list[tuple[int, bool]](),
            0,
            0,
            0.0,
        )
        self.era = 0

    def knock(self, now: float) -> bool:
        if self.phase == "half_open" and now >= self.until_s:
            self.reopen(now)
            return False
        if self.phase == "open" and now >= self.until_s:
            self.phase, self.until_s, self.era = "half_open", now + RULES.probe_timeout_s, self.era + 1
            return True
        return self.phase == "closed"

    def reopen(self, now: float) -> None:
        self.failed_probes += 1
        self.trip(now)

    def trip(self, now: float) -> None:
        self.phase, self.era = "open", self.era + 1
        self.until_s = now + min(RULES.recovery_timeout_s * 2**self.failed_probes, RULES.max_open_s)

    def result(self, era: int, reason: Reason | None, now: float) -> None:
        if era != self.era or self.phase == "open":
            return
        if reason in BLAMELESS:
            if self.phase == "half_open":
                self.phase, self.until_s, self.era = "open", now, self.era + 1
        elif self.phase == "half_open" and reason is not None:
            self.reopen(now)
        elif self.phase == "half_open":
            self.phase, self.results, self.row, self.failed_probes, self.era = "closed", [], 0, 0, self.era + 1
        else:
            self.results.append((int(now), reason is not None))
            self.row = 0 if reason is None else self.row + (reason in PROVIDERS)
            lately = [failed for second, failed in self.results if second > int(now) - 10]
            spread = len(lately) >= RULES.min_calls and sum(lately) >= RULES.failure_rate * len(lately)
            if reason is not None and (spread or self.row >= RULES.failure_threshold):
                self.trip(now)


class BreakerMachine(RuleBasedStateMachine):
    """Any order of knocks, results (late ones too), drops and pauses: both breakers agree, and none is ever stuck."""

    @initialize()
    def begin(self) -> None:
        """Both closed at zero."""
        self.real, self.naive, self.now = Circuit(), NaiveBreaker(), 0.0
        self.under_way: list[tuple[Permit, int]] = []

    @rule()
    def knock(self) -> None:
        """An attempt asks to go."""
        self.real, answer = next_permit(self.real, self.now, RULES, FULL)
        assert isinstance(answer, Permit) == self.naive.knock(self.now)
        if isinstance(answer, Permit):
            self.under_way.append((answer, self.naive.era))
        else:
            assert answer.retry_after_s > 0

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0), reason=st.sampled_from([None, None, *PROVIDERS[:2], *CAPACITIES[:1], *BLAMELESS[:1]]))
    def finish(self, which: int, reason: Reason | None) -> None:
        """Some attempt under way ends, in any order."""
        permit, era = self.under_way.pop(which % len(self.under_way))
        judged = Judged(epoch=permit.epoch, reason=reason)
        self.real = next_circuit(self.real, judged, self.now, RULES, FULL)
        self.naive.result(era, reason, self.now)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0))
    def vanish(self, which: int) -> None:
        """Some attempt ends and nobody tells how."""
        permit, era = self.under_way.pop(which % len(self.under_way))
        self.real = next_unprobed(self.real, permit.epoch, self.now)
        self.naive.result(era, Reason.CLIENT_GONE, self.now)

    @rule(passed_s=st.sampled_from([0.0, 0.5, 1.0, 4.0, 8.0, 31.0]))
    def wait(self, passed_s: float) -> None:
        """Time goes by."""
        self.now += passed_s

    @invariant()
    def both_agree(self) -> None:
        """Phase, times and counts are the same, and the window is bounded."""
        assert self.real.phase.value == self.naive.phase
        assert self.real.failed_probes == self.naive.failed_probes
        if self.real.phase is Phase.CLOSED:
            assert self.real.consecutive == self.naive.row
        else:
            assert self.real.until_s == pytest.approx(self.naive.until_s)
        assert len(self.real.window.slices) <= 10

    @invariant()
    def it_is_never_stuck(self) -> None:
        """Who keeps knocking gets through, however many results are lost."""
        circuit, now = self.real, self.now
        for _ in range(3):
            circuit, answer = next_permit(circuit, now, RULES, FULL)
            if isinstance(answer, Permit):
                return
            now = max(now, circuit.until_s)
        raise AssertionError("nobody is let through")


TestBreakerMachine = BreakerMachine.TestCase
