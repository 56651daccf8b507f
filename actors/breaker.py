"""The Breaker actor: one provider's circuit breakers, one for each model.

What opens and closes them is `router.policy.breaker`, by the monotonic clock and with permits. aiobreaker holds the
state and tells its listeners; nothing is ever called through it, because its calls admit a crowd at half-open, count
late results and read the wall clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import assert_never

from aiobreaker import CircuitBreaker, CircuitBreakerListener, CircuitBreakerState
from aiobreaker.storage.memory import CircuitMemoryStorage
from msgspec import Struct

from actors.messages import AttemptJudged, BreakerChanged, BreakerState, Knock, LetThrough, Open
from actors.runtime import Actor, Down, Job, Ref, Snapshot
from router.policy.breaker import (
    BreakerRules,
    Change,
    Circuit,
    Judged,
    Permit,
    Phase,
    next_circuit,
    next_permit,
    next_unprobed,
    tally,
)

_STATES: dict[Phase, CircuitBreakerState] = {
    Phase.CLOSED: CircuitBreakerState.CLOSED,
    Phase.OPEN: CircuitBreakerState.OPEN,
    Phase.HALF_OPEN: CircuitBreakerState.HALF_OPEN,
}
_PHASES: dict[CircuitBreakerState, Phase] = {state: phase for phase, state in _STATES.items()}


class ProbeEnded(Struct, frozen=True, kw_only=True):
    """Breaker to itself: a probe's job is gone; if nobody has told how it ended, nobody will."""

    model: str
    epoch: int


class Breaker(Actor):
    """Lets attempts through or not, and learns from how they end.

    Accepts `Knock` -> `LetThrough | Open`, and `AttemptJudged` (fact). Publishes `BreakerState` by model; tells
    telemetry `BreakerChanged`.

    A restart loses windows and rows of failures; breakers that were not closed come back open, read from what was
    published.
    """

    def __init__(
        self, *, provider: str, rules: BreakerRules, published: Snapshot[Mapping[str, BreakerState]], telemetry: Ref
    ) -> None:
        super().__init__()
        self._provider = provider
        self._rules = rules
        self._published = published
        self._telemetry = telemetry

    async def on_start(self) -> None:
        """Take up what was open; epochs start beyond those of every earlier incarnation."""
        self._probes: dict[Job, ProbeEnded] = {}
        self._fresh = Circuit(epoch=self.ref.incarnation << 32)
        self._holders: dict[str, _Holder] = {}
        for model, state in self._published.value.items():
            if state.state == Phase.OPEN and state.retry_at_s is not None:
                self._restore(model, state.retry_at_s)
            elif state.state != Phase.CLOSED:
                self._restore(model, self.ports.clock.now())
        self._published.publish({model: self._shown(holder) for model, holder in self._holders.items()})

    def on_receive(self, message: Knock | AttemptJudged | ProbeEnded) -> LetThrough | Open | None:
        """Decide on a snapshot, then carry the decision out."""
        match message:
            case Knock():
                return self._knock(message)
            case AttemptJudged():
                self._judge(message)
            case ProbeEnded():
                after = next_unprobed(self._circuit(message.model), message.epoch, self.ports.clock.now())
                self._take(message.model, after, Change.PROBE_DROPPED)
            case _:
                assert_never(message)
        return None

    def on_down(self, down: Down) -> None:
        """A probe's job ended. Its result, told in the same moment, may still be in the mailbox: look after it."""
        probe = self._probes.pop(down.target, None) if isinstance(down.target, Job) else None
        if probe is not None:
            # when the mailbox is full the probe's deadline frees its place instead
            self.ref.tell(probe)

    def _knock(self, message: Knock) -> LetThrough | Open:
        before = self._circuit(message.model)
        after, answer = next_permit(before, self.ports.clock.now(), self._rules, self.ports.rng.random())
        self._take(message.model, after, Change.PROBE_SENT if after.phase is Phase.HALF_OPEN else Change.PROBE_FAILED)
        if not isinstance(answer, Permit):
            return Open(retry_after_s=answer.retry_after_s)
        if answer.probe:
            self._probes[message.job] = ProbeEnded(model=message.model, epoch=answer.epoch)
            self.monitor(message.job)
        return LetThrough(epoch=answer.epoch, probe=answer.probe)

    def _judge(self, message: AttemptJudged) -> None:
        judged = Judged(epoch=message.epoch, reason=message.reason, retry_after_s=message.retry_after_s)
        after = next_circuit(
            self._circuit(message.model), judged, self.ports.clock.now(), self._rules, self.ports.rng.random()
        )
        self._take(message.model, after, message.reason or Change.PROBE_PASSED)

    def _circuit(self, model: str) -> Circuit:
        holder = self._holders.get(model)
        return self._fresh if holder is None else holder.circuit

    def _take(self, model: str, after: Circuit, why: str) -> None:
        """Hold and publish the new state, if there is one."""
        if after is self._circuit(model):
            return
        holder = self._holders.get(model) or self._hold(model, self._fresh)
        if after.phase is Phase.CLOSED and holder.circuit.phase is not Phase.CLOSED:
            holder.closed_since_s = self.ports.clock.now()
        holder.take(after, why)
        self._published.publish({**self._published.value, model: self._shown(holder)})

    def _restore(self, model: str, until_s: float) -> None:
        self._hold(model, Circuit(phase=Phase.OPEN, epoch=self._fresh.epoch, until_s=until_s))

    def _hold(self, model: str, circuit: Circuit) -> _Holder:
        holder = _Holder(model, circuit, self._rules, self._changed)
        self._holders[model] = holder
        return holder

    def _shown(self, holder: _Holder) -> BreakerState:
        circuit = holder.circuit
        successes, failures = tally(circuit, self.ports.clock.now(), self._rules)
        return BreakerState(
            state=circuit.phase,
            retry_at_s=None if circuit.phase is Phase.CLOSED else circuit.until_s,
            closed_since_s=holder.closed_since_s if circuit.phase is Phase.CLOSED else None,
            failures=failures,
            successes=successes,
        )

    def _changed(self, model: str, before: Phase, after: Phase, why: str) -> None:
        self._telemetry.tell(
            BreakerChanged(
                provider=self._provider, model=model, before=before, after=after, why=why, at=self.ports.wall.now()
            )
        )


