"""Bugs put into the product on purpose, and the invariant that each must break: a net is known by what it catches.

`make mutations` writes the table of docs/simulation.md anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actors.attempt import Attempt
from actors.books import Books
from actors.clocks import Clocks
from actors.config import Config
from actors.exchange import Exchange
from actors.leases import LocalLeases
from actors.ledger import Ledger
from actors.messages import Flow, Part
from actors.pace import Pace
from actors.provider import Provider
from actors.pulses import Pulses
from actors.reading import Reading
from actors.record import Record
from actors.runtime import Down, Exit, Job, SimDeadlock
from actors.sharing import Sharing
from actors.tally import Tally
from actors.telling import Telling
from router.canon.event import Ended, Event, Started
from router.canon.target import Target
from router.errors import GatewayError, Reason
from router.front.delivery import Delivery
from router.policy import breaker
from router.policy.rescue import Splice
from router.store.leases import Kind
from router.upstream.http import HttpReply, HttpTransport
from router.upstream.session import address_of
from tests.simulation.bugs import ON_THE_WIRE as SHARED_ON_THE_WIRE
from tests.simulation.bugs import ROWS as SHARED
from tests.simulation.plan import draw_plan
from tests.simulation.wire.world import draw_wire_plan, run_wire_world
from tests.simulation.world import run_world
from tests.sources import ROOT

SEEDS = range(30)
"""A mutation that these do not find is not found."""

MOST = 150
"""Exchanges of one of these worlds."""

HEAD = ("| mutation | invariant that caught it | worlds needed |", "| --- | --- | --- |")
DEADLOCK = "no_world_hangs"
"""Nothing can run and nothing is due: the virtual loop itself finds that out."""

Make = Callable[[Any], Callable[..., Any]]


class Mutation(Struct, frozen=True, kw_only=True):
    """One bug: `make` is given the true function `name` of `owner` and returns the one that stands in its place; looked
    for in the worlds of the wire, or in those of the core."""

    owner: Any
    name: str
    make: Make
    caught_by: str
    on_the_wire: bool = False


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
    def take(self: Telling, part: Part, target: Target) -> None:
        true(self, part, target)
        if isinstance(part, Flow) and self.committed and self._last is None:
            self.outbox.push(part)

    return take


def _repetition_told(_true: Callable[..., Any]) -> Callable[..., Any]:
    def take(_self: Splice, events: tuple[Event, ...]) -> tuple[Event, ...]:
        return tuple(event for event in events if not isinstance(event, Started))

    return take


def _stays_with_the_leaver(_true: Callable[..., Any]) -> Callable[..., Any]:
    def tie(self: Job, other: Job, *_: Any) -> None:
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


def _another_reason_told(true: Callable[..., Any]) -> Callable[..., Any]:
    def end(self: Record, exit: Exit) -> Any:
        reason, error = true(self, exit)
        other = Reason.TOTAL_TIMEOUT if reason is Reason.MALFORMED else Reason.MALFORMED
        return (other if error else reason), error

    return end


def _stop_writes_nothing(_true: Callable[..., Any]) -> Callable[..., Any]:
    async def on_stop(self: Ledger, reason: Exit) -> None:
        for job in self._jobs:
            job.stop()
            await job.wait()

    return on_stop


def _entry_of_somebody_else(true: Callable[..., Any]) -> Callable[..., Any]:
    def opened(**fields: Any) -> Any:
        return true(**{**fields, "provider": "nobody"})

    return opened


def _counted_twice(true: Callable[..., Any]) -> Callable[..., Any]:
    def count(self: Books, total: Any) -> None:
        true(self, total)
        true(self, total)

    return count


def _dearer_for_the_caller(_true: Callable[..., Any]) -> Callable[..., Any]:
    def cost_usd(self: Record, value: Any) -> None:
        self.__dict__["cost_usd_"] = value if value is None else value * 2

    return property(lambda self: self.__dict__.get("cost_usd_"), cost_usd)  # type: ignore[return-value]


def _attempts_without_end(true: Callable[..., Any]) -> Callable[..., Any]:
    def next_step(route: Any, *rest: Any) -> Any:
        return true(replace(route, max_attempts=route.max_attempts + 3), *rest)

    return next_step


def _retries_for_nothing(_true: Callable[..., Any]) -> Callable[..., Any]:
    def spend_retry(budget: Any, *_: Any) -> Any:
        return budget

    return spend_retry


def _outer_clock_not_wound(true: Callable[..., Any]) -> Callable[..., Any]:
    def init(self: Clocks, timeouts: Any, *, remaining_s: float, streamed: bool) -> None:
        true(self, timeouts, remaining_s=remaining_s + 10_000, streamed=streamed)

    return init


def _probe_never_sent(true: Callable[..., Any]) -> Callable[..., Any]:
    def next_permit(circuit: breaker.Circuit, now: float, *rest: Any) -> Any:
        if circuit.phase is breaker.Phase.OPEN:
            return circuit, breaker.Wait(retry_after_s=1.0)
        return true(circuit, now, *rest)

    return next_permit


def _everybody_probes(true: Callable[..., Any]) -> Callable[..., Any]:
    def next_permit(circuit: breaker.Circuit, *rest: Any) -> Any:
        if circuit.phase is not breaker.Phase.CLOSED:
            return circuit, breaker.Permit(epoch=circuit.epoch, probe=True)
        return true(circuit, *rest)

    return next_permit


def _reservation_not_returned(true: Callable[..., Any]) -> Callable[..., Any]:
    def give_back(self: LocalLeases, lease: str, *, kinds: frozenset[Kind] = frozenset(Kind)) -> None:
        true(self, lease, kinds=kinds - {Kind.BUDGET})

    return give_back


def _charge_forgotten(_true: Callable[..., Any]) -> Callable[..., Any]:
    def charge(_self: LocalLeases, *_: Any) -> None:
        return None

    return charge


def _transport_left_open(_true: Callable[..., Any]) -> Callable[..., Any]:
    async def on_stop(self: Provider, reason: Exit) -> None:
        for job in tuple(self._attempts):
            job.stop()
            await job.wait()

    return on_stop


def _finalizer_crashes(true: Callable[..., Any]) -> Callable[..., Any]:
    def settle(self: Attempt, job: Job, exit: Exit) -> None:
        true(self, job, exit)
        if self.tally.fault is not None:
            raise RuntimeError("a finalizer that fails")

    return settle


def _nobody_comes_back(_true: Callable[..., Any]) -> Callable[..., Any]:
    def comes_back(*_: Any) -> bool:
        return False

    return comes_back


def _task_nobody_owns(true: Callable[..., Any]) -> Callable[..., Any]:
    def settle(self: Exchange, job: Job, exit: Exit) -> None:
        true(self, job, exit)
        stray = asyncio.get_running_loop().create_task(asyncio.sleep(10_000), name=f"stray {job.name}")
        self.__dict__["stray"] = stray

    return settle


def _wiring_of_the_latest(_true: Callable[..., Any]) -> Callable[..., Any]:
    latest: list[Any] = [None]

    def wiring(_self: Exchange, value: Any) -> None:
        latest[0] = value

    return property(lambda _self: latest[0], wiring)  # type: ignore[return-value]


def _repeats_are_new(_true: Callable[..., Any]) -> Callable[..., Any]:
    def opened(_self: Sharing, _call: Any, _once: Any, begin: Callable[[], Any]) -> Any:
        return begin()

    return opened


def _leaves_at_once(true: Callable[..., Any]) -> Callable[..., Any]:
    async def let_leave(self: Config[Any], leaving: Any, _users: Any) -> None:
        await true(self, replace(leaving, attempts=tuple), ())

    return let_leave


def _never_leaves(_true: Callable[..., Any]) -> Callable[..., Any]:
    async def let_leave(*_: Any) -> None:
        return None

    return let_leave


def _left_to_the_collector(_true: Callable[..., Any]) -> Callable[..., Any]:
    async def linger(_opening: Any, rest: Any) -> None:
        async for _ in rest:
            pass

    return linger


def _hangs_up_without_a_word(_true: Callable[..., Any]) -> Callable[..., Any]:
    async def break_off(self: Delivery, error: GatewayError) -> Any:
        raise ConnectionError("nobody was told") from error

    return break_off


def _answers_left_open(_true: Callable[..., Any]) -> Callable[..., Any]:
    kept: list[Any] = []

    @asynccontextmanager
    async def send(self: HttpTransport, request: Any) -> AsyncIterator[HttpReply]:
        _, peer = address_of(request.url)
        response, sending = await self.open(request, peer)
        kept.append(response)  # aiohttp closes what nobody refers to
        yield HttpReply(response, sending, "somebody")

    return send


def _pool_left_open(_true: Callable[..., Any]) -> Callable[..., Any]:
    async def stop(self: HttpTransport) -> None:
        # Left alone, what is idle would go by its own clock.
        for pool in self._small._pools.values() if self._small is not None else ():
            if pool._timer is not None:
                pool._timer.cancel()

    return stop


def _mutations() -> dict[str, Mutation]:
    from actors import attempt as attempt_module
    from actors import breaker as breaker_actor
    from actors import exchange as exchange_module
    from actors import pace as pace_actor
    from actors import retry as retry_module
    from actors.runtime import keeper

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
        (Splice, "take", _repetition_told, "rescued_answers_are_one"),
        (Job, "tie", _stays_with_the_leaver, "exchanges_end_with_their_attempts"),
        (breaker_actor, "next_circuit", _probe_never_passes, "breakers_close"),
        (breaker_actor, "next_permit", _probe_never_sent, "health_means_success"),
        (breaker_actor, "next_permit", _everybody_probes, "breakers_keep_their_word"),
        (Record, "end", _another_reason_told, "one_outcome_per_reader"),
        (Ledger, "on_stop", _stop_writes_nothing, "a_stop_keeps_the_account"),
        (attempt_module, "EntryOpened", _entry_of_somebody_else, "every_request_has_an_entry"),
        (Books, "count", _counted_twice, "costs_add_up"),
        (Record, "cost_usd", _dearer_for_the_caller, "callers_are_told_the_cost"),
        (exchange_module, "next_step", _attempts_without_end, "attempts_stay_within_bounds"),
        (retry_module, "spend_retry", _retries_for_nothing, "retries_stay_within_budget"),
        (Clocks, "__init__", _outer_clock_not_wound, "exchanges_end_in_time"),
        (LocalLeases, "give_back", _reservation_not_returned, "budgets_are_the_ledger"),
        (LocalLeases, "charge", _charge_forgotten, "budgets_are_the_ledger"),
        (Provider, "on_stop", _transport_left_open, "nothing_is_left"),
        (Attempt, "settle", _finalizer_crashes, "nothing_leaks"),
        (keeper, "comes_back", _nobody_comes_back, "every_actor_is_alive"),
        (Exchange, "settle", _task_nobody_owns, "only_actors_run"),
        (Exchange, "_wiring", _wiring_of_the_latest, "exchanges_keep_their_configuration"),
        (Sharing, "open", _repeats_are_new, "one_exchange_per_key"),
        (Config, "_let_leave", _leaves_at_once, "a_swap_ends_nothing"),
        (Config, "_let_leave", _never_leaves, "only_the_edition_is_left"),
        (attempt_module, "_linger", _left_to_the_collector, "nothing_is_forgotten"),
    )
    wire = (
        (Delivery, "_break_off", _hangs_up_without_a_word, "answers_are_framed"),
        (HttpTransport, "send", _answers_left_open, "nothing_is_open"),
        (HttpTransport, "stop", _pool_left_open, "nothing_stays_connected"),
        (Exchange, "settle", _outcome_told_twice, "one_outcome_per_exchange"),
        (attempt_module, "EntryOpened", _entry_of_somebody_else, "every_request_has_an_entry"),
        (Sharing, "open", _repeats_are_new, "one_answer_per_key"),
    )
    return {
        f"{make.__name__.strip('_')}{'_on_the_wire' * on_the_wire}": Mutation(
            owner=owner, name=name, make=make, caught_by=caught_by, on_the_wire=on_the_wire
        )
        for rows, on_the_wire in (((*table, *SHARED), False), ((*wire, *SHARED_ON_THE_WIRE), True))
        for owner, name, make, caught_by in rows
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
            if mutation.caught_by in _broken(seed, on_the_wire=mutation.on_the_wire):
                return tried
    return None


def _broken(seed: int, *, on_the_wire: bool) -> frozenset[str]:
    """The invariants that a small world broke; a world that could not even go on broke the one of its name."""
    try:
        world = run_wire_world(draw_wire_plan(seed)) if on_the_wire else run_world(draw_plan(seed, most=MOST))
    except SimDeadlock:
        return frozenset({DEADLOCK})
    unfit = [words for _, error, words in world.story.crashes if error == "TypeError" and "Poison" not in words]
    # A call that nobody can make hides the bug behind a crash of its own.
    assert not unfit, f"the mutation is not called as the product calls: {unfit[0]}"
    return frozenset(words.partition(":")[0] for words in world.broken)


def table() -> str:
    """What was found, as it stands in the document."""
    rows = [
        f"| {name.replace('_', ' ')} | `{mutation.caught_by}` | {hunt(mutation) or 'not found'} |"
        for name, mutation in MUTATIONS.items()
    ]
    return "\n".join((*HEAD, *rows))


def main() -> None:
    """Write the table anew."""
    logging.disable(logging.CRITICAL)
    document = ROOT / "docs" / "simulation.md"
    before, _, rest = document.read_text().partition(HEAD[0])
    _, _, after = rest.partition("\n\n")
    document.write_text(f"{before}{table()}\n\n{after}")


if __name__ == "__main__":
    main()
