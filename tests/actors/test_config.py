"""One configuration takes another's place: whole or not at all, and nobody's answer is cut by it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from actors.messages import Answered, ConfigRefused, ConfigTaken, Moves
from actors.runtime import Actor, WhichChildren, run_virtual
from router.errors import Reason
from router.policy.breaker import Phase
from router.upstream.memory import Hold, Script, Scripted, in_turn
from tests.fakes.embedded import PROVIDER, STREAMED, Embedded, embedded, read
from tests.fakes.replies import DONE

WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"w"},"finish_reason":null}]}\n\n'
LAST = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n' + DONE
WELL = in_turn(Scripted(headers=STREAMED, steps=(WORD, LAST)))
PRICE = {"input_per_mtok": 3, "output_per_mtok": 15}
FAILS = in_turn(Scripted(status=500))


def virtual(scene: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a scene in virtual time."""

    def run() -> None:
        run_virtual(scene())

    run.__doc__ = scene.__doc__
    return run


def held(gate: asyncio.Event) -> Script:
    """A stream that says its last word when the gate opens."""
    return in_turn(Scripted(headers=STREAMED, steps=(WORD, Hold(gate), LAST)))


async def children(router: Embedded, place: str) -> list[str]:
    """The names under a supervisor."""
    infos = await router.assembly.system.ref(f"root/{place}").ask(WhichChildren())
    return [info.name for info in infos]


async def taken(router: Embedded) -> ConfigTaken:
    """A reload that is taken."""
    word = await router.reload()
    assert isinstance(word, ConfigTaken), word
    return word


@pytest.mark.shows(93)
@virtual
async def test_a_stream_outlives_the_change_of_its_provider() -> None:
    """It ends on the unit that it began on; who comes after the change is served by the new one, at the same time."""
    gate = asyncio.Event()
    async with embedded(held(gate)) as router:
        begun = router.open(model="p0:m")
        await asyncio.sleep(1)
        old = router.transports["p0"]
        router.scripts["p0"] = WELL
        router.config["providers"]["p0"]["base_url"] = "http://elsewhere.test/v1"
        word = await taken(router)
        assert (word.providers, word.groups) == (Moves(changed=("p0",)), Moves())
        later = router.open(model="p0:m")
        assert begun.config != later.config == word.view.version
        assert (await read(later)).complete
        assert router.transports["p0"].carried[0].request.url.startswith("http://elsewhere.test/v1/")
        assert await children(router, "providers") == ["p0", "p0@2"]
        assert old.running
        gate.set()
        assert (await read(begun)).complete
        await asyncio.sleep(1)
        assert await children(router, "providers") == ["p0@2"]
        assert not old.running


@virtual
async def test_a_removed_provider_ends_what_it_began() -> None:
    """Its names are unknown from the change on; its unit, its series and its score go with its last stream."""
    gate = asyncio.Event()
    async with embedded(held(gate), WELL) as router:
        begun = router.open(model="p0:m")
        await asyncio.sleep(1)
        del router.config["providers"]["p0"]
        word = await taken(router)
        assert word.providers.removed == ("p0",)
        assert word.groups.removed == ("p0:m",)
        refused = (await read(router.open(model="p0:m"))).error
        assert refused is not None
        assert refused.reason is Reason.UNKNOWN_MODEL
        assert "p0" in await children(router, "providers")
        gate.set()
        assert (await read(begun)).complete
        await asyncio.sleep(1)
        assert await children(router, "providers") == ["p1"]
        assert b'provider="p0"' not in router.assembly.desk.metrics()
        assert "p0" not in router.assembly.desk.health().providers
        assert [row.provider for row in router.account.rows.values()] == ["p0"]


@virtual
async def test_who_began_before_may_still_fail_over_to_what_was_removed() -> None:
    """An exchange keeps all of its configuration, not only the provider that it asks just now."""
    gate = asyncio.Event()
    fails_late = in_turn(Scripted(before=(Hold(gate),), status=500))
    async with embedded(fails_late, WELL, retry={"max_attempts": 1}) as router:
        begun = router.open()
        await asyncio.sleep(1)
        del router.config["providers"]["p1"]
        await taken(router)
        await asyncio.sleep(1)
        gate.set()
        answer = await read(begun)
        assert (answer.complete, answer.target.provider) == (True, "p1")
        await asyncio.sleep(1)
        assert await children(router, "providers") == ["p0"]