class _Holder(CircuitBreakerListener):  # type: ignore[misc]  # aiobreaker carries no types
    """One model's circuit, mirrored into aiobreaker's storage; its own listener there."""

    def __init__(
        self, model: str, circuit: Circuit, rules: BreakerRules, changed: Callable[[str, Phase, Phase, str], None]
    ) -> None:
        self.circuit = circuit
        self.closed_since_s: float | None = None
        self._why = ""
        self._changed = changed
        self._storage = CircuitMemoryStorage(_STATES[circuit.phase])
        self._breaker = CircuitBreaker(
            fail_max=rules.failure_threshold,
            timeout_duration=timedelta(seconds=rules.recovery_timeout_s),
            listeners=(self,),
            state_storage=self._storage,
            name=model,
        )

    def take(self, circuit: Circuit, why: str) -> None:
        """Mirror the new state. `open()` would stamp it with the wall clock, so the storage is set instead."""
        self.circuit, self._why = circuit, why
        self._storage.state = _STATES[circuit.phase]
        _ = self._breaker.state  # reading it is what makes aiobreaker see the storage and tell its listeners
        if circuit.consecutive == 0:
            self._storage.reset_counter()
        while self._storage.counter < circuit.consecutive:
            self._storage.increment_counter()

    def state_change(self, breaker: CircuitBreaker, old: CircuitBreakerState, new: CircuitBreakerState) -> None:
        """Called by aiobreaker, once for each change. Must not raise: aiobreaker would keep the old state."""
        self._changed(breaker.name, _PHASES[old.state], _PHASES[new.state], self._why)
