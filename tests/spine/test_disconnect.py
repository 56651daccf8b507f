"""A caller that leaves, whenever: its provider sees the close at once, and nothing is held."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from router.canon.outcome import End
from router.errors import Reason
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import head_then_silence, silence, speak, stall_after, status
from tests.fakes.served import Served, remote, routed, served, until
from tests.fakes.turn import Script

_SEEN_S = 1.0
"""How soon a provider must see that its caller has left."""


async def _reads_a_piece(router: Served, _: ScriptedProvider) -> None:
    async with router.stream() as heard:
        await heard.begin()


async def _waits(router: Served, provider: ScriptedProvider, *, stream: bool) -> None:
    """Leave once the provider has the request and the router has nothing to say yet."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(_ask(router, stream=stream))
        await provider.until(lambda: bool(provider.turns))
        asking.cancel()


async def _ask(router: Served, *, stream: bool) -> None:
    async with router.chat(stream=stream) as response:
        await response.read()


async def _waits_for_a_stream(router: Served, provider: ScriptedProvider) -> None:
    await _waits(router, provider, stream=True)


async def _waits_for_all_of_it(router: Served, provider: ScriptedProvider) -> None:
    await _waits(router, provider, stream=False)


Leaving = Callable[[Served, ScriptedProvider], Awaitable[None]]
_LEAVINGS: dict[str, tuple[Script, Leaving]] = {
    "in the middle of a stream": (stall_after(["red"]), _reads_a_piece),
    "before the head of a stream": (silence(), _waits_for_a_stream),
    "before the first token": (head_then_silence(), _waits_for_a_stream),
    "before an answer that is not streamed": (silence(), _waits_for_all_of_it),
    "inside the head of an answer that is not streamed": (head_then_silence(), _waits_for_all_of_it),
}


@pytest.mark.parametrize(("script", "leave"), _LEAVINGS.values(), ids=_LEAVINGS)
@on_real_loops
async def test_a_caller_that_leaves_closes_its_provider_and_gives_everything_back(
    script: Script, leave: Leaving, tmp_path: Path
) -> None:
    """The one slot is free for the next, the account says who left, and the breaker is not moved."""
    async with ScriptedProvider(script, speak()) as one:
        config = routed(remote(one, max_parallel=1), breaker={"failure_threshold": 1})
        async with served(config, tmp_path) as router:
            await leave(router, one)
            async with asyncio.timeout(_SEEN_S):
                await one.turns[0].over.wait()
            assert one.turns[0].ended == "left"
            await until(lambda: router.in_flight == 0)
            async with router.chat() as response:
                assert response.status == 200
            left, answered = await router.entries(2)
            assert (left.end, left.reason) == (End.CLIENT_GONE, Reason.CLIENT_GONE)
            assert answered.end is End.COMPLETED
            await one.until(lambda: one.running == 0)
            assert one.most_running == 1


@on_real_loops
async def test_a_caller_that_leaves_between_two_attempts_starts_no_second(tmp_path: Path) -> None:
    """It leaves while the router waits to ask again."""
    async with ScriptedProvider(status(500), speak()) as one:
        config = routed(one, retry={"base_delay_ms": 20_000, "max_delay_ms": 20_000, "jitter": False})
        async with served(config, tmp_path) as router:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(_ask(router, stream=False))
                await one.until(lambda: bool(one.turns) and one.running == 0)
                await router.entries(1)
                assert router.in_flight == 1
                asking.cancel()
            await until(lambda: router.in_flight == 0)
            assert len(one.turns) == 1
            assert [row.end for row in await router.entries(1)] == [End.FAILED]


@on_real_loops
async def test_a_caller_that_leaves_the_queue_of_a_provider_is_taken_out_of_it(tmp_path: Path) -> None:
    """It never reached the provider, so the account does not know it; the next in line is served."""
    async with (
        ScriptedProvider(stall_after(["red"]), speak()) as one,
        served(routed(remote(one, max_parallel=1)), tmp_path) as router,
    ):
        async with router.stream() as heard, asyncio.TaskGroup() as group:
            await heard.begin()
            leaver = group.create_task(_ask(router, stream=True))
            await until(lambda: router.in_flight == 2)
            stayer = group.create_task(_ask(router, stream=True))
            await until(lambda: router.in_flight == 3)
            leaver.cancel()
            await until(lambda: router.in_flight == 2)
            heard.response.close()
            await stayer
        assert len(one.turns) == 2
        assert [row.end for row in await router.entries(2)] == [End.CLIENT_GONE, End.COMPLETED]


@on_real_loops
async def test_callers_that_leave_by_the_hundred_leave_nothing_behind(tmp_path: Path) -> None:
    """Tasks, sockets to the provider and exchanges are back where they were."""
    async with ScriptedProvider(stall_after(["red"])) as one, served(routed(one), tmp_path) as router:
        await _reads_a_piece(router, one)
        await until(lambda: router.in_flight == 0)
        await one.until(lambda: one.open_connections == 0)
        before = len(asyncio.all_tasks())
        for _ in range(5):
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(_reads_a_piece(router, one))
        await until(lambda: router.in_flight == 0)
        await one.until(lambda: one.open_connections == 0)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        assert len(one.turns) == one.left == 101
