"""Bugs put into the product on purpose, and the invariant that each must break: a net is known by what it catches.

`python -m tests.simulation.mutations` prints the table of docs/simulation.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actors.attempt import Attempt
from actors.exchange import Exchange
from actors.messages import Flow, Part
from actors.pace import Pace
from actors.pulses import Pulses
from actors.reading import Reading
from actors.runtime import Down, Exit, Job, SimDeadlock
from actors.tally import Tally
from actors.telling import Telling
from router.canon.event import Ended
from router.canon.target import Target
from router.policy import breaker
from tests.simulation.plan import draw_plan
from tests.simulation.world import run_world

SEEDS = range(12)
"""A mutation that these do not find is not found."""

MOST = 150
"""Exchanges of one of these worlds."""

DEADLOCK = "no_world_hangs"
"""Nothing can run and nothing is due: the virtual loop itself finds that out."""

Make = Callable[[Any], Callable[..., Any]]


class Mutation(Struct, frozen=True, kw_only=True):
    """One bug: `make` is given the true function `name` of `owner` and returns the one that stands in its place."""

    owner: Any
    name: str
    make: Make
    caught_by: str


def _slot_not_given_back(_true: Callable[..., Any]) -> Callable[..., Any]:
    def on_down(self: Pace, down: Down) -> None:
        return None

    return on_down


def _entry_closed_twice(true: Callable[..., Any]) -> Callable[..., Any]:
    def settle(self: Attempt, job: Job, exit: Exit) -> None:
        true(self, job, exit)
        if self.tally.sent and self.tally.fault is not None:
            self._line.ledger.tell(self.tally.entry(self.tally.fault.reason))

    return settle


def _finish_made_up(true: Callable[..., Any]) -> Callable[..., Any]:
    def end(self: Reading) -> Flow:
        flow: Flow = true(self)
        return flow if self.fault is not None or _ends(flow) else replace(flow, events=(*flow.events, Ended()))

    return end


def _ends(flow: Flow) -> bool:
    return any(isinstance(event, Ended) for event in flow.events)


def _preview_taken_for_the_count(_true: Callable[..., Any]) -> Callable[..., Any]:
    def usage(self: Tally, value: Any) -> None:
        self.__dict__.setdefault("usage_", value)
        if self.__dict__["usage_"] is None:
            self.__dict__["usage_"] = value

    return property(lambda self: self.__dict__.get("usage_"), usage)  # type: ignore[return-value]


def _words_said_twice(true: Callable[..., Any]) -> Callable[..., Any]:
    async def take(self: Telling, part: Part, target: Target) -> None:
        await true(self, part, target)
        if isinstance(part, Flow) and self.committed and self._last is None:
            await self.outbox.put(part)

    return take


def _stays_with_the_leaver(_true: Callable[..., Any]) -> Callable[..., Any]:
    def tie(self: Job, other: Job) -> None:
        return None

    return tie


def _outcome_told_twice(true: Callable[..., Any]) -> Callable[..., Any]:
    def settle(self: Exchange, job: Job, exit: Exit) -> None:
        true(self, job, exit)
        if self._record.error is not None:
            self._wiring.telemetry.tell(self._record.ended(self._record.error.reason, "unknown"))

    return settle


def _probe_never_passes(true: Callable[..., Any]) -> Callable[..., Any]:
    def next_circuit(circuit: breaker.Circuit, *rest: Any) -> breaker.Circuit:
        after: breaker.Circuit = true(circuit, *rest)
        closes = circuit.phase is breaker.Phase.HALF_OPEN and after.phase is breaker.Phase.CLOSED
        return circuit if closes else after

    return next_circuit


def _one_slot_too_many(true: Callable[..., Any]) -> Callable[..., Any]:
    def next_slot(pacing: Any, waiter: Any, now: float, rules: Any, *rest: Any) -> Any:
        if rules.max_parallel is not None:
            rules = replace(rules, max_parallel=rules.max_parallel + 1)
        return true(pacing, waiter, now, rules, *rest)

    return next_slot


def _attempt_not_counted_off(_true: Callable[..., Any]) -> Callable[..., Any]:
    def ended(self: Pulses, model: str) -> None:
        return None

    return ended


def _key_keeps_its_slot(true: Callable[..., Any]) -> Callable[..., Any]:
    def next_returned(pacing: Any, key: str, model: str, held_s: float) -> Any:
        return replace(true(pacing, key, model, held_s), lanes=pacing.lanes)

    return next_returned


def _mutations() -> dict[str, Mutation]:
    from actors import breaker as breaker_actor
    from actors import pace as pace_actor

    table = (
        (Pace, "on_down", _slot_not_given_back, "nothing_is_held"),
        (Pulses, "ended", _attempt_not_counted_off, "nothing_is_held"),
        (pace_actor, "next_returned", _key_keeps_its_slot, "nothing_is_held"),
        (pace_actor, "next_slot", _one_slot_too_many, "providers_are_not_crowded"),
        (Attempt, "settle", _entry_closed_twice, "one_entry_per_attempt"),
        (Exchange, "settle", _outcome_told_twice, "one_outcome_per_exchange"),
        (Reading, "end", _finish_made_up, "nothing_completes_without_a_last_word"),
        (Tally, "usage", _preview_taken_for_the_count, "usage_is_the_last_word"),
        (Telling, "take", _words_said_twice, "readers_hear_one_attempt"),
        (Job, "tie", _stays_with_the_leaver, "exchanges_end_with_their_attempts"),
        (breaker_actor, "next_circuit", _probe_never_passes, "breakers_close"),
    )
    return {
        make.__name__.strip("_"): Mutation(owner=owner, name=name, make=make, caught_by=caught_by)
        for owner, name, make, caught_by in table
    }


MUTATIONS = _mutations()
"""By what is wrong."""


@contextmanager
def mutated(mutation: Mutation) -> Iterator[None]:
    """The product with one bug more."""
    owned = mutation.name in vars(mutation.owner)
    true = getattr(mutation.owner, mutation.name, None)
    setattr(mutation.owner, mutation.name, mutation.make(true))
    try:
        yield
    finally:
        if owned:
            setattr(mutation.owner, mutation.name, true)
        else:
            delattr(mutation.owner, mutation.name)


def hunt(mutation: Mutation) -> int | None:
    """How many worlds it took to catch it by its own invariant; None for never."""
    with mutated(mutation):
        for tried, seed in enumerate(SEEDS, 1):
            if mutation.caught_by in _broken(seed):
                return tried
    return None


def _broken(seed: int) -> frozenset[str]:
    """The invariants that a small world broke; a world that could not even go on broke the one of its name."""
    try:
        return frozenset(words.partition(":")[0] for words in run_world(draw_plan(seed, most=MOST)).broken)
    except SimDeadlock:
        return frozenset({DEADLOCK})


def main() -> None:
    """Print the table."""
    logging.disable(logging.CRITICAL)
    print("| mutation | invariant that caught it | worlds needed |\n| --- | --- | --- |")
    for name, mutation in MUTATIONS.items():
        print(f"| {name.replace('_', ' ')} | `{mutation.caught_by}` | {hunt(mutation) or 'not found'} |")


if __name__ == "__main__":
    main()
