"""The defects that were measured in aiobreaker 1.2.0, put into our breaker: its reference model tells each of them.

What is not a decision cannot be put there: its storage, its listeners, the exception it loses and the wall clock it
reads have no counterpart, since our decisions are given `now` and raise nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace

from router.policy import breaker
from tests.policy import test_breaker as model

OPEN, HALF_OPEN, CLOSED = breaker.Phase.OPEN, breaker.Phase.HALF_OPEN, breaker.Phase.CLOSED
True_ = Callable[..., Any]


def _everybody_probes(true: True_) -> True_:
    """1: half-open admits every caller."""

    def next_permit(circuit: breaker.Circuit, *rest: Any) -> Any:
        if circuit.phase is HALF_OPEN:
            return circuit, breaker.Permit(epoch=circuit.epoch, probe=True)
        return true(circuit, *rest)

    return next_permit


def _any_success_closes(true: True_) -> True_:
    """2: a success that comes late closes a circuit that has opened again."""

    def next_circuit(circuit: breaker.Circuit, judged: breaker.Judged, *rest: Any) -> Any:
        if circuit.phase is OPEN and judged.reason is None:
            return breaker.Circuit(epoch=circuit.epoch + 1)
        return true(circuit, judged, *rest)

    return next_circuit


def _stragglers_prolong(true: True_) -> True_:
    """3: a failure that comes late opens it anew and moves its end."""

    def next_circuit(circuit: breaker.Circuit, judged: breaker.Judged, now: float, *rest: Any) -> Any:
        if circuit.phase is OPEN and judged.reason in model.PROVIDERS:
            return replace(circuit, until_s=now + model.RULES.recovery_timeout_s)
        return true(circuit, judged, now, *rest)

    return next_circuit


def _only_rows_count(true: True_) -> True_:
    """4: failures count only in a row, whatever their share."""

    def next_circuit(circuit: breaker.Circuit, judged: breaker.Judged, now: float, rules: Any, *rest: Any) -> Any:
        return true(circuit, judged, now, replace(rules, min_calls=10**9), *rest)

    return next_circuit


def _everything_succeeds(true: True_) -> True_:
    """5: success is told where an answer begins, so that no failure inside it is ever seen."""

    def next_circuit(circuit: breaker.Circuit, judged: breaker.Judged, *rest: Any) -> Any:
        return true(circuit, replace(judged, reason=None), *rest)

    return next_circuit


def _the_cancelled_never_end(_true: True_) -> True_:
    """6: a probe that is cancelled leaves its circuit half-open."""

    def next_unprobed(circuit: breaker.Circuit, *_: Any) -> Any:
        return circuit

    return next_unprobed


def _the_blameless_succeed(true: True_) -> True_:
    """11: what is not to count counts as a success, and closes a half-open circuit."""

    def next_circuit(circuit: breaker.Circuit, judged: breaker.Judged, *rest: Any) -> Any:
        blameless = judged.reason in model.BLAMELESS
        return true(circuit, replace(judged, reason=None) if blameless else judged, *rest)

    return next_circuit


DEFECTS = {
    "next_permit": (_everybody_probes,),
    "next_circuit": (
        *(_any_success_closes, _stragglers_prolong, _only_rows_count, _everything_succeeds, _the_blameless_succeed),
    ),
    "next_unprobed": (_the_cancelled_never_end,),
}
_CASES = [(name, make) for name, makes in DEFECTS.items() for make in makes]
_QUICKLY = settings(
    max_examples=400,
    stateful_step_count=60,
    database=None,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("name", "make"), _CASES, ids=[make.__name__.strip("_") for _, make in _CASES])
def test_a_defect_of_another_breaker_is_told(name: str, make: Callable[[True_], True_], request: Any) -> None:
    """Some short history is enough, in which both breakers do not say the same."""
    monkeypatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr(model, name, make(getattr(breaker, name)))
    with pytest.raises(AssertionError):
        run_state_machine_as_test(model.BreakerMachine, settings=_QUICKLY)