@pytest.mark.parametrize("stays", [True, False], ids=["its provider stays", "its provider leaves too"])
def test_a_model_that_leaves_is_priced_to_its_last_answer(stays: bool) -> None:
    """Whoever began at it is told what that cost, and the ledger has it; so it is whoever else its provider has."""

    async def scene() -> None:
        gate = asyncio.Event()
        counted = LAST.replace(b'"choices"', b'"usage":{"prompt_tokens":9,"completion_tokens":4},"choices"', 1)
        script = in_turn(Scripted(headers=STREAMED, steps=(WORD, Hold(gate), counted)))
        async with embedded(script, WELL) as router:
            router.config["providers"]["p0"]["models"] = ["m", {"name": "old", "price": PRICE}]
            await taken(router)
            begun = router.open(model="p0:old")
            await asyncio.sleep(1)
            router.config["providers"]["p0"]["models"] = ["m"]
            if not stays:
                del router.config["providers"]["p0"]
                router.config["failover_groups"] = {"auto": {"targets": ["p1:m"]}}
            await taken(router)
            gate.set()
            told = (await read(begun)).pieces[-1]
            await asyncio.sleep(60)
            costs = [row.cost_usd for row in router.account.rows.values()]
            assert isinstance(told, Answered)
            assert [told.cost_usd, *costs] == [9 * Decimal(3) / 10**6 + 4 * Decimal(15) / 10**6] * 2

    run_virtual(scene())


@virtual
async def test_what_did_not_change_runs_on() -> None:
    """Actors, connections and open breakers of a provider that is the same are the same; so are groups."""
    rules = {"failure_threshold": 1, "recovery_timeout_s": 600, "max_open_s": 600}
    async with embedded(FAILS, WELL, breaker=rules) as router:
        assert (await read(router.open())).target.provider == "p1"
        ref = router.assembly.system.ref("root/providers/p0/provider")
        transport = router.transports["p0"]
        router.config["providers"]["p1"]["max_queue"] = 7
        assert (await taken(router)).providers == Moves(changed=("p1",))
        assert (ref.incarnation, ref.alive, router.transports["p0"]) == (1, True, transport)
        assert router.assembly.desk.health().providers["p0"].circuit_state == Phase.OPEN
        assert "p0" in await children(router, "providers")
        assert (await read(router.open())).target.provider == "p1"
        assert len(transport.carried) == 1


@virtual
async def test_a_changed_provider_begins_with_closed_breakers() -> None:
    """Another key or address is another chance; the gauge of the one before goes."""
    rules = {"failure_threshold": 1, "recovery_timeout_s": 600, "max_open_s": 600}
    async with embedded(FAILS, breaker=rules) as router:
        await read(router.open())
        await asyncio.sleep(1)
        assert b'pointsman_breaker_state{model="m",provider="p0"} 2.0' in router.assembly.desk.metrics()
        router.scripts["p0"] = WELL
        router.config["providers"]["p0"]["api_key"] = "another-key"
        await taken(router)
        assert (await read(router.open())).complete
        await asyncio.sleep(1)
        assert b'pointsman_breaker_state{model="m",provider="p0"} 0.0' in router.assembly.desk.metrics()
        assert router.assembly.desk.health().providers["p0"].circuit_state == Phase.CLOSED


@pytest.mark.shows(93)
@virtual
async def test_an_invalid_configuration_changes_nothing_and_says_all() -> None:
    """Every fault comes back by its path, and goes into the log; the one before serves on."""
    async with embedded(WELL) as router:
        before = router.assembly.desk.health().config_version
        router.config["providers"]["p0"]["max_queue"] = -1
        router.config["failover_groups"] = {"chat": {"targets": ["nobody:m"]}}
        word = await router.reload()
        assert isinstance(word, ConfigRefused)
        paths = ["failover_groups.chat.targets[0]", "providers.p0.max_queue"]
        assert [fault.path for fault in word.faults] == paths
        await asyncio.sleep(1)
        assert router.assembly.desk.health().config_version == before
        assert (await read(router.open())).complete
        said = [line for line in router.log.read if line["event"] == "config refused"]
        assert [fault.split(":")[0] for line in said for fault in line["faults"]] == paths


@virtual
async def test_a_part_that_cannot_start_leaves_all_as_it_was() -> None:
    """What had been started before it is stopped again, and the reload says which part it was."""
    async with embedded(WELL) as router:
        router.scripts["new"] = WELL
        router.config["providers"]["new"] = PROVIDER
        router.config["providers"]["unmade"] = PROVIDER  # no script: its transport cannot be made
        word = await router.reload()
        assert isinstance(word, ConfigRefused)
        assert word.faults[0].path == "providers"
        assert "unmade" in word.faults[0].message
        assert await children(router, "providers") == ["p0"]
        assert (await read(router.open())).complete


@virtual
async def test_the_same_configuration_is_no_new_one() -> None:
    """Nothing is started, nothing stopped, and the number stays."""
    async with embedded(WELL) as router:
        word = await taken(router)
        assert (word.changed, word.view.number) == (False, 1)
        assert router.assembly.desk.health().config_number == 1


