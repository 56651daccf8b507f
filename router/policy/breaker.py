"""A circuit breaker as state -> state: when it opens, who may probe, and which results count.

It opens on failures in a row (a total outage is seen after a handful) or on their share of a window (a partial one is
seen at all). Half-open *is* one probe under way, so there is no permit to lose: whoever ends the probe, and however,
moves the phase. Every change of phase starts an epoch, and a result of an older one moves nothing.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from router.errors import BLAME, Blame, Reason
from router.policy.backoff import believed_s
from router.policy.window import EMPTY, Window, next_counted

_BUCKETS = 10
_LEAST_JITTER = 0.8
_MOST_DOUBLINGS = 32  # beyond it every cap has long been reached


class Phase(StrEnum):
    """Whether attempts go through: all, none, or one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Change(StrEnum):
    """What moves a circuit from one phase to another; also the words of the report."""

    TRIPPED = "tripped"
    PROBE_SENT = "probe_sent"
    PROBE_PASSED = "probe_passed"
    PROBE_FAILED = "probe_failed"
    PROBE_DROPPED = "probe_dropped"


TRANSITIONS: dict[Phase, dict[Change, Phase]] = {
    Phase.CLOSED: {Change.TRIPPED: Phase.OPEN},
    Phase.OPEN: {Change.PROBE_SENT: Phase.HALF_OPEN},
    Phase.HALF_OPEN: {
        Change.PROBE_PASSED: Phase.CLOSED,
        Change.PROBE_FAILED: Phase.OPEN,
        Change.PROBE_DROPPED: Phase.OPEN,
    },
}
"""Every move there is; another one is a bug and raises `KeyError`."""


class BreakerRules(Struct, frozen=True, kw_only=True):
    """When a circuit opens and for how long.

    Args:
        failure_threshold: failures by the provider's fault in a row that open it.
        failure_rate: share of failures in the window that opens it, above 0 to 1; full queues and 429s count here.
        min_calls: results the window must hold before the share says anything.
        window_s: length of the window.
        recovery_timeout_s: first open time; doubles with each failed probe in a row.
        max_open_s: open times grow no further. Short, because a service must be back soon after its provider is.
        slow_call_s: a first token later than this is a slow one; None: none is.
        slow_call_rate: share of slow ones in the window that opens it.
        max_retry_after_s: the longest Retry-After that is believed.
        probe_timeout_s: a probe without a result after this long has failed.
    """

    failure_threshold: int = 5
    failure_rate: float = 0.5
    min_calls: int = 10
    window_s: float = 30.0
    recovery_timeout_s: float = 5.0
    max_open_s: float = 20.0
    slow_call_s: float | None = None
    slow_call_rate: float = 0.8
    max_retry_after_s: float = 300.0
    probe_timeout_s: float = 120.0


class Circuit(Struct, frozen=True, kw_only=True):
    """The whole state of one breaker.

    Args:
        consecutive: failures by the provider's fault since the last success.
        window: the results of the last time, and how many of them are failures.
        slow: of the same results, how many came late; empty where no rule asks.
        failed_probes: in a row, since it was last closed.
        until_s: monotonic; open: no probe before it; half-open: the probe's deadline; closed: means nothing.
    """

    phase: Phase = Phase.CLOSED
    epoch: int = 0
    consecutive: int = 0
    window: Window = EMPTY
    slow: Window = EMPTY
    failed_probes: int = 0
    until_s: float = 0.0


class Permit(Struct, frozen=True, kw_only=True):
    """An attempt may go; its result must come back with this epoch to count."""

    epoch: int
    probe: bool


class Wait(Struct, frozen=True, kw_only=True):
    """No attempt may go; asking again sooner is of no use."""

    retry_after_s: float


class Judged(Struct, frozen=True, kw_only=True):
    """How an attempt ended. `reason` None is a success; `retry_after_s` is what the provider asked for, from now;
    `first_token_s` is how long a streamed answer's first content took."""

    epoch: int
    reason: Reason | None
    retry_after_s: float | None = None
    first_token_s: float | None = None


