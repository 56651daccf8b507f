"""Properties of the whole router beyond what must hold of one world: what two worlds that differ in one thing say."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from tests.simulation.plan import Plan, draw_plan
from tests.simulation.world import World, run_world

pytestmark = pytest.mark.timeout(60)  # several worlds a test
SEEDS = (3, 8, 21)
KEYED_SEEDS = (2, 7, 14)
"""Worlds whose callers have keys of their own."""
_CALM: dict[str, Any] = {"outages": (), "disturbances": {}, "shuffled": False}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The ledger's own words about refusals on purpose would fill the report."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def plain(seed: int, **fields: Any) -> Plan:
    """A world in which nothing but the providers' faults differs from call to call, and nobody waits for a slot."""
    plan = draw_plan(seed, most=150)
    providers = {
        name: {**{key: value for key, value in keys.items() if key not in _SCARCE}, "max_queue": 100}
        for name, keys in plan.settings["providers"].items()
    }
    server = {**plan.settings["server"], "deadline_s": 300.0, "max_exchanges": 1000}
    return replace(plan, settings={**plan.settings, "providers": providers, "server": server}, **_CALM, **fields)


_SCARCE = frozenset({"max_parallel", "limits"})


def answered(world: World) -> int:
    """Calls of the phase of faults that got a whole answer."""
    return sum(heard.end == "answered" for heard in world.story.heard if not heard.patient)


def test_a_healthy_spare_never_lowers_success() -> None:
    """One target more at the end of every group, which never fails: over some worlds no fewer calls are answered, and
    those of the groups all are."""
    before = after = 0
    for seed in SEEDS:
        plan = plain(seed, rate=0.6)
        before += answered(run_world(plan))
        with_spare = run_world(spared(plan))
        after += answered(with_spare)
    assert after >= before


def spared(plan: Plan) -> Plan:
    """The same world with a provider `spare` that is always well."""
    first = next(iter(plan.settings["providers"].values()))
    groups = {
        name: {**keys, "targets": [*keys["targets"], "spare:m"], "max_attempts": 8}
        for name, keys in plan.settings["failover_groups"].items()
    }
    spare = {**first, "models": first["models"][:1]}
    settings = {**plan.settings, "providers": {**plan.settings["providers"], "spare": spare}, "failover_groups": groups}
    dialects = {**plan.dialects, "spare": next(iter(plan.dialects.values()))}
    return replace(plan, settings=settings, dialects=dialects, well=frozenset({"spare"}))


def test_half_the_faults_never_make_more_attempts() -> None:
    """Over some worlds of the same calls, in which no circuit opens and nobody asks for quiet: both save requests."""
    requests = Counter[float]()
    for seed in SEEDS:
        for rate in (0.1, 0.05, 0.0):
            world = run_world(plain(seed, rate=rate, weights={"reset_before_head": 1}))
            requests[rate] += len(world.story.told)
    assert requests[0.0] <= requests[0.05] <= requests[0.1]
    assert requests[0.0] < requests[0.1]


@pytest.mark.parametrize("seed", SEEDS)
def test_without_faults_nothing_is_slower_than_what_it_waits_for(seed: int) -> None:
    """Virtual time shows every wait that nobody declared: an exchange lasts as long as its provider takes.

    What a second request won waited for it first, as its group declares.
    """
    world = run_world(plain(seed, rate=0.0))
    said_s = {told.exchange: told.lasts_s for told in world.story.told}
    for ended in world.story.ended:
        if ended.exchange in said_s and ended.hedge is None:
            assert ended.duration_s <= said_s[ended.exchange] + 1e-6, ended


@pytest.mark.parametrize("seed", SEEDS)
def test_after_the_faults_all_succeed_and_every_circuit_closes(seed: int) -> None:
    """Within 300 s, the longest Retry-After that is believed: the invariants of health, for a world that was ill."""
    world = run_world(replace(draw_plan(seed), rate=0.95))
    patient = [heard for heard in world.story.heard if heard.patient]
    assert sum(heard.end == "answered" for heard in patient) >= 0.999 * len(patient) > 0
    assert world.broken == []


@pytest.mark.parametrize("seed", KEYED_SEEDS)
def test_permuting_client_keys_permutes_their_ledgers(seed: int) -> None:
    """Who asks is a name and no more: the same callers under each other's names cost those names the same, attempt by
    attempt, and the same is spent of their budgets, through all faults."""
    plan = draw_plan(seed, most=150)
    keys = plan.settings["keys"]
    turned = dict(zip(keys, (*list(keys)[1:], next(iter(keys))), strict=True))
    permuted = replace(plan, settings={**plan.settings, "keys": {turned[name]: keys[name] for name in keys}})
    before, after = run_world(plan), run_world(permuted)
    names = {**turned, "": ""}
    assert {row.key for row in before.account.rows.values()} >= set(keys)
    assert ledger(after) == {attempt: (names[key], *rest) for attempt, (key, *rest) in ledger(before).items()}
    assert spent(after) == {names[name]: steps for name, steps in spent(before).items()}


def ledger(world: World) -> dict[str, tuple[Any, ...]]:
    """Of every attempt who pays, and for what."""
    rows = world.account.rows.items()
    return {attempt: (row.key, row.provider, row.model, row.end, row.usage, row.cost_usd) for attempt, row in rows}


def spent(world: World) -> dict[str, int]:
    """Of the budget that each key has, in its steps."""
    purses = world.assembly._leases.purses.items()
    return {name.split()[2]: purse.spent for name, purse in purses if name.startswith("each ")}