@virtual
async def test_what_needs_a_restart_is_said() -> None:
    """The rest of the configuration is taken; the log says what waits."""
    async with embedded(WELL) as router:
        router.config["server"] = {"port": 9999, "deadline_s": 5}
        router.config["ledger"] = {"path": "/elsewhere/ledger.sqlite"}
        word = await taken(router)
        assert word.view.pending == ("ledger.path", "server.port")
        await asyncio.sleep(1)
        line = next(line for line in reversed(router.log.read) if line["event"] == "config loaded")
        assert (line["level"], line["restart_for"]) == ("warning", ["ledger.path", "server.port"])


@virtual
async def test_sections_that_are_read_by_reference_follow() -> None:
    """The bound of requests in flight and the log level are those of the configuration in force."""
    gate = asyncio.Event()
    async with embedded(held(gate)) as router:
        first = router.open()
        await asyncio.sleep(1)
        router.config["server"] = {"max_exchanges": 1}
        router.config["telemetry"] = {"log_level": "error"}
        await taken(router)
        turned = (await read(router.open())).error
        assert turned is not None
        assert turned.status == 429
        gate.set()
        assert (await read(first)).complete
        await asyncio.sleep(1)
        assert all(line["event"] != "exchange ended" for line in router.log.read)


@virtual
async def test_a_crash_of_the_actor_loses_nothing_that_was_leaving() -> None:
    """Its next life finds the unit that no edition needs, and lets it leave when its streams have ended."""
    gate = asyncio.Event()
    async with embedded(held(gate), WELL) as router:
        begun = router.open(model="p0:m")
        await asyncio.sleep(1)
        del router.config["providers"]["p0"]
        await taken(router)
        ref = router.assembly.system.ref("root/config")
        ref.tell(object())
        await asyncio.sleep(1)
        assert (ref.incarnation, ref.alive) == (2, True)
        assert "p0" in await children(router, "providers")
        gate.set()
        assert (await read(begun)).complete
        await asyncio.sleep(1)
        assert await children(router, "providers") == ["p1"]


@virtual
async def test_a_supervisor_that_crashes_later_begins_with_the_edition_in_force() -> None:
    """What a reload added is there again, and what it removed is not."""
    async with embedded(WELL, WELL) as router:
        del router.config["providers"]["p0"]
        router.config["providers"]["p2"] = PROVIDER
        router.scripts["p2"] = WELL
        await taken(router)
        await asyncio.sleep(1)
        supervisor = router.assembly.system.ref("root/providers")
        assert supervisor.cell is not None
        supervisor.cell.actor.stop()
        await asyncio.sleep(1)
        assert await children(router, "providers") == ["p1", "p2@2"]
        assert (await read(router.open(model="p2:m"))).complete


@pytest.mark.shows(93)
@virtual
async def test_a_hundred_reloads_leak_nothing() -> None:
    """Tasks, actors, timers, series and objects are as many after the last as after the first."""
    async with embedded(WELL, WELL) as router:

        async def turn(number: int) -> None:
            router.config["providers"]["p0"]["api_key"] = f"key-number-{number}"
            router.config["providers"]["p1"]["max_queue"] = 50 + number % 2
            router.config["failover_groups"] = {f"group-{number % 3}": {"targets": ["p0:m", "p1:m"]}}
            assert (await taken(router)).changed
            for model in ("p0:m", "p1:m"):
                assert (await read(router.open(model=model))).complete
            await asyncio.sleep(2)

        def count() -> dict[str, int]:
            gc.collect()
            system = router.assembly.system
            return {
                "tasks": len(asyncio.all_tasks()),
                "refs": len(system._refs),
                "actors": sum(Actor in type(each).__mro__ for each in gc.get_objects()),
                "series": router.assembly.desk.metrics().count(b"\n"),
                "leaked": system.counters.leaked,
                "objects": len(gc.get_objects()) // 2000,
            }

        for number in range(7):
            await turn(number)
        before = count()
        for number in range(7, 109):  # as many turns of each kind as before
            await turn(number)
        after = count()
        assert after["objects"] <= before["objects"] + 1
        assert {**after, "objects": 0} == {**before, "objects": 0}


@virtual
async def test_no_two_parts_have_one_name() -> None:
    """A model may be called like a part that has changed; both are served still."""
    models = ["m", "m@2", "m@3"]
    async with embedded(WELL, providers={"p0": {**PROVIDER, "models": models}}) as router:
        for attempts in (2, 4):
            router.config["failover"] = {"max_attempts": attempts}
            await taken(router)
            for model in models:
                assert (await read(router.open(model=model))).target.model == model