def next_permit(circuit: Circuit, now: float, rules: BreakerRules, jitter: float) -> tuple[Circuit, Permit | Wait]:
    """Let an attempt through, as the one probe where one is due.

    Args:
        jitter: uniform from 0 to 1; used when an overdue probe opens the circuit again.
    """
    match circuit.phase:
        case Phase.CLOSED:
            return circuit, Permit(epoch=circuit.epoch, probe=False)
        case Phase.OPEN if now >= circuit.until_s:
            probing = _moved(circuit, Change.PROBE_SENT, until_s=now + rules.probe_timeout_s)
            return probing, Permit(epoch=probing.epoch, probe=True)
        case Phase.HALF_OPEN if now >= circuit.until_s:
            reopened = _probe_failed(circuit, None, now, rules, jitter)
            return reopened, Wait(retry_after_s=reopened.until_s - now)
        case Phase.HALF_OPEN:
            # the probe's result is due long before its deadline
            return circuit, Wait(retry_after_s=min(circuit.until_s - now, rules.recovery_timeout_s))
    return circuit, Wait(retry_after_s=circuit.until_s - now)


def next_circuit(circuit: Circuit, judged: Judged, now: float, rules: BreakerRules, jitter: float) -> Circuit:
    """The circuit after a result. What the caller or this gateway did wrong proves nothing about the provider.

    Args:
        jitter: uniform from 0 to 1; shortens an open time by up to a fifth, so that breakers do not probe in step.
    """
    if judged.epoch != circuit.epoch or circuit.phase is Phase.OPEN:
        return circuit
    blame = None if judged.reason is None else BLAME[judged.reason]
    if blame in (Blame.CALLER, Blame.GATEWAY):
        return next_unprobed(circuit, judged.epoch, now)
    slow = rules.slow_call_s is not None and (judged.first_token_s or 0.0) > rules.slow_call_s
    if circuit.phase is Phase.HALF_OPEN:
        if blame is None and not slow:
            return _moved(circuit, Change.PROBE_PASSED, consecutive=0, window=EMPTY, slow=EMPTY, failed_probes=0)
        return _probe_failed(circuit, judged.retry_after_s, now, rules, jitter)
    counted = _counted(circuit, blame, slow, now, rules)
    failing = blame is not None and _must_trip(counted, rules)
    # So many answers of the window began late that another target should be asked.
    if not failing and not (slow and _is_much(counted.slow, rules.slow_call_rate, rules)):
        return counted
    return _moved(counted, Change.TRIPPED, until_s=now + _open_s(0, judged.retry_after_s, rules, jitter))


def next_unprobed(circuit: Circuit, epoch: int, now: float) -> Circuit:
    """The circuit after an attempt ended without a result: a probe's place is free at once, all else stays."""
    if circuit.phase is not Phase.HALF_OPEN or epoch != circuit.epoch:
        return circuit
    return _moved(circuit, Change.PROBE_DROPPED, until_s=now)


def _moved(circuit: Circuit, change: Change, **fields: object) -> Circuit:
    return replace(circuit, phase=TRANSITIONS[circuit.phase][change], epoch=circuit.epoch + 1, **fields)


def _probe_failed(
    circuit: Circuit, retry_after_s: float | None, now: float, rules: BreakerRules, jitter: float
) -> Circuit:
    failed = circuit.failed_probes + 1
    until_s = now + _open_s(failed, retry_after_s, rules, jitter)
    return _moved(circuit, Change.PROBE_FAILED, failed_probes=failed, until_s=until_s)


def _open_s(failed_probes: int, retry_after_s: float | None, rules: BreakerRules, jitter: float) -> float:
    """Jitter comes after the cap: before it, every circuit at the cap would probe in step again."""
    grown_s = rules.recovery_timeout_s * 2.0 ** min(failed_probes, _MOST_DOUBLINGS)
    jittered_s = min(grown_s, rules.max_open_s) * (_LEAST_JITTER + (1 - _LEAST_JITTER) * jitter)
    return max(jittered_s, believed_s(retry_after_s, rules.max_retry_after_s))


def _counted(circuit: Circuit, blame: Blame | None, slow: bool, now: float, rules: BreakerRules) -> Circuit:
    number = int(now * _BUCKETS // rules.window_s)
    return Circuit(
        phase=circuit.phase,
        epoch=circuit.epoch,
        consecutive=0 if blame is None else circuit.consecutive + (blame is Blame.PROVIDER),
        window=next_counted(circuit.window, number, _BUCKETS, 1, int(blame is not None)),
        slow=circuit.slow if rules.slow_call_s is None else next_counted(circuit.slow, number, _BUCKETS, 1, int(slow)),
        failed_probes=circuit.failed_probes,
        until_s=circuit.until_s,
    )


def _must_trip(circuit: Circuit, rules: BreakerRules) -> bool:
    """Whether a circuit whose window was just brought up to date has seen enough."""
    return _is_much(circuit.window, rules.failure_rate, rules) or circuit.consecutive >= rules.failure_threshold


def _is_much(window: Window, rate: float, rules: BreakerRules) -> bool:
    return window.count >= rules.min_calls and window.part >= rate * window.count
