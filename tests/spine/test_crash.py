"""Actors that crash under traffic: who notices, who does not, and that what crashed is back."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from router.canon.outcome import End
from router.errors import Reason
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import head_then_silence, paused_stream, speak, stall_after
from tests.fakes.served import log_of, remote, routed, served, until
from tests.fakes.turn import Gate

_PIECES = ["red, ", "green, ", "blue"]


@on_real_loops
async def test_a_provider_that_crashes_in_the_middle_of_an_answer_ends_it_honestly(tmp_path: Path) -> None:
    """No finish reason and no `[DONE]`; the socket to the provider is closed, and nobody else is asked."""
    async with (
        ScriptedProvider(stall_after(["red"]), speak()) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two), tmp_path) as router,
    ):
        async with router.stream() as heard:
            await heard.begin()
            await router.crash("providers/one/provider")
            await heard.rest()
            assert heard.broken_off and heard.text == "red"
            assert heard.error is not None
            assert (heard.error["code"], heard.error["metadata"]["target"]) == ("provider_crashed", "one:m")
        await one.until(lambda: one.left == 1)
        assert two.turns == []
        async with router.chat() as response:
            assert (response.status, response.headers["x-router-provider"]) == (200, "one")
        crashed, answered = await router.entries(2)
        assert (crashed.end, crashed.reason) == (End.CRASHED, Reason.CRASHED)
        assert answered.end is End.COMPLETED


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@on_real_loops
async def test_a_provider_that_crashes_before_the_first_token_is_failed_over(streamed: bool, tmp_path: Path) -> None:
    """The caller sees one whole answer, from the next target."""
    async with (
        ScriptedProvider(head_then_silence()) as one,
        ScriptedProvider(speak("well")) as two,
        served(routed(one, two), tmp_path) as router,
        asyncio.TaskGroup() as group,
    ):

        async def ask() -> tuple[str, str, str]:
            async with router.chat(stream=streamed) as response:
                body = await response.text()
                return response.headers["x-router-provider"], response.headers["x-router-attempts"], body

        asking = group.create_task(ask())
        await one.until(lambda: bool(one.turns))
        await router.crash("providers/one/provider")
        provider, attempts, body = await asking
        assert (provider, attempts) == ("two", "2")
        assert "well" in body and "error" not in body
        crashed, answered = await router.entries(2)
        assert (crashed.provider, crashed.end) == ("one", End.CRASHED)
        assert (answered.provider, answered.end) == ("two", End.COMPLETED)


@on_real_loops
async def test_streams_of_another_provider_go_on_when_one_crashes(tmp_path: Path) -> None:
    """Ten of them, to their ends."""
    gate = Gate()
    async with (
        ScriptedProvider(stall_after(["red"])) as one,
        ScriptedProvider(paused_stream(_PIECES, gate)) as two,
        served(routed(one, two), tmp_path) as router,
        AsyncExitStack() as stack,
    ):
        broken, *others = [
            await (await stack.enter_async_context(router.stream(model=model))).begin()
            for model in ("one:m", *["two:m"] * 10)
        ]
        await router.crash("providers/one/provider")
        assert (await broken.rest()).broken_off
        gate.open()
        for heard in others:
            assert (await heard.rest()).complete and heard.text == "".join(_PIECES)


_BYSTANDERS = (
    "config",
    "ledger",
    "telemetry",
    "limits",
    "cache",
    "capability",
    "retry",
    "groups/chat",
    "providers/one/pace",
    "providers/one/breaker",
)
"""Every actor that no stream under way depends on."""


@pytest.mark.parametrize("actor", _BYSTANDERS)
@on_real_loops
async def test_an_actor_that_crashes_takes_no_stream_with_it(actor: str, tmp_path: Path) -> None:
    """The answer is whole, the account has it closed, the next request is served, and the crash was reported."""
    gate = Gate()
    async with (
        ScriptedProvider(paused_stream(_PIECES, gate), speak()) as one,
        served(routed(one), tmp_path) as router,
    ):
        async with router.stream(stream_options={"include_usage": True}) as heard:
            await heard.begin()
            await router.crash(actor)
            gate.open()
            await heard.rest()
            assert heard.complete and heard.text == "".join(_PIECES)
            assert heard.usage is not None
        async with router.chat() as response:
            assert response.status == 200
        assert [row.end for row in await router.entries(2)] == [End.COMPLETED] * 2
        await until(lambda: bool(log_of(router.log.read, "actor restarted", actor=f"root/{actor}")))


@on_real_loops
async def test_a_restarted_pace_still_counts_the_streams_under_way(tmp_path: Path) -> None:
    """Its one slot is in use, and there is no queue: the next request is turned away until the stream has ended."""
    gate = Gate()
    async with ScriptedProvider(paused_stream(_PIECES, gate), speak()) as one:
        config = routed(remote(one, max_parallel=1, max_queue=0), failover={"max_attempts": 1})
        async with served(config, tmp_path) as router:
            async with router.stream() as heard:
                await heard.begin()
                await router.crash("providers/one/pace")
                async with router.chat() as response:
                    assert response.status == 429
                gate.open()
                assert (await heard.rest()).complete
            await until(lambda: router.in_flight == 0)
            async with router.chat() as response:
                assert response.status == 200


@on_real_loops
async def test_a_unit_that_crashes_again_and_again_goes_down_alone_and_comes_back(tmp_path: Path) -> None:
    """Past its intensity its targets are skipped, the others answer; with a growing wait it returns."""
    async with (
        ScriptedProvider(speak()) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two), tmp_path) as router,
    ):
        ref = router.ref("providers/one/provider")
        unit = router.ref("providers/one")
        before = unit.incarnation
        while unit.alive and unit.incarnation == before:
            ref.tell(object())
            await asyncio.sleep(0)
        async with router.chat() as response:
            assert (response.status, response.headers["x-router-provider"]) == (200, "two")
        assert (await router.get("/health"))[1]["status"] == "degraded"
        await until(lambda: ref.alive)
        async with router.chat() as response:
            assert (response.status, response.headers["x-router-provider"]) == (200, "one")
        assert (await router.get("/health"))[1]["status"] == "healthy"
        assert router.assembly.system.ended is None


@on_real_loops
async def test_a_front_that_crashes_listens_again(tmp_path: Path) -> None:
    """Its connections go with it; the next request, on the same port or a new one, is served."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        await router.crash("front")
        router.find()
        async with router.chat() as response:
            assert response.status == 200


@on_real_loops
async def test_a_front_that_crashes_is_no_caller_that_left(tmp_path: Path) -> None:
    """The reader gets the honest end before its connection closes, and the account books it as our fault."""
    async with ScriptedProvider(stall_after(["red"])) as one, served(routed(one), tmp_path) as router:
        async with router.stream() as heard:
            await heard.begin()
            await router.crash("front")
            assert (await heard.rest()).broken_off
        [entry] = await router.entries(1)
        assert (entry.end, entry.reason) == (End.FAILED, Reason.INTERNAL)
