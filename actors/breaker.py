"""The Breaker actor: one provider's circuit breakers, one for each model by each of its keys.

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
from msgspec.structs import replace

from actors.messages import AttemptJudged, BreakerChanged, BreakerState, Knock, LetThrough, Open
from actors.runtime import Actor, Down, Job, Ref, Snapshot
from router.policy.breaker import (
    BreakerRules,
    Change,
    Circuit,
    Permit,
    Phase,
    next_circuit,
    next_permit,
    next_unprobed,
)
from router.policy.lanes import ONLY

_STATES: dict[Phase, CircuitBreakerState] = {
    Phase.CLOSED: CircuitBreakerState.CLOSED,
    Phase.OPEN: CircuitBreakerState.OPEN,
    Phase.HALF_OPEN: CircuitBreakerState.HALF_OPEN,
}
_WORSE = {Phase.CLOSED: 0, Phase.HALF_OPEN: 1, Phase.OPEN: 2}
_SLOW = "slow_calls"
"""Why a circuit opened although the answer was one."""

_PHASES: dict[CircuitBreakerState, Phase] = {state: phase for phase, state in _STATES.items()}


class ProbeEnded(Struct, frozen=True, kw_only=True):
    """Breaker to itself: a probe's job is gone; if nobody has told how it ended, nobody will."""

    model: str
    key: str
    epoch: int


Place = tuple[str, str]
"""Model and name of the key: what one circuit is for."""


class Breaker(Actor):
    """Lets attempts through or not, and learns from how they end.

    A circuit belongs to a model and a key, since a provider may be well for one account and not for another. A model
    is as well as its best key.

    Accepts `Knock` -> `LetThrough | Open`, and `AttemptJudged` (fact). Publishes `BreakerState` by model; tells
    telemetry `BreakerChanged`.

    A restart loses windows and rows of failures; breakers that were not closed come back open, read from what was
    published.
    """

    prompt = True

    def __init__(
        self,
        *,
        provider: str,
        rules: BreakerRules,
        published: Snapshot[Mapping[str, BreakerState]],
        telemetry: Ref,
        keys: tuple[str, ...] = (ONLY,),
    ) -> None:
        super().__init__()
        self._keys = keys
        self._provider = provider
        self._rules = rules
        self._published = published
        self._telemetry = telemetry

    async def on_start(self) -> None:
        """Take up what was open; epochs start beyond those of every earlier incarnation."""
        self._probes: dict[Job, ProbeEnded] = {}
        self._fresh = Circuit(epoch=self.ref.incarnation << 32)
        self._holders: dict[Place, _Holder] = {}
        now = self.ports.clock.now()
        for model, shown in self._published.value.items():
            for key, state in shown.keys.items():
                if state.state != Phase.CLOSED:
                    is_open = state.state == Phase.OPEN and state.retry_at_s is not None
                    self._restore((model, key), state.retry_at_s if is_open and state.retry_at_s else now)
        self._published.publish({model: self._shown(model) for model in {model: None for model, _ in self._holders}})

    def on_receive(self, message: Knock | AttemptJudged | ProbeEnded) -> LetThrough | Open | None:
        """Decide on a snapshot, then carry the decision out."""
        match message:
            case Knock():
                return self._knock(message)
            case AttemptJudged():
                self._judge(message)
            case ProbeEnded():
                place = message.model, message.key
                after = next_unprobed(self._circuit(place), message.epoch, self.ports.clock.now())
                self._take(place, after, Change.PROBE_DROPPED)
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
        place = message.model, message.key
        before = self._circuit(place)
        after, answer = next_permit(before, self.ports.clock.now(), self._rules, self.ports.rng.random())
        if after is not before:  # a closed circuit, which most are, stays as it is
            self._take(place, after, Change.PROBE_SENT if after.phase is Phase.HALF_OPEN else Change.PROBE_FAILED)
        if not isinstance(answer, Permit):
            return Open(retry_after_s=answer.retry_after_s)
        if answer.probe:
            self._probes[message.job] = ProbeEnded(model=message.model, key=message.key, epoch=answer.epoch)
            self.monitor(message.job)
        return LetThrough(epoch=answer.epoch, probe=answer.probe)

    def _judge(self, message: AttemptJudged) -> None:
        place = message.model, message.key
        holder = self._holders.get(place)
        before = self._fresh if holder is None else holder.circuit
        after = next_circuit(before, message, self.ports.clock.now(), self._rules, self.ports.rng.random())
        if holder is not None and after.epoch == before.epoch and after.consecutive == before.consecutive:
            holder.circuit = after  # one result more in its window, which most are: that is ours alone
            return
        well = Change.PROBE_PASSED if after.phase is Phase.CLOSED else _SLOW
        self._take(place, after, message.reason or well)

    def _circuit(self, place: Place) -> Circuit:
        holder = self._holders.get(place)
        return self._fresh if holder is None else holder.circuit

    def _take(self, place: Place, after: Circuit, why: str) -> None:
        """Hold the new state, if there is one; publish it where its epoch is new, as others see nothing else of it."""
        holder = self._holders.get(place)
        if after is (self._fresh if holder is None else holder.circuit):
            return
        is_news = holder is None or after.epoch != holder.circuit.epoch
        holder = holder or self._hold(place, self._fresh)
        if after.phase is Phase.CLOSED and holder.circuit.phase is not Phase.CLOSED:
            holder.closed_since_s = self.ports.clock.now()
        holder.take(after, why)
        if is_news:
            self._published.publish({**self._published.value, place[0]: self._shown(place[0])})

    def _restore(self, place: Place, until_s: float) -> None:
        self._hold(place, Circuit(phase=Phase.OPEN, epoch=self._fresh.epoch, until_s=until_s))

    def _hold(self, place: Place, circuit: Circuit) -> _Holder:
        holder = _Holder(place, circuit, self._rules, self._changed)
        self._holders[place] = holder
        return holder

    def _shown(self, model: str) -> BreakerState:
        """A model by its keys; one that was not used yet is as well as can be."""
        found = [(key, self._holders.get((model, key))) for key in self._keys]
        keys = {key: self._state(holder) for key, holder in found if holder is not None}
        if len(keys) == len(self._keys) == 1:
            return replace(keys[self._keys[0]], keys=keys)
        best = min(keys.values(), key=_rank)
        is_whole = len(keys) == len(self._keys)
        return BreakerState(
            state=best.state if is_whole else Phase.CLOSED,
            retry_at_s=best.retry_at_s if is_whole else None,
            closed_since_s=best.closed_since_s if is_whole else None,
            keys=keys,
        )

    def _state(self, holder: _Holder) -> BreakerState:
        circuit = holder.circuit
        return BreakerState(
            state=circuit.phase,
            retry_at_s=None if circuit.phase is Phase.CLOSED else circuit.until_s,
            closed_since_s=holder.closed_since_s if circuit.phase is Phase.CLOSED else None,
        )

    def _changed(self, place: Place, before: Phase, after: Phase, why: str) -> None:
        model, key = place
        self._telemetry.tell(
            BreakerChanged(
                provider=self._provider,
                model=model,
                before=before,
                after=after,
                why=why,
                at=self.ports.wall.now(),
                key=key,
                model_state=self._shown(model).state,
            )
        )


def _rank(state: BreakerState) -> tuple[int, float, float]:
    """The best first: closed, of these the one that was never open or is back longest; else the first to be probed."""
    return _WORSE[Phase(state.state)], state.retry_at_s or 0.0, state.closed_since_s or 0.0


class _Holder(CircuitBreakerListener):  # type: ignore[misc]  # aiobreaker carries no types
    """One circuit, mirrored into aiobreaker's storage; its own listener there."""

    def __init__(
        self, place: Place, circuit: Circuit, rules: BreakerRules, changed: Callable[[Place, Phase, Phase, str], None]
    ) -> None:
        self.circuit = circuit
        self.closed_since_s: float | None = None
        self._place = place
        self._why = ""
        self._changed = changed
        self._storage = CircuitMemoryStorage(_STATES[circuit.phase])
        self._breaker = CircuitBreaker(
            fail_max=rules.failure_threshold,
            timeout_duration=timedelta(seconds=rules.recovery_timeout_s),
            listeners=(self,),
            state_storage=self._storage,
            name=":".join(place),
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
        self._changed(self._place, _PHASES[old.state], _PHASES[new.state], self._why)
